"""The shipped network: a U-Net over frames and bands, between a fixed filter bank and its inverse.

    mixture ──STFT──▶ magnitudes by band ──U-Net──▶ one mask per source, channel, frame, band ─┐
        └──────────────────── complex coefficients ────────────────────────────────────────────▶ × ──iSTFT──▶ stems

It descends from the Wave-U-Net (Stoller, Ewert, Dixon 2018): the first and the last layer of a waveform U-Net learn
something like a windowed Fourier basis, at great cost; here they are that basis, fixed and exact, and between them is
the same U of convolutions with skip connections. They run over frames and bands, since lines along time and edges along
frequency look alike in every band. What depends on a band's place (a bass is low) is learnt by layers that connect all
bands of a frame ("time-distributed fully-connected", Choi et al. 2020). The masks of all sources are a softmax, so the
stems sum to the mixture by construction. Bands are single coefficients up to 4.1 kHz and grow wider above, as hearing
does.
"""

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 (the name the field uses)
from torch import Tensor, nn

from unbraid.stems import STEMS
from unbraid.training.losses import MaskedSpectrum
from unbraid.training.networks.filter_bank import FilterBank
from unbraid.training.networks.input_repair import make_up_gain, repair_channels
from unbraid.training.networks.network import ExportGraph, SeparationNetwork
from unbraid.training.networks.residual_blocks import (
    BlockStack,
    ChannelNorm,
    Level,
    block_stack,
    without_ends,
    zero_init,
)


