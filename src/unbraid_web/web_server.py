"""The web server: waitress, extended to check the sender before it reads a body, and to drop slow connections."""

import contextlib
import copy
import json
import socket
import tempfile
import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string
from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.server import TcpWSGIServer
from waitress.utilities import Error, RequestEntityTooLarge

CONNECTIONS = 800
CONNECTIONS_FROM_ONE_ADDRESS = 200  # a school's browsers come from one address
IDLE_SECONDS = 60
DRAIN_SECONDS = 5
SLOW_SECONDS, SLOW_BYTES = 20, 1000  # after so many seconds, a request that brought fewer bytes a second is dropped


class Refusal(Exception):  # noqa: N818 # the request is at fault
    """A request whose body will not be read: the status to answer with, and a sentence."""

    def __init__(self, status: int, reason: str, sentence: str) -> None:
        super().__init__(sentence)
        self.status, self.reason = status, reason


class RefusedBody(Error):  # noqa: N818 # as waitress names its own
    """A refusal as waitress sends it: as JSON, since large bodies come from programs."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(str(refusal))
        self.code, self.reason = refusal.status, refusal.reason

    def to_response(self, ident: object | None = None) -> Any:
        """Return status, headers and body."""
        headers = [("Content-Type", "application/json; charset=utf-8")]
        return f"{self.code} {self.reason}", headers, json.dumps({"error": self.body}).encode()


class Parser(HTTPRequestParser):
    """Reads one request; its headers decide how much of a body is read."""

    def __init__(self, adj: Adjustments, channel: "Channel") -> None:
        super().__init__(adj)
        self.channel, self.began = channel, time.monotonic()

    @property
    def bytes_missing(self) -> int:
        """How many bytes of the body are still to come."""
        return 0 if self.completed else max(0, self.content_length - self.body_bytes_received)

    def is_too_slow(self) -> bool:
        """Whether the sender occupies the connection while sending very little."""
        seconds = time.monotonic() - self.began
        received = self.header_bytes_received + self.body_bytes_received
        return seconds > SLOW_SECONDS and received < SLOW_BYTES * seconds

    def received(self, data: bytes) -> int:
        """Read more of the request; one that is refused is complete, with the reason as its error."""
        consumed = len(data)
        try:
            consumed = super().received(data)
        except Refusal as refusal:
            self.error, self.completed, self.headers_finished = RefusedBody(refusal), True, True
        if isinstance(self.error, RequestEntityTooLarge):
            self.error = RefusedBody(Refusal(413, self.error.reason, "This request is too large."))
        if self.error:
            self.channel.was_refused, self.expect_continue = True, False
        return consumed

    def parse_header(self, header_plus: bytes) -> None:
        """Read the headers, then ask how long a body may follow."""
        super().parse_header(header_plus)
        path: str = self.path.removeprefix(settings.PREFIX)  # type: ignore[attr-defined] # set by now
        body_limit: Callable[..., int] = import_string(settings.BODY_LIMIT)
        self.adj = copy.copy(self.adj)
        self.adj.max_request_body_size = 1 + body_limit(path, self.headers, self.channel.server.bytes_awaited())


class Channel(HTTPChannel):
    """One connection.

    After a refusal it sends nothing more, but reads and discards for a moment: if a socket is closed with unread bytes,
    the other side loses the response too.
    """

    server: "Server"
    request: Parser | None = None
    was_refused = False
    drains_until = 0.0

    def __init__(self, server: "Server", *args: Any, **kwargs: Any) -> None:
        super().__init__(server, *args, **kwargs)
        self.will_close = server.has_enough_from(self.addr[0])

    def parser_class(self, adj: Adjustments) -> Parser:  # type: ignore[override] # waitress only calls it
        """Return the parser of the next request."""
        return Parser(adj, self)

    def readable(self) -> bool:
        """Whether more may come."""
        return bool(self.drains_until) or super().readable()

    def writable(self) -> bool:
        """Whether there is something to send, or to close."""
        return time.monotonic() > self.drains_until if self.drains_until else super().writable()

    def handle_read(self) -> None:
        """Read more."""
        if not self.drains_until:
            super().handle_read()
            return
        try:
            self.recv(self.adj.recv_bytes)  # closes at the end of what comes
        except OSError:
            super().handle_close()

    def handle_write(self) -> None:
        """Send on, or close when the moment is over."""
        if self.drains_until:
            super().handle_close()
        else:
            super().handle_write()

    def handle_close(self) -> None:
        """Close, after a refusal in two steps."""
        if self.was_refused and not self.drains_until and self.socket is not None:
            with contextlib.suppress(OSError):
                self.socket.shutdown(socket.SHUT_WR)
                self.drains_until, self.will_close = time.monotonic() + DRAIN_SECONDS, False
                return
        super().handle_close()


class Server(TcpWSGIServer):
    """All connections."""

    channel_class = Channel
    active_channels: dict[int, Channel]  # type: ignore[assignment] # as waitress has it

    def bytes_awaited(self) -> int:
        """How many bytes are still to come in the requests that are being received."""
        return sum(channel.request.bytes_missing for channel in self.active_channels.values() if channel.request)

    def has_enough_from(self, address: str) -> bool:
        """Whether this address has its share of connections; a proxy's address is exempt, as everybody shares it."""
        if settings.TRUSTED_PROXY:
            return False
        open_now: int = sum(channel.addr[0] == address for channel in list(self.active_channels.values()))
        return open_now > CONNECTIONS_FROM_ONE_ADDRESS

    def maintenance(self, now: Any) -> None:
        """Close connections that are silent, and those that are too slow."""
        super().maintenance(now)
        for channel in self.active_channels.values():
            if channel.request and channel.request.is_too_slow():
                channel.will_close = True


def make_server(application: Callable[..., Any], host: str, port: int) -> Server:
    """Return the server, listening already; `run()` serves until an interrupt."""
    waiting_room = settings.DATA / "work"
    waiting_room.mkdir(parents=True, exist_ok=True)
    tempfile.tempdir = str(waiting_room)  # bodies wait on the disk whose room is watched
    proxy: dict[str, Any] = {
        "trusted_proxy": settings.TRUSTED_PROXY,
        "trusted_proxy_headers": {"x-forwarded-for", "x-forwarded-proto"},
    }
    return Server(
        application,
        host=host,
        port=port,
        url_prefix=settings.PREFIX,  # taken off, whether or not the proxy has done so
        threads=8,
        ident="unbraid",
        connection_limit=CONNECTIONS,
        backlog=socket.SOMAXCONN,
        asyncore_use_poll=True,  # select() knows 1024 files at most
        cleanup_interval=5,
        channel_timeout=IDLE_SECONDS,
        recv_bytes=2**18,  # few, large reads: each one waits for the interpreter while pages are being made
        **(proxy if settings.TRUSTED_PROXY else {}),
    )
