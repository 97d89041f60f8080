"""The training loop: draw mixes, step, average the weights, validate on held-out songs, checkpoint, resume."""

import json
import re
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel
from torch.utils.data import DataLoader

from unbraid.errors import TrainingError, UnbraidError
from unbraid.evaluation.dataset import find_songs
from unbraid.inference.devices import cpu_count
from unbraid.training import checkpoint, validation
from unbraid.training.curves import plot_curves
from unbraid.training.data import augment
from unbraid.training.data.mixes import MixDataset, TrainingExample, WeightedFolder
from unbraid.training.data.sample_cache import SampleCache
from unbraid.training.distribution import ProcessGroup
from unbraid.training.memory import keep_freed_memory, release_freed_memory
from unbraid.training.networks.network import SeparationNetwork
from unbraid.training.optimiser import OPTIMISERS, count_steps, is_bf16_fast, weight_average
from unbraid.training.presets import Preset

SINGLE_PROCESS = ProcessGroup()
WORKER_GRACE_SECONDS = 3
LONGEST_TEMPORARY_PATH = 70
"""Characters; a longer path leaves no room for the address of the socket through which a process passes its mixes."""


@dataclass
class TrainingConfig:
    """The configuration of a training run: its songs, its budget, and how often it validates and saves.

    Attributes:
        preset: what is trained, and how.
        data, valid: folders of song folders, to train and to validate on.
        folder: where checkpoint, log and curves go.
        minutes, steps: the budget, whichever is given; the learning rate falls to zero over it.
        seed: of the initial weights and of all mixes.
        interval_steps: steps from one line of the log to the next; the data folders are then read again, so that new
            songs take part.
        validate_every: intervals from one validation to the next; the last one always ends with a validation.
        checkpoint_minutes: a kill loses at most this many minutes of work.
        workers: processes that mix songs; a GPU needs more than one.
        fuse: compile the element-wise work; needs a compiler.
        bf16: compute in bfloat16 where that is faster.
        device: "cpu" or "cuda".
    """

    preset: Preset
    data: Sequence[WeightedFolder]
    valid: Sequence[WeightedFolder]
    folder: Path
    minutes: float | None = None
    steps: int | None = None
    seed: int = 0
    interval_steps: int = 100
    validate_every: int = 5
    checkpoint_minutes: float = 2.0
    workers: int = field(default_factory=lambda: max(1, cpu_count() - 2) if torch.cuda.is_available() else 1)
    fuse: bool = field(default_factory=lambda: shutil.which("g++") is not None)
    bf16: bool = True
    device: str = field(default_factory=lambda: "cuda" if torch.cuda.is_available() else "cpu")

    @property
    def checkpoint(self) -> Path:
        """The checkpoint file."""
        return self.folder / "checkpoint.pt"


@dataclass
class TrainingState:
    """Everything that changes during a training.

    Attributes:
        network: what is trained.
        average: the moving average of its weights, which is what is validated and exported.
        step: steps done.
        seconds: time taken by these steps, without validations.
        history: a line for each interval and each validation.
        saved_at: when the state was last saved, by `time.monotonic`.
    """

    network: SeparationNetwork
    average: AveragedModel
    optimiser: torch.optim.Optimizer
    step: int = 0
    seconds: float = 0.0
    history: list[dict[str, Any]] = field(default_factory=list)
    saved_at: float = field(default_factory=time.monotonic)

    @property
    def averaged_network(self) -> SeparationNetwork:
        """The network with the averaged weights."""
        network = self.average.module
        assert isinstance(network, SeparationNetwork)
        return network


def train(config: TrainingConfig, resume: bool = False, start_from: Path | None = None) -> TrainingState:
    """Train until the budget is spent; under torchrun, every process calls this.

    Args:
        config: the configuration.
        resume: continue from `config.checkpoint` if it exists.
        start_from: another run's checkpoint, or a model exported to `.onnx`, whose averaged weights to start from;
            it may lack residual blocks.

    Returns:
        The final state, which is also in `config.checkpoint`.

    Raises:
        TrainingError: there is no budget or no song, the checkpoint is of another preset or would be overwritten,
            another run is writing to the folder, or the path of the folder for temporary files is too long.
        InputError: a folder of held-out songs has none.
    """
    if config.minutes is None and config.steps is None:
        raise TrainingError("Training needs a budget: give minutes or steps.")
    if config.checkpoint.exists() and not resume:
        raise TrainingError(
            f"{config.checkpoint} holds an earlier training: continue it with --resume, or give another --out."
        )
    for held_out in config.valid:
        find_songs(held_out.path)
    if config.workers and len(tempfile.gettempdir()) > LONGEST_TEMPORARY_PATH:
        folder = tempfile.gettempdir()
        raise TrainingError(
            f"The path of the folder for temporary files is too long: {folder}. Set TMPDIR to a shorter one."
        )
    keep_freed_memory()
    group = ProcessGroup.join(config.device)
    with checkpoint.locked_folder(config.folder) if group.is_main else nullcontext():
        state = initial_state(config)
        if resume and config.checkpoint.exists():
            load_state(config, state)
        elif start_from is not None:
            load_start(config, state, start_from)
        _train_intervals(config, state, group)
        group.close()
    return state


