"""Real worker processes, killed by SIGKILL at every stage: nothing is lost and nothing is there twice."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from django.core.files.storage import default_storage
from django.db import connection

from tests.conftest import write_song
from tests.web.conftest import DATA, Person, put, work
from unbraid_web.separations import housekeeping
from unbraid_web.separations.models import Export, Separation, Worker
from unbraid_web.separations.work.segments import read_segment
from unbraid_web.songs.models import Song

pytestmark = pytest.mark.django_db(transaction=True)
PATIENCE = 60.0


@contextmanager
def worker(model: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A worker of its own process on the test's database and files."""
    database = connection.settings_dict
    url = f"sqlite:///{database['NAME']}"
    if "sqlite3" not in database["ENGINE"]:
        url = "postgres://{USER}:{PASSWORD}@{HOST}:{PORT}/{NAME}".format(**database)
    environment = os.environ | {"DATABASE_URL": url, "UNBRAID_MODEL": str(model), "UNBRAID_MIN_FREE_MB": "1"}
    log = (DATA / "worker.log").open("ab")
    process = subprocess.Popen([sys.executable, "-m", "django", "work"], env=environment, stdout=log, stderr=log)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        log.close()


def until(condition: Callable[[], Any]) -> Any:
    """Wait until the condition holds."""
    end = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < end, (DATA / "worker.log").read_text()[-2000:]
        time.sleep(0.02)
    return found


@pytest.fixture
def long_song(alice: Person, tmp_path: Path) -> Song:
    """A song in line for a worker, long enough for it to be caught in the middle."""
    song = put(alice.user, write_song(tmp_path / "long.flac", seconds=17))
    song.separations.get().enqueue()
    return song


def row() -> Separation:
    found: Separation = Separation.objects.get()
    return found


STAGES: dict[str, Callable[[], bool]] = {
    "just claimed": lambda: row().state == "running",
    "decoding": lambda: row().stage == "decoding",
    "separating": lambda: row().segments >= 2,
    "storing the spectrograms": lambda: bool(row().run) and default_storage.exists(f"{row().run_folder}/vocals.png"),
}


def end(model: Path, stage: Callable[[], bool], number: signal.Signals) -> Separation:
    """Have a worker begin, send it the signal at this stage, and return what it leaves."""
    while True:
        Separation.objects.update(stage="")
        with worker(model) as process:
            until(lambda: stage() or row().state == "done")
            process.send_signal(number)
            process.wait(PATIENCE)
        if row().state != "done":
            return row()
        # The stage was over before we saw it: once more from the start.
        Separation.objects.update(state="queued", attempt=0, segments=0, run="")
        row().enqueue()


def test_a_separation_outlives_its_workers_whenever_they_end(long_song: Song, settings: Any, tiny_model: Path) -> None:
    asked = end(tiny_model, lambda: row().segments >= 1, signal.SIGTERM)
    assert (asked.state, asked.attempt) == ("queued", 0), "it was handed back"
    settings.MAX_ATTEMPTS = 1000
    for stage in STAGES.values():
        killed = end(tiny_model, stage, signal.SIGKILL)
        assert killed.state == "running", "as far as anybody can tell"
        settings.STALE_SECONDS = 0
        assert housekeeping.reclaim() == 1
        settings.STALE_SECONDS = 60
    with worker(tiny_model):
        until(lambda: row().state == "done")
    separation = row()
    assert (separation.attempt, separation.error) == (killed.attempt + 1, "")
    assert housekeeping.folders_in(separation.folder) == [separation.run]
    assert separation.stems.count() == 5
    stems = list(separation.stems.all())
    parts = [np.sum([read_segment(stem, n) for stem in stems], axis=0) for n in range(separation.segments)]
    song = soundfile.read(default_storage.path(long_song.upload))[0]
    np.testing.assert_array_equal(np.concatenate(parts, axis=1).T, song)


def test_a_killed_export_is_rendered_again(done: Song, settings: Any, tiny_model: Path) -> None:
    wanted = {"kind": "zip", "format": "mp3", "stems": {stem.name: [1.0, 0.0] for stem in row().stems.all()[:2]}}
    while not Export.objects.filter(state="running").exists():
        Export.objects.all().delete()  # the first time there is none; later ones were over before we saw them
        Export.request(row(), wanted)
        with worker(tiny_model) as process:
            until(lambda: Export.objects.get().fraction > 0 or Export.objects.get().state == "done")
            process.send_signal(signal.SIGKILL)
            process.wait()
    settings.STALE_SECONDS = 0
    assert housekeeping.reclaim() == 1
    work(Export.objects.get())
    assert (Export.objects.get().state, Export.objects.get().attempt) == ("done", 2)


def test_two_workers_share_the_work(alice: Person, tiny_model: Path, tmp_path: Path) -> None:
    short = write_song(tmp_path / "short.flac", seconds=6)
    with worker(tiny_model), worker(tiny_model):
        until(lambda: Worker.objects.alive().count() == 2)
        for song in [put(alice.user, short) for _ in range(4)]:
            song.separations.get().enqueue()
            song.separations.get().enqueue()  # a message delivered twice
        until(lambda: Separation.objects.filter(state="done").count() == 4)
    assert set(Separation.objects.values_list("attempt", flat=True)) == {1}
    assert len(set(Separation.objects.values_list("worker", flat=True))) == 2
