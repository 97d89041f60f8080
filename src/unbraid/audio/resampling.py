"""Converts the sample rate of a stream of blocks: aligned with the input, and of the right length."""

from collections.abc import Iterable, Iterator

import numpy as np

from unbraid.audio.types import Audio


class Resampler:
    """Converts blocks `(channels, n)` from one rate in Hz to another.

    The converter (libsoxr, linear phase) compensates its own delay: sample n of the output lies at n / `wanted`
    seconds, and N samples give round(N · wanted / rate) in all.
    """

    def __init__(self, rate: float, wanted: float, channels: int) -> None:
        import soxr

        self._stream = None
        self._nothing = np.zeros((0, channels), np.float32)
        if rate != wanted:
            self._stream = soxr.ResampleStream(rate, wanted, channels, dtype="float32", quality="HQ")

    def convert(self, block: Audio) -> Audio:
        """Return the output that this block completes, perhaps none."""
        if self._stream is None:
            return block
        converted: Audio = self._stream.resample_chunk(np.ascontiguousarray(block.T)).T
        return converted

    def finish(self) -> Audio:
        """Return the remaining output at the end of the song."""
        if self._stream is None:
            return self._nothing.T
        rest: Audio = self._stream.resample_chunk(self._nothing, last=True).T
        return rest


def resampled(blocks: Iterable[Audio], rate: float, wanted: float, channels: int) -> Iterator[Audio]:
    """Yield `blocks` `(channels, n)` at `rate` Hz converted to `wanted` Hz, in blocks of another length."""
    resampler = Resampler(rate, wanted, channels)
    for block in blocks:
        yield resampler.convert(block)
    yield resampler.finish()
