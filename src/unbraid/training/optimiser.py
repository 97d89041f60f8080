"""Optimisers and the average of the weights: Muon for all that multiplies features, AdamW for the rest.

With Muon, a layer moves equally in every direction, not only in the few that dominate the gradient. A
convolution is treated as the matrix (outputs, inputs · kernel). Its steps are scaled to the size of AdamW's, so that
one learning rate serves both (Liu et al. 2025).
"""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import PARAM_LIST, AveragedModel, get_ema_multi_avg_fn

MIN_MATRIX = 16
"""Minimum rows and columns of a matrix for Muon: smaller ones have little to orthogonalise."""
COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Those of the polynomial a x + b x³ + c x⁵ that brings every singular value near one (Jordan et al. 2024)."""
ITERATIONS = 5
ADAMW_SIZE = 0.2
"""Root mean square of AdamW's usual steps, to which Muon's are scaled (Liu et al. 2025)."""


class Muon(torch.optim.Optimizer):
    """Steps matrices (rows, columns) by their orthogonalised Nesterov momentum (Jordan et al. 2024).

    Like `torch.optim.Muon`, which however multiplies only in bfloat16: a processor without it would spend more time
    there than on all else.
    """

    def __init__(
        self, matrices: Iterable[Tensor], learning_rate: float, weight_decay: float, momentum: float = 0.95
    ) -> None:
        super().__init__(matrices, {"lr": learning_rate, "weight_decay": weight_decay, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]  # no closure is ever given
        """Step every matrix that has a gradient."""
        for group in self.param_groups:
            rate, momentum = group["lr"], group["momentum"]
            for matrix in group["params"]:
                if matrix.grad is None:
                    continue
                state = self.state[matrix]
                if not state:
                    state["momentum_buffer"] = torch.zeros_like(matrix.grad)
                mean = state["momentum_buffer"].lerp_(matrix.grad, 1 - momentum)
                update = orthogonalised(matrix.grad.lerp(mean, momentum))
                matrix.mul_(1 - rate * group["weight_decay"])
                matrix.add_(update, alpha=-rate * ADAMW_SIZE * max(matrix.shape) ** 0.5)


def orthogonalised(matrix: Tensor) -> Tensor:
    """The matrix with all its singular values near one, by Newton–Schulz iterations; float32 or bfloat16."""
    x = matrix.bfloat16() if is_bf16_fast(matrix.device.type) else matrix.float()
    tall = x.shape[0] > x.shape[1]
    if tall:
        x = x.T
    x = x / x.norm().clamp_min(1e-7)
    a, b, c = COEFFICIENTS
    for _ in range(ITERATIONS):
        gram = x @ x.T
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.T if tall else x


class MuonAdamW(torch.optim.Optimizer):
    """`Muon` for the matrices of a network, `torch.optim.AdamW` for its other weights.

    Weight decay shrinks matrices only, not biases and gains.
    """

    def __init__(self, network: nn.Module, learning_rate: float, weight_decay: float) -> None:
        weights = list(network.parameters())
        super().__init__([{"params": weights}], {"lr": learning_rate})
        self._convolutions = [(w, _matrix(w)) for w in weights if w.ndim > 1 and min(_matrix(w).shape) >= MIN_MATRIX]
        taken = {id(w) for w, _ in self._convolutions}
        others = [w for w in weights if id(w) not in taken]
        groups = [
            {"params": [w for w in others if w.ndim > 1], "weight_decay": weight_decay},
            {"params": [w for w in others if w.ndim <= 1], "weight_decay": 0.0},
        ]
        self._adamw = torch.optim.AdamW([g for g in groups if g["params"]], learning_rate, (0.9, 0.98), fused=True)
        matrices = [matrix for _, matrix in self._convolutions]
        self._muon = Muon(matrices, learning_rate, weight_decay) if matrices else None

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]  # no closure is ever given
        """Step all weights at the learning rate of `param_groups`."""
        for optimiser in self._parts():
            for group in optimiser.param_groups:
                group["lr"] = self.param_groups[0]["lr"]
        for weight, matrix in self._convolutions:
            matrix.data = _matrix(weight)  # weights move in memory when their network is joined with other processes'
            matrix.grad = None if weight.grad is None else _matrix(weight.grad, like=weight)
        for optimiser in self._parts():
            optimiser.step()

    def state_dict(self) -> dict[str, Any]:
        """Return the states of both."""
        return {"parts": [optimiser.state_dict() for optimiser in self._parts()]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take the states of both."""
        for optimiser, state in zip(self._parts(), state_dict["parts"], strict=True):
            optimiser.load_state_dict(state)

    def _parts(self) -> list[torch.optim.Optimizer]:
        return [self._adamw] + ([self._muon] if self._muon else [])


def _matrix(weight: Tensor, like: Tensor | None = None) -> Tensor:
    """The weight as (outputs, all else), columns in the order in which those of `like` lie in memory.

    For a weight itself (`like` left out) it shares memory with it.
    """
    if weight.ndim == 4 and not (weight if like is None else like).is_contiguous():
        weight = weight.permute(0, 2, 3, 1)
    return weight.detach().reshape(weight.shape[0], -1)


def adamw(network: nn.Module, learning_rate: float, weight_decay: float) -> torch.optim.Optimizer:
    """AdamW (Loshchilov and Hutter 2019); weight decay shrinks matrices only, not biases and gains."""
    groups = [
        {"params": [w for w in network.parameters() if w.ndim > 1], "weight_decay": weight_decay},
        {"params": [w for w in network.parameters() if w.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, learning_rate, (0.9, 0.98), fused=True)


OPTIMISERS = {"adamw": adamw, "muon": MuonAdamW}


def weight_average(network: nn.Module, decay: float, steps: int = 0) -> AveragedModel:
    """Return the exponential moving average of a network's weights.

    Args:
        network: its weights are the average at first.
        decay: per step, once some steps are done; (1 + n) / (10 + n) after the first n.
        steps: how many are done already.
    """
    average = AveragedModel(network, multi_avg_fn=_move_average(decay))
    average.requires_grad_(False).eval()
    count_steps(average, steps)
    return average


def count_steps(average: AveragedModel, steps: int) -> None:
    """Set how many steps an average already holds, besides the initial weights, which count as one."""
    average.n_averaged.fill_(1 + steps)


def _move_average(decay: float) -> Callable[[PARAM_LIST, PARAM_LIST, Tensor | int], None]:
    def move(averaged: PARAM_LIST, current: PARAM_LIST, count: Tensor | int) -> None:
        done = int(count)
        get_ema_multi_avg_fn(min(decay, (1 + done) / (10 + done)))(averaged, current, count)

    return move


def is_bf16_fast(device: str) -> bool:
    """Whether bfloat16 is faster than float32 there: on GPUs, and on CPUs with AVX-512 BF16 or AMX."""
    return device != "cpu" or bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
