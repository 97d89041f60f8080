"""What may happen to a job, and that nothing happens twice."""

import errno
import time
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import av
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from tests.conftest import write_song
from tests.web.conftest import Person, put, work
from unbraid_web.separations import housekeeping
from unbraid_web.separations.jobs.errors import ClaimLost
from unbraid_web.separations.jobs.heartbeat import Heartbeat
from unbraid_web.separations.jobs.job import DISK_FULL
from unbraid_web.separations.jobs.shutdown import GracefulShutdown, ShutdownRequested
from unbraid_web.separations.models import Export, Separation
from unbraid_web.separations.work import sandbox, tasks
from unbraid_web.songs.models import Song
from unbraid_web.songs.storage import work_folder

pytestmark = pytest.mark.django_db


def only(song: Song) -> Separation:
    return Separation.objects.get(song=song)


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


def test_a_silent_job_goes_back_in_line_and_after_some_attempts_no_more(waiting: Song, settings: Any) -> None:
    for attempt in range(1, settings.MAX_ATTEMPTS + 1):
        assert only(waiting).claim()
        assert housekeeping.reclaim() == 0  # it is alive
        Separation.objects.update(heartbeat=timezone.now() - timedelta(seconds=settings.STALE_SECONDS + 1))
        assert housekeeping.reclaim() == 1
        assert only(waiting).state == ("queued" if attempt < settings.MAX_ATTEMPTS else "failed")
    assert "stopped 3 times" in only(waiting).error
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


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("notes.txt", b"these are words, not music\n" * 99, "This file is not a sound file that can be read"),
        (
            "empty.wav",
            b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\1\0\1\0\x44\xac\0\0\x88\x58\1\0\2\0\x10\0data\0\0\0\0",
            "no sound",
        ),
        ("zeros.mp3", bytes(5000), "This file is not a sound file that can be read"),
        ("list.m3u8", b"#EXTM3U\n#EXTINF:9,\n/etc/passwd\n", "This file is not a sound file that can be read"),
        ("list.txt", b"ffconcat version 1.0\nfile /etc/passwd\n", "This file is not a sound file that can be read"),
    ],
)
def test_what_is_not_music_fails_with_a_sentence(
    alice: Person, tmp_path: Path, name: str, content: bytes, sentence: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    song = put(alice.user, path)
    work(only(song))
    assert only(song).state == "failed"
    assert sentence in only(song).error
    assert default_storage.exists(song.upload)


def test_a_song_longer_than_allowed_fails_with_a_sentence(waiting: Song, settings: Any) -> None:
    settings.MAX_SONG_SECONDS = 6
    work(only(waiting))
    assert "longer than 0 minutes" in only(waiting).error


def test_decoding_has_its_limits(waiting: Song, settings: Any) -> None:
    settings.DECODE_MEMORY_BYTES = 30 * 10**6
    work(only(waiting))
    assert "more memory or time than we allow" in only(waiting).error


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


def test_tags_name_the_song_unless_the_person_did(alice: Person, tmp_path: Path) -> None:
    path = tmp_path / "track.mp3"
    with av.open(str(write_song(tmp_path / "a.wav"))) as source, av.open(str(path), "w") as target:
        target.metadata.update({"title": "Blue", "artist": "Ana"})
        stream = target.add_stream("libmp3lame", rate=44_100)
        for frame in source.decode(audio=0):
            target.mux(stream.encode(frame))
        target.mux(stream.encode(None))
    plain, named = put(alice.user, path), put(alice.user, path)
    Song.objects.filter(pk=named.pk).update(title="My name for it")
    for song in (plain, named):
        work(only(song))
        song.refresh_from_db()
    assert (plain.title, plain.artist) == ("Blue", "Ana")
    assert (named.title, named.artist) == ("My name for it", "")


def test_a_name_given_while_it_decodes_is_kept(waiting: Song, monkeypatch: pytest.MonkeyPatch) -> None:
    def decoded(upload: str, target: Path, check: Any) -> Any:
        for facts in sandbox.decoded(upload, target, check):
            Song.objects.update(title="My own name", artist="Me")
            yield facts | {"title": "Tagged", "artist": "Somebody"}

    monkeypatch.setattr(tasks, "decoded", decoded)
    work(only(waiting))
    waiting.refresh_from_db()
    assert (waiting.title, waiting.artist) == ("My own name", "Me")


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


def test_orphans_are_swept_and_nothing_else(done: Song, monkeypatch: pytest.MonkeyPatch) -> None:
    orphan = f"separations/{uuid.uuid4()}/x/vocals.flac"
    default_storage.save(orphan, ContentFile(b"x"))
    assert housekeeping.sweep() == 0  # its row may follow in a moment
    monkeypatch.setattr(housekeeping, "is_old", lambda prefix: True)
    assert housekeeping.sweep() == 1
    assert not default_storage.exists(orphan)
    assert default_storage.exists(done.upload)
    assert default_storage.exists(only(done).stems.get(name="bass").file)


def test_the_demo_is_put_in_line_once(settings: Any, song_file: Path, tmp_path: Path) -> None:
    settings.DEMO_SONG = tmp_path / "none.flac"
    assert housekeeping.ensure_demo() is None
    settings.DEMO_SONG = song_file
    first = housekeeping.ensure_demo()
    assert first == housekeeping.ensure_demo() == Song.objects.demo().get()
    assert only(Song.objects.get()).state == "queued"
