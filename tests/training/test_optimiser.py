from copy import deepcopy

import pytest
import torch
from torch import nn

from unbraid.training.optimiser import Muon, MuonAdamW


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(16, 24, 3, padding=1), nn.ReLU(), nn.Conv2d(24, 16, 1), nn.Flatten(), nn.Linear(64, 4)
    )


def stepped(net: nn.Sequential, memory_format: torch.memory_format) -> nn.Sequential:
    net.to(memory_format=memory_format)  # type: ignore[call-overload]  # missing in torch's own annotations
    optimiser = MuonAdamW(net, 1e-2, 0.01)
    x = torch.randn(3, 16, 2, 2, generator=torch.Generator().manual_seed(1))
    for _ in range(3):
        optimiser.zero_grad()
        net(x.contiguous(memory_format=memory_format)).square().mean().backward()
        optimiser.step()
    return net


def test_how_weights_lie_in_memory_changes_nothing() -> None:
    first, last = stepped(network(), torch.contiguous_format), stepped(network(), torch.channels_last)
    for a, b in zip(first.parameters(), last.parameters(), strict=True):
        # Muon may orthogonalise in bfloat16, and a singular value more or less is noise to it
        assert torch.nn.functional.cosine_similarity(a.flatten(), b.flatten(), dim=0) > 0.999
        assert (a - b).abs().mean() < 2e-3


def test_the_main_directions_of_a_matrix_move_alike() -> None:
    net = network()
    before = next(net.parameters()).detach().clone()
    after = next(stepped(net, torch.channels_last).parameters()).detach()
    moved = torch.linalg.svdvals((after - before).reshape(24, -1))
    assert moved[0] < 3 * moved[7]


def test_muon_steps_like_that_of_torch() -> None:
    random = torch.Generator().manual_seed(3)
    ours, theirs = ([torch.ones(24, 40), torch.ones(32, 8)] for _ in range(2))
    one = Muon(ours, 1e-2, 0.1)
    other = torch.optim.Muon(theirs, 1e-2, 0.1, adjust_lr_fn="match_rms_adamw")
    for _ in range(3):
        for a, b in zip(ours, theirs, strict=True):
            a.grad = b.grad = torch.randn(a.shape, generator=random)
        one.step()
        other.step()
    for a, b in zip(ours, theirs, strict=True):
        assert torch.nn.functional.cosine_similarity((a - 1).flatten(), (b - 1).flatten(), dim=0) > 0.999
        assert float((a - 1).norm()) == pytest.approx(float((b - 1).norm()), rel=0.01)  # torch's is in bfloat16


def test_it_resumes_where_it_was() -> None:
    x = torch.randn(3, 16, 2, 2, generator=torch.Generator().manual_seed(2))

    def step(net: nn.Module, optimiser: MuonAdamW) -> None:
        optimiser.zero_grad()
        net(x).square().mean().backward()
        optimiser.step()

    one = network()
    running = MuonAdamW(one, 1e-2, 0.0)
    step(one, running)
    other = network()
    other.load_state_dict(one.state_dict())
    resumed = MuonAdamW(other, 1e-2, 0.0)
    resumed.load_state_dict(deepcopy(running.state_dict()))
    step(one, running)
    step(other, resumed)
    for a, b in zip(one.parameters(), other.parameters(), strict=True):
        assert a.detach().numpy() == pytest.approx(b.detach().numpy(), abs=1e-6)
