"""The doctor says what is wrong and what to do, and settings that cannot work do not start."""

import logging
import runpy
import socket
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from tests.web.operations.test_health import manage
from unbraid_web.operations import checks, configuration, doctor
from unbraid_web.operations.doctor import Level

SETTINGS = Path(configuration.__file__).parents[1] / "settings.py"
HTTPS = {"UNBRAID_URL": "https://stems.example.org", "UNBRAID_PROXY": "1"}
REFUSED: dict[str, dict[str, str]] = {
    "redirect to itself for ever": {"UNBRAID_URL": "https://stems.example.org"},
    "no browser can open": {"UNBRAID_URL": "stems.example.org"},
    "tracebacks to every visitor": HTTPS | {"UNBRAID_DEBUG": "1"},
    "UNBRAID_SECRET_KEY has 9 characters": {"UNBRAID_SECRET_KEY": "change me"},
    "refuse each other's sessions": {"UNBRAID_S3_BUCKET": "stems", "DATABASE_URL": "postgres://db/site"},
    "UNBRAID_METRICS_TOKEN has 5 characters": {"UNBRAID_METRICS_TOKEN": "token"},
    "UNBRAID_MAX_USER_GB is lots, which is not a number": {"UNBRAID_MAX_USER_GB": "lots"},
    "DATABASE_URL is not like postgres://": {"DATABASE_URL": "postgres://me:secret@host:port/site"},
}
DOUBTED: dict[str, dict[str, str]] = {
    "passwords can be read in transit": {"UNBRAID_URL": "http://stems.example.org"},
    "trusts any client": {"UNBRAID_PROXY": "*"},
    "counts log-in attempts separately": {"UNBRAID_BROKER_URL": "redis://localhost/0"},
    "may not fetch stems from the bucket": {"UNBRAID_S3_BUCKET": "stems", "DATABASE_URL": "postgres://db/site"},
    "workers on other hosts cannot reach it": {"UNBRAID_S3_BUCKET": "stems", "UNBRAID_S3_ORIGIN": "https://s3"},
    "password-reset links only go to the log": HTTPS,
}


@pytest.fixture
def with_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Reads the settings anew from an environment that holds only what is given."""

    def read(given: dict[str, str]) -> None:
        for name in ("UNBRAID_SECRET_KEY", "UNBRAID_DEMO_SONG", "DATABASE_URL", "EMAIL_HOST"):
            monkeypatch.delenv(name, raising=False)
        for name, value in ({"UNBRAID_DATA": str(tmp_path)} | given).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(configuration, "settings", SimpleNamespace(**runpy.run_path(str(SETTINGS))))

    return read


@pytest.mark.parametrize(("sentence", "given"), REFUSED.items())
def test_settings_that_cannot_work_are_refused(sentence: str, given: dict[str, str], with_environment: Any) -> None:
    try:
        with_environment(given)
        [refused] = configuration.refusals()
        said = refused.msg
        assert refused.hint
    except ImproperlyConfigured as error:
        said = str(error)
    assert sentence in said
    assert "secret@" not in said


@pytest.mark.parametrize(("sentence", "given"), DOUBTED.items())
def test_settings_to_think_about_are_named(sentence: str, given: dict[str, str], with_environment: Any) -> None:
    with_environment(given)
    assert sentence in " ".join(str(warning.msg) for warning in configuration.warnings())


@pytest.mark.parametrize("given", [{}, {"UNBRAID_URL": "http://192.168.1.7:8000"}, HTTPS | {"EMAIL_HOST": "mail"}])
def test_sound_settings_raise_no_doubt(given: dict[str, str], with_environment: Any) -> None:
    with_environment(given)
    assert configuration.refusals() + configuration.warnings() == []


def test_what_is_refused_does_not_start(tmp_path: Path) -> None:
    ended = manage(tmp_path, "work", UNBRAID_URL="https://stems.example.org")
    assert ended.returncode == 1
    assert "Set UNBRAID_PROXY=1" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.fixture
def circle() -> Iterator[str]:
    """A proxy that forgets to tell the scheme: each page leads to itself."""

    class Redirect(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(301)
            self.send_header("Location", self.path)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Redirect) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port at which nobody listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


def slow_storage() -> str:
    """The storage of a busy machine, by a library that tells of its work."""
    logging.getLogger("a library").warning("asking the storage")
    time.sleep(0.1)
    return checks.try_storage()


@pytest.mark.django_db
def test_each_part_is_examined(
    settings: Any,
    circle: str,
    closed_port: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(checks, "storage_answers", checks.Timed(slow_storage, "storage"))
    monkeypatch.setattr(checks, "ANSWER_SECONDS", 0.0)  # a busy machine is not a sick one: the doctor has time
    found = {finding.part: finding for finding in doctor.examine()}
    assert {part for part, finding in found.items() if finding.level is Level.OK} == {
        "settings", "database", "migrations", "storage", "disk", "clock", "mail", "separation",
    }  # fmt: skip
    assert {part for part, finding in found.items() if finding.level is Level.WARN} == {
        "workers", "housekeeper", "address",
    }  # fmt: skip
    settings.MODEL, settings.CONFIRM_BY_MAIL, settings.ORIGIN = str(tmp_path / "none.onnx"), True, circle
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.MIN_FREE_BYTES = "127.0.0.1", closed_port, 10**18
    failed = {finding.part: finding for finding in doctor.examine() if finding.level is Level.FAIL}
    assert set(failed) == {"disk", "mail", "address", "separation"}
    assert "none.onnx" in failed["separation"].sentence
    assert "X-Forwarded-Proto" in failed["address"].remedy
    assert all(finding.sentence.endswith(".") and finding.remedy.endswith(".") for finding in failed.values())
    assert not caplog.records, "only findings are printed"
