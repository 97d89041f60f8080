"""The training loop: draw mixes, step, average the weights, validate on held-out songs, checkpoint, resume."""

import json
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from unbraid.errors import TrainingError
from unbraid.inference.devices import cpu_count
from unbraid.training import checkpoint, validation
from unbraid.training.curves import plot_curves
from unbraid.training.data import augment
from unbraid.training.data.mixes import Example, Folder, Mixes
from unbraid.training.data.sample_cache import SampleCache
from unbraid.training.distribution import Team
from unbraid.training.lock import locked
from unbraid.training.losses import MaskedSpectrum
from unbraid.training.memory import keep_freed, release_freed
from unbraid.training.networks.filter_bank_u_net import FilterBankUNet
from unbraid.training.networks.wave_u_net import crop
from unbraid.training.optimiser import OPTIMISERS
from unbraid.training.precision import is_bf16_fast
from unbraid.training.presets import Network, Preset

ALONE = Team()


@dataclass
class Run:
    """What one training is told: where its songs are, how long it may take, how often it looks up.

    Attributes:
        data, valid: folders of song folders.
        folder: where checkpoint, log and curves go.
        minutes, steps: the budget, whichever is given; the learning rate falls to zero over it.
        fuse: compile the element-wise work; needs a compiler.
        workers: processes that mix songs; a GPU wants more than one can make.
        bf16: compute in bfloat16 where that is faster.
        leg: steps between two looks at the data folders, log lines and (if due) validations.
    """

    preset: Preset
    data: Sequence[Folder]
    valid: Sequence[Folder]
    folder: Path
    minutes: float | None = None
    steps: int | None = None
    seed: int = 0
    leg: int = 100
    validate_every: int = 5
    workers: int = field(default_factory=lambda: max(1, cpu_count() - 2) if torch.cuda.is_available() else 1)
    fuse: bool = field(default_factory=lambda: shutil.which("g++") is not None)
    bf16: bool = True
    device: str = field(default_factory=lambda: "cuda" if torch.cuda.is_available() else "cpu")

    @property
    def checkpoint(self) -> Path:
        """The file from which the run goes on."""
        return self.folder / "checkpoint.pt"


@dataclass
class State:
    """Everything that changes during a run and is saved with it."""

    network: Network
    average: Network
    optimiser: torch.optim.Optimizer
    step: int = 0
    seconds: float = 0.0
    history: list[dict[str, Any]] = field(default_factory=list)


def train(run: Run, resume: bool = False, start_from: Path | None = None) -> State:
    """Train until the budget is spent and return the final state, which is also in `run.checkpoint`.

    Args:
        run: what to do.
        resume: go on from `run.checkpoint` if it is there.
        start_from: another run's checkpoint, or a model exported to `.onnx`, whose averaged weights are the start; it
            may lack residual blocks.

    Raises:
        TrainingError: no songs, a checkpoint of another preset, or a folder that another training writes into.

    Started by torchrun, all processes call it alike; see `unbraid.training.distribution`.
    """
    if run.minutes is None and run.steps is None:
        raise TrainingError("A training needs a budget: give minutes or steps.")
    keep_freed()
    team = Team.gathered(run.device)
    with locked(run.folder) if team.leads else nullcontext():
        state = _begun(run, resume, start_from)
        _train(run, state, team)
        team.leave()
    return state


def _begun(run: Run, resume: bool, start_from: Path | None) -> State:
    """The state from which a training goes on."""
    state = new_state(run)
    if resume and run.checkpoint.exists():
        load(run, state)
    elif start_from is not None:
        weights = checkpoint.averaged(start_from, run.device)
        for network in (state.network, state.average):
            checkpoint.restore(network, weights, start_from, grow=True)
    return state


