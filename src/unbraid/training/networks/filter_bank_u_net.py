"""The network that we ship: a U-Net over frames and bands, between a fixed filter bank and its inverse.

    mixture ──STFT──▶ magnitudes by band ──U-Net──▶ one mask per source, channel, frame, band ─┐
        └──────────────────── complex coefficients ────────────────────────────────────────────▶ × ──iSTFT──▶ stems

It descends from the Wave-U-Net (Stoller, Ewert, Dixon 2018): the first and the last layer of a waveform U-Net learn
something like a windowed Fourier basis, at a great cost; here they are that basis, fixed and exact, and between them is
the same U of convolutions with skip connections. They run over frames and bands, for lines along time and edges along
frequency look alike in every band; what depends on a band's place (a bass is low) is learnt by layers that connect all
bands of a frame ("time-distributed fully-connected", Choi et al. 2020). The masks of all sources are a softmax, so the
stems sum to the mixture by construction. Bands are single coefficients up to 4.1 kHz and grow wider above, as hearing
does.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812 (the name the field uses)
from torch import Tensor, nn

from unbraid.stems import STEMS
from unbraid.training.losses import MaskedSpectrum

SOFT = 3e4
"""Power of a frame, both channels together, at about 24 dB below full scale (RMS). Most songs are louder throughout."""
LARGEST_GAIN = 1e5
"""50 dB. What is still softer is silence."""
LOST = 1e-5
"""A channel 50 dB below the other one is lost."""


@dataclass(frozen=True)
class FilterBankUNetConfig:
    """All that defines the network. `window` and `hop` are in samples.

    Attributes:
        bands: (coefficients a band, bands), from the lowest up.
        patch: bands that the outermost level of the U sees as one.
        channels: features of each level; each level has half the frames and half the bands of the one before.
        down, bottom, up: blocks of each level but the last on the way down, of the last, and on the way up, as their
            dilations in frames.
        across: features of the layers that connect all bands of a frame.
        fine_channels, fine_blocks: of the convolutions at full resolution, after the U.
        level_frames: frames on each side over which the loudness of the song and of its channels is measured.
    """

    sources: tuple[str, ...] = STEMS
    sample_rate: int = 44100
    audio_channels: int = 2
    window: int = 4096
    hop: int = 1024
    # 384 single ones to 4.1 kHz, 96 of four to 8.3 kHz, 160 of eight to 22.05 kHz
    bands: tuple[tuple[int, int], ...] = ((1, 384), (4, 96), (8, 160))
    patch: int = 4
    channels: tuple[int, ...] = (32, 64, 128, 256)
    down: tuple[tuple[int, ...], ...] = ((1,), (1,), (1, 2, 4))
    bottom: tuple[int, ...] = (1, 2, 4, 8)
    up: tuple[tuple[int, ...], ...] = ((1,), (1,), (1,))
    across: int = 40
    fine_channels: int = 24
    fine_blocks: int = 1
    level_frames: int = 27

    def __post_init__(self) -> None:
        if sum(width * count for width, count in self.bands) != self.window // 2:
            raise ValueError(f"The bands must cover {self.window // 2} coefficients, all but the Nyquist one.")
        if self.n_bands % (self.patch * 2**self.levels):
            raise ValueError(f"{self.n_bands} bands cannot be halved {self.levels} times in patches of {self.patch}.")
        if not len(self.down) == len(self.up) == self.levels:
            raise ValueError(f"{self.levels} levels want blocks before and after: {self.down}, {self.up}.")

    @property
    def n_bands(self) -> int:
        """Number of bands in which magnitudes are seen and masks are given."""
        return sum(count for _, count in self.bands)

    @property
    def levels(self) -> int:
        """How often the U halves its frames and bands."""
        return len(self.channels) - 1

    @property
    def stride(self) -> int:
        """Samples by which the input may be shifted so that the output shifts alike: a step of the innermost level."""
        return int(self.hop * 2**self.levels)

    @property
    def context(self) -> int:
        """Samples on each side that one output sample depends on, rounded up to a multiple of `stride`."""
        frames = 1 + 2**self.levels - 1 + 2 + self.fine_blocks  # first layer, pooling, layers at full resolution
        for level, dilations in enumerate(zip(self.down, self.up, strict=True)):
            frames += 2**level * sum(map(sum, dilations))
        frames += 2**self.levels * sum(self.bottom) + self.level_frames
        samples = frames * self.hop + self.window
        return int(-(-samples // self.stride) * self.stride)


class Norm(nn.Module):
    """LayerNorm over the features of each frame and band, for tensors (batch, features, frames, bands).

    Training is faster with the fused layer, which wants the features last; runtimes are faster without moving them.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)

    def forward(self, x: Tensor) -> Tensor:  # noqa: D102
        if torch.compiler.is_exporting():
            deviation = x - x.mean(1, keepdim=True)
            scale = torch.rsqrt((deviation * deviation).mean(1, keepdim=True) + self.norm.eps)
            return deviation * scale * self.norm.weight[:, None, None] + self.norm.bias[:, None, None]
        y: Tensor = self.norm(x.permute(0, 2, 3, 1))
        return y.permute(0, 3, 1, 2)


