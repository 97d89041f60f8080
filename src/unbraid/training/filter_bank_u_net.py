"""The network that we ship: a 1-D U-Net between a fixed filter bank and its inverse.

    mixture ──STFT──▶ magnitudes by band ──U-Net over frames──▶ one mask per source, channel, band ─┐
        └──────────────────── complex coefficients ───────────────────────────────────────────────▶ × ──iSTFT──▶ stems

It descends from the Wave-U-Net (Stoller, Ewert, Dixon 2018): the first and the last layer of a waveform U-Net learn
something like a windowed Fourier basis, at a great cost; here they are that basis, fixed and exact, and everything
between is the same 1-D U-Net of convolutions with skip connections, over frames instead of samples. The masks of all
sources are a softmax, so the stems sum to the mixture by construction. Bands are single coefficients up to 4.1 kHz and
grow wider above, as hearing does.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812 (the name the field uses)
from torch import Tensor, nn

from unbraid.stems import STEMS
from unbraid.training.losses import MaskedSpectrum


@dataclass(frozen=True)
class FilterBankUNetConfig:
    """All that defines the network. `window` and `hop` are in samples, `channels` is the body's width in features."""

    sources: tuple[str, ...] = STEMS
    sample_rate: int = 44100
    audio_channels: int = 2
    window: int = 4096
    hop: int = 1024
    # (coefficients a band, bands): 384 single ones to 4.1 kHz, 96 of four to 8.3 kHz, 160 of eight to 22.05 kHz
    bands: tuple[tuple[int, int], ...] = ((1, 384), (4, 96), (8, 160))
    channels: int = 352
    outer_blocks: int = 2
    levels: int = 2
    dilations: tuple[int, ...] = (1, 2, 4, 8, 1, 2, 4, 8)
    refinement_channels: int = 24
    refinement_blocks: int = 2

    def __post_init__(self) -> None:
        if sum(width * count for width, count in self.bands) != self.window // 2:
            raise ValueError(f"The bands must cover {self.window // 2} coefficients, all but the Nyquist one.")

    @property
    def n_bands(self) -> int:
        """Number of bands in which magnitudes are seen and masks are given."""
        return sum(count for _, count in self.bands)

    @property
    def stride(self) -> int:
        """Samples by which the input may be shifted so that the output shifts alike: a step of the innermost level."""
        return int(self.hop * 2**self.levels)

    @property
    def context(self) -> int:
        """Samples on each side that one output sample depends on, rounded up to a multiple of `stride`."""
        frames = 0
        for level in range(self.levels):
            # blocks on the way down and up, then the stride-2 convolution (±1) and the upsampling's smoothing (±1)
            frames += 2**level * (2 * self.outer_blocks + 1) + 2 ** (level + 1)
        frames += 2**self.levels * sum(self.dilations)
        frames += self.refinement_blocks + 2
        samples = frames * self.hop + self.window
        return int(-(-samples // self.stride) * self.stride)


class Norm(nn.Module):
    """LayerNorm over the features of each frame, for tensors (batch, features, 1, frames) kept channels-last."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)

    def forward(self, x: Tensor) -> Tensor:  # noqa: D102
        y: Tensor = self.norm(x.permute(0, 2, 3, 1))
        return y.permute(0, 3, 1, 2)


class Block(nn.Module):
    """A gated residual block: norm, convolution over three frames, GLU (Dauphin et al. 2017), projection."""

    def __init__(self, channels: int, dilation: int = 1) -> None:
        super().__init__()
        self.norm = Norm(channels)
        self.conv = nn.Conv2d(channels, 2 * channels, (1, 3), padding=(0, dilation), dilation=(1, dilation))
        self.project = nn.Conv2d(channels, channels, 1)
        nn.init.zeros_(self.project.weight)  # each block starts as the identity: deep stacks train from the first step
        assert self.project.bias is not None
        nn.init.zeros_(self.project.bias)

    def forward(self, x: Tensor) -> Tensor:  # noqa: D102
        y: Tensor = self.project(F.glu(self.conv(self.norm(x)), dim=1))
        return x + y


class Level(nn.Module):
    """One level of the U: blocks, then everything slower at half the frame rate, then blocks again beside the skip."""

    def __init__(self, channels: int, n_blocks: int, inner: nn.Module) -> None:
        super().__init__()
        self.before = nn.Sequential(*(Block(channels) for _ in range(n_blocks)))
        self.down = nn.Conv2d(channels, channels, (1, 4), stride=(1, 2), padding=(0, 1))
        self.inner = inner
        # nearest upsampling, then a convolution: no tonal artefacts of transposed convolutions (Pons et al. 2021)
        self.up = nn.Conv2d(channels, channels, (1, 3), padding=(0, 1))
        self.after = nn.Sequential(*(Block(channels) for _ in range(n_blocks)))

    def forward(self, x: Tensor) -> Tensor:  # noqa: D102
        skip = self.before(x)
        y = self.inner(self.down(skip))
        y = self.up(F.interpolate(y, scale_factor=(1.0, 2.0), mode="nearest"))
        out: Tensor = self.after(skip + y)
        return out


class Refinement(nn.Module):
    """A few 2-D convolutions over frames and bands, added to what the U-Net says.

    Lines along time and edges along frequency look alike in every band; the 1-D U-Net has to learn them for each anew.
    Maps (batch, inputs, frames, bands) to (batch, outputs, frames, bands) and starts as zero.
    """

    def __init__(self, inputs: int, channels: int, outputs: int, blocks: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(inputs, channels, (3, 5), padding=(1, 2))
        self.blocks = nn.ModuleList(nn.Conv2d(channels, channels, 3, padding=1) for _ in range(blocks))
        self.last = nn.Conv2d(channels, outputs, 3, padding=1)
        nn.init.zeros_(self.last.weight)
        assert self.last.bias is not None
        nn.init.zeros_(self.last.bias)

    def forward(self, x: Tensor) -> Tensor:  # noqa: D102
        x = self.first(x)
        for block in self.blocks:
            x = x + block(F.relu(x))
        y: Tensor = self.last(F.relu(x))
        return y


class FilterBankUNet(nn.Module):
    """Masks for every source from the spectrum of a mixture; see the module's drawing.

    `forward` takes a mixture (batch, channels, samples), samples a multiple of `config.stride`, and gives the stems
    (batch, sources, channels, samples). `band_masks` is the part that is exported.
    """

    window: Tensor

    def __init__(self, config: FilterBankUNetConfig) -> None:
        super().__init__()
        self.config = config
        c, k = config.channels, config.n_bands
        self.register_buffer("window", torch.hann_window(config.window).sqrt(), persistent=False)
        # left, right, mid and side magnitudes for stereo: where a source sits in the picture tells much of what it is
        self.views = 4 if config.audio_channels == 2 else config.audio_channels
        self.embed = nn.Conv2d(self.views * k, c, 1)
        body: nn.Module = nn.Sequential(*(Block(c, dilation) for dilation in config.dilations))
        for _ in range(config.levels):
            body = Level(c, config.outer_blocks, body)
        self.body = body
        self.norm = Norm(c)
        masks = len(config.sources) * config.audio_channels
        self.head = nn.Conv2d(c, masks * k, 1)
        self.refine = Refinement(self.views + masks, config.refinement_channels, masks, config.refinement_blocks)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing in torch's own annotations

    # --- the fixed filter bank, the same as unbraid.filter_bank -------------------------------------------------------

    def analysis(self, audio: Tensor) -> Tensor:
        """STFT of audio (..., samples) as real pairs (..., frames, bins, 2); samples must be a multiple of hop."""
        w, h = self.config.window, self.config.hop
        flat = F.pad(audio.reshape(-1, audio.shape[-1]), ((w - h) // 2, (w - h) // 2))
        z = torch.stft(flat, w, h, window=self.window, center=False, return_complex=True)
        return torch.view_as_real(z.transpose(1, 2)).reshape(*audio.shape[:-1], -1, w // 2 + 1, 2)

    def synthesis(self, spectra: Tensor) -> Tensor:
        """Inverse of `analysis`: pairs (..., frames, bins, 2) to audio (..., samples), exact away from the ends."""
        w, h = self.config.window, self.config.hop
        lead, frames = spectra.shape[:-3], spectra.shape[-3]
        x = torch.fft.irfft(torch.view_as_complex(spectra.contiguous()), n=w) * self.window
        columns = x.reshape(-1, frames, w).transpose(1, 2)
        total = F.fold(columns, (1, (frames - 1) * h + w), (1, w), stride=(1, h)).reshape(*lead, -1)
        pad = (w - h) // 2
        return total[..., pad : pad + frames * h] * (2 * h / w)

    # --- from bands to coefficients and back --------------------------------------------------------------------------

    def by_band(self, power: Tensor) -> Tensor:
        """Sum over the coefficients of each band: (..., bins) to (..., bands); the Nyquist bin is left out."""
        parts, start = [], 0
        for width, count in self.config.bands:
            part = power[..., start : start + width * count]
            parts.append(part if width == 1 else part.unflatten(-1, (count, width)).sum(-1))
            start += width * count
        return torch.cat(parts, -1)

    def to_bins(self, masks: Tensor) -> Tensor:
        """Give each coefficient its band's mask: (..., bands) to (..., bins); the Nyquist bin takes the last band's."""
        parts, start = [], 0
        for width, count in self.config.bands:
            part = masks[..., start : start + count]
            parts.append(part if width == 1 else part.unsqueeze(-1).expand(*part.shape, width).flatten(-2))
            start += count
        return torch.cat([*parts, masks[..., -1:]], -1)

    # --- the network --------------------------------------------------------------------------------------------------

    def features(self, spectrum: Tensor) -> Tensor:
        """Log band magnitudes, (batch, channels, frames, bins, 2) to (batch, views · bands, 1, frames)."""
        views = spectrum
        if self.config.audio_channels == 2:
            left, right = spectrum[:, 0], spectrum[:, 1]
            views = torch.stack([left, right, (left + right) / 2, (left - right) / 2], 1)
        power = self.by_band(views.square().sum(-1))
        # full scale sine ≈ 2^10; the floor of 1e-3 lies some 120 dB below, and the constants bring music to about ±2
        x = torch.log(power + 1e-3) * 0.25
        features: Tensor = x.permute(0, 1, 3, 2).flatten(1, 2).unsqueeze(2)
        return features

    def logits(self, features: Tensor) -> Tensor:
        """Masks before the softmax, (batch, sources, channels, frames, bands), from `features`."""
        c = self.config
        x = self.embed(features.to(memory_format=torch.channels_last))
        y = self.head(self.norm(self.body(x)))
        coarse = y.squeeze(2).unflatten(1, (-1, c.n_bands)).transpose(-1, -2)
        views = features.squeeze(2).unflatten(1, (-1, c.n_bands)).transpose(-1, -2)
        seen = torch.cat([views.to(coarse.dtype), coarse], 1).to(memory_format=torch.channels_last)
        logits: Tensor = (coarse + self.refine(seen)).unflatten(1, (len(c.sources), c.audio_channels))
        return logits

    def band_masks(self, spectrum: Tensor) -> Tensor:
        """Masks per band, (batch, sources, channels, frames, bands), that sum to one over the sources."""
        return self.logits(self.features(spectrum)).float().softmax(1)

    def masks(self, spectrum: Tensor) -> Tensor:
        """Masks per coefficient, (batch, channels, frames, bins, 2) to (batch, sources, channels, frames, bins)."""
        return self.to_bins(self.band_masks(spectrum))

    def forward(self, mixture: Tensor) -> Tensor:  # noqa: D102
        spectrum = self.analysis(mixture)
        return self.synthesis(self.masks(spectrum).unsqueeze(-1) * spectrum.unsqueeze(1))

    # --- training, without ever forming the masked spectra ------------------------------------------------------------

    def training_loss(self, stems: Tensor, loss: MaskedSpectrum, equalisers: Tensor | None = None) -> Tensor:
        """Loss of the masks for the mixture of these stems.

        Args:
            stems: (batch, sources, channels, samples).
            loss: what to minimise.
            equalisers: gains (batch, sources, bins) by which each stem is coloured before mixing, or None.
        """
        with torch.no_grad():
            spectra = self.analysis(stems)
            if equalisers is None:
                equalisers = spectra.new_ones(*stems.shape[:2], spectra.shape[-2])
            features, *statistics = self._statistics(spectra, equalisers)
        return self._masked_loss(self.logits(features), loss, *statistics)

    def fuse(self) -> None:
        """Compile the element-wise parts of `training_loss`: one pass over memory, not a dozen (needs a compiler)."""
        self._statistics = torch.compile(self._statistics)  # type: ignore[method-assign]
        self._masked_loss = torch.compile(self._masked_loss)  # type: ignore[method-assign]

    def _statistics(self, spectra: Tensor, equalisers: Tensor) -> tuple[Tensor, ...]:
        """Return the features and, by band, the mixture's power, the stems', the best masks, what they leave over."""
        sources = spectra * equalisers[:, :, None, None, :, None]
        mixture = sources.sum(1)
        power = self.by_band(mixture.square().sum(-1)).unsqueeze(1)
        stem_power = self.by_band(sources.square().sum(-1))
        cross = self.by_band((sources * mixture.unsqueeze(1)).sum(-1))
        optimum = cross / (power + 1e-6)
        residual = (stem_power - optimum * cross).clamp_min(0.0)
        return self.features(mixture), power, stem_power, optimum, residual

    def _masked_loss(self, logits: Tensor, loss: MaskedSpectrum, *statistics: Tensor) -> Tensor:
        value: Tensor = loss(logits.float().softmax(1), *statistics)
        return value
