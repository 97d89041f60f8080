"""Requests of any shape at a running site: every address, every method, and the API by its own description.

    python benchmarks/fuzz_site.py [--requests 10000] [--seed N]

Starts the whole site (`unbraid web`) in a temporary folder with one person, one song and its stems. Hypothesis makes
half of the requests: for each address of the site, as owner, program or stranger, with parameters, headers and bodies
that are right, nearly right or nonsense. Schemathesis makes the other half from `/api/v1/openapi.json`. What must hold:
no answer is a 500, the API answers in JSON, HEAD has no body, the connection stands, and at the end the site is well.
Prints one JSON object, and each request that broke a rule as small as it could be made; then it ends with 1.
"""

import argparse
import http.client
import json
import re
import string
import subprocess
import sys
import tempfile
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from tests.conftest import write_song
from tests.tiny_models import write_mask_model
from tests.web.site import Site

ROUTES = """
import json
from django.urls import get_resolver

def routes(resolver, before=""):
    for entry in resolver.url_patterns:
        path = before + str(entry.pattern)
        if hasattr(entry, "url_patterns"):
            yield from routes(entry, path)
        else:
            yield path

print(json.dumps(sorted(set(routes(get_resolver())))))
"""
SESSION = """
from django.test import Client
from unbraid_web.accounts.models import User
client = Client()
client.force_login(User.objects.get())
print(client.cookies["sessionid"].value)
"""
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
ENDS_THE_SESSION = ("account/logout/", "account/leave/")
TYPES = [
    "application/json", "application/x-www-form-urlencoded", "application/octet-stream",
    "multipart/form-data; boundary=x", "text/plain; charset=nonsense",
]  # fmt: skip
PARAMETERS = ["q", "sort", "page", "size", "key", "deleted", "in", "next"]
FIELDS = [
    "filename", "size", "kind", "format", "stems", "gain", "pan", "bass",
    "title", "artist", "email", "password", "name", "scope", "days",
]  # fmt: skip
HEADERS = ["Range", "Upload-Offset", "HX-Request", "HX-Target", "Accept", "Cookie", "X-Forwarded-For", "Host"]
ODD_HEADERS = ["bytes=0-3", "bytes=-" + "9" * 5000, "0", "songs"]


