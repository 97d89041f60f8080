"""The site at a path of its own, behind a real nginx and a real Caddy, over https, as deploy/ sets them up."""

import http.cookiejar
import json
import re
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

import pytest

from tests.conftest import write_song
from tests.web.browser.chromium import need
from tests.web.site import PATIENCE, Site, free_port

DEPLOY = Path(__file__).parents[2] / "deploy"
PREFIX = "/stems"
ADDRESS = re.compile(
    r"""(?:href|src|action|formaction|hx-(?:get|post|put|delete)|data-(?:manifest|worklet))="([^"]*)\""""
)
IMPORTS = {
    "text/javascript": re.compile(r"""(?:from |import )"(\.[^"]*)";"""),
    "text/css": re.compile(r"""url\("?((?!data:)[^")]+)"?\)"""),
}


def self_made_certificate(folder: Path) -> tuple[Path, Path]:
    key, certificate = folder / "key.pem", folder / "cert.pem"
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    files = ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*make, *files], check=True, capture_output=True)
    return key, certificate


class Proxy:
    """The site, and nginx or Caddy in front of it; nginx sends the files, too."""

    def __init__(self, folder: Path, model: Path) -> None:
        need("nginx", "caddy", packages="nginx caddy")
        key, certificate = self_made_certificate(folder)
        self.trusts = ssl.create_default_context(cafile=str(certificate))
        self.port = free_port()
        self.site = Site(
            folder / "data", UNBRAID_MODEL=str(model), UNBRAID_DEMO_SONG="none", UNBRAID_PROXY="1",
            UNBRAID_URL=f"https://localhost:{self.port}{PREFIX}",
        )  # fmt: skip
        self.site.data.mkdir()
        upstream = f"127.0.0.1:{self.site.port}"
        server = (DEPLOY / "nginx.conf").read_text()
        for written, here in (
            ("listen 443 ssl;", f"listen 127.0.0.1:{self.port} ssl;"),
            ("/etc/ssl/certs/stems.pem", str(certificate)),
            ("/etc/ssl/private/stems.key", str(key)),
            ("127.0.0.1:8000", upstream),
            ("/var/lib/unbraid/media/", f"{self.site.data}/media/"),
            ("location / {", f"location {PREFIX}/ {{"),
        ):
            assert written in server
            server = server.replace(written, here)
        temporary = "".join(
            f"{kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        (folder / "nginx.conf").write_text(
            f"user root;\npid {folder}/nginx.pid;\ndaemon off;\nerror_log {folder}/nginx.log;\nevents {{}}\n"
            f"http {{\naccess_log off;\n{temporary}{server}}}\n"
        )
        caddy = (DEPLOY / "Caddyfile").read_text()
        caddy = caddy.replace(
            "{$SITE_HOST:stems.example.org} {", f"https://localhost:{self.port} {{\n\ttls {certificate} {key}"
        )
        caddy = caddy.replace("{$SITE_UPSTREAM:127.0.0.1:8000}", upstream)
        (folder / "Caddyfile").write_text(f"{{\n\tadmin off\n\tauto_https disable_redirects\n}}\n{caddy}")
        self.folder = folder
        self.commands = {
            "nginx": ["nginx", "-c", str(folder / "nginx.conf")],
            "caddy": ["env", f"HOME={folder}", "caddy", "run", "--adapter=caddyfile", f"--config={folder}/Caddyfile"],
        }

    @contextmanager
    def behind(self, front: str) -> Iterator["Proxy"]:
        """Have one of the two in front, at the port that the site knows as its own."""
        with (self.folder / "proxy.log").open("ab") as log:
            process = subprocess.Popen(self.commands[front], stdout=log, stderr=log)
        try:
            yield self
        finally:
            process.terminate()
            process.wait(PATIENCE)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Iterator[Proxy]:
    proxy = Proxy(tmp_path_factory.mktemp("proxy"), tiny_model)
    try:
        proxy.site.start()
        yield proxy
    finally:
        proxy.site.stop()


class CookieJar(http.cookiejar.CookieJar):
    """Cookies, and all that there ever were."""

    def __init__(self) -> None:
        super().__init__()
        self.ever: list[http.cookiejar.Cookie] = []

    def set_cookie(self, cookie: http.cookiejar.Cookie) -> None:
        self.ever.append(cookie)
        super().set_cookie(cookie)


class Browser:
    """A browser without scripts: cookies, redirects, forms."""

    def __init__(self, origin: str, trusts: ssl.SSLContext) -> None:
        self.origin, self.cookies = origin, CookieJar()
        self._opener = urllib.request.build_opener(
            urllib.request.HTTPSHandler(context=trusts), urllib.request.HTTPCookieProcessor(self.cookies)
        )

    def ask(self, path: str, data: bytes | None = None, method: str = "", **headers: str) -> Any:
        sent = {name.replace("_", "-"): value for name, value in headers.items()} | {"Origin": self.origin}
        sent |= {"Referer": self.origin + PREFIX}
        if data is not None and "X-CSRFToken" not in sent:
            sent["X-CSRFToken"] = self.csrf
        url = urljoin(self.origin, path)
        request = urllib.request.Request(url, data, sent, method=method or ("POST" if data is not None else "GET"))
        return self._opener.open(request, timeout=60)

    def page(self, path: str) -> str:
        with self.ask(path) as answer:
            return str(answer.read().decode())

    def json(self, path: str, **keywords: Any) -> Any:
        with self.ask(path, **keywords) as answer:
            return json.load(answer)

    @property
    def csrf(self) -> str:
        return str(next(cookie.value for cookie in self.cookies if cookie.name.endswith("csrf")))


