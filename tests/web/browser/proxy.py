"""A bad network between the browser and the site: addresses that cannot be reached, answers that come late."""

import contextlib
import threading
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.web.site import Site


class LateAnswer:
    """An answer that the proxy has and keeps for the moment."""

    def __init__(self, part: str) -> None:
        self.part, self.made, self.released, self.sent = part, threading.Event(), threading.Event(), threading.Event()

    def wait(self) -> None:
        """Wait until the site has answered."""
        assert self.made.wait(60), f"nobody asked for {self.part}"

    def release(self) -> None:
        """Send it, and wait until it is sent."""
        self.released.set()
        assert self.sent.wait(60)


class Proxy(ThreadingHTTPServer):
    """A proxy in front of the site, which tells with 502 that the server is away for addresses with `away` in them."""

    daemon_threads = True

    def __init__(self, site: Site) -> None:
        self.site, self.away = site, "nothing"
        self.late: LateAnswer | None = None
        super().__init__(("127.0.0.1", 0), ProxyRequest)
        self.url = f"http://localhost:{self.server_port}"

    def keep_next(self, part: str) -> LateAnswer:
        """Keep the next answer for an address with `part` in it."""
        self.late = LateAnswer(part)
        return self.late


class ProxyRequest(BaseHTTPRequestHandler):
    """One request on its way to the site."""

    server: Proxy

    def do_GET(self) -> None:
        if self.server.away in self.path:
            self.send_error(502)
            return
        late = self.server.late
        if late and late.part in self.path:
            self.server.late = None
        else:
            late = None
        headers = {name: value for name, value in self.headers.items() if name.lower() != "accept-encoding"}
        request = urllib.request.Request(self.server.site.url + self.path, headers=headers)
        try:
            answer = urllib.request.urlopen(request, timeout=60)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            body = answer.read()
        if late:
            late.made.set()
            late.released.wait(60)
        with contextlib.suppress(ConnectionError):  # the browser may not want it any more
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                if name.lower() not in ("content-length", "connection", "transfer-encoding", "date", "server"):
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        if late:
            late.sent.set()

    def log_message(self, *_: object) -> None:
        """Say nothing."""
