"""What is put right from time to time: lost messages, old stems, orphaned files, what killed workers left."""

import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import boto3  # type: ignore[import-untyped]
import pytest
import redis
from botocore.exceptions import (  # type: ignore[import-untyped]
    ClientError,
    EndpointConnectionError,
    ReadTimeoutError,
)
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.db import OperationalError
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from tests.s3_server import s3_server
from tests.web.conftest import Person, only, put, work
from unbraid_web import settings as site_settings
from unbraid_web.separations import housekeeping
from unbraid_web.separations.management.commands import work as worker
from unbraid_web.separations.models import Export, Separation
from unbraid_web.separations.work import tasks
from unbraid_web.songs import storage
from unbraid_web.songs.models import Song

pytestmark = pytest.mark.django_db


def age(prefix: str, hours: float) -> None:
    """Make a stored folder that old."""
    moment = time.time() - 3600 * hours
    os.utime(default_storage.path(prefix), (moment, moment))


@pytest.fixture
def bucket(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The site's storage in S3, for one test."""
    with s3_server() as environment:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        boto3.client("s3").create_bucket(Bucket="stems")
        settings.S3_BUCKET = "stems"
        options = {"bucket_name": "stems", "client_config": site_settings.s3_limits()}
        settings.STORAGES = {
            **settings.STORAGES,
            "default": {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options},
        }
        yield


def test_a_lost_message_is_sent_again_and_however_long_a_song_waits_it_has_one(
    alice: Person, song_file: Path, django_capture_on_commit_callbacks: Any
) -> None:
    songs = [put(alice.user, song_file) for _ in range(3)]  # their messages are never sent
    Separation.objects.update(queued_at=timezone.now() - timedelta(hours=1))
    for _ in range(4):
        with django_capture_on_commit_callbacks(execute=True):
            housekeeping.reclaim()
        Separation.objects.update(heartbeat=timezone.now() - timedelta(hours=1))
    sent = [row.args_kwargs["args"][1] for row in DBTaskResult.objects.all()]
    assert sorted(sent) == sorted(str(Separation.objects.get(song=song).pk) for song in songs)


def test_orphans_are_swept_once_they_have_rested_and_nothing_else(done: Song) -> None:
    orphan = f"separations/{uuid.uuid4()}"
    default_storage.save(f"{orphan}/x/vocals.flac", ContentFile(b"x"))
    assert housekeeping.sweep() == 0  # its row may follow in a moment
    age(orphan, hours=2)
    age(f"songs/{done.pk}", hours=2)
    assert housekeeping.sweep() == 1
    assert not default_storage.exists(orphan)
    assert default_storage.exists(done.upload)


def test_sweeping_asks_in_sets(alice: Person, song_file: Path, django_assert_max_num_queries: Any) -> None:
    for _ in range(20):
        put(alice.user, song_file)
    with django_assert_max_num_queries(3):
        housekeeping.sweep()


def test_in_s3_an_upload_that_has_no_row_yet_is_kept(bucket: None, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = f"songs/{uuid.uuid4()}"
    default_storage.save(f"{folder}/upload", ContentFile(b"x"))
    assert housekeeping.sweep() == 0
    assert default_storage.exists(f"{folder}/upload")
    monkeypatch.setattr(housekeeping, "ORPHAN_LIFE", timedelta(0))
    assert housekeeping.sweep() == 1
    assert not default_storage.exists(f"{folder}/upload")


def test_in_s3_a_folder_goes_with_one_request_and_its_neighbour_stays(bucket: None) -> None:
    for number in range(12):
        default_storage.save(f"separations/a/run/vocals/{number}.flac", ContentFile(b"x"))
    default_storage.save("separations/ab/vocals.flac", ContentFile(b"x"))
    requests: list[str] = []
    client = default_storage.bucket.meta.client  # type: ignore[attr-defined]
    client.meta.events.register("before-call.s3", lambda model, **_: requests.append(model.name))
    storage.delete_tree("separations/a")
    assert requests.count("DeleteObjects") == 1
    assert not {"DeleteObject"} & set(requests)
    assert default_storage.exists("separations/ab/vocals.flac")
    assert storage.last_change("separations/a") is None


def test_what_a_killed_worker_left_goes_and_what_a_living_one_has_stays() -> None:
    code = "import sys, time; import django; django.setup()\n"
    code += "from unbraid_web.songs import storage\n"
    code += "with storage.work_space() as folder: print(folder, flush=True); time.sleep(60)"
    other = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert other.stdout is not None
    folder = Path(other.stdout.readline().strip())
    long_ago = time.time() - 7200
    try:
        os.utime(folder, (long_ago, long_ago))
        assert storage.sweep_work_folder() == 0
        assert folder.exists()
    finally:
        other.kill()
        other.wait()
        other.stdout.close()
    os.utime(folder, (long_ago, long_ago))
    assert storage.sweep_work_folder() == 1
    assert not folder.exists()


REFUSED = {"ResponseMetadata": {"HTTPStatusCode": 404}, "Error": {"Code": "NoSuchKey"}}
UNWELL = {"ResponseMetadata": {"HTTPStatusCode": 503}, "Error": {"Code": "SlowDown"}}


@pytest.mark.parametrize("at", [(tasks, "separate"), (Separation, "clean_up")], ids=["in the work", "before it"])
@pytest.mark.parametrize(
    ("error", "state"),
    [
        (OperationalError("terminating connection due to administrator command"), "queued"),
        (EndpointConnectionError(endpoint_url="http://s3.example.org"), "queued"),
        (ReadTimeoutError(endpoint_url="http://s3.example.org"), "queued"),
        (ClientError(UNWELL, "PutObject"), "queued"),
        (ClientError(REFUSED, "GetObject"), "failed"),
    ],
    ids=["database away", "storage away", "storage silent", "storage unwell", "file lost"],
)
def test_what_is_away_costs_no_song_and_no_attempt(
    waiting: Song, monkeypatch: pytest.MonkeyPatch, settings: Any, at: tuple[Any, str], error: Exception, state: str
) -> None:
    settings.S3_BUCKET = "stems"
    monkeypatch.setattr("unbraid_web.separations.jobs.job.PAUSE_SECONDS", 0.0)
    with monkeypatch.context() as patch:
        patch.setattr(storage, "delete_tree", Mock())
        patch.setattr(*at, Mock(side_effect=[error, None]))
        work(Separation.objects.get())
    job = Separation.objects.get()
    assert (job.state, job.attempt, job.error == "") == (state, state == "failed", state == "queued")


def test_the_clock_of_a_worker_does_not_count(waiting: Song, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    now = timezone.now
    with monkeypatch.context() as slow:
        slow.setattr(timezone, "now", lambda: now() - timedelta(seconds=2 * settings.STALE_SECONDS))
        assert Separation.objects.get().claim()
    assert housekeeping.reclaim() == 0
    with monkeypatch.context() as fast:
        fast.setattr(timezone, "now", lambda: now() + timedelta(seconds=2 * settings.STALE_SECONDS))
        assert housekeeping.reclaim() == 0


@pytest.mark.django_db(transaction=True)
def test_housekeeping_survives_whatever_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    passes = iter([ConnectionError("Redis is away"), RuntimeError("S3 is away"), None])

    class Enough(BaseException):
        pass

    def run_due(with_sweep: bool) -> None:
        if (error := next(passes)) is None:
            raise Enough
        raise error

    monkeypatch.setattr(housekeeping, "run_due", run_due)
    with pytest.raises(Enough):
        call_command("housekeep", every=0.01)


def test_a_worker_outlives_its_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "PAUSE_SECONDS", 0.0)
    passes = iter([OperationalError("the connection is closed"), redis.ConnectionError("refused"), None])

    def run() -> None:
        if error := next(passes):
            raise error

    worker.keep_running(run, (OperationalError, *worker.broker_errors()))
    assert list(passes) == []


def test_a_storage_that_never_answers_keeps_nobody_for_a_minute() -> None:
    limits = site_settings.s3_limits()
    attempts = limits.retries["total_max_attempts"]
    assert attempts * (limits.connect_timeout + limits.read_timeout) < 60


def test_processes_that_start_together_agree_on_the_secret_key(tmp_path: Path) -> None:
    environment = {**os.environ, "UNBRAID_DATA": str(tmp_path / "data"), "UNBRAID_SECRET_KEY": ""}
    code = "from unbraid_web.paths import kept_secret_key; print(kept_secret_key())"
    run = [sys.executable, "-c", code]
    started = [subprocess.Popen(run, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    keys = {process.communicate()[0].strip() for process in started}
    assert len(keys) == 1 and len(keys.pop()) > 40
    assert [path.stat().st_mode & 0o077 for path in (tmp_path / "data").iterdir()] == [0]
    assert (tmp_path / "data").stat().st_mode & 0o007 == 0


def test_expired_stems_go_and_the_song_stays(done: Song, settings: Any) -> None:
    folder = only(done).folder
    assert housekeeping.expire() == 0
    settings.STEM_DAYS = 30
    Separation.objects.update(finished_at=timezone.now() - timedelta(days=31))
    assert housekeeping.expire() == 1
    job = only(done)
    assert (job.state, job.stems.count(), job.segments) == ("expired", 0, 0)
    assert not default_storage.exists(folder)
    assert default_storage.exists(done.upload)
    done.refresh_from_db()
    assert done.bytes_total == done.upload_bytes
    assert job.retry()


def test_exports_go_after_a_day(done: Song) -> None:
    export = Export.request(only(done), {"kind": "mix", "format": "wav", "stems": {"bass": [1.0, 0.0]}})
    work(export)
    assert default_storage.exists(export.file)
    Export.objects.update(finished_at=timezone.now() - timedelta(days=2))
    housekeeping.expire()
    assert not Export.objects.exists()
    assert not default_storage.exists(export.folder)


def test_the_demo_is_put_in_line_once(settings: Any, song_file: Path, tmp_path: Path) -> None:
    settings.DEMO_SONG = tmp_path / "none.flac"
    assert housekeeping.ensure_demo() is None
    settings.DEMO_SONG = song_file
    first = housekeeping.ensure_demo()
    assert first == housekeeping.ensure_demo() == Song.objects.demo().get()
    assert only(Song.objects.get()).state == "queued"


def test_sessions_that_are_over_go(db: None) -> None:
    kept = []
    for seconds in (-1, 3600):
        session = SessionStore()
        session.set_expiry(seconds)
        session.create()
        kept.append(session.session_key)
    housekeeping.prune()
    assert [row.session_key for row in Session.objects.all()] == kept[1:]
