"""What may happen to a job, and that nothing happens twice."""

import errno
import os
import threading
import time
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from tests.web.conftest import only, work
from unbraid_web.separations import housekeeping
from unbraid_web.separations.jobs.errors import ClaimLost
from unbraid_web.separations.jobs.heartbeat import Heartbeat
from unbraid_web.separations.jobs.job import DISK_FULL
from unbraid_web.separations.jobs.shutdown import GracefulShutdown, ShutdownRequested
from unbraid_web.separations.models import Separation
from unbraid_web.songs.models import Song
from unbraid_web.songs.storage import work_folder

pytestmark = pytest.mark.django_db


def test_a_job_delivered_twice_is_done_once(waiting: Song) -> None:
    one, two = only(waiting), only(waiting)
    assert one.claim()
    assert not two.claim()
    assert only(waiting).attempt == 1


def test_a_finished_job_is_not_done_again(done: Song) -> None:
    before = only(done).run
    work(only(done))
    assert (only(done).run, only(done).state) == (before, "done")


def test_who_lost_the_claim_changes_nothing(waiting: Song, settings: Any) -> None:
    slow = only(waiting)
    slow.claim()
    Separation.objects.update(heartbeat=timezone.now() - timedelta(seconds=settings.STALE_SECONDS + 1))
    assert only(waiting).reclaim()
    quick = only(waiting)
    assert quick.claim()
    with pytest.raises(ClaimLost):
        slow.beat(fraction=0.9)
    with pytest.raises(ClaimLost):
        slow.finish()
    slow.fail("too late")
    slow.release()
    now = only(waiting)
    assert (now.state, now.claim_token, now.fraction, now.error) == ("running", quick.claim_token, 0.0, "")


@pytest.mark.django_db(transaction=True)
def test_a_block_that_takes_long_is_no_silence(waiting: Song, settings: Any) -> None:
    settings.STALE_SECONDS = 0.4
    job = only(waiting)
    assert job.claim()
    with Heartbeat(job.beat):
        time.sleep(1.5)
        settings.STALE_SECONDS = 1.5
        assert housekeeping.reclaim() == 0


def test_a_worker_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    settings.STALE_SECONDS, settings.JOB_SECONDS = 0.04, 0.1
    ended = threading.Event()
    monkeypatch.setattr(os, "_exit", lambda code: ended.set() if code else None)
    with Heartbeat(lambda: None):
        assert ended.wait(60)


def test_a_silent_job_goes_back_in_line_and_after_some_attempts_no_more(waiting: Song, settings: Any) -> None:
    for attempt in range(1, settings.MAX_ATTEMPTS + 1):
        assert only(waiting).claim()
        assert housekeeping.reclaim() == 0  # it is alive
        Separation.objects.update(heartbeat=timezone.now() - timedelta(seconds=settings.STALE_SECONDS + 1))
        assert housekeeping.reclaim() == 1
        assert only(waiting).state == ("queued" if attempt < settings.MAX_ATTEMPTS else "failed")
    assert "failed 3 times" in only(waiting).error
    assert only(waiting).retry()
    assert (only(waiting).state, only(waiting).attempt) == ("queued", 0)


def test_a_job_that_was_forgotten_is_sent_again(waiting: Song, django_capture_on_commit_callbacks: Any) -> None:
    Separation.objects.update(queued_at=timezone.now() - timedelta(hours=1))
    with django_capture_on_commit_callbacks(execute=True):
        housekeeping.reclaim()
    assert [list(row.args_kwargs["args"]) for row in DBTaskResult.objects.all()] == [
        ["separations.Separation", str(only(waiting).pk)]
    ]
    with django_capture_on_commit_callbacks(execute=True):
        housekeeping.reclaim()  # not every few seconds
    assert DBTaskResult.objects.count() == 1


def test_a_stopped_worker_hands_its_job_back_without_losing_an_attempt(
    waiting: Song, monkeypatch: pytest.MonkeyPatch
) -> None:
    checks = iter([False] * 3)

    def check(self: GracefulShutdown) -> None:
        if next(checks, True):
            raise ShutdownRequested

    with monkeypatch.context() as patch:
        patch.setattr(GracefulShutdown, "check", check)
        work(only(waiting))
    job = only(waiting)
    assert (job.state, job.attempt, job.claim_token) == ("queued", 0, None)
    assert not any(housekeeping.folders_in(f"separations/{job.pk}"))
    work(job)
    assert only(waiting).state == "done"


def test_a_job_cancelled_while_it_runs_leaves_nothing(waiting: Song, monkeypatch: pytest.MonkeyPatch) -> None:
    beat = Separation.beat

    def cancel_then_beat(self: Separation, **fields: Any) -> None:
        if fields.get("segments") == 2:
            assert only(waiting).cancel()
        beat(self, **fields)

    monkeypatch.setattr(Separation, "beat", cancel_then_beat)
    work(only(waiting))
    job = only(waiting)
    assert (job.state, job.segments, job.stems.count()) == ("cancelled", 0, 0)
    assert not housekeeping.folders_in(f"separations/{job.pk}")
    assert list(work_folder().iterdir()) == []


def test_a_full_disk_is_a_sentence_and_a_retry_works(
    waiting: Song, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(type(default_storage._wrapped), "_save", full)  # type: ignore[attr-defined]
        work(only(waiting))
    assert (only(waiting).state, only(waiting).error) == ("failed", DISK_FULL)
    settings.MIN_FREE_BYTES = 10**18
    only(waiting).retry()
    work(only(waiting))
    assert only(waiting).error == DISK_FULL
    settings.MIN_FREE_BYTES = 0
    only(waiting).retry()
    work(only(waiting))
    assert only(waiting).state == "done"