def _train_intervals(config: TrainingConfig, state: TrainingState, group: ProcessGroup) -> None:
    """Train, validate and save until the budget is spent."""
    if config.fuse:
        state.network.fuse()
    objective = group.wrap(Objective(state.network, config.preset.build_loss()))
    cache = SampleCache(config.folder.parent / "samples", config.preset.network.sample_rate)
    while _progress(config, state) < 1:
        train_interval(config, state, objective, cache, group)
        is_last = _progress(config, state) >= 1
        if group.is_main:
            if is_last:
                save_state(config, state)  # a validation takes long, and may fail
            if config.valid and (is_last or state.step % (config.interval_steps * config.validate_every) == 0):
                validate_and_log(config, state, cache)
            if is_last or _is_checkpoint_due(config, state):
                save_state(config, state)
            plot_curves(state.history, config.folder / "curves.png")


def validate_and_log(config: TrainingConfig, state: TrainingState, cache: SampleCache) -> None:
    """Score the averaged weights on the held-out songs."""
    began = time.monotonic()
    scores = validation.validate(state.averaged_network, config.valid, cache, config.device)
    state.history.append({"step": state.step, "seconds": state.seconds, **scores})
    print(f"step {state.step}: {validation.summary(scores)} ({time.monotonic() - began:.0f} s)", flush=True)


def initial_state(config: TrainingConfig) -> TrainingState:
    """Return a network as its seed initialises it, with a fresh state."""
    torch.manual_seed(config.seed)
    preset = config.preset
    network = preset.network.build().to(config.device)
    optimiser = OPTIMISERS[preset.optimiser](network, preset.learning_rate, preset.weight_decay)
    return TrainingState(network, weight_average(network, preset.ema), optimiser)


class Objective(nn.Module):
    """A network and its loss as one module: gradients are averaged over processes only for a module called whole."""

    def __init__(self, network: SeparationNetwork, loss: nn.Module) -> None:
        super().__init__()
        self.network, self.loss = network, loss

    def forward(self, stems: Tensor, merge_matrix: Tensor | None, equalisers: Tensor | None) -> Tensor:
        """Return `SeparationNetwork.training_loss`."""
        return self.network.training_loss(stems, self.loss, merge_matrix, equalisers)


