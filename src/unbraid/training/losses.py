"""Losses on waveforms (MSE, L1, multi-resolution STFT, sums of them) or on masked spectra.

A loss on waveforms takes estimate and reference, both (batch, sources, channels, samples), and gives a scalar.

The published Wave-U-Net minimises MSE. unbraid's first improvement is the spectral loss, in two forms:
`MultiResolutionSTFT` for any network that gives waveforms, `MaskedSpectrum` for a network that masks a filter bank.
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn


class MSE(nn.Module):
    """Mean squared error of the samples: the loss of the published Wave-U-Net (Stoller et al. 2018, section 4)."""

    def forward(self, estimate: Tensor, reference: Tensor) -> Tensor:  # noqa: D102
        return (estimate - reference).square().mean()


class L1(nn.Module):
    """Mean absolute error of the samples (Défossez et al. 2019, Demucs, equation 3)."""

    def forward(self, estimate: Tensor, reference: Tensor) -> Tensor:  # noqa: D102
        return (estimate - reference).abs().mean()


class MultiResolutionSTFT(nn.Module):
    """Spectral convergence + log-magnitude distance (Yamamoto et al. 2020, eq. 5–6) + complex distance.

    The first two see only magnitudes: a stem with the right spectrum and the wrong phase would cost nothing, yet would
    not cancel in a mixture. The third, the L1 distance of the complex coefficients relative to the reference's mean
    magnitude, is the phase-aware part. With `random_resolution` each step draws one of the resolutions: the same
    expectation at a third of the cost.

    Args:
        windows: STFT window lengths in samples; the hop is a quarter of each.
        convergence, log_magnitude, complex_distance: weights of the three parts.
        floor: magnitude, relative to the STFT peak of a full-scale sine, below which differences do not count.
    """

    def __init__(
        self,
        windows: tuple[int, ...] = (512, 1024, 2048),
        convergence: float = 1.0,
        log_magnitude: float = 1.0,
        complex_distance: float = 1.0,
        floor: float = 1e-3,
        random_resolution: bool = False,
    ) -> None:
        super().__init__()
        self.windows = windows
        self.convergence, self.log_magnitude, self.complex_distance = convergence, log_magnitude, complex_distance
        self.floor = floor
        self.random_resolution = random_resolution

    def forward(self, estimate: Tensor, reference: Tensor) -> Tensor:  # noqa: D102
        windows = self.windows
        if self.random_resolution:
            windows = (windows[int(torch.randint(len(windows), ()))],)
        total = estimate.new_zeros(())
        for window in windows:
            total = total + self._one_resolution(estimate, reference, window)
        return total / len(windows)

    def _one_resolution(self, estimate: Tensor, reference: Tensor, window: int) -> Tensor:
        hann = torch.hann_window(window, device=estimate.device)

        def stft(x: Tensor) -> Tensor:
            flat = x.reshape(-1, x.shape[-1])
            z = torch.stft(flat, window, window // 4, window=hann, center=False, return_complex=True)
            # real pairs: the gradient of complex abs() is several times slower than that of real arithmetic
            return torch.view_as_real(z)

        e, r = stft(estimate), stft(reference)
        floor = (self.floor * window / 4) ** 2
        e_abs, r_abs = (z.square().sum(-1).add(floor).sqrt() for z in (e, r))
        scale = r_abs.mean().detach()
        convergence = (e_abs - r_abs).norm() / r_abs.norm()
        log_magnitude = (e_abs.log() - r_abs.log()).abs().mean()
        distance = (e - r).square().sum(-1).add(floor).sqrt().sub(floor**0.5).mean() / scale
        total: Tensor = (
            self.convergence * convergence + self.log_magnitude * log_magnitude + self.complex_distance * distance
        )
        return total


class Weighted(nn.Module):
    """A weighted sum of other losses: `Weighted({"l1": 1.0, "stft": 0.1})`."""

    def __init__(self, weights: Mapping[str, float]) -> None:
        super().__init__()
        self.parts = nn.ModuleDict({name: WAVEFORM_LOSSES[name]() for name in weights})
        self.weights = dict(weights)

    def forward(self, estimate: Tensor, reference: Tensor) -> Tensor:  # noqa: D102
        total = estimate.new_zeros(())
        for name, part in self.parts.items():
            total = total + self.weights[name] * part(estimate, reference)
        return total


class MaskedSpectrum(nn.Module):
    """The complex error of a masked spectrum, band by band, without ever forming the masked spectrum.

    For a band of coefficients X of the mixture and S of one source, under one real mask M,

        ‖M X − S‖² = A (M − C/A)² + (D − C²/A)     with A = ‖X‖², C = Re⟨S, X⟩, D = ‖S‖²,

    where the first term is what a better mask could mend (its optimum C/A is the phase-sensitive mask of Erdogan et al.
    2015) and the second what no real mask can: real arithmetic on a few small tensors. The loss is the norm of this
    error over a whole stem, as in SDR, relative to the stem's own norm plus a share of the mixture's: a soft piano
    counts almost as much as loud drums, and a silent stem stays bounded. A sum of magnitudes (L1) would ask for the
    median instead, and the median of a source that seldom leads in a band is silence.

    Args:
        mixture_share: of the mixture's norm that is added to the stem's own.
        floor: magnitude below which all is silent.
    """

    def __init__(self, mixture_share: float = 0.5, floor: float = 1e-2) -> None:
        super().__init__()
        self.mixture_share, self.floor = mixture_share, floor

    def forward(self, masks: Tensor, power: Tensor, stem_power: Tensor, optimum: Tensor, residual: Tensor) -> Tensor:
        """Scalar loss.

        Args:
            masks: (batch, sources, channels, frames, bands).
            power: A, (batch, 1, channels, frames, bands).
            stem_power: D, shaped like `masks`.
            optimum: C/A, shaped like `masks`.
            residual: D − C²/A, shaped like `masks`.
        """
        error = power * (masks - optimum).square() + residual
        value: Tensor = (self._norm(error) / (self._norm(stem_power) + self.mixture_share * self._norm(power))).mean()
        return value

    def _norm(self, power: Tensor) -> Tensor:
        """Root mean square of each stem, from the power of its bands."""
        return (power.mean((2, 3, 4)) + self.floor**2).sqrt()


WAVEFORM_LOSSES: dict[str, Callable[[], nn.Module]] = {
    "mse": MSE,
    "l1": L1,
    "stft": MultiResolutionSTFT,
    "l1+stft": lambda: Weighted({"l1": 1.0, "stft": 0.1}),
}
MASK_LOSSES: dict[str, Callable[[], nn.Module]] = {"masked-spectrum": MaskedSpectrum}
LOSSES = {**WAVEFORM_LOSSES, **MASK_LOSSES}
"""What a preset can name: the first for networks that give waveforms, the second for those that mask a filter bank."""
