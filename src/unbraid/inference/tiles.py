"""Cuts a stream of blocks into tiles with context, so that the tiled result equals that of the whole song.

    song       ├──────────────────────────────────────┤
    tile 0  ╌╌╌├───length───┤╌╌╌                          ╌ context: zeros outside the song
    tile 1              ╌╌╌├───length───┤╌╌╌              ╌ context: the song's own samples inside it
    tile 2                          ╌╌╌├───length───┤╌╌╌  the last one is padded with zeros

If the receptive field of the network is no wider than the context, its output for the middle of each tile is the same
as for those samples in the whole song: the outputs are simply joined, without cross-fades.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unbraid.audio import Audio

Array = NDArray[Any]


@dataclass(frozen=True)
class Tile:
    """One piece of the song with its context, `(channels, context + length + context, …)`."""

    content: Audio
    kept: int
    """How many of the middle `length` steps belong to the song; fewer than `length` only in the last tile."""


class Fifo:
    """A queue of blocks: they go in whole and come out in pieces of any length, counted along `axis`.

    One thread may call `put` while another calls `take`.
    """

    def __init__(self, axis: int = -1) -> None:
        self._axis = axis
        self._blocks: deque[Array] = deque()
        self._put = 0
        self._taken = 0

    def __len__(self) -> int:
        return self._put - self._taken

    def put(self, block: Array) -> None:
        """Append a block; it is not copied."""
        if block.shape[self._axis]:
            self._blocks.append(block)
            self._put += block.shape[self._axis]

    def take(self, length: int) -> list[Array]:
        """Remove and return the oldest blocks, `length` in all (or all, if there are fewer), as a list."""
        wanted = min(length, len(self))
        taken: list[Array] = []
        while wanted:
            block = self._blocks.popleft()
            n = block.shape[self._axis]
            if n > wanted:
                block, later = np.split(block, [wanted], self._axis)
                self._blocks.appendleft(later)
                n = wanted
            taken.append(block)
            wanted -= n
            self._taken += n
        return taken


def tiles(blocks: Iterable[Audio], length: int, context: int) -> Iterator[Tile]:
    """Yield the tiles of a song that arrives as `blocks` `(channels, any n, …)`, in order.

    `length` and `context` are in steps along the second axis: samples, or frames of a spectrum. An empty song has no
    tiles.

    >>> [tile.kept for tile in tiles([np.zeros((2, 25), np.float32)], length=10, context=3)]
    [10, 10, 5]
    """
    size = context + length + context
    tile = np.zeros((0, size), np.float32)
    filled = context  # before the song there is silence
    for block in blocks:
        if not tile.shape[0]:
            tile = np.zeros((block.shape[0], size, *block.shape[2:]), np.float32)
        used = 0
        while used < block.shape[1]:
            n = min(size - filled, block.shape[1] - used)
            tile[:, filled : filled + n] = block[:, used : used + n]
            filled, used = filled + n, used + n
            if filled == size:
                yield Tile(tile, length)
                tile, filled = _advanced(tile, length), filled - length
    while filled > context:
        yield Tile(tile, min(length, filled - context))
        tile, filled = _advanced(tile, length), filled - length


def _advanced(tile: Audio, length: int) -> Audio:
    """Return a new tile `length` steps further on, silent where nothing is known yet."""
    following = np.zeros_like(tile)
    following[:, : tile.shape[1] - length] = tile[:, length:]
    return following