def _train(run: Run, state: State, team: Team) -> None:
    """Leg by leg until the budget is spent."""
    if run.fuse and isinstance(state.network, FilterBankUNet):
        state.network.fuse()
    objective = team.joined(Objective(state.network, run.preset.build_loss()))
    cache = SampleCache(run.folder.parent / "samples", run.preset.network.sample_rate)
    legs = 0
    while _progress(run, state) < 1:
        leg(run, state, objective, cache, team)
        legs += 1
        last = _progress(run, state) >= 1
        if team.leads:
            if run.valid and (last or legs % run.validate_every == 0):
                look(run, state, cache)
            save(run, state)
            plot_curves(state.history, run.folder / "curves.png")


def look(run: Run, state: State, cache: SampleCache) -> None:
    """Score the averaged weights on the held-out songs."""
    began = time.monotonic()
    scores = validation.validate(state.average, run.valid, cache, run.device)
    state.history.append({"step": state.step, "seconds": state.seconds, **scores})
    print(f"step {state.step}: {validation.summary(scores)} ({time.monotonic() - began:.0f} s)", flush=True)


def new_state(run: Run) -> State:
    """A network as its seed initialises it, and all that goes with it."""
    torch.manual_seed(run.seed)
    network, average = run.preset.build().to(run.device), run.preset.build().to(run.device)
    average.load_state_dict(network.state_dict())
    average.requires_grad_(False).eval()
    p = run.preset
    optimiser = OPTIMISERS[p.optimiser](network, p.learning_rate, p.weight_decay)
    return State(network, average, optimiser)


class Objective(nn.Module):
    """A network and its loss in one: only what is called as a whole has its gradients averaged over processes."""

    def __init__(self, network: Network, loss: nn.Module) -> None:
        super().__init__()
        self.network, self.loss = network, loss

    def forward(self, stems: Tensor, told: Tensor | None, gains: Tensor | None) -> Tensor:
        """The loss for the mixture of stems (batch, sources, channels, samples), coloured by (batch, sources, bins).

        `told` (batch, sources, sources) says which estimates make up each stem, as in `Example`; None: each its own.
        """
        network, loss = self.network, self.loss
        if isinstance(network, FilterBankUNet) and isinstance(loss, MaskedSpectrum):
            return network.training_loss(stems, loss, told, gains)
        if network.config.audio_channels == 1:
            stems = stems.mean(2, keepdim=True)
        estimate = network(stems.sum(1))
        if told is not None:
            estimate = torch.einsum("bst,bt...->bs...", told, estimate)
        result: Tensor = loss(estimate.float(), crop(stems, estimate.shape[-1]))
        return result


def leg(run: Run, state: State, objective: nn.Module, cache: SampleCache, team: Team = ALONE) -> None:
    """`run.leg` steps on the songs that are there now."""
    p = run.preset
    samples = p.excerpt_samples
    mixes = Mixes(run.data, p.network.sources, samples, cache, p.mixing, run.seed)
    steps = range(state.step, state.step + run.leg)
    batches = [list(range(step * p.batch, (step + 1) * p.batch)[team.share(p.batch)]) for step in steps]
    loader = DataLoader(
        mixes,
        batch_sampler=batches,
        num_workers=run.workers,
        prefetch_factor=3 if run.workers else None,
        pin_memory=run.device != "cpu",
    )
    losses: list[float] = []
    waited, began = 0.0, time.monotonic()
    release_freed()  # the iterator forks
    mixed: Iterator[Example] = iter(loader)
    for _ in range(run.leg):
        asked = time.monotonic()
        examples = next(mixed)
        got = time.monotonic()
        losses.append(step(run, state, objective, examples, team))
        waited += got - asked
        state.seconds = team.agreed(state.seconds + time.monotonic() - asked)
        if _progress(run, state) >= 1:
            break
    elapsed = time.monotonic() - began
    rate = len(losses) * p.batch * samples / p.network.sample_rate / elapsed
    entry = {
        "step": state.step, "seconds": state.seconds, "loss": team.mean(float(np.mean(losses))), "rate": rate,
        "waited": waited / elapsed, "songs": len(mixes.songs),
    }  # fmt: skip
    state.history.append(entry)
    if team.leads:
        print(
            f"step {state.step}  {100 * _progress(run, state):.0f} %  loss {entry['loss']:.4f}  {rate:.1f} audio s/s"
            f"  waited {100 * entry['waited']:.0f} %  {len(mixes.songs)} songs",
            flush=True,
        )


