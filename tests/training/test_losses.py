import pytest
import torch

from unbraid.training.losses import L1, MSE, WAVEFORM_LOSSES, MultiResolutionSTFT, Weighted

SHAPE = (2, 3, 2, 8_192)


@pytest.mark.parametrize("name", WAVEFORM_LOSSES)
def test_a_perfect_estimate_costs_nothing_and_a_worse_one_more(name: str) -> None:
    torch.manual_seed(0)
    loss, reference, error = WAVEFORM_LOSSES[name](), 0.1 * torch.randn(SHAPE), torch.randn(SHAPE)
    costs = [float(loss(reference + amount * error, reference)) for amount in (0.0, 0.01, 0.1)]
    assert costs[0] == pytest.approx(0, abs=1e-6)
    assert costs[0] < costs[1] < costs[2]


@pytest.mark.parametrize("name", WAVEFORM_LOSSES)
def test_gradients_are_finite_even_on_silence(name: str) -> None:
    estimate = torch.zeros(SHAPE, requires_grad=True)
    reference = torch.zeros(SHAPE)
    reference[0] = 0.1 * torch.randn(SHAPE[1:])
    WAVEFORM_LOSSES[name]()(estimate, reference).backward()
    assert estimate.grad is not None
    assert estimate.grad.isfinite().all()


def test_the_complex_part_sees_a_flipped_phase_and_magnitudes_do_not() -> None:
    reference = 0.1 * torch.randn(SHAPE)
    blind = MultiResolutionSTFT(complex_distance=0.0)
    assert float(blind(-reference, reference)) == pytest.approx(0, abs=1e-5)
    assert float(MultiResolutionSTFT()(-reference, reference)) > 0.5


def test_one_random_resolution_has_the_expectation_of_all() -> None:
    torch.manual_seed(0)
    reference = 0.1 * torch.randn(SHAPE)
    estimate = reference + 0.05 * torch.randn(SHAPE)
    one = MultiResolutionSTFT(random_resolution=True)
    mean = sum(float(one(estimate, reference)) for _ in range(60)) / 60
    assert mean == pytest.approx(float(MultiResolutionSTFT()(estimate, reference)), rel=0.1)


def test_weights_add_up() -> None:
    reference, estimate = torch.zeros(SHAPE), torch.ones(SHAPE)
    both = Weighted({"l1": 2.0, "mse": 3.0})
    assert float(both(estimate, reference)) == 2 * float(L1()(estimate, reference)) + 3 * float(
        MSE()(estimate, reference)
    )
