"""Muon (Jordan et al. 2024): the momentum of a matrix, made orthogonal, is the direction of its step.

As `torch.optim.Muon`, which multiplies in bfloat16 alone: a processor without it spends more on that than on all else.
"""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from unbraid.training.precision import is_bf16_fast

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of the polynomial a x + b x³ + c x⁵ that brings every singular value near one (Jordan et al. 2024)."""
ITERATIONS = 5
ADAMW_SIZE = 0.2
"""Root mean square of AdamW's usual steps, to which Muon's are scaled (Liu et al. 2025)."""


class Muon(torch.optim.Optimizer):
    """Steps matrices (rows, columns) by their orthogonalised Nesterov momentum."""

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
                update = orthogonal(matrix.grad.lerp(mean, momentum))
                matrix.mul_(1 - rate * group["weight_decay"])
                matrix.add_(update, alpha=-rate * ADAMW_SIZE * max(matrix.shape) ** 0.5)


def orthogonal(matrix: Tensor) -> Tensor:
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
