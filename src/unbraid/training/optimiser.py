"""What steps the weights: Muon for all that multiplies features, AdamW for the rest.

By Muon every direction in which a layer can change moves alike, not only the few that the gradient is full of. A
convolution is the matrix (outputs, inputs · kernel). Its steps are scaled to the size of AdamW's, so that one learning
rate serves both (Liu et al. 2025).
"""

from typing import Any

import torch
from torch import Tensor, nn

from unbraid.training.muon import Muon

SMALLEST = 16
"""Rows and columns that a matrix must have for Muon: there is little to orthogonalise in fewer."""


class MuonAdamW(torch.optim.Optimizer):
    """`Muon` for the matrices of a network, `torch.optim.AdamW` for its other weights.

    Weight decay shrinks matrices only, not biases and gains.
    """

    def __init__(self, network: nn.Module, learning_rate: float, weight_decay: float) -> None:
        weights = list(network.parameters())
        super().__init__([{"params": weights}], {"lr": learning_rate})
        self._convolutions = [(w, _matrix(w)) for w in weights if w.ndim > 1 and min(_matrix(w).shape) >= SMALLEST]
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
