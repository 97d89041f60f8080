"""The same site on PostgreSQL, with its jobs and cache in Redis, by settings alone; a worker is killed meanwhile."""

import io
import os
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
import soundfile

from tests.conftest import write_song
from tests.web.services import postgres, redis
from tests.web.site import PATIENCE, Site


@pytest.fixture
def big_site(tmp_path: Path, tiny_model: Path) -> Iterator[Site]:
    with ExitStack() as services:
        database, broker = services.enter_context(postgres(tmp_path)), services.enter_context(redis(tmp_path))
        data = tmp_path / "data"
        data.mkdir()
        site = Site(
            data,
            UNBRAID_MODEL=str(tiny_model),
            DATABASE_URL=database,
            UNBRAID_BROKER_URL=f"{broker}/0",
            UNBRAID_CACHE_URL=f"{broker}/1",
        )
        services.callback(site.stop)
        yield site.start()


def test_upload_separate_survive_export(big_site: Site, tmp_path: Path) -> None:
    site = big_site
    token = site.token("ana@example.org")
    song = site.api(token, "POST", "/api/v1/songs", file=write_song(tmp_path / "a song.flac", seconds=20))
    path = f"/api/v1/songs/{song['id']}"
    end = time.monotonic() + PATIENCE
    while not (0 < (now := site.api(token, "GET", path))["fraction"] < 1 and now["stage"] == "separating"):
        assert time.monotonic() < end and now["state"] != "done", site.log()
        time.sleep(0.03)
    before = site.workers()
    for worker in before:
        os.kill(worker, signal.SIGKILL)
    done = site.wait_for(token, path)
    assert not set(before) & set(site.workers())
    assert [stem["name"] for stem in done["stems"]] == ["vocals", "drums", "bass", "piano", "other"]
    stem = soundfile.info(io.BytesIO(site.api(token, "GET", done["stems"][1]["file"])))
    assert stem.frames == 20 * 44_100
    export = site.api(token, "POST", f"{path}/exports", {"kind": "zip", "format": "mp3"})
    export = site.wait_for(token, f"/api/v1/exports/{export['id']}")
    with zipfile.ZipFile(io.BytesIO(site.api(token, "GET", export["file"]))) as archive:
        endings = sorted(Path(name).suffix for name in archive.namelist())
        assert endings == [*[".mp3"] * 5, ".rpp"]
    assert (site.data / "site.sqlite3").exists() is False
    with psycopg.connect(site.environment["DATABASE_URL"], autocommit=True) as database:  # as a restart would
        database.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
    second = site.api(token, "POST", "/api/v1/songs", file=write_song(tmp_path / "another.flac", seconds=6))
    site.wait_for(token, f"/api/v1/songs/{second['id']}")


def test_a_backup_moves_a_site_from_one_database_to_the_other_and_back(tmp_path: Path, tiny_model: Path) -> None:
    with ExitStack() as services:
        database = services.enter_context(postgres(tmp_path))
        small, big, back = (
            Site(tmp_path / name, UNBRAID_MODEL=str(tiny_model), UNBRAID_DEMO_SONG="none", **settings)
            for name, settings in {"small": {}, "big": {"DATABASE_URL": database}, "back": {}}.items()
        )
        for site in (small, big, back):
            site.data.mkdir()
            services.callback(site.stop)
        prepare = [sys.executable, "-m", "unbraid_web", "prepare"]
        hosts = [subprocess.Popen(prepare, env=big.environment) for _ in range(3)]  # that start at once
        assert [host.wait(PATIENCE) for host in hosts] == [0, 0, 0]
        token = small.start().token("ana@example.org")
        song = small.api(token, "POST", "/api/v1/songs", file=write_song(tmp_path / "a song.flac", seconds=6))
        path = f"/api/v1/songs/{song['id']}"
        stem = small.wait_for(token, path)["stems"][0]["file"]
        expected = small.api(token, "GET", stem)
        small.stop()
        for source, target in ((small, big), (big, back)):
            backup = str(tmp_path / f"backup of {source.data.name}")
            source.manage("backup", backup)
            target.manage("restore", backup)
            target.start()
            assert target.api(token, "GET", path)["title"] == song["title"]
            assert target.api(token, "GET", stem) == expected
            assert target.token(f"{target.data.name}@example.org"), "a new row finds a number that is free"
            target.stop()