@dataclass(frozen=True)
class FilterBankUNetConfig:
    """All that defines the network.

    Attributes:
        window, hop: of the filter bank, in samples.
        bands: (coefficients a band, bands), from the lowest up.
        patch: bands that the outermost level of the U sees as one.
        channels: features of each level; each level has half the frames and half the bands of the one before.
        down, bottom, up: blocks of each level but the last on the way down, of the last, and on the way up, as their
            dilations in frames.
        tdf_features: of the layers that connect all bands of a frame.
        fine_channels, fine_blocks: of the convolutions at full resolution, after the U.
        loudness_frames: frames on each side over which the loudness of the song and of its channels is measured.
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
    tdf_features: int = 40
    fine_channels: int = 24
    fine_blocks: int = 1
    loudness_frames: int = 27

    def __post_init__(self) -> None:
        if sum(width * count for width, count in self.bands) != self.window // 2:
            raise ValueError(f"The bands must cover {self.window // 2} coefficients, all but the Nyquist one.")
        if self.n_bands % (self.patch * 2**self.levels):
            raise ValueError(f"{self.n_bands} bands cannot be halved {self.levels} times in patches of {self.patch}.")
        if not len(self.down) == len(self.up) == self.levels:
            raise ValueError(f"{self.levels} levels want blocks before and after: {self.down}, {self.up}.")

    @property
    def n_bands(self) -> int:
        """Number of bands in the input and in the masks."""
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
    def tile_context(self) -> int:
        """Samples on each side that one output sample depends on, rounded up to a multiple of `stride`."""
        frames = 1 + 2**self.levels - 1 + self.fine_reach  # first layer, pooling, layers at full resolution
        for level, dilations in enumerate(zip(self.down, self.up, strict=True)):
            frames += 2**level * sum(map(sum, dilations))
        frames += 2**self.levels * sum(self.bottom) + self.loudness_frames
        samples = frames * self.hop + self.window
        return int(-(-samples // self.stride) * self.stride)

    @property
    def fine_reach(self) -> int:
        """Frames on each side of a frame that the convolutions at full resolution see."""
        return 2 + self.fine_blocks

    def build(self) -> "FilterBankUNet":
        """Return the network, whose masks are the same for all sources at first."""
        return FilterBankUNet(self)

    def excerpt_samples(self, seconds: float) -> int:
        """Return the multiple of `stride` that is nearest to `seconds`."""
        return max(1, round(seconds * self.sample_rate / self.stride)) * self.stride

    def padding(self, samples: int) -> tuple[int, int]:
        """Return the zeros before and after a song that make it a multiple of `stride`."""
        return 0, -samples % self.stride

    def model_facts(self) -> dict[str, Any]:
        """Return what a model file says of the network; see `NetworkConfig`."""
        bank = {"window": self.window, "hop": self.hop, "bands": [list(band) for band in self.bands]}
        return {"context": self.tile_context, "stride": self.stride, "output": "ratio", "filter_bank": bank}


class FilterBankUNet(SeparationNetwork):
    """Masks for every source from the spectrum of a mixture; see the module's drawing.

    `forward` takes a mixture (batch, channels, samples), samples a multiple of `config.stride`, and gives the stems
    (batch, sources, channels, samples). `band_masks` is the part that is exported.
    """

    config: FilterBankUNetConfig
    place: Tensor

    def __init__(self, config: FilterBankUNetConfig) -> None:
        super().__init__()
        self.config = c = config
        self.equaliser_bins = c.window // 2 + 1
        self.bank = FilterBank(c.window, c.hop, c.bands)
        position = torch.linspace(0, torch.pi, c.n_bands)
        place = torch.stack([torch.cos(k * position) for k in (1, 2, 4, 8)])[None, :, None]
        self.register_buffer("place", place, persistent=False)
        # left, right, mid and side magnitudes for stereo: where a source sits in the picture tells much of what it is
        self.views = 4 if c.audio_channels == 2 else c.audio_channels
        self.embed = nn.Conv2d(
            self.views + place.shape[1], c.channels[0], (3, 2 * c.patch), stride=(1, c.patch), padding=(1, c.patch // 2)
        )
        bands = c.n_bands // c.patch
        body: BlockStack | Level = block_stack(c.channels[-1], bands >> c.levels, c.tdf_features, c.bottom)
        for level in reversed(range(c.levels)):
            width, inner_width = c.channels[level : level + 2]
            before, after = (block_stack(width, bands >> level, c.tdf_features, way[level]) for way in (c.down, c.up))
            body = Level(before, body, after, width, inner_width)
        self.body = body
        self.norm = ChannelNorm(c.channels[0])
        self.unfold = nn.Conv2d(c.channels[0], c.fine_channels * c.patch, 1)
        self.fine = nn.Conv2d(self.views, c.fine_channels, (3, 5), padding=(1, 2))
        self.fine_blocks = nn.ModuleList(
            nn.Conv2d(c.fine_channels, c.fine_channels, 3, padding=1) for _ in range(c.fine_blocks)
        )
        self.head = zero_init(nn.Conv2d(c.fine_channels, len(c.sources) * c.audio_channels, 3, padding=1))
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing in torch's own annotations

    def powers(self, spectrum: Tensor) -> Tensor:
        """Power of each view by band, (batch, channels, frames, bins, 2) to (batch, views, frames, bands)."""
        views = spectrum
        if self.config.audio_channels == 2:
            left, right = spectrum[:, 0], spectrum[:, 1]
            views = torch.stack([left, right, (left + right) / 2, (left - right) / 2], 1)
        return self.bank.sum_by_band(views.square().sum(-1))

    def features(self, powers: Tensor) -> Tensor:
        """Log band magnitudes of `powers`, of the same shape."""
        around = self.config.loudness_frames
        heard = repair_channels(powers, around) if self.config.audio_channels == 2 else powers
        gain = make_up_gain(heard[:, : self.config.audio_channels], around)
        # full scale sine ≈ 2^10; the floor of 1e-3 lies some 120 dB below, and the constants bring music to about ±2
        return torch.log(heard * gain + 1e-3) * 0.25

    def embed_bands(self, views: Tensor) -> Tensor:
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
        views = features.contiguous(memory_format=torch.channels_last)
        return self.fine_logits(self.coarse_features(views), views)

    def coarse_features(self, views: Tensor) -> Tensor:
        """The output of the U for `views` (batch, views, frames, bands): (batch, features, frames, bands / patch)."""
        coarse: Tensor = self.norm(self.body(self.embed_bands(views)))
        return coarse

    def coarse_features_valid(self, views: Tensor, start: int) -> tuple[Tensor, int]:
        """As `coarse_features`, of the frames in the middle; see `Level.forward_valid`."""
        embedded = without_ends(self.embed_bands(views), 1)
        coarse, start = self.body.forward_valid(embedded, start + 1)
        return self.norm(coarse), start

    def fine_logits(self, coarse: Tensor, views: Tensor) -> Tensor:
        """Masks before the softmax, as `logits`; a frame depends on `config.fine_reach` more on each side."""
        c = self.config
        x = self.unfold(coarse)
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
        return self.bank.expand_to_bins(self.band_masks(self.powers(spectrum)))

    def forward(self, mixture: Tensor) -> Tensor:  # noqa: D102
        spectrum = self.bank.analysis(mixture)
        return self.bank.synthesis(self.masks(spectrum).unsqueeze(-1) * spectrum.unsqueeze(1))

    # --- training, without ever forming the masked spectra ------------------------------------------------------------

    def training_loss(
        self, stems: Tensor, loss: nn.Module, merge_matrix: Tensor | None = None, equalisers: Tensor | None = None
    ) -> Tensor:
        """Compare masks with `MaskedSpectrum`, or waveforms, which `equalisers` do not change, with any other loss."""
        if not isinstance(loss, MaskedSpectrum):
            return super().training_loss(stems, loss, merge_matrix)
        with torch.no_grad():
            spectra = self.bank.analysis(stems)
            if equalisers is None:
                equalisers = spectra.new_ones(*stems.shape[:2], spectra.shape[-2])
            features, *statistics = self._statistics(spectra, equalisers)
        return self._masked_loss(self.logits(features), loss, merge_matrix, *statistics)

    def fuse(self) -> None:
        """Compile the element-wise parts of `training_loss`: one pass over memory, not a dozen."""
        self._statistics = torch.compile(self._statistics)  # type: ignore[method-assign]
        self._masked_loss = torch.compile(self._masked_loss)  # type: ignore[method-assign]

    def _statistics(self, spectra: Tensor, equalisers: Tensor) -> tuple[Tensor, ...]:
        """Return the features and, by band, the mixture's power, the stems', the best masks, what they leave over."""
        sources = spectra * equalisers[:, :, None, None, :, None]
        mixture = sources.sum(1)
        power = self.bank.sum_by_band(mixture.square().sum(-1)).unsqueeze(1)
        stem_power = self.bank.sum_by_band(sources.square().sum(-1))
        cross = self.bank.sum_by_band((sources * mixture.unsqueeze(1)).sum(-1))
        optimum = cross / (power + 1e-6)
        residual = (stem_power - optimum * cross).clamp_min(0.0)
        return self.features(self.powers(mixture)), power, stem_power, optimum, residual

    def _masked_loss(
        self, logits: Tensor, loss: MaskedSpectrum, merge_matrix: Tensor | None, *statistics: Tensor
    ) -> Tensor:
        masks = logits.float().softmax(1)
        if merge_matrix is not None:
            with torch.autocast(masks.device.type, enabled=False):  # sums of masks want all their digits
                masks = torch.einsum("bst,bt...->bs...", merge_matrix, masks)
        value: Tensor = loss(masks, *statistics)
        return value

    # --- the way out --------------------------------------------------------------------------------------------------

    def export_graph(self) -> ExportGraph:
        """Everything but the filter bank: powers of the views by band to masks."""
        c = self.config
        steps = 2 * c.tile_context // c.stride + 4
        powers = 100 * torch.rand(1, self.views, steps * 2**c.levels, c.n_bands)
        frames = 2**c.levels * torch.export.Dim("steps", min=steps, max=4096)
        return ExportGraph(MaskGraph(self), {"powers": powers}, {"powers": {2: frames}}, "masks")


class MaskGraph(nn.Module):
    """The part of the network that is exported: powers of a tile with its context to masks of the tile.

    The layers at full resolution need the most memory, so they process the frames slice by slice.
    """

    def __init__(self, network: FilterBankUNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, powers: Tensor) -> Tensor:  # noqa: D102
        network, c = self.network, self.network.config
        context, reach = c.tile_context // c.hop, c.fine_reach
        views = without_ends(network.features(powers), c.loudness_frames)
        coarse, start = network.coarse_features_valid(views, c.loudness_frames)
        coarse = without_ends(coarse, context - reach - start)
        views = without_ends(views, context - reach - c.loudness_frames)
        slices = 2**c.levels  # the number of frames is a multiple of it
        length, masks = (powers.shape[2] - 2 * context) // slices, []
        for number in range(slices):
            seen = slice(number * length, (number + 1) * length + 2 * reach)
            logits = network.fine_logits(coarse[:, :, seen], views[:, :, seen])
            masks.append(logits.softmax(1)[:, :, :, reach:-reach])
        return torch.cat(masks, 3)