def train_interval(
    config: TrainingConfig,
    state: TrainingState,
    objective: nn.Module,
    cache: SampleCache,
    group: ProcessGroup = SINGLE_PROCESS,
) -> None:
    """Train on the songs present now, until the step count is a multiple of `config.interval_steps`."""
    preset = config.preset
    samples = preset.excerpt_samples
    mixes = MixDataset(config.data, preset.network.sources, samples, cache, preset.mixing, config.seed)
    steps = range(state.step, (state.step // config.interval_steps + 1) * config.interval_steps)
    examples_of_step = (range(step * preset.batch, (step + 1) * preset.batch) for step in steps)
    loader = DataLoader(
        mixes,
        batch_sampler=[list(examples[group.batch_slice(preset.batch)]) for examples in examples_of_step],
        num_workers=config.workers,
        prefetch_factor=3 if config.workers else None,
        pin_memory=config.device != "cpu",
        worker_init_fn=_leave_signals_to_the_parent,
    )
    losses: list[float] = []
    waited, began = 0.0, time.monotonic()
    release_freed_memory()  # the iterator forks
    batches: Iterator[TrainingExample] = iter(loader)
    for _ in steps:
        asked = time.monotonic()
        batch = _next_batch(batches)
        got = time.monotonic()
        losses.append(train_step(config, state, objective, batch, group))
        waited += got - asked
        state.seconds = group.from_main(state.seconds + time.monotonic() - asked)
        if _progress(config, state) >= 1:
            break
        if group.is_main and _is_checkpoint_due(config, state):
            save_state(config, state)
    elapsed = time.monotonic() - began
    rate = len(losses) * preset.batch * samples / preset.network.sample_rate / elapsed
    entry = {
        "step": state.step, "seconds": state.seconds, "loss": group.mean(float(np.mean(losses))), "rate": rate,
        "waited": waited / elapsed, "songs": len(mixes.songs),
    }  # fmt: skip
    state.history.append(entry)
    if group.is_main:
        print(
            f"step {state.step}  {100 * _progress(config, state):.0f} %  loss {entry['loss']:.4f}"
            f"  {rate:.1f} audio s/s  waited {100 * entry['waited']:.0f} %  songs: {len(mixes.songs)}",
            flush=True,
        )


def _next_batch(batches: Iterator[TrainingExample]) -> TrainingExample:
    """Return the next batch; raises TrainingError with its sentence if a song cannot be read."""
    try:
        return next(batches)
    except UnbraidError as error:  # that of a worker is its whole traceback
        sentence = re.sub(r"^[\w.]+Error: ", "", str(error).strip().splitlines()[-1])
        raise TrainingError(sentence) from error


def _leave_signals_to_the_parent(worker: int) -> None:
    """Ignore what a terminal sends to every process of a command: a worker ends with its parent, and silently.

    A parent that fails ends its workers with SIGTERM and waits for them, so they follow it, but not before the parent
    has ended by itself.
    """
    for name in ("SIGINT", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    if hasattr(signal, "alarm"):
        signal.signal(signal.SIGTERM, lambda *_: signal.alarm(WORKER_GRACE_SECONDS))


def train_step(
    config: TrainingConfig,
    state: TrainingState,
    objective: nn.Module,
    batch: TrainingExample,
    group: ProcessGroup = SINGLE_PROCESS,
) -> float:
    """Take one optimiser step on this process's share of a batch; returns the loss."""
    preset = config.preset
    all_known = bool((batch.merge_matrix == torch.eye(batch.merge_matrix.shape[-1])).all())
    stems = batch.stems.to(config.device, non_blocking=True)
    merge_matrix = None if all_known else batch.merge_matrix.to(config.device, non_blocking=True)
    rate = preset.learning_rate * min(1.0, (state.step + 1) / preset.warm_up) * _cosine(_progress(config, state))
    for parameters in state.optimiser.param_groups:
        parameters["lr"] = rate
    equalisers = None
    if bins := state.network.equaliser_bins:
        rng = np.random.default_rng((config.seed, state.step, 1))
        of_all_processes = augment.random_equalisers(rng, (preset.batch, stems.shape[1]), bins)
        equalisers = torch.from_numpy(of_all_processes[group.batch_slice(preset.batch)]).to(stems.device)
    with _autocast(config):
        loss = objective(stems, merge_matrix, equalisers)
    state.optimiser.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_(state.network.parameters(), preset.gradient_norm)
    state.optimiser.step()
    state.average.update_parameters(state.network)
    state.step += 1
    return float(loss.detach())


def _progress(config: TrainingConfig, state: TrainingState) -> float:
    """Return the fraction of the budget that is spent, in [0, 1]."""
    by_steps = state.step / config.steps if config.steps else 0.0
    by_time = state.seconds / 60 / config.minutes if config.minutes else 0.0
    return min(1.0, max(by_steps, by_time))


def _cosine(progress: float) -> float:
    return 0.02 + 0.98 * 0.5 * (1 + float(np.cos(np.pi * progress)))


def _autocast(config: TrainingConfig) -> AbstractContextManager[Any]:
    use_bf16 = config.bf16 and is_bf16_fast(config.device)
    return torch.autocast(config.device, torch.bfloat16) if use_bf16 else nullcontext()


def _is_checkpoint_due(config: TrainingConfig, state: TrainingState) -> bool:
    return time.monotonic() - state.saved_at >= 60 * config.checkpoint_minutes


def save_state(config: TrainingConfig, state: TrainingState) -> None:
    """Write `config.checkpoint`, and the history beside it."""
    content = {
        "preset": config.preset.name, "config": asdict(config.preset.network), "step": state.step,
        "seconds": state.seconds, "network": state.network.state_dict(),
        "average": state.averaged_network.state_dict(), "optimiser": state.optimiser.state_dict(),
        "history": state.history, "torch_rng": torch.get_rng_state(),
    }  # fmt: skip
    config.folder.mkdir(parents=True, exist_ok=True)
    checkpoint.write_checkpoint(content, config.checkpoint)
    (config.folder / "history.json").write_text(json.dumps(state.history, indent=1))
    state.saved_at = time.monotonic()


def load_state(config: TrainingConfig, state: TrainingState) -> None:
    """Load the state from `config.checkpoint`; raises TrainingError if it is of another preset."""
    saved = checkpoint.read_checkpoint(config.checkpoint, config.device)
    if saved["preset"] != config.preset.name:
        raise TrainingError(
            f"{config.checkpoint} is a checkpoint of preset {saved['preset']!r}, not {config.preset.name!r}: "
            "give another --out or remove it."
        )
    checkpoint.load_weights(state.network, saved["network"], config.checkpoint)
    checkpoint.load_weights(state.averaged_network, saved["average"], config.checkpoint)
    state.optimiser.load_state_dict(saved["optimiser"])
    state.step, state.seconds, state.history = saved["step"], saved["seconds"], saved["history"]
    count_steps(state.average, state.step)
    torch.set_rng_state(saved["torch_rng"].cpu())


def load_start(config: TrainingConfig, state: TrainingState, path: Path) -> None:
    """Load only the weights from the checkpoint or model at `path`; see `train`."""
    weights = checkpoint.averaged_weights(path, config.device)
    for network in (state.network, state.averaged_network):
        checkpoint.load_weights(network, weights, path, grow=True)
