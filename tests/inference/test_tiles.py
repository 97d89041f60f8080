"""Tiles cover the song once, and each sees the song around it."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.conftest import noise
from unbraid.inference.tiles import Fifo, tiles


def cut(song: NDArray[np.float32], lengths: list[int]) -> list[NDArray[np.float32]]:
    """Return the song in blocks of these lengths, over and over."""
    blocks: list[NDArray[np.float32]] = []
    start = 0
    while start < song.shape[1]:
        length = lengths[len(blocks) % len(lengths)]
        blocks.append(song[:, start : start + length])
        start += length
    return blocks


@given(
    samples=st.integers(1, 200),
    lengths=st.lists(st.integers(1, 60), min_size=1, max_size=5),
    length=st.integers(1, 50),
    context=st.integers(0, 70),
    channels=st.integers(1, 2),
)
def test_each_tile_is_a_window_on_the_song_in_silence(
    samples: int, lengths: list[int], length: int, context: int, channels: int
) -> None:
    song = noise(channels, samples)
    surrounded = np.pad(song, ((0, 0), (context, context + length)))
    found = list(tiles(cut(song, lengths), length, context))
    assert sum(tile.kept for tile in found) == samples
    assert all(tile.kept == length for tile in found[:-1])
    for number, tile in enumerate(found):
        start = number * length
        np.testing.assert_array_equal(tile.content, surrounded[:, start : start + 2 * context + length])


def test_an_empty_song_has_no_tiles() -> None:
    assert list(tiles([], 10, 3)) == []


@given(
    put=st.lists(st.integers(0, 30), max_size=8),
    taken=st.lists(st.integers(0, 30), max_size=12),
)
def test_samples_leave_the_fifo_as_they_came(put: list[int], taken: list[int]) -> None:
    song = noise(2, sum(put))
    fifo = Fifo()
    start = 0
    for length in put:
        fifo.put(song[:, start : start + length])
        start += length
    pieces = [piece for samples in [*taken, len(fifo)] for piece in fifo.take(samples)]
    left = fifo.take(len(fifo))
    np.testing.assert_array_equal(np.concatenate([song[:, :0], *pieces, *left], axis=1), song)
    assert len(fifo) == 0
