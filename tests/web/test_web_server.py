"""The web server on a real socket: HEAD, bodies that nobody asked for, visitors who dawdle, nginx in front."""

import json
import os
import re
import socket
import ssl
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import write_song
from tests.web.browser.chromium import need
from tests.web.site import PATIENCE, Site, free_port
from unbraid_web import web_server

DOCUMENT = Path(__file__).parents[2] / "docs" / "self-hosting.md"
MB = 10**6


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("served")
    song = write_song(folder / "demo.flac", seconds=6)
    running = Site(folder, UNBRAID_MODEL=str(tiny_model), UNBRAID_DEMO_SONG=str(song), UNBRAID_MAX_USER_GB="0.1")
    yield running.start()
    running.stop()


def talk(site: Site, sent: bytes) -> bytes:
    """Send bytes, and return all that comes back until the server closes or is silent."""
    with socket.create_connection(("localhost", site.port), timeout=PATIENCE) as line:
        line.sendall(sent)
        answer = line.recv(65536)
        line.settimeout(1)
        try:
            while more := line.recv(65536):
                answer += more
        except TimeoutError:
            pass
    return answer


def test_head_is_the_header_of_get_and_nothing_else(site: Site) -> None:
    token = site.token("head@example.org")
    song = site.api(token, "POST", "/api/v1/songs", file=write_song(site.data / "head.flac", seconds=6))
    done = site.wait_for(token, f"/api/v1/songs/{song['id']}")
    site.api(token, "GET", done["stems"][0]["file"])  # put together now
    connection = HTTPConnection("localhost", site.port, timeout=PATIENCE)
    headers = {"Authorization": f"Bearer {token}"}
    pages = ["/", "/account/login/", "/nothing", "/healthz", "/api/v1/songs", "/static/unbraid/logo.svg"]
    for path in [*pages, done["stems"][0]["file"]]:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        whole = len(answer.read())
        line = connection.sock
        connection.request("HEAD", path, headers=headers)
        head = connection.getresponse()
        assert (head.status, head.headers["Content-Length"]) == (answer.status, str(whole)), path
        head.read()
        assert connection.sock is line, path  # one connection all along: a byte too many would be the next answer
    connection.close()


