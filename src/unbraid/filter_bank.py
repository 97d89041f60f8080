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

from functools import lru_cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray


@lru_cache(maxsize=8)
def window_function(window: int) -> NDArray[np.float32]:
    """Return the square root of the periodic Hann window, `(window,)`: sin(πn / window)."""
    values = np.sin(np.pi * np.arange(window) / window).astype(np.float32)
    values.setflags(write=False)
    return values


def analysis(samples: NDArray[np.float32], window: int, hop: int) -> NDArray[np.complex64]:
    """Return the spectrum `(channels, frames, bins)` of `samples` `(channels, N)`; N is a multiple of `hop`.

    frames = N / hop and bins = window / 2 + 1; unnormalised, as `numpy.fft.rfft` gives it.

    >>> analysis(np.zeros((2, 8192), np.float32), window=4096, hop=1024).shape
    (2, 8, 2049)
    """
    _check(samples.shape[-1], window, hop)
    margin = (window - hop) // 2
    padded = np.pad(samples, ((0, 0), (margin, margin)))
    frames = sliding_window_view(padded, window, axis=-1)[:, ::hop]
    return np.fft.rfft(frames * window_function(window))  # type: ignore[return-value]  # float32 in, complex64 out


def synthesis(spectra: NDArray[np.complex64], window: int, hop: int) -> NDArray[np.float32]:
    """Return the samples `(..., frames · hop)` of `spectra` `(..., frames, bins)`: windowed overlap-add."""
    frames = spectra.shape[-2]
    _check(frames * hop, window, hop)
    overlap = window // hop
    pieces = np.fft.irfft(spectra, window) * (window_function(window) * np.float32(2 * hop / window))
    # Seen as blocks of one hop, frame k covers blocks k … k + overlap − 1: add it up one block position at a time.
    pieces = pieces.reshape(*spectra.shape[:-2], frames, overlap, hop)
    blocks = np.zeros((*spectra.shape[:-2], frames + overlap - 1, hop), np.float32)
    for position in range(overlap):
        blocks[..., position : position + frames, :] += pieces[..., position, :]
    padded = blocks.reshape(*spectra.shape[:-2], -1)
    margin = (window - hop) // 2
    return padded[..., margin : margin + frames * hop]


def _check(samples: int, window: int, hop: int) -> None:
    if hop <= 0 or window % hop or window % 2 or (window - hop) % 2 or window < 2 * hop:
        raise ValueError(f"the hop must be an even part of the window, at most its half: window {window}, hop {hop}")
    if samples % hop:
        raise ValueError(f"{samples} samples are no multiple of the hop of {hop}")