@dataclass(frozen=True)
class Request:
    """One request, as it is sent."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Fuzzer:
    """Sends requests to a site and keeps count of the answers."""

    def __init__(self, site: Site, routes: list[str], who: dict[str, dict[str, str]], ids: list[str]) -> None:
        self.site, self.routes, self.who, self.ids = site, routes, who, ids
        self.answers: Counter[int] = Counter()
        self.faults: list[str] = []
        self.connection = http.client.HTTPConnection("localhost", site.port, timeout=120)

    def requests(self) -> st.SearchStrategy[Request]:
        """Return what makes requests."""
        text = st.text(max_size=40) | st.text(string.printable, max_size=40) | st.sampled_from(self.ids)
        text |= st.sampled_from(["\0", "%00", "../", "9" * 5000, "-1", "null", "٣", "a" * 3000])
        name_or_text = st.sampled_from(FIELDS) | text
        value = st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | text,
            lambda inner: st.lists(inner, max_size=4) | st.dictionaries(name_or_text, inner, max_size=5),
            max_leaves=12,
        )
        query = st.dictionaries(st.sampled_from(PARAMETERS) | text, text, max_size=3)
        as_json = value.map(lambda data: json.dumps(data).encode(errors="surrogatepass"))
        nested = st.sampled_from([b"[" * 100_000, b'{"a":' * 50_000, b"1e999", b"\xff\xfe", b""])
        form = st.dictionaries(name_or_text, text, max_size=4).map(lambda fields: encoded(fields).encode())
        header = st.dictionaries(
            st.sampled_from(HEADERS),
            st.text(string.printable.strip(), max_size=30) | st.sampled_from(ODD_HEADERS),
            max_size=2,
        )

        def build(
            route: str, method: str, parts: list[str], fields: dict[str, str], who: str, extra: dict[str, str],
            kind: str, body: bytes,
        ) -> Request:  # fmt: skip
            if route.startswith(ENDS_THE_SESSION) and who == "owner":
                who = "stranger"
            path = "/" + fill(route, parts)
            if fields:
                path += "?" + encoded(fields)
            return Request(method, path, {"Content-Type": kind, **extra, **self.who[who]}, body)

        return st.builds(
            build, st.sampled_from(self.routes), st.sampled_from(METHODS),
            st.lists(st.sampled_from(self.ids) | text, min_size=3, max_size=3), query,
            st.sampled_from(sorted(self.who)), header, st.sampled_from(TYPES),
            as_json | nested | form | st.binary(max_size=2000),
        )  # fmt: skip

    def send(self, request: Request) -> None:
        """Send the request and see that the answer is one.

        Raises:
            AssertionError: it broke a rule.
        """
        headers = {name: data.encode("latin-1", "replace").decode("latin-1") for name, data in request.headers.items()}
        try:
            self.connection.request(request.method, request.path, request.body, headers)
            answer = self.connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException):
            self.connection.close()
            raise
        self.answers[answer.status] += 1
        assert answer.status != 500, f"{answer.status} {content[:300]!r}"
        assert request.method != "HEAD" or not content, "HEAD has a body"
        if request.path.startswith("/api/v1/") and answer.status >= 400 and request.method != "HEAD":
            assert list(json.loads(content)) == ["error"], content[:300]


def safe(text: str) -> str:
    """Return the text as it stands in an address, halves of characters included."""
    return quote(text.encode("utf-8", "surrogatepass"), safe="")


def encoded(fields: dict[str, str]) -> str:
    """Return the fields as a form or an address has them."""
    return "&".join(f"{safe(name)}={safe(data)}" for name, data in fields.items())


def fill(route: str, parts: list[str]) -> str:
    """Return the route with something in the place of each of its variables."""
    rest = iter(parts * 4)
    plain = re.sub(r"\(\?P<\w+>[^)]*\)", "<str:x>", route).replace("^", "").replace("$", "").replace("\\", "")
    return re.sub(r"<[^>]+>", lambda _: safe(next(rest)), plain)


def fuzz(fuzzer: Fuzzer, count: int, number: int) -> None:
    """Send `count` requests that Hypothesis makes up; it makes smaller what went wrong."""

    @seed(number)
    @settings(
        max_examples=count, deadline=None, database=None, suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink], report_multiple_bugs=True,
    )  # fmt: skip
    @given(fuzzer.requests())
    def one(request: Request) -> None:
        fuzzer.send(request)

    try:
        one()
    except BaseException as error:  # an ExceptionGroup where there are several
        if isinstance(error, KeyboardInterrupt):
            raise
        fuzzer.faults += list(sentences(error))


def sentences(error: BaseException) -> Iterator[str]:
    """Tell what went wrong, and with which request."""
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from sentences(inner)
    else:
        yield " | ".join([repr(error)[:400], *getattr(error, "__notes__", [])])[:2000]


def schemathesis(site: Site, token: str, count: int, number: int) -> tuple[int, str]:
    """Let Schemathesis send requests by the API's own description; return its exit status and what it says."""
    operations = len(re.findall(r'"operationId"', json.dumps(site.api(token, "GET", "/api/v1/openapi.json"))))
    command = [
        sys.executable, "-c", "from schemathesis.cli import schemathesis; schemathesis()", "run",
        f"{site.url}/api/v1/openapi.json", "--header", f"Authorization: Bearer {token}", "--seed", str(number),
        "--checks", "not_a_server_error,content_type_conformance,response_schema_conformance",
        "--max-examples", str(max(1, count // max(1, operations))), "--mode", "all", "--phases", "examples,fuzzing",
    ]  # fmt: skip
    # A stem that is not put together yet is answered with 503 and Retry-After, and a full disk with 507.
    config = '[checks.not_a_server_error]\nexpected-statuses = ["2xx", "3xx", "4xx", "503", "507"]\n'
    (site.data / "schemathesis.toml").write_text(config)
    done = subprocess.run(command, capture_output=True, text=True, cwd=site.data)  # it leaves a cache
    return done.returncode, done.stdout + done.stderr


def main() -> int:
    """Run both and print the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        model = write_mask_model(data / "tiny.onnx")
        site = Site(data, UNBRAID_MODEL=str(model), UNBRAID_DEMO_SONG="none", UNBRAID_API_RATE="1000000/m")
        site.start()
        try:
            token = site.token("fuzz@example.org")
            song = site.api(token, "POST", "/api/v1/songs", file=write_song(data / "a song.flac", seconds=6))
            song = site.wait_for(token, f"/api/v1/songs/{song['id']}")
            csrf = "c" * 32
            session = site.manage("shell", "--no-imports", "-c", SESSION).strip()
            who = {
                "owner": {"Cookie": f"sessionid={session}; csrftoken={csrf}", "X-CSRFToken": csrf},
                "program": {"Authorization": f"Bearer {token}"},
                "stranger": {},
            }
            separation = site.manage(
                "shell", "--no-imports", "-c",
                "from unbraid_web.separations.models import Separation; print(Separation.objects.get().pk)",
            ).strip()  # fmt: skip
            routes = json.loads(site.manage("shell", "--no-imports", "-c", ROUTES))
            # The admin pages are Django's, and send everybody here to the log-in form.
            routes = [
                route for route in routes if not route.startswith("admin/") or route in ("admin/", "admin/login/")
            ]
            ids = [song["id"], separation, str(uuid.UUID(int=0)), "vocals", "0", "1"]
            fuzzer = Fuzzer(site, routes, who, ids)
            fuzz(fuzzer, arguments.requests // 2, arguments.seed)
            status, said = schemathesis(site, token, arguments.requests // 2, arguments.seed)
            well = site.api(token, "GET", "/healthz")
            log = (data / "site.log").read_text()
        finally:
            site.stop()
    # Hosts that nobody serves are Django's own error to log, and the worker starts after the pages.
    expected = ("django.security", "/healthz", '"status_code": 503')
    errors = [line for line in log.splitlines() if '"level": "error"' in line and not any(x in line for x in expected)]
    report: dict[str, Any] = {
        "answers": dict(sorted(fuzzer.answers.items())),
        "faults": fuzzer.faults,
        "schemathesis": re.findall(r"(\d+ generated[^\n]*)", said) or status,
        "errors_logged": errors[:5],
        "status": well["status"],
    }
    print(json.dumps(report, indent=2))
    if status:
        print(said[-4000:], file=sys.stderr)
    return 1 if fuzzer.faults or status or errors or well["status"] != "ok" else 0


if __name__ == "__main__":
    sys.exit(main())