def step(run: Run, state: State, objective: nn.Module, examples: Example, team: Team = ALONE) -> float:
    """One optimiser step on a batch of examples, this process's share; returns its loss."""
    p = run.preset
    all_told = bool((examples.told == torch.eye(examples.told.shape[-1])).all())
    stems = examples.stems.to(run.device, non_blocking=True)
    told = None if all_told else examples.told.to(run.device, non_blocking=True)
    rate = p.learning_rate * min(1.0, (state.step + 1) / p.warm_up) * _cosine(_progress(run, state))
    for group in state.optimiser.param_groups:
        group["lr"] = rate
    gains = None
    if isinstance(state.network, FilterBankUNet):
        rng = np.random.default_rng((run.seed, state.step, 1))
        everyones = augment.equalisers(rng, (p.batch, stems.shape[1]), state.network.config.window // 2 + 1)
        gains = torch.from_numpy(everyones[team.share(p.batch)]).to(stems.device)
    with _autocast(run):
        value = objective(stems, told, gains)
    state.optimiser.zero_grad(set_to_none=True)
    value.backward()
    nn.utils.clip_grad_norm_(state.network.parameters(), p.gradient_norm)
    state.optimiser.step()
    state.step += 1
    decay = min(p.ema, (1 + state.step) / (10 + state.step))
    with torch.no_grad():
        averaged: list[Tensor] = list(state.average.parameters())
        current: list[Tensor] = list(state.network.parameters())
        torch._foreach_lerp_(averaged, current, 1 - decay)
    return float(value.detach())


def _progress(run: Run, state: State) -> float:
    """How much of the budget is spent, in [0, 1]."""
    by_steps = state.step / run.steps if run.steps else 0.0
    by_time = state.seconds / 60 / run.minutes if run.minutes else 0.0
    return min(1.0, max(by_steps, by_time))


def _cosine(progress: float) -> float:
    return 0.02 + 0.98 * 0.5 * (1 + float(np.cos(np.pi * progress)))


def _autocast(run: Run) -> AbstractContextManager[Any]:
    return torch.autocast(run.device, torch.bfloat16) if run.bf16 and is_bf16_fast(run.device) else nullcontext()


def save(run: Run, state: State) -> None:
    """Write `run.checkpoint`, and the history beside it."""
    content = {
        "preset": run.preset.name, "config": asdict(run.preset.network), "step": state.step, "seconds": state.seconds,
        "network": state.network.state_dict(), "average": state.average.state_dict(),
        "optimiser": state.optimiser.state_dict(), "history": state.history, "torch_rng": torch.get_rng_state(),
    }  # fmt: skip
    run.folder.mkdir(parents=True, exist_ok=True)
    checkpoint.write(content, run.checkpoint)
    (run.folder / "history.json").write_text(json.dumps(state.history, indent=1))


def load(run: Run, state: State) -> None:
    """Take everything from `run.checkpoint`; raises TrainingError if it is one of another preset."""
    saved = checkpoint.read(run.checkpoint, run.device)
    if saved["preset"] != run.preset.name:
        raise TrainingError(
            f"{run.checkpoint} is a checkpoint of preset {saved['preset']!r}, not {run.preset.name!r}: "
            "give another --out or remove it."
        )
    checkpoint.restore(state.network, saved["network"], run.checkpoint)
    checkpoint.restore(state.average, saved["average"], run.checkpoint)
    state.optimiser.load_state_dict(saved["optimiser"])
    state.step, state.seconds, state.history = saved["step"], saved["seconds"], saved["history"]
    torch.set_rng_state(saved["torch_rng"].cpu())
