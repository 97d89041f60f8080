"""Two processes, started by torchrun and talking by gloo, against one with the whole batch."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.training.several_processes import STEPS, a_run
from tests.training.stems import write_stems
from unbraid.errors import TrainingError
from unbraid.training import loop
from unbraid.training.checkpoint import read_checkpoint
from unbraid.training.data.sample_cache import SampleCache
from unbraid.training.distribution import ProcessGroup


def in_processes(count: int, folder: Path) -> None:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(count)]
    command += ["-m", "tests.training.several_processes", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.count("step 4 ") == 1, done.stdout  # only one of them speaks


def losses(folder: Path) -> list[float]:
    return [entry["loss"] for entry in json.loads((folder / "history.json").read_text())]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_stems(tmp_path / "songs" / "one", {"vocals": 0.3, "drums": 0.2, "bass": 0.1})
    write_stems(tmp_path / "songs" / "two", {"vocals": 0.1, "drums": 0.3, "other": 0.2})
    return tmp_path


def test_two_processes_step_like_one_and_go_on_where_one_stopped(folder: Path) -> None:
    whole = a_run(folder, "whole")
    loop.train(whole)
    run = a_run(folder)
    stopped = loop.initial_state(run)
    objective = loop.Objective(stopped.network, run.preset.build_loss())
    cache = SampleCache(folder / "samples", run.preset.network.sample_rate)
    for _ in range(STEPS // 2):
        loop.train_interval(run, stopped, objective, cache)
    loop.save_state(run, stopped)
    in_processes(2, folder)
    assert losses(run.folder) == pytest.approx(losses(whole.folder), rel=1e-4)
    one, two = (read_checkpoint(r.checkpoint)["average"] for r in (whole, run))
    for name, weight in one.items():
        assert torch.allclose(weight, two[name], atol=1e-3), name


def test_a_batch_is_shared_out_whole() -> None:
    shares = [ProcessGroup(size=3, rank=rank).batch_slice(12) for rank in range(3)]
    assert [i for share in shares for i in range(12)[share]] == list(range(12))
    assert {share.stop - share.start for share in shares} == {4}
    with pytest.raises(TrainingError, match="--batch"):
        ProcessGroup(size=5).batch_slice(12)