@pytest.mark.parametrize("path", ["/uploads/whole/", "/api/v1/songs", "/uploads/", "/", "/account/login/"])
@pytest.mark.parametrize("credential", ["", "Cookie: sessionid=abcdefghijkl\r\n", "Authorization: Bearer unb_x\r\n"])
def test_a_stranger_is_refused_before_the_body_comes(site: Site, path: str, credential: str) -> None:
    head = f"POST {path} HTTP/1.1\r\nHost: localhost:{site.port}\r\n{credential}"
    answer = talk(site, f"{head}Content-Length: {300 * MB}\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert answer.endswith(b'{"error": "This request is too large."}')
    answer = talk(site, f"{head}Transfer-Encoding: chunked\r\n\r\n20000\r\n".encode() + bytes(0x20000))
    assert answer.startswith(b"HTTP/1.1 413 ")


def test_who_is_refused_and_gone_takes_nobody_along(site: Site) -> None:
    head = f"POST / HTTP/1.1\r\nHost: localhost:{site.port}\r\nContent-Length: {300 * MB}\r\n\r\n".encode()
    for number in range(60):
        with socket.create_connection(("localhost", site.port)) as line:
            line.sendall(head + bytes(number * 1000))
            if number % 2:
                time.sleep(0.002 * number)
            if number % 3:
                line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # closed with a reset
    assert talk(site, f"GET /healthz HTTP/1.1\r\nHost: localhost:{site.port}\r\n\r\n".encode()).startswith(b"HTTP/1.1")


def test_who_has_an_account_sends_what_the_quota_has_room_for(site: Site) -> None:
    token = site.token("sender@example.org")
    head = f"POST /api/v1/songs HTTP/1.1\r\nHost: localhost:{site.port}\r\nAuthorization: Bearer {token}\r\n"
    goes_on = talk(site, f"{head}Expect: 100-continue\r\nContent-Length: {50 * MB}\r\n\r\n".encode())
    assert goes_on.startswith(b"HTTP/1.1 100 ")
    answer = talk(site, f"{head}Content-Length: {150 * MB}\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 413 ")
    sentence = json.loads(answer.partition(b"\r\n\r\n")[2])["error"]
    assert sentence.startswith("This file needs 150 MB, but you have 100 MB left.")


def test_half_open_and_idle_connections_keep_nobody_out(site: Site) -> None:
    with ExitStack() as lines:
        for number in range(150):
            line = lines.enter_context(socket.create_connection(("localhost", site.port)))
            half = (b"GET / HTTP/1.1\r\nHost: local", b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc")
            line.sendall(half[number % 2])
        whole = f"GET /healthz HTTP/1.1\r\nHost: localhost:{site.port}\r\n\r\n".encode()
        assert talk(site, whole).startswith(b"HTTP/1.1 200")


@contextmanager
def serving(**limits: float) -> Iterator[int]:
    """Serve one word in this process, with other limits, and yield the port."""

    def application(environ: dict[str, Any], start: Callable[..., Any]) -> list[bytes]:
        start("200 OK", [("Content-Length", "2")])
        return [b"ok"]

    with pytest.MonkeyPatch.context() as patch:
        for name, value in limits.items():
            patch.setattr(web_server, name, value)
        port = free_port()
        server = web_server.make_server(application, "127.0.0.1", port)
        server.adj.cleanup_interval = 0
        server.adj.asyncore_loop_timeout = 0
        thread = threading.Thread(target=server.run)
        thread.start()
        try:
            yield port
        finally:
            server.close()
            server.pull_trigger = lambda: None  # type: ignore[method-assign] # its pipe is closed
            thread.join()


def is_answered(line: socket.socket) -> bool:
    """Read one answer."""
    line.settimeout(PATIENCE)
    answer = b""
    while not answer.endswith(b"ok"):
        answer += (part := line.recv(1000))
        if not part:
            return False
    return True


def is_closed(line: socket.socket) -> bool:
    """Wait until the other side closes."""
    line.settimeout(PATIENCE)
    try:
        return line.recv(1) == b""
    except ConnectionResetError:
        return True


def test_who_sends_a_letter_now_and_then_is_dropped() -> None:
    with serving(SLOW_SECONDS=0.3, SLOW_BYTES=1000) as port, ExitStack() as lines:
        head, body, quick = (lines.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(3))
        head.sendall(b"GET / HTT")
        body.sendall(b"POST / HTTP/1.1\r\nContent-Length: 5000\r\n\r\nabc")
        quick.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert is_answered(quick)
        assert is_closed(head)
        assert is_closed(body)
        quick.sendall(b"GET / HTTP/1.1\r\n\r\n")  # it was silent, not slow
        assert is_answered(quick)


def test_one_address_has_its_share_of_connections() -> None:
    with serving(CONNECTIONS_FROM_ONE_ADDRESS=3) as port, ExitStack() as lines:
        kept = [lines.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(3)]
        for line in kept:
            line.sendall(b"GET / HTTP/1.1\r\n\r\n")
            assert is_answered(line)
        assert is_closed(lines.enter_context(socket.create_connection(("127.0.0.1", port))))
        kept[0].sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert is_answered(kept[0])


def is_open(port: int) -> bool:
    """Whether something listens there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def nginx(folder: Path, site: Site) -> Iterator[int]:
    """Run nginx with the server block of the document, ports and paths apart, and yield the port of its TLS side."""
    need("nginx", "openssl", packages="nginx openssl")
    port = free_port()
    block = re.search(r"```nginx\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    assert block
    server = block[1]
    for written, here in (
        ("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"), ("127.0.0.1:8000", f"127.0.0.1:{site.port}"),
        ("/etc/ssl/certs/stems.pem", str(folder / "cert.pem")), ("/etc/ssl/private/stems.key", str(folder / "key.pem")),
        ("/var/lib/unbraid", str(site.data)),
    ):  # fmt: skip
        assert written in server
        server = server.replace(written, here)
    certify = (
        "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=stems.example.org -keyout key.pem -out cert.pem"
    )
    subprocess.run(certify.split(), cwd=folder, check=True, capture_output=True)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
    user = "user root;" if os.geteuid() == 0 else ""  # the test's folder is its own
    (folder / "nginx.conf").write_text(
        f"{user} daemon off; pid {folder}/pid; error_log {folder}/error.log; events {{}}\n"
        f"http {{ access_log off; {temporary}\n{server} }}\n"
    )
    process = subprocess.Popen(["nginx", "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")])
    try:
        end = time.monotonic() + PATIENCE
        while not is_open(port):
            assert process.poll() is None and time.monotonic() < end, (folder / "error.log").read_text()
            time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait()


def test_the_documented_nginx_in_front(tmp_path: Path, tiny_model: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    site = Site(
        data, UNBRAID_MODEL=str(tiny_model), UNBRAID_DEMO_SONG="none", UNBRAID_URL="https://stems.example.org",
        UNBRAID_PROXY="1",
    )  # fmt: skip
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with ExitStack() as running:
        running.callback(site.stop)
        site.start()
        port = running.enter_context(nginx(tmp_path, site))

        def ask(
            method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
        ) -> tuple[HTTPResponse, bytes]:
            connection = HTTPSConnection("127.0.0.1", port, timeout=PATIENCE, context=context)
            connection.request(method, path, body, {"Host": "stems.example.org", **(headers or {})})
            answer = connection.getresponse()
            content = answer.read()
            connection.close()
            return answer, content

        answer, _ = ask("GET", "/account/login/")
        assert answer.status == 200
        assert answer.headers["Strict-Transport-Security"]
        assert "Secure" in answer.headers["Set-Cookie"]
        assert ask("HEAD", "/account/login/")[1] == b""
        answer, content = ask("POST", "/uploads/whole/", bytes(2 * MB))
        assert answer.status == 413
        assert json.loads(content) == {"error": "This request is too large."}
        token = site.token("ana@example.org")
        song = write_song(tmp_path / "song.flac", seconds=6)
        edge = "edge"
        body = (
            f'--{edge}\r\nContent-Disposition: form-data; name="file"; filename="{song.name}"\r\n\r\n'.encode()
            + song.read_bytes()
            + f"\r\n--{edge}--\r\n".encode()
        )
        form = {"Content-Type": f"multipart/form-data; boundary={edge}", "Authorization": f"Bearer {token}"}
        made = json.loads(ask("POST", "/api/v1/songs", body, form)[1])
        end = time.monotonic() + PATIENCE
        while (found := json.loads(ask("GET", f"/api/v1/songs/{made['id']}", headers=form)[1]))["state"] != "done":
            assert time.monotonic() < end, site.log()
            time.sleep(0.1)
        while (sent := ask("GET", found["stems"][0]["file"], headers=form))[0].status == 503:
            assert time.monotonic() < end, site.log()
            time.sleep(0.1)
        answer, stem = sent
        assert answer.headers["Accept-Ranges"] == "bytes"  # nginx sent the file
        assert stem.startswith(b"fLaC")