class Residual(nn.Module):
    """A block that adds something to what it gets: nothing while its `last` layer is zero, as it is at first."""

    last: str

    def as_identity(self) -> dict[str, Tensor]:
        """Its weights, changed so that it adds nothing."""
        return {
            name: torch.zeros_like(weight) if name.startswith(self.last) else weight
            for name, weight in self.state_dict().items()
        }


class Around(Residual):
    """A residual block of its surroundings: norm, 3 × 3 convolution, ReLU, projection."""

    last = "project"

    def __init__(self, channels: int, dilation: int = 1) -> None:
        super().__init__()
        self.norm = Norm(channels)
        self.conv = nn.Conv2d(channels, channels, 3, padding=(dilation, 1), dilation=(dilation, 1))
        self.project = zeroed(nn.Conv2d(channels, channels, 1))

    def forward(self, x: Tensor) -> Tensor:  # noqa: D102
        y: Tensor = self.project(F.relu(self.conv(self.norm(x))))
        return x + y


class Across(Residual):
    """A residual block across all bands of each frame: two fully connected layers."""

    last = "spread"

    def __init__(self, channels: int, bands: int, hidden: int) -> None:
        super().__init__()
        self.norm = Norm(channels)
        self.gather = nn.Parameter(torch.randn(hidden, bands) * bands**-0.5)
        self.spread = nn.Parameter(torch.zeros(bands, hidden))

    def forward(self, x: Tensor) -> Tensor:  # noqa: D102
        y = self.norm(x)
        if torch.compiler.is_exporting():  # the same for a runtime, which lays out its memory by itself
            return x + torch.matmul(F.relu(torch.matmul(y, self.gather.t())), self.spread.t())
        y = y.permute(0, 2, 3, 1)  # (batch, frames, bands, features), as it lies in memory
        y = torch.matmul(self.spread, F.relu(torch.matmul(self.gather, y)))
        return x + y.permute(0, 3, 1, 2)


