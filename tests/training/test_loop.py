import multiprocessing
import resource
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.training.stems import write_stems, write_tones
from tests.training.tiny_networks import BANK, WAVE, tiny
from unbraid.errors import TrainingError
from unbraid.training import checkpoint, loop
from unbraid.training.data.mixes import WeightedFolder
from unbraid.training.data.sample_cache import SampleCache
from unbraid.training.loop import TrainingConfig, TrainingState, train
from unbraid.training.memory import keep_freed_memory
from unbraid.training.networks.network import NetworkConfig
from unbraid.training.validation import validate

BOTH = pytest.mark.parametrize(
    ("network", "loss"), [(BANK, "masked-spectrum"), (WAVE, "l1+stft")], ids=["bank", "wave"]
)


def a_run(
    tmp_path: Path, name: str, network: NetworkConfig, loss: str, steps: int, interval_steps: int = 2
) -> TrainingConfig:
    return TrainingConfig(
        tiny(network, loss),
        [WeightedFolder(tmp_path / "songs")],
        [],
        tmp_path / name,
        steps=steps,
        interval_steps=interval_steps,
        workers=0,
        fuse=False,
        device="cpu",
    )


@BOTH
def test_a_step_on_noise_changes_every_weight(tmp_path: Path, network: NetworkConfig, loss: str) -> None:
    write_stems(tmp_path / "songs" / "one", {"vocals": 0.3, "drums": 0.3, "bass": 0.3})
    run = a_run(tmp_path, "run", network, loss, steps=3)
    before = loop.initial_state(run).network.state_dict()
    after = train(run).network.state_dict()
    # blocks and masks start as zero, so in the first steps the gradient reaches only what closes them
    changed = [name for name in before if not torch.equal(before[name], after[name])]
    assert set(changed) == set(before)


@BOTH
def test_it_goes_on_exactly_where_it_was_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, network: NetworkConfig, loss: str
) -> None:
    write_stems(tmp_path / "songs" / "one", {"vocals": 0.3, "drums": 0.3, "bass": 0.3})
    whole = train(a_run(tmp_path, "whole", network, loss, steps=4))
    run = a_run(tmp_path, "killed", network, loss, steps=4)
    run.checkpoint_minutes = 0
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(loop, "train_step", killed_at(3, loop.train_step))
        train(run)
    assert checkpoint.read_checkpoint(run.checkpoint)["step"] == 3, "in the middle of an interval"
    resumed = train(run, resume=True)
    assert resumed.step == whole.step == 4
    for name, weight in whole.network.state_dict().items():
        assert torch.equal(weight, resumed.network.state_dict()[name]), name
    for name, weight in whole.averaged_network.state_dict().items():
        assert torch.equal(weight, resumed.averaged_network.state_dict()[name]), name


def killed_at(step: int, train_step: Callable[..., float]) -> Callable[..., float]:
    """A training step that stops the process when so many are done."""

    def step_or_stop(config: TrainingConfig, state: TrainingState, *rest: Any) -> float:
        if state.step == step:
            raise KeyboardInterrupt
        return train_step(config, state, *rest)

    return step_or_stop


def test_a_full_disk_is_a_sentence_and_keeps_the_checkpoint_before(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.pt"
    checkpoint.write_checkpoint({"preset": "unbraid", "average": {"weight": torch.ones(3)}}, path)
    (tmp_path / ".checkpoint.pt.part").symlink_to("/dev/full")
    with pytest.raises(TrainingError, match="is its disk full"):
        checkpoint.write_checkpoint({"preset": "unbraid", "average": {"weight": torch.zeros(1_000_000)}}, path)
    assert checkpoint.read_checkpoint(path)["average"]["weight"].sum() == 3
    assert [file.name for file in tmp_path.iterdir()] == ["checkpoint.pt"]


def test_a_checkpoint_of_another_preset_is_refused(tmp_path: Path) -> None:
    write_stems(tmp_path / "songs" / "one", {"vocals": 0.3, "drums": 0.3})
    run = a_run(tmp_path, "run", BANK, "masked-spectrum", steps=1)
    train(run)
    saved = torch.load(run.checkpoint, weights_only=True)
    torch.save({**saved, "preset": "m4"}, run.checkpoint)
    with pytest.raises(TrainingError, match="checkpoint of preset 'm4'"):
        train(run, resume=True)


def test_a_training_needs_a_budget(tmp_path: Path) -> None:
    run = TrainingConfig(tiny(BANK, "masked-spectrum"), [WeightedFolder(tmp_path)], [], tmp_path / "run")
    with pytest.raises(TrainingError, match="budget"):
        train(run)


def test_it_overfits_a_two_second_clip(tmp_path: Path) -> None:
    """Tones of far-off frequencies: what any network of the kind must learn within seconds."""
    song = write_tones(tmp_path / "songs" / "tones", {"vocals": 1_500.0, "bass": 90.0, "drums": 9_000.0})
    run = a_run(tmp_path, "run", BANK, "masked-spectrum", steps=80, interval_steps=40)
    run.valid = [WeightedFolder(song.parent)]
    state = train(run)
    scores = validate(state.averaged_network, run.valid, SampleCache(tmp_path / "samples", 44_100), "cpu")
    assert scores["mean_gain"] > 15, scores
    assert (run.folder / "curves.png").stat().st_size > 10_000
    losses = [entry["loss"] for entry in state.history if "loss" in entry]
    assert losses[-1] < 0.5 * losses[0]
    assert np.isfinite(losses).all()


def test_two_trainings_do_not_share_a_folder(tmp_path: Path) -> None:
    write_stems(tmp_path / "songs" / "one", {"vocals": 0.3, "drums": 0.3})
    run = a_run(tmp_path, "run", BANK, "masked-spectrum", steps=1)
    with (
        checkpoint.locked_folder(run.folder),
        pytest.raises(TrainingError, match=r"Another training run is writing to .*run"),
    ):
        train(run)
    assert not run.checkpoint.exists()
    train(run)
    assert run.checkpoint.exists()


def test_freed_memory_is_kept_until_songs_are_mixed_by_a_new_fork(tmp_path: Path) -> None:
    write_stems(tmp_path / "songs" / "one", {"vocals": 0.3, "drums": 0.3})
    # in a process of its own, for what the allocator is told lasts as long as the process
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
        kept, left = process.submit(_kept_and_left, tmp_path).result()
    assert kept > 200e6, "all but what fits into memory that was freed before"
    assert left < 50e6


def _kept_and_left(tmp_path: Path) -> tuple[int, int]:
    """Bytes by which the process has grown when 268 MB are freed, and after an interval that follows."""
    torch.set_num_threads(1)
    run = a_run(tmp_path, "run", BANK, "masked-spectrum", steps=4)
    state, cache = loop.initial_state(run), SampleCache(tmp_path / "samples", 44_100)
    objective = loop.Objective(state.network, run.preset.build_loss())
    keep_freed_memory()
    loop.train_interval(run, state, objective, cache)
    before = _resident()
    np.ones(2**25)
    kept = _resident() - before
    loop.train_interval(run, state, objective, cache)
    return kept, _resident() - before


def _resident() -> int:
    """Bytes of memory that this process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def test_a_temporary_folder_with_a_long_path_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the process that mixes songs cannot hand them over, and the training waits for ever."""
    run = a_run(tmp_path, "run", BANK, "masked-spectrum", steps=1)
    run.workers = 1
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / ("long" * 20)))
    with pytest.raises(TrainingError, match="TMPDIR"):
        train(run)
