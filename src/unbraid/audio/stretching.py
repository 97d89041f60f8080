"""Another speed at the same pitch, another pitch at the same speed: a phase vocoder.

A sound is cut into overlapping frames, which are laid down again closer together or wider apart. For a partial to go
on without a jump from one frame to the next, its phase must be turned by as much as it is ahead or behind at its new
place. All bins around a peak of the spectrum are turned alike, so that a partial keeps its shape (Laroche & Dolson
1999), and where a note is struck nothing is turned: an attack stays as it was. Transposing is resampling, which changes
both pitch and speed, and then the speed back.

    input    [--frame 1--]            speed 0.5:    the frames are half as far apart
             ·  [--frame 2--]                       in the input as in the output
    output   [--frame 1--]
             ·     [--frame 2--]
"""

from collections.abc import Iterable, Iterator
from itertools import count

import numpy as np
from numpy.typing import NDArray

from unbraid.audio.resampling import resampled
from unbraid.audio.types import Audio

FRAME_SECONDS = 0.093  # tells the notes of a chord apart
SHORT_FRAME_SECONDS = 0.046  # for drums: keeps their strokes short
HOPS = 4  # in a frame
OVERLAP = 1.5  # the sum of the squares of the overlapping Hann windows

Spectrum = NDArray[np.complexfloating]


def stretched(
    blocks: Iterable[Audio],
    rate: int,
    channels: int,
    *,
    frames: int,
    speed: float = 1.0,
    semitones: float = 0.0,
    frame_seconds: float = FRAME_SECONDS,
) -> Iterator[Audio]:
    """Yield a sound at another speed and pitch; what was at t seconds comes at t / speed.

    Args:
        blocks: the sound `(channels, n)`
        rate: samples a second
        channels: how many there are
        frames: samples of the whole sound; the output has round(frames / speed)
        speed: 2 is twice as fast
        semitones: 12 is an octave higher
        frame_seconds: length of a frame
    """
    pitch = 2.0 ** (semitones / 12)
    if pitch != 1:
        blocks = resampled(blocks, rate * pitch, rate, channels)
    step = speed / pitch
    size = 2 ** round(np.log2(frame_seconds * rate))
    left = round(frames / speed)
    for block in blocks if step == 1 else _vocoder(blocks, size, step):
        if block.shape[1]:
            yield block[:, :left]
        left -= min(left, block.shape[1])
        if not left:
            return


def _vocoder(blocks: Iterable[Audio], size: int, step: float) -> Iterator[Audio]:
    """Yield the sound with `step` samples of input for each of output, followed by endless silence."""
    hop = size // HOPS
    window = np.hanning(size + 1)[:-1].astype(np.float32)
    sound = _Window(blocks)
    turned: Spectrum | None = None
    output: Audio | None = None
    for number in count():
        centre = round(number * hop * step)
        around = sound.part(centre - size // 2 - hop, centre + size // 2)
        before, now = np.fft.rfft(around[:, :size] * window), np.fft.rfft(around[:, hop:] * window)
        turned = now if turned is None else now * _rotation(now, before, turned)
        frame = (np.fft.irfft(turned) * (window / OVERLAP)).astype(np.float32)
        output = frame if output is None else output + frame
        if number >= HOPS // 2:  # before the first frame's centre there is no sound yet
            yield output[:, :hop]
        output = np.pad(output[:, hop:], ((0, 0), (0, hop)))


def _rotation(now: Spectrum, before: Spectrum, turned: Spectrum) -> Spectrum:
    """Return by how much each bin is to be turned, as complex numbers.

    Args:
        now: spectra `(channels, bins)` of the input's frame
        before: those of the input one hop earlier, on which the output's last frame would have to be followed by `now`
        turned: those of the output's last frame
    """
    power, earlier = (np.square(np.abs(spectrum)).sum(axis=0) for spectrum in (now, before))
    bins = power.size
    inner = power[2:-2]
    is_peak = (inner > power[1:-3]) & (inner >= power[3:-1]) & (inner > power[:-4]) & (inner >= power[4:])
    peaks = np.flatnonzero(is_peak) + 2
    struck = power[power > 4 * earlier].sum() > 0.5 * power.sum()
    if struck or not peaks.size:
        return np.ones(bins, now.dtype)
    ahead = (turned[:, peaks] * np.conj(before[:, peaks])).sum(axis=0)
    size = np.abs(ahead)
    ahead = np.where(size > 1e-12, ahead / np.maximum(size, 1e-12), 1)
    borders = np.concatenate([[0], (peaks[1:] + peaks[:-1]) // 2 + 1, [bins]])
    return np.repeat(ahead, np.diff(borders))


class _Window:
    """A part of a stream of blocks that only moves forward; before and after the stream there is silence."""

    def __init__(self, blocks: Iterable[Audio]) -> None:
        self._blocks = iter(blocks)
        self._start = 0  # of what is held, in the stream
        self._held: Audio = next(self._blocks, np.zeros((1, 0), np.float32))

    def part(self, first: int, last: int) -> Audio:
        """Return the samples `(channels, last - first)` from first up to last."""
        while self._start + self._held.shape[1] < last and (block := next(self._blocks, None)) is not None:
            past = max(0, min(first - self._start, self._held.shape[1]))
            self._start += past
            self._held = np.concatenate([self._held[:, past:], block], axis=1)
        found = self._held[:, max(0, first - self._start) : max(0, last - self._start)]
        missing = max(0, self._start - first)
        return np.pad(found, ((0, 0), (missing, last - first - missing - found.shape[1])))
