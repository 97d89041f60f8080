"""What monitoring sees, and what a deployment must be."""

import errno
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from botocore.exceptions import EndpointConnectionError  # type: ignore[import-untyped]
from django.core.files.storage import default_storage
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from tests.web.conftest import Person
from unbraid_web.api.models import Token
from unbraid_web.operations import checks
from unbraid_web.separations.jobs import job
from unbraid_web.separations.models import Separation, Worker
from unbraid_web.songs.models import Song


@pytest.fixture
def everybody(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker and a housekeeper that live, and no answer of the storage remembered from another test."""
    for role in Worker.Role:
        Worker(name=f"here:{role.value}", role=role).beat()
    monkeypatch.setattr(checks, "storage_answers", checks.Timed(checks.try_storage, "storage"))
    monkeypatch.setattr(checks, "KEPT_SECONDS", -1.0)


def unwell(client: Client) -> dict[str, str]:
    """What /healthz says of the parts that are not well, to a stranger."""
    answer = client.get("/healthz", REMOTE_ADDR="203.0.113.7")
    assert (answer.status_code == 200) is (answer.json()["status"] == "ok")
    return {part: word for part, word in answer.json().items() if part != "status" and word != "ok"}


@pytest.mark.usefixtures("everybody")
def test_healthz_names_what_is_not_well(visitor: Client, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert unwell(visitor) == {}
    kept, settings.MIN_FREE_BYTES = settings.MIN_FREE_BYTES, 10**18
    assert unwell(visitor) == {"disk": "full"}
    settings.MIN_FREE_BYTES = kept
    with monkeypatch.context() as patch:
        patch.setattr(default_storage, "save", Mock(side_effect=OSError(errno.EROFS, "Read-only file system")))
        assert unwell(visitor) == {"storage": "refuses"}
    with monkeypatch.context() as patch, closing_door() as door:
        patch.setattr(checks, "ANSWER_SECONDS", 0.01)
        patch.setattr(default_storage, "save", Mock(side_effect=lambda *_: door.wait(60)))
        assert unwell(visitor) == {"storage": "no answer"}
        assert visitor.get("/healthz/live").status_code == 200
    Worker.objects.filter(role=Worker.Role.HOUSEKEEPER).delete()
    assert unwell(visitor) == {"housekeeper": "none"}
    settings.USES_BROKER, settings.RQ_QUEUES = True, {"default": {"URL": "redis://localhost:1/0"}}
    assert unwell(visitor) == {"housekeeper": "none", "broker": "unreachable"}
    MigrationRecorder(connection).migration_qs.filter(app="songs").latest("name").delete()
    assert unwell(visitor)["migrations"] == "missing"
    assert visitor.post("/healthz").status_code == 405


@pytest.mark.usefixtures("everybody")
def test_names_and_sentences_are_for_this_machine_and_the_token(visitor: Client, settings: Any) -> None:
    settings.METRICS_TOKEN, bearer = "a-token", {"Authorization": "Bearer a-token"}
    Worker.objects.create(name="there:9", seen_at=timezone.now() - timedelta(minutes=5))
    here = visitor.get("/healthz").json()
    assert here["alive"] == {"worker": ["here:worker"], "housekeeper": ["here:housekeeper"]}
    assert here["silent"] == ["there:9"]
    assert visitor.get("/healthz", headers=bearer, REMOTE_ADDR="203.0.113.7").json() == here
    assert "there:9" not in visitor.get("/healthz", REMOTE_ADDR="203.0.113.7").content.decode()


@pytest.mark.usefixtures("everybody")
def test_monitoring_is_answered_on_the_machine_itself_also_where_visitors_need_https(
    visitor: Client, settings: Any
) -> None:
    settings.SECURE_SSL_REDIRECT, settings.ALLOWED_HOSTS = True, ["stems.example.org"]
    settings.METRICS_TOKEN = "a-token"
    here = {"Host": "127.0.0.1:8000"}
    for path in ("/healthz", "/healthz/live"):
        assert visitor.get(path, headers=here).status_code == 200
    assert visitor.get("/metrics", headers=here | {"Authorization": "Bearer a-token"}).status_code == 200
    assert visitor.get("/metrics", headers=here).status_code == 400
    assert visitor.get("/", headers=here).status_code == 400


@contextmanager
def closing_door() -> Iterator[threading.Event]:
    """An event that is set in the end; the checks that wait for it end too."""
    door = threading.Event()
    try:
        yield door
    finally:
        door.set()
        for thread in threading.enumerate():
            if thread.name == "storage":
                thread.join(60)  # its answer must not be the next one's


def test_metrics_are_for_staff_and_for_who_has_the_token(
    alice: Person, visitor: Client, done: Song, settings: Any
) -> None:
    assert visitor.get("/metrics").status_code == 404
    assert alice.client.get("/metrics").status_code == 404
    settings.METRICS_TOKEN = "a-token"
    Separation.objects.filter(song=done).update(
        queued_at=timezone.now() - timedelta(seconds=50), started_at=timezone.now() - timedelta(seconds=30),
        finished_at=timezone.now() - timedelta(seconds=6), attempt=2,
    )  # fmt: skip
    for position, sentence in enumerate((job.OUR_FAULT, job.DISK_FULL, "This file is no audio.", job.OUR_FAULT)):
        Separation.objects.create(
            song=done, state="failed", error=sentence, finished_at=timezone.now(), attempt=position
        )
    Separation.objects.create(song=done, queued_at=timezone.now() - timedelta(seconds=100))
    text = visitor.get("/metrics", headers={"Authorization": "Bearer a-token"}).content.decode()
    told = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert done.duration and told["unbraid_users",] == 1
    assert told["unbraid_separations", "done"] == told["unbraid_queue_length", "separation"] == 1
    assert told["unbraid_stored_bytes",] == done.bytes_total
    assert told["unbraid_oldest_waiting_seconds",] == pytest.approx(100, abs=5)
    assert told["unbraid_wait_seconds", "0.95"] == pytest.approx(20, abs=0.1)
    assert told["unbraid_work_per_song_second", "0.5"] == pytest.approx(24 / done.duration, rel=0.01)
    assert [told["unbraid_failures", cause] for cause in ("ours", "disk", "worker", "file")] == [2, 1, 0, 1]
    assert (told["unbraid_up", "database"], told["unbraid_up", "workers"]) == (1, 0)
    assert visitor.get("/metrics", headers={"Authorization": "Bearer guess"}).status_code == 404


def test_admin_pages_work(alice: Person, done: Song) -> None:
    assert alice.client.get("/admin/").status_code == 302
    alice.user.is_staff = alice.user.is_superuser = True
    alice.user.save()
    for page in ("accounts/user/", "songs/song/", "separations/separation/?state__exact=done", "separations/export/"):
        assert alice.client.get(f"/admin/{page}").status_code == 200
    retry = {"action": "try_again", "_selected_action": [str(done.separations.get().pk)]}
    assert alice.client.post("/admin/separations/separation/", retry).status_code == 302


def manage(data: Path, *command: str, **settings: str) -> subprocess.CompletedProcess[str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("UNBRAID_")}
    environment = kept | {"UNBRAID_DATA": str(data)} | settings
    run = [sys.executable, "-W", "ignore::UserWarning", "-m", "django", *command]
    return subprocess.run(run, env=environment, capture_output=True, text=True)


def test_a_deployment_passes_djangos_checks(tmp_path: Path) -> None:
    checked = manage(
        tmp_path, "check", "--deploy", "--fail-level=WARNING",
        UNBRAID_URL="https://stems.example.org", UNBRAID_SECRET_KEY="k9" * 30 + "xyzXYZ", UNBRAID_PROXY="1",
        EMAIL_HOST="mail.example.org",
    )  # fmt: skip
    assert checked.returncode == 0, checked.stderr


HSTS = """
from django.test import Client
print(Client().get("/account/login/", secure=True).headers["Strict-Transport-Security"])
"""


def test_https_is_demanded_of_other_sites_of_the_domain_only_when_asked_for(tmp_path: Path) -> None:
    secure = {
        "UNBRAID_URL": "https://stems.example.org",
        "UNBRAID_PROXY": "1",
        "UNBRAID_HOSTS": "testserver",
        "DATABASE_URL": "sqlite://:memory:",
    }
    code = ("shell", "--no-imports", "-c", HSTS)
    assert manage(tmp_path, *code, **secure).stdout.strip() == "max-age=31536000"
    asked = secure | {"UNBRAID_HSTS_SUBDOMAINS": "1", "UNBRAID_HSTS_PRELOAD": "1"}
    assert manage(tmp_path, *code, **asked).stdout.strip() == "max-age=31536000; includeSubDomains; preload"


def test_models_and_migrations_agree(tmp_path: Path) -> None:
    found = manage(tmp_path, "makemigrations", "--check", "--dry-run", "accounts", "songs", "separations", "api")
    assert found.returncode == 0, found.stdout


LIGHT = """
import sys
from unbraid_web.wsgi import application
from django.test import Client
assert Client().get("/account/login/").status_code == 200  # the addresses, and with them all views, are imported now
HEAVY = ("unbraid", "onnxruntime", "openvino", "torch", "numpy", "av", "unbraid_web.separations.work")
print([name for name in HEAVY if name in sys.modules])
"""


def test_the_web_process_stays_light(tmp_path: Path) -> None:
    found = manage(tmp_path, "shell", "--no-imports", "-c", LIGHT, UNBRAID_HOSTS="testserver")
    assert found.stdout.strip() == "[]", found.stderr


def test_a_storage_that_is_away_is_a_sentence(
    alice: Person, song_file: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.S3_BUCKET = "stems"
    away = EndpointConnectionError(endpoint_url="http://s3.example.org")
    monkeypatch.setattr(default_storage, "save", Mock(side_effect=away))
    monkeypatch.setattr("unbraid_web.songs.storage._objects", Mock(side_effect=away))
    _, secret = Token.make(alice.user, "phone")
    with song_file.open("rb") as file:
        answer = alice.client.post("/api/v1/songs", {"file": file}, headers={"Authorization": f"Bearer {secret}"})
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "10")
    assert answer.json()["error"].endswith("Nothing is lost: try again in a minute.")
    assert not Song.objects.exists()
