"""What is old, orphaned or missing is put right, and nothing else is touched."""

import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone

from tests.web.conftest import only, work
from unbraid_web.separations import housekeeping
from unbraid_web.separations.models import Export, Separation
from unbraid_web.songs.models import Song

pytestmark = pytest.mark.django_db


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