@pytest.mark.parametrize("front", ["nginx", "caddy"])
def test_a_path_of_its_own(site: Proxy, front: str, tmp_path: Path) -> None:
    browser = Browser(f"https://localhost:{site.port}", site.trusts)
    with site.behind(front):
        wait_until_up(browser)
        visit_everything(browser, f"{front}@example.org", write_song(tmp_path / "a song.flac", seconds=6))
    cookies = browser.cookies.ever
    assert {"unbraid_session", "unbraid_csrf"} <= {cookie.name for cookie in cookies}
    assert {(cookie.path, cookie.name.partition("_")[0]) for cookie in cookies} == {(f"{PREFIX}/", "unbraid")}
    assert all(cookie.secure for cookie in cookies)


def visit_everything(browser: Browser, email: str, file: Path) -> None:
    """Sign up, log in, separate a song, and see every page."""
    password = "strings and hammers"
    for path, leads_to in (("sign-up/", "/account/login/"), ("login/", "/library/")):
        form = fields(browser.page(f"{PREFIX}/account/{path}"))
        filled = {
            name: password if "password" in name else email
            for name in form
            if name not in ("csrfmiddlewaretoken", "next")
        }
        with browser.ask(f"{PREFIX}/account/{path}", urlencode(form | filled).encode()) as answer:
            assert urlsplit(answer.url).path == PREFIX + leads_to
    song = upload(browser, file)
    assert song.startswith(f"{PREFIX}/songs/")
    manifest = play(browser, song)
    download(browser, manifest)
    crawl(browser)
    with browser.ask(f"{PREFIX}/account/logout/", b"") as answer:
        assert urlsplit(answer.url).path == f"{PREFIX}/"


def wait_until_up(browser: Browser) -> None:
    end = time.monotonic() + PATIENCE
    while True:
        try:
            browser.ask(f"{PREFIX}/healthz/live").close()
            return
        except OSError:
            assert time.monotonic() < end
            time.sleep(0.1)


def fields(page: str) -> dict[str, str]:
    inputs = [dict(re.findall(r'(name|value)="([^"]*)"', tag)) for tag in re.findall(r"<input[^>]*>", page)]
    return {found["name"]: found.get("value", "") for found in inputs if "name" in found}


def upload(browser: Browser, file: Path) -> str:
    """Send a file as the page's script does."""
    announced = json.dumps({"filename": file.name, "size": file.stat().st_size}).encode()
    begun = browser.json(f"{PREFIX}/uploads/", data=announced, Content_Type="application/json")
    assert begun["url"].startswith(f"{PREFIX}/uploads/")
    whole, received = file.read_bytes(), 0
    while True:
        piece = whole[received : received + begun["piece"]]
        answer = browser.json(begun["url"], data=piece, method="PATCH", Upload_Offset=str(received))
        if "song" in answer:
            return str(answer["song"])
        received = answer["received"]


def play(browser: Browser, song: str) -> Any:
    """Wait for the stems, and fetch all that the mixer would."""
    [address] = re.findall(r'data-manifest="([^"]*)"', browser.page(song))
    end = time.monotonic() + PATIENCE
    while not (manifest := browser.json(address))["complete"]:
        assert time.monotonic() < end, manifest
        time.sleep(0.2)
    for stem in manifest["stems"]:
        with browser.ask(stem["segments"].replace("#", "0")) as answer:
            assert answer.read(4) == b"fLaC"
        with browser.ask(stem["spectrogram"]) as answer:
            assert answer.read(4) == b"\x89PNG"
    return manifest


def download(browser: Browser, manifest: Any) -> None:
    """Fetch a part of a file as a browser does that goes on with a download."""
    address = manifest["stems"][0]["segments"].replace("#", "0")
    with browser.ask(address) as answer:
        whole = answer.read()
    with browser.ask(address, Range="bytes=10-19") as answer:
        assert (answer.status, answer.read()) == (206, whole[10:20])


def crawl(browser: Browser) -> None:
    """Follow every link, script, style sheet and picture from the first page and the library on."""
    waiting, seen = [f"{PREFIX}/", f"{PREFIX}/library/"], set()
    while waiting:
        address = waiting.pop()
        if address in seen:
            continue
        seen.add(address)
        try:
            with browser.ask(address) as answer:
                kind, found = answer.headers.get_content_type(), answer.read().decode(errors="replace")
        except urllib.error.HTTPError as error:
            assert error.code == 405, (address, error.code)  # a form's address, which takes no GET
            error.close()
            continue
        if kind == "text/html":
            links = [link for link in ADDRESS.findall(found) if not re.match(r"#|data:|mailto:|http", link)]
        else:
            links = IMPORTS[kind].findall(found) if kind in IMPORTS and "/ninja/" not in address else []
        for link in links:
            target = urlsplit(urljoin(browser.origin + address, link.replace("&amp;", "&")))
            assert target.path.startswith(f"{PREFIX}/"), (address, link)
            if "logout" not in target.path and "/delete/" not in target.path:
                waiting.append(f"{target.path}?{target.query}" if target.query else target.path)
    assert {f"{PREFIX}/library/", f"{PREFIX}/account/", f"{PREFIX}/api/v1/docs"} <= seen
    assert any(address.endswith(".js") for address in seen) and any(address.endswith(".css") for address in seen)
