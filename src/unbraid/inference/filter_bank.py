"""The fixed short-time Fourier transform before and after the network's body, in fp32.

Frame k is centred at sample (k + ½)·hop: N samples, padded with (window − hop)/2 zeros on each side, give N/hop
frames, so tiles that start at multiples of the hop share one grid and their frames are those of the whole song.

    samples     ├─hop─┼─hop─┼─hop─┼─hop─┼─hop─┤
    frame 0  ╰──────╴window╶──────╯
    frame 1        ╰──────╴window╶──────╯
    frame 2              ╰──────╴window╶──────╯

Both windows are the square root of one periodic Hann window. Shifted by the hop, Hann windows add up to a constant
(window / 2·hop), hence `synthesis(analysis(x)) == x` wherever all window/hop frames are there: everywhere but within
window/2 of the two ends.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Samples = NDArray[np.float32]
Spectrum = NDArray[np.complex64]

FRAMES_AT_ONCE = 16  # so few that they stay in the processor's cache: four times faster than all at once


@lru_cache(maxsize=8)
def window_function(window: int) -> Samples:
    """Return the square root of the periodic Hann window, `(window,)`: sin(πn / window)."""
    values = np.sin(np.pi * np.arange(window) / window).astype(np.float32)
    values.setflags(write=False)
    return values


def analysis(samples: Samples, window: int, hop: int) -> Spectrum:
    """Return the spectrum `(channels, frames, bins)` of `samples` `(channels, N)`; N is a multiple of `hop`.

    frames = N / hop and bins = window / 2 + 1; unnormalised, as `numpy.fft.rfft` gives it.

    >>> analysis(np.zeros((2, 8192), np.float32), window=4096, hop=1024).shape
    (2, 8, 2049)
    """
    _check(samples.shape[-1], window, hop)
    margin = (window - hop) // 2
    return spectrum_of(np.pad(samples, ((0, 0), (margin, margin))), window, hop)


def spectrum_of(samples: Samples, window: int, hop: int) -> Spectrum:
    """Return the spectrum `(channels, frames, bins)` of all windows that lie in `samples` `(channels, any n)`."""
    frames = sliding_window_view(samples, window, axis=-1)[:, ::hop]
    # Any, for float32 is missing in NumPy's types of its FFT.
    spectrum: Any = np.empty((*frames.shape[:2], window // 2 + 1), np.complex64)
    # NumPy computes an unnormalised rfft in float64, one divided by its length in float32, which is three times faster.
    scaled_window = window_function(window) * np.float32(window)
    for first in range(0, frames.shape[1], FRAMES_AT_ONCE):
        part = slice(first, first + FRAMES_AT_ONCE)
        np.fft.rfft(frames[:, part] * scaled_window, norm="forward", out=spectrum[:, part])
    written: Spectrum = spectrum
    return written


def spectra_of_blocks(blocks: Iterable[Samples], window: int, hop: int, pool: Executor) -> Iterator[Spectrum]:
    """Yield the spectrum of a song that arrives as `blocks` `(channels, any n)`, each frame once.

    The first frame starts at the first sample. `window` more samples of silence follow the song, so that every sample
    of it has all its frames.
    """
    waiting: Samples | None = None
    for block in blocks:
        waiting = block if waiting is None else np.concatenate([waiting, block], axis=1)
        if waiting.shape[1] >= window + FRAMES_AT_ONCE * hop:
            yield _spectrum_by_channel(waiting, window, hop, pool)
            waiting = waiting[:, (waiting.shape[1] - window) // hop * hop + hop :]
    if waiting is not None:
        yield _spectrum_by_channel(np.pad(waiting, ((0, 0), (0, window))), window, hop, pool)


def _spectrum_by_channel(samples: Samples, window: int, hop: int, pool: Executor) -> Spectrum:
    return np.concatenate(list(pool.map(lambda channel: spectrum_of(channel[np.newaxis], window, hop), samples)))


def views(channels: int) -> NDArray[np.float32]:
    """Return the channels and mixes that a network sees, as weights `(views, channels)`: stereo adds mid and side."""
    return np.array([[1, 0], [0, 1], [0.5, 0.5], [0.5, -0.5]] if channels == 2 else np.eye(channels), np.float32)


def band_powers(spectrum: Spectrum, view: NDArray[np.float32], bands: Sequence[tuple[int, int]]) -> Samples:
    """Return the power `(frames, bands)` of a view `(channels,)` of a spectrum `(channels, frames, bins)`.

    `bands` are groups of (bins in each band, number of bands), lowest first; the Nyquist bin is left out.
    """
    parts = spectrum.view(np.float32)  # real and imaginary parts, one after the other: a power is the sum of squares
    powers = np.empty((parts.shape[1], sum(count for _, count in bands)), np.float32)
    for first in range(0, parts.shape[1], FRAMES_AT_ONCE):
        here = slice(first, first + FRAMES_AT_ONCE)
        seen = sum(weight * channel[here] for weight, channel in zip(view, parts, strict=True) if weight)
        squares = np.square(seen)
        part = band = 0
        for width, count in bands:
            grouped = squares[:, part : part + 2 * width * count].reshape(-1, count, 2 * width)
            # A product with ones is the fastest of NumPy's ways to add up a few numbers, many times.
            np.matmul(grouped, np.ones(2 * width, np.float32), out=powers[here, band : band + count])
            part, band = part + 2 * width * count, band + count
    return powers


def synthesis(spectra: Spectrum, window: int, hop: int) -> Samples:
    """Return the samples `(…, frames · hop)` of `spectra` `(…, frames, bins)`: windowed overlap-add."""
    frames = spectra.shape[-2]
    _check(frames * hop, window, hop)

    def spectra_of(part: slice, out: Spectrum) -> None:
        out[...] = spectra[..., part, :]

    blocks = np.zeros((*spectra.shape[:-2], frames + window // hop - 1, hop), np.float32)
    _overlap_add(spectra_of, blocks, frames, window)
    margin = (window - hop) // 2
    return blocks.reshape(*spectra.shape[:-2], -1)[..., margin : margin + frames * hop]


class MaskedSynthesis:
    """Turns masks and a song's spectrum into stems, a few frames at a time, by windowed overlap-add.

    It returns the samples that the frames so far determine; `window − hop` more depend on the next frames.
    """

    def __init__(self, window: int, hop: int, band_of_bin: NDArray[np.intp], pool: Executor) -> None:
        self._window, self._hop, self._band_of_bin, self._pool = window, hop, band_of_bin, pool
        self._unfinished: Samples | None = None

    def add(self, masks: Sequence[Samples], spectrum: Spectrum) -> Samples:
        """Return `(stems, channels, n · hop)` samples for n frames more.

        `masks` are `(channels, n, bands)` for each stem, the `spectrum` is `(channels, n, bins)`; the first sample of
        all is that of the first frame's window.
        """
        stems, (channels, frames) = len(masks), spectrum.shape[:2]
        unfinished = self._window // self._hop - 1
        blocks = np.zeros((stems, channels, frames + unfinished, self._hop), np.float32)
        if self._unfinished is not None:
            blocks[:, :, :unfinished] = self._unfinished

        def masked(stem: int) -> None:
            def spectra_of(part: slice, out: Spectrum) -> None:
                np.multiply(np.take(masks[stem][:, part], self._band_of_bin, axis=-1), spectrum[:, part], out=out)

            _overlap_add(spectra_of, blocks[stem], frames, self._window)

        list(self._pool.map(masked, range(stems)))
        self._unfinished = blocks[:, :, frames:].copy()
        return blocks[:, :, :frames].reshape(stems, channels, -1)


def _overlap_add(spectra_of: Callable[[slice, Spectrum], None], blocks: Samples, frames: int, window: int) -> None:
    """Add windowed frames to `blocks` `(…, frames + window/hop − 1, hop)`.

    `spectra_of` writes the spectra of a slice of frames where it is told. Seen as blocks of one hop, frame k covers the
    blocks k … k + window/hop − 1.
    """
    leading, hop = blocks.shape[:-2], blocks.shape[-1]
    overlap = window // hop
    scaled_window = window_function(window) * np.float32(2 * hop / window)
    spectra = np.empty((*leading, FRAMES_AT_ONCE, window // 2 + 1), np.complex64)
    pieces: Any = np.empty((*leading, FRAMES_AT_ONCE, window), np.float32)
    for first in range(0, frames, FRAMES_AT_ONCE):
        n = min(FRAMES_AT_ONCE, frames - first)
        here, piece = spectra[..., :n, :], pieces[..., :n, :]
        spectra_of(slice(first, first + n), here)
        np.fft.irfft(here, window, out=piece)
        piece *= scaled_window
        for position in range(overlap):
            samples = piece[..., position * hop : (position + 1) * hop]
            blocks[..., first + position : first + position + n, :] += samples


def _check(samples: int, window: int, hop: int) -> None:
    if hop <= 0 or window % (2 * hop):
        raise ValueError(f"the window must be an even number of hops: window {window}, hop {hop}")
    if samples % hop:
        raise ValueError(f"{samples} samples are no multiple of the hop of {hop}")
