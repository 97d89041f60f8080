"""Removes what is inaudible but would pass for bass: a constant offset and very slow swings.

    heard = song − mean of its surroundings

The mean is weighted by three boxes convolved, a bell 0.3 s wide: it holds all of an offset, half of what swings 3.7
times a second, and a hundredth of what lies above 8 Hz. It is symmetric: nothing moves in time.
"""

from collections.abc import Iterable, Iterator

import numpy as np

from unbraid.audio import Audio

BOXES = 3
BOX_SECONDS = 0.1


def without_offset(blocks: Iterable[Audio], sample_rate: int) -> Iterator[Audio]:
    """Yield `blocks` `(channels, any n)` at `sample_rate` Hz without their offset, in blocks of other lengths.

    Before and after the song there is silence. Silence stays silent.
    """
    box = 2 * round(BOX_SECONDS * sample_rate / 2) + 1
    reach = BOXES * (box // 2)  # samples on each side that a mean covers
    waiting: Audio | None = None
    for block in blocks:
        if waiting is None:
            waiting = np.zeros((block.shape[0], reach), np.float32)
        waiting = np.concatenate([waiting, block], axis=1)
        if waiting.shape[1] > 2 * reach:
            yield _without_mean(waiting, box, reach)
            waiting = waiting[:, -2 * reach :]
    if waiting is not None and waiting.shape[1] > reach:
        yield _without_mean(np.pad(waiting, ((0, 0), (0, reach))), box, reach)


def _without_mean(block: Audio, box: int, reach: int) -> Audio:
    """Return the samples with `reach` neighbours on each side, minus the weighted mean of these."""
    mean = block.astype(np.float64)
    for _ in range(BOXES):
        sums = np.cumsum(mean, axis=1)
        mean = sums[:, box - 1 :].copy()
        mean[:, 1:] -= sums[:, :-box]
    samples = block[:, reach:-reach]
    # Silence stays silent, so that a song sounds the same whether or not there is silence before it.
    return np.where(samples.any(axis=0), samples - mean / box**BOXES, 0).astype(np.float32)