class Level(nn.Module):
    """One level of the U: blocks, then everything slower at half the frames and bands, then blocks beside the skip."""

    def __init__(
        self, before: nn.Module, inner: nn.Module, after: nn.Module, channels: int, inner_channels: int
    ) -> None:
        super().__init__()
        self.before, self.inner, self.after = before, inner, after
        self.down = nn.Conv2d(channels, inner_channels, 2, stride=2)
        # nearest upsampling before convolutions: no tonal artefacts of transposed convolutions (Pons et al. 2021)
        self.up = nn.Conv2d(inner_channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:  # noqa: D102
        skip = self.before(x)
        y = F.interpolate(self.up(self.inner(self.down(skip))), scale_factor=(2.0, 2.0), mode="nearest")
        out: Tensor = self.after(skip + y)
        return out


def blocks(channels: int, bands: int, across: int, dilations: tuple[int, ...]) -> nn.Sequential:
    """Blocks that look around and across, in turn."""
    pairs = ((Around(channels, dilation), Across(channels, bands, across)) for dilation in dilations)
    return nn.Sequential(*(block for pair in pairs for block in pair))


def zeroed(layer: nn.Conv2d) -> nn.Conv2d:
    """The layer, giving zeros: residual blocks that start as the identity train from the first step."""
    for weight in layer.parameters():
        nn.init.zeros_(weight)
    return layer


class FilterBankUNet(nn.Module):
    """Masks for every source from the spectrum of a mixture; see the module's drawing.

    `forward` takes a mixture (batch, channels, samples), samples a multiple of `config.stride`, and gives the stems
    (batch, sources, channels, samples). `band_masks` is the part that is exported.
    """

    window: Tensor
    place: Tensor

    def __init__(self, config: FilterBankUNetConfig) -> None:
        super().__init__()
        self.config = c = config
        self.register_buffer("window", torch.hann_window(c.window).sqrt(), persistent=False)
        position = torch.linspace(0, torch.pi, c.n_bands)
        place = torch.stack([torch.cos(k * position) for k in (1, 2, 4, 8)])[None, :, None]
        self.register_buffer("place", place, persistent=False)
        # left, right, mid and side magnitudes for stereo: where a source sits in the picture tells much of what it is
        self.views = 4 if c.audio_channels == 2 else c.audio_channels
        self.embed = nn.Conv2d(
            self.views + place.shape[1], c.channels[0], (3, 2 * c.patch), stride=(1, c.patch), padding=(1, c.patch // 2)
        )
        bands = c.n_bands // c.patch
        body: nn.Module = blocks(c.channels[-1], bands >> c.levels, c.across, c.bottom)
        for level in reversed(range(c.levels)):
            width, inner_width = c.channels[level : level + 2]
            before, after = (blocks(width, bands >> level, c.across, way[level]) for way in (c.down, c.up))
            body = Level(before, body, after, width, inner_width)
        self.body = body
        self.norm = Norm(c.channels[0])
        self.unfold = nn.Conv2d(c.channels[0], c.fine_channels * c.patch, 1)
        self.fine = nn.Conv2d(self.views, c.fine_channels, (3, 5), padding=(1, 2))
        self.fine_blocks = nn.ModuleList(
            nn.Conv2d(c.fine_channels, c.fine_channels, 3, padding=1) for _ in range(c.fine_blocks)
        )
        self.head = zeroed(nn.Conv2d(c.fine_channels, len(c.sources) * c.audio_channels, 3, padding=1))
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing in torch's own annotations

    # --- the fixed filter bank, the same as unbraid.inference.filter_bank ---------------------------------------------

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

    def powers(self, spectrum: Tensor) -> Tensor:
        """Power of each view by band, (batch, channels, frames, bins, 2) to (batch, views, frames, bands)."""
        views = spectrum
        if self.config.audio_channels == 2:
            left, right = spectrum[:, 0], spectrum[:, 1]
            views = torch.stack([left, right, (left + right) / 2, (left - right) / 2], 1)
        return self.by_band(views.square().sum(-1))

    def features(self, powers: Tensor) -> Tensor:
        """Log band magnitudes of `powers`, of the same shape."""
        # full scale sine ≈ 2^10; the floor of 1e-3 lies some 120 dB below, and the constants bring music to about ±2
        heard = self.repair_channels(powers)
        return torch.log(heard * self.make_up_gain(heard) + 1e-3) * 0.25

    def repair_channels(self, powers: Tensor) -> Tensor:
        """Powers of each view as if no channel were lost or inverted.

        A lost channel gets what the other one has. Of mid and side, the louder one is mid. A broken recording thus
        looks like one the network knows, and an inverted one gets exactly the masks of the intact song.
        """
        if self.config.audio_channels != 2:
            return powers
        around = self.config.level_frames
        loudness = F.avg_pool2d(powers.sum(3, keepdim=True), (2 * around + 1, 1), stride=1, padding=(around, 0))
        left_loudness, right_loudness, mid_loudness, side_loudness = loudness.split(1, 1)
        left, right, mid, side = powers.split(1, 1)
        inverted = side_loudness > mid_loudness
        whole = torch.cat([left, right, torch.where(inverted, side, mid), torch.where(inverted, mid, side)], 1)
        louder = torch.maximum(left, right)
        copied = torch.cat([louder, louder, louder, torch.zeros_like(louder)], 1)
        lost = torch.minimum(left_loudness, right_loudness) < LOST * torch.maximum(left_loudness, right_loudness)
        return torch.where(lost, copied, whole)

    def make_up_gain(self, powers: Tensor) -> Tensor:
        """Gain in power, (batch, 1, frames, 1), that brings the loudest frame nearby up to `SOFT`, at least one.

        Only the features get it, not what is masked. Soft songs would sink into the floor of the logarithm, and the
        network would have to learn each level anew.
        """
        around = self.config.level_frames
        loudness = powers[:, : self.config.audio_channels].sum((1, 3), keepdim=True)
        loudest = F.max_pool2d(loudness, (2 * around + 1, 1), stride=1, padding=(around, 0))
        return (SOFT / loudest.clamp_min(SOFT / LARGEST_GAIN)).clamp_min(1.0)

    def embedded(self, views: Tensor) -> Tensor:
        """The first layer: (batch, views, frames, bands) to (batch, features, frames, bands / patch).

        Levels and the places of their bands go through it apart: in bfloat16 on AMX, oneDNN 3 (in PyTorch 2.13 as in
        OpenVINO 2026.4) convolves 8 or 12 features by 8 bands to something else.
        """
        first = self.embed
        levels, places = first.weight.split([self.views, self.place.shape[1]], 1)
        place = self.place.to(views.dtype).expand(-1, -1, views.shape[2], -1)
        return F.conv2d(views, levels, first.bias, first.stride, first.padding) + F.conv2d(
            place, places, None, first.stride, first.padding
        )

    def logits(self, features: Tensor) -> Tensor:
        """Masks before the softmax, (batch, sources, channels, frames, bands), from `features`."""
        c = self.config
        views = features.contiguous(memory_format=torch.channels_last)
        x = self.unfold(self.norm(self.body(self.embedded(views))))
        # each cell becomes the `patch` bands that it stands for
        x = x.permute(0, 2, 3, 1).reshape(x.shape[0], -1, c.n_bands, c.fine_channels).permute(0, 3, 1, 2)
        x = x + self.fine(views)
        for block in self.fine_blocks:
            x = x + block(F.relu(x))
        logits: Tensor = self.head(F.relu(x)).unflatten(1, (len(c.sources), c.audio_channels))
        return logits

    def band_masks(self, powers: Tensor) -> Tensor:
        """Masks per band, (batch, sources, channels, frames, bands), that sum to one over the sources."""
        return self.logits(self.features(powers)).float().softmax(1)

    def masks(self, spectrum: Tensor) -> Tensor:
        """Masks per coefficient, (batch, channels, frames, bins, 2) to (batch, sources, channels, frames, bins)."""
        return self.to_bins(self.band_masks(self.powers(spectrum)))

    def forward(self, mixture: Tensor) -> Tensor:  # noqa: D102
        spectrum = self.analysis(mixture)
        return self.synthesis(self.masks(spectrum).unsqueeze(-1) * spectrum.unsqueeze(1))

    # --- training, without ever forming the masked spectra ------------------------------------------------------------

    def training_loss(
        self, stems: Tensor, loss: MaskedSpectrum, told: Tensor | None = None, equalisers: Tensor | None = None
    ) -> Tensor:
        """Loss of the masks for the mixture of these stems.

        Args:
            stems: (batch, sources, channels, samples).
            loss: what to minimise.
            told: (batch, sources, sources), ones where a source's mask counts for a stem; None: each for its own.
            equalisers: gains (batch, sources, bins) by which each stem is coloured before mixing, or None.
        """
        with torch.no_grad():
            spectra = self.analysis(stems)
            if equalisers is None:
                equalisers = spectra.new_ones(*stems.shape[:2], spectra.shape[-2])
            features, *statistics = self._statistics(spectra, equalisers)
        return self._masked_loss(self.logits(features), loss, told, *statistics)

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
        return self.features(self.powers(mixture)), power, stem_power, optimum, residual

    def _masked_loss(self, logits: Tensor, loss: MaskedSpectrum, told: Tensor | None, *statistics: Tensor) -> Tensor:
        masks = logits.float().softmax(1)
        if told is not None:
            with torch.autocast(masks.device.type, enabled=False):  # sums of masks want all their digits
                masks = torch.einsum("bst,bt...->bs...", told, masks)
        value: Tensor = loss(masks, *statistics)
        return value
