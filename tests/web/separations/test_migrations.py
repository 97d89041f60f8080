"""An update of the site keeps what its users had."""

import io
import uuid
from typing import Any

import numpy as np
import pytest
import soundfile
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from tests.conftest import noise
from tests.web.conftest import Person, whole_stem
from unbraid_web.separations.models import Separation
from unbraid_web.songs.models import Song


@pytest.mark.django_db(transaction=True)
def test_a_running_job_keeps_its_claim_and_every_song_gets_a_separation() -> None:
    executor = MigrationExecutor(connection)
    latest = executor.loader.graph.leaf_nodes()
    executor.migrate([("separations", "0001_initial")])
    running, lost = (Song.new(None, name, 1) for name in ("running.mp3", "lost.mp3"))
    running.save()
    lost.save()
    claim = uuid.uuid4()
    old = MigrationExecutor(connection).loader.project_state([("separations", "0001_initial")]).apps
    old.get_model("separations", "Separation").objects.create(song_id=running.pk, state="running", claim=claim)

    MigrationExecutor(connection).migrate(latest)
    assert Separation.objects.get(song=running).claim_token == claim
    assert Separation.objects.get(song=lost).state == "queued"


@pytest.mark.django_db(transaction=True)
def test_songs_from_before_are_found_without_accents() -> None:
    before = [("songs", "0003_upload_fingerprint")]
    executor = MigrationExecutor(connection)
    latest = executor.loader.graph.leaf_nodes()
    executor.migrate(before)
    old = MigrationExecutor(connection).loader.project_state(before).apps.get_model("songs", "Song")
    for title in ("Élan", "Über"):
        old.objects.create(title=title, artist="", filename="a.mp3", upload_bytes=1, bytes_total=1)

    MigrationExecutor(connection).migrate(latest)
    assert [song.title for song in Song.objects.matching("ELAN")] == ["Élan"]
    assert [song.title for song in Song.objects.sorted_by("title")] == ["Élan", "Über"]


def flac(samples: Any) -> ContentFile[bytes]:
    file = io.BytesIO()
    soundfile.write(file, samples, 44_100, format="FLAC", subtype="PCM_16")
    return ContentFile(file.getvalue())


@pytest.mark.django_db(transaction=True)
def test_stems_that_were_stored_twice_are_stored_once_and_stay_readable(alice: Person) -> None:
    before = [("separations", "0003_every_song_has_a_separation")]
    executor = MigrationExecutor(connection)
    latest = executor.loader.graph.leaf_nodes()
    executor.migrate(before)
    old = MigrationExecutor(connection).loader.project_state(before).apps.get_model
    sound = np.rint(noise(2, 12_000).T * 32768) / 32768
    song = Song.new(alice.user, "old.mp3", 1000)
    folder = f"separations/{uuid.uuid4()}/run"
    whole = default_storage.size(default_storage.save(f"{folder}/bass.flac", flac(sound)))
    parts = [
        default_storage.size(default_storage.save(f"{folder}/bass/{number:05d}.flac", flac(part)))
        for number, part in enumerate(np.split(sound, [5_000, 10_000]))
    ]
    stored = whole + sum(parts)
    song.bytes_total = 1000 + stored
    song.save()
    separation = old("separations", "Separation").objects.create(
        id=folder.split("/")[1], song_id=song.pk, state="done", run="run", bytes_stored=stored, sample_rate=44_100,
        channels=2, frames=12_000, segment_frames=5_000, segments=3,
    )  # fmt: skip
    old("separations", "Stem").objects.create(separation=separation, name="bass", position=0, bytes_stored=stored)

    MigrationExecutor(connection).migrate(latest)
    new = Separation.objects.get()
    song.refresh_from_db()
    assert not default_storage.exists(f"{folder}/bass.flac")
    assert (new.bytes_stored, new.stems.get().bytes_stored, song.bytes_total) == (sum(parts),) * 2 + (
        1000 + sum(parts),
    )
    found = soundfile.read(io.BytesIO(whole_stem(alice.client, f"/separations/{new.pk}/bass.flac")))[0]
    np.testing.assert_array_equal(found, sound)
