"""The same site on PostgreSQL, with its jobs and cache in Redis, by settings alone; a worker is killed meanwhile."""

import hashlib
import io
import json
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


@pytest.fixture(scope="module")
def big_site(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("services")
    with ExitStack() as services:
        database, broker = services.enter_context(postgres(folder)), services.enter_context(redis(folder))
        data = folder / "data"
        data.mkdir()
        site = Site(
            data,
            UNBRAID_MODEL=str(tiny_model),
            UNBRAID_DEMO_SONG="none",
            DATABASE_URL=database,
            UNBRAID_BROKER_URL=f"{broker}/0",
            UNBRAID_CACHE_URL=f"{broker}/1",
        )
        services.callback(site.stop)
        yield site.start()


def test_upload_separate_survive_export(big_site: Site, tmp_path: Path) -> None:
    site = big_site
    token = site.token("ana@example.org")
    song = site.api(token, "POST", "/api/v1/songs", file=write_song(tmp_path / "a song.flac", seconds=15))
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
    assert stem.frames == 15 * 44_100
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


LOOK = """
import hashlib, json
from django.test import Client
client = Client(headers={"Host": "localhost", "Authorization": f"Bearer {token}"})
stem = b"".join(client.get(stem).streaming_content)
print(json.dumps([client.get(path).json()["title"], hashlib.sha256(stem).hexdigest()]))
"""


def test_a_backup_moves_a_site_from_one_database_to_the_other_and_back(
    big_site: Site, tmp_path: Path, tiny_model: Path
) -> None:
    token = big_site.token("bea@example.org")
    song = big_site.api(token, "POST", "/api/v1/songs", file=write_song(tmp_path / "a song.flac", seconds=6))
    path = f"/api/v1/songs/{song['id']}"
    stem = big_site.wait_for(token, path)["stems"][0]["file"]
    expected = [song["title"], hashlib.sha256(big_site.api(token, "GET", stem)).hexdigest()]
    address = big_site.environment["DATABASE_URL"]
    with psycopg.connect(address, autocommit=True) as database:
        database.execute("CREATE DATABASE another")
    settings = {"UNBRAID_MODEL": str(tiny_model), "UNBRAID_DEMO_SONG": "none"}
    small = Site(tmp_path / "small", **settings)
    big = Site(tmp_path / "big", DATABASE_URL=address.removesuffix("site") + "another", **settings)
    for site in (small, big):
        site.data.mkdir()
    prepare = [sys.executable, "-m", "unbraid_web", "prepare"]
    hosts = [subprocess.Popen(prepare, env=big.environment) for _ in range(3)]  # that start at once
    assert [host.wait(PATIENCE) for host in hosts] == [0, 0, 0]
    for source, target in ((big_site, small), (small, big)):
        backup = str(tmp_path / f"backup for {target.data.name}")
        source.manage("backup", backup)
        target.manage("restore", backup)
        found = target.manage("shell", "--no-imports", "-c", f"{token=}; {path=}; {stem=}\n{LOOK}")
        assert json.loads(found) == expected
        assert target.token(f"{target.data.name}@example.org"), "a new row finds a number that is free"
    try:
        assert big.start().api(token, "GET", path)["title"] == song["title"]
    finally:
        big.stop()
