"""The stems as they are stored: files of a few seconds each, from which everything else is put together.

Every segment holds exactly the same number of samples, and FLAC has no padding and no delay: segments laid end to end
are the stem, sample for sample, in every browser. The stored samples add up to the song's own: stems are rounded to the
steps of the song, and the last one takes what the others' rounding left over. A stem alone may be louder than full
scale, so all are stored softer by `HEADROOM`. The lowest bits of such samples are zero, and FLAC does not store them:
16 bits of song take the room of 16 bits.

Each segment is also stored in Opus, small enough for a phone; `compressed` says how such segments fit together.
"""

import io
from collections.abc import Iterable, Iterator, Mapping

import numpy as np
from django.core.files.storage import default_storage
from numpy.typing import NDArray

from unbraid.audio import StemWriter, resampled
from unbraid.audio import read as read_song
from unbraid.inference.tiles import tiles
from unbraid_web.separations import compressed
from unbraid_web.separations.models import Stem

HEADROOM = 8.0  # 18 dB
STORED_BITS = 24
FINEST = 2.0 ** (1 - STORED_BITS) * HEADROOM  # the step for songs with more than 16 bits

Samples = NDArray[np.float32]


def segments_of(
    stream: Iterable[Mapping[str, Samples]], names: list[str], length: int, context: int
) -> Iterator[tuple[Samples, int]]:
    """Cut the stems into segments from blocks of any length.

    Yields:
        `(stems, channels, context + length + context)`, with the sound around the segment, and how many samples of
        the middle belong to the song: fewer than `length` only in the last segment.
    """
    blocks = (np.concatenate([block[name] for name in names]) for block in stream)
    for tile in tiles(blocks, length, context):
        yield tile.content.reshape(len(names), -1, tile.content.shape[-1]), tile.kept


def step_of(bit_depth: int | None) -> float:
    """Return the step size of a song's samples; a lossily compressed song has none of its own: 16 bits are enough."""
    return FINEST if (bit_depth or 16) > 16 else 2.0**-15


def on_the_steps(stems: Samples, step: float) -> Samples:
    """Round the stems `(stems, channels, n)` so that their sum is the rounded song."""
    song = np.rint(np.sum(stems, axis=0, dtype=np.float64) / step)
    most = HEADROOM / step
    rounded = np.clip(np.rint(stems / step), -most, most - 1).astype(np.float64)
    rounded[-1] = np.clip(song - rounded[:-1].sum(axis=0), -most, most - 1)
    stored: Samples = (rounded * step).astype(np.float32)
    return stored


def as_flac(samples: Samples, rate: int) -> bytes:
    """Return samples `(channels, n)` as the bytes of a stored segment."""
    target = io.BytesIO()
    writer = StemWriter(target, "flac", sample_rate=rate, channels=len(samples), bit_depth=str(STORED_BITS))
    writer.write(samples / np.float32(HEADROOM))
    writer.finish()
    return target.getvalue()


def as_opus(samples: Samples, rate: int) -> bytes:
    """Return a segment `(channels, n)` with its context as the bytes of its compressed form."""
    target = io.BytesIO()
    blocks = resampled([samples / np.float32(HEADROOM)], rate, compressed.RATE, len(samples))
    sound = np.concatenate(list(blocks), axis=1)[:, : compressed.FRAMES]
    writer = StemWriter(
        target,
        "opus",
        sample_rate=compressed.RATE,
        channels=len(samples),
        bits_per_second=compressed.BITS_PER_SECOND,
        effort=0,  # a third of the time for 0.3 dB
    )
    writer.write(sound)
    writer.finish()
    return target.getvalue()


def read_segment(stem: Stem, number: int) -> Samples:
    """Return one stored segment `(channels, n)`, as loud as in the song."""
    with default_storage.open(stem.segment(number)) as file:
        samples, _ = read_song(file)
    return samples * np.float32(stem.separation.headroom)
