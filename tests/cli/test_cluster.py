"""A catalogue on a cluster of two worker processes: all stems once, also when a worker or the scheduler is killed."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3  # type: ignore[import-untyped]
import distributed
import numpy as np
import pytest

from tests.conftest import write_song
from tests.dask_cluster import PATIENCE, DaskCluster, wait_until
from tests.s3_server import s3_server
from tests.tiny_models import SOURCES
from unbraid.audio import read
from unbraid.cli import main
from unbraid.cli.cluster import Task, outcomes
from unbraid.cli.reporter import Reporter
from unbraid.separator import SeparationOptions

SEPARATE = [sys.executable, "-W", "ignore", "-m", "unbraid.cli", "separate"]


@pytest.fixture(scope="module")
def s3() -> Iterator[dict[str, str]]:
    """A server that speaks S3, as an environment that leads to it."""
    with s3_server() as environment:
        yield {**os.environ, **environment}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory, s3: dict[str, str]) -> Iterator[DaskCluster]:
    with DaskCluster(tmp_path_factory.mktemp("cluster"), s3) as running:
        yield running


def run(command: list[str], **how: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, **how)


def files_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_urls_and_a_second_run(cluster: DaskCluster, mask_model: Path, tmp_path: Path) -> None:
    (tmp_path / "songs/deep").mkdir(parents=True)
    song = write_song(tmp_path / "songs/deep/song.flac", seconds=1)
    command = [*SEPARATE, f"file://{tmp_path}/songs", "-o", f"file://{tmp_path}/out", "--dask", cluster.address]
    command += ["--model", str(mask_model), "--json", "--two-stems", "vocals", "--format", "flac"]
    for skipped in (False, True):
        ran = run(command, check=True)
        assert json.loads(ran.stdout).get("skipped", False) is skipped
    stems = sorted((tmp_path / "out/deep/song").iterdir())
    assert [stem.name for stem in stems] == ["accompaniment.flac", "vocals.flac"]
    assert read(stems[0])[0].shape == read(song)[0].shape


def test_a_bucket(cluster: DaskCluster, s3: dict[str, str], mask_model: Path, tmp_path: Path) -> None:
    song = write_song(tmp_path / "song.flac", seconds=1)
    bucket = boto3.resource(
        "s3", endpoint_url=s3["AWS_ENDPOINT_URL_S3"], aws_access_key_id="test", aws_secret_access_key="test"
    ).create_bucket(Bucket="catalogue")
    bucket.upload_file(str(song), "songs/deep/song.flac")
    command = [*SEPARATE, "s3://catalogue/songs", "-o", "s3://catalogue/out", "--dask", cluster.address]
    command += ["--model", str(mask_model), "--json", "--two-stems", "vocals", "--format", "flac"]
    for skipped in (False, True):
        ran = run(command, check=True, env=s3)
        assert json.loads(ran.stdout).get("skipped", False) is skipped
    stems = [f"out/deep/song/{stem}.flac" for stem in ("accompaniment", "vocals")]
    assert [found.key for found in bucket.objects.filter(Prefix="out")] == stems
    bucket.download_file(stems[0], str(tmp_path / "accompaniment.flac"))
    assert read(tmp_path / "accompaniment.flac")[0].shape == read(song)[0].shape


class Counting:
    """Tasks that note how many were asked for."""

    def __init__(self, count: int) -> None:
        self.left, self.asked = count, 0

    def __iter__(self) -> "Counting":
        return self

    def __next__(self) -> Task:
        if self.asked == self.left:
            raise StopIteration
        self.asked += 1
        return Task(f"{self.asked}.wav", "out", None, "cpu", "auto", SeparationOptions())


def test_a_long_catalogue_is_enumerated_as_it_is_worked_on(
    cluster: DaskCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("unbraid.cli.cluster.WINDOW", 4)
    tasks = Counting(40)
    with distributed.Client(cluster.address, set_as_default=False) as client:
        for done, outcome in enumerate(outcomes(client, tasks)):
            assert "error" in outcome  # there are no such files
            assert tasks.asked <= done + 4
    assert done == 39


def test_a_worker_is_killed_in_the_middle(cluster: DaskCluster, mask_model: Path, tmp_path: Path) -> None:
    catalogue, out = tmp_path / "catalogue", tmp_path / "out"
    for number in range(6):
        place = catalogue / f"album {number % 2}"
        place.mkdir(parents=True, exist_ok=True)
        write_song(place / f"{number}.wav", seconds=3, seed=number)
    (catalogue / "bad.wav").write_text("no song")
    process = subprocess.Popen(
        [*SEPARATE, str(catalogue), "-o", str(out), "--dask", cluster.address, "--model", str(mask_model), "--json"],
        stdout=subprocess.PIPE,
        text=True,
    )
    wait_until(lambda: process.poll() is not None or list(out.rglob("vocals.wav")))
    cluster.workers[0].kill()
    said, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1, "one song is bad"
    reports = [json.loads(line) for line in said.splitlines()]
    assert len(reports) == 7
    assert [report["song"] for report in reports if "error" in report] == [str(catalogue / "bad.wav")]
    assert files_in(out) == sorted(f"album {n % 2}/{n}/{stem}.wav" for n in range(6) for stem in SOURCES)
    for number in range(6):
        total = sum(read(path)[0] for path in (out / f"album {number % 2}" / str(number)).iterdir())
        song, _ = read(catalogue / f"album {number % 2}" / f"{number}.wav")
        np.testing.assert_allclose(total, song, atol=1e-6)


@pytest.mark.parametrize("scheduler", ["nowhere", "tcp://127.0.0.1:9"])
def test_no_scheduler(scheduler: str, tmp_path: Path) -> None:
    song = write_song(tmp_path / "song.wav")
    ran = run([*SEPARATE, str(song), "--dask", scheduler])
    assert ran.returncode == 2
    assert ran.stderr.startswith("unbraid: ")
    assert scheduler in ran.stderr
    assert ran.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("options", "words"), [(["-"], "standard input"), (["song.wav", "--plot"], "does not work on a cluster")]
)
def test_what_a_cluster_cannot_do(options: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["separate", *options, "--dask", "tcp://127.0.0.1:9"]) == 2
    assert words in capsys.readouterr().err


def test_the_scheduler_is_lost_in_the_middle_and_a_new_one_goes_on(
    cluster: DaskCluster,
    mask_model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    songs = [str(write_song(tmp_path / f"{number}.wav", seconds=1, seed=number)) for number in range(10)]
    command = ["separate", *songs, "-o", str(tmp_path / "out"), "--model", str(mask_model), "--two-stems", "vocals"]

    class Killing(Reporter):
        def report(self, *outcome: Any, **how: Any) -> None:
            super().report(*outcome, **how)
            cluster.scheduler.kill()

    with monkeypatch.context() as patch:
        patch.setattr("unbraid.cli.cluster.WINDOW", 4)
        patch.setattr("unbraid.cli.cluster.Reporter", Killing)
        assert main([*command, "--json", "--dask", cluster.address]) == 1
    first, said = capsys.readouterr()
    assert said.startswith("unbraid: The Dask scheduler is gone, with ") and said.count("\n") == 1
    before = [json.loads(line) for line in first.splitlines()]
    assert 0 < len(before) < len(songs)
    written = {stem: Path(stem).stat().st_mtime_ns for report in before for stem in report["stems"].values()}

    cluster.start()
    assert main([*command, "--json", "--dask", cluster.address]) == 0
    after = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert sorted(report["song"] for report in after) == songs
    skipped = {report["song"] for report in after if report.get("skipped")}
    assert {report["song"] for report in before} <= skipped < set(songs)
    assert {stem: Path(stem).stat().st_mtime_ns for stem in written} == written, "what the ledger has is not done again"
    names = ("accompaniment", "vocals")
    assert files_in(tmp_path / "out") == [f"{n}/{stem}.wav" for n in range(10) for stem in names]
