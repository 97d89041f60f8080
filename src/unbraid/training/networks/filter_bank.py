"""The fixed filter bank in PyTorch, the same as `unbraid.inference.filter_bank`, and sums over its bands."""

import torch
import torch.nn.functional as F  # noqa: N812 (the name the field uses)
from torch import Tensor, nn


class FilterBank(nn.Module):
    """A short-time Fourier transform whose coefficients are grouped into bands.

    Args:
        window: samples of a frame; the Hann window's square root is applied on the way in and on the way out.
        hop: samples from one frame to the next.
        bands: (coefficients a band, bands), from the lowest up; the Nyquist coefficient is in none of them.
    """

    window: Tensor

    def __init__(self, window: int, hop: int, bands: tuple[tuple[int, int], ...]) -> None:
        super().__init__()
        self.hop, self.bands = hop, bands
        self.register_buffer("window", torch.hann_window(window).sqrt(), persistent=False)

    def analysis(self, audio: Tensor) -> Tensor:
        """STFT of audio (..., samples) as real pairs (..., frames, bins, 2); samples must be a multiple of hop."""
        w, h = len(self.window), self.hop
        flat = F.pad(audio.reshape(-1, audio.shape[-1]), ((w - h) // 2, (w - h) // 2))
        z = torch.stft(flat, w, h, window=self.window, center=False, return_complex=True)
        return torch.view_as_real(z.transpose(1, 2)).reshape(*audio.shape[:-1], -1, w // 2 + 1, 2)

    def synthesis(self, spectra: Tensor) -> Tensor:
        """Inverse of `analysis`: pairs (..., frames, bins, 2) to audio (..., samples), exact away from the ends."""
        w, h = len(self.window), self.hop
        lead, frames = spectra.shape[:-3], spectra.shape[-3]
        x = torch.fft.irfft(torch.view_as_complex(spectra.contiguous()), n=w) * self.window
        columns = x.reshape(-1, frames, w).transpose(1, 2)
        total = F.fold(columns, (1, (frames - 1) * h + w), (1, w), stride=(1, h)).reshape(*lead, -1)
        pad = (w - h) // 2
        return total[..., pad : pad + frames * h] * (2 * h / w)

    def sum_by_band(self, power: Tensor) -> Tensor:
        """Sum over the coefficients of each band: (..., bins) to (..., bands); the Nyquist bin is left out."""
        parts, start = [], 0
        for width, count in self.bands:
            part = power[..., start : start + width * count]
            parts.append(part if width == 1 else part.unflatten(-1, (count, width)).sum(-1))
            start += width * count
        return torch.cat(parts, -1)

    def expand_to_bins(self, masks: Tensor) -> Tensor:
        """Give each coefficient its band's mask: (..., bands) to (..., bins); the Nyquist bin takes the last band's."""
        parts, start = [], 0
        for width, count in self.bands:
            part = masks[..., start : start + count]
            parts.append(part if width == 1 else part.unsqueeze(-1).expand(*part.shape, width).flatten(-2))
            start += count
        return torch.cat([*parts, masks[..., -1:]], -1)
