"""Cut a stream of blocks into tiles with context, so that the tiled answer is the whole song's answer.

    song       ├──────────────────────────────────────┤
    tile 0  ╌╌╌├───length───┤╌╌╌                          ╌ context: zeros outside the song
    tile 1              ╌╌╌├───length───┤╌╌╌              ╌ context: the song's own samples inside it
    tile 2                          ╌╌╌├───length───┤╌╌╌  the last one is filled up with zeros

A network whose receptive field is no wider than the context answers the middle of each tile as it would answer the
same samples in the whole song: no cross-fade is needed, the answers are simply put one after the other.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Block = NDArray[np.float32]


@dataclass(frozen=True)
class Tile:
    """One piece of the song with its context, `samples` `(channels, context + length + context)`."""

    samples: Block
    kept: int
    """How many of the middle `length` samples belong to the song; fewer than `length` only in the last tile."""


class Fifo:
    """Samples on their way: blocks `(channels, n)` go in at one end and leave in pieces of another length.

    One thread may put while another takes.
    """

    def __init__(self) -> None:
        self._blocks: deque[Block] = deque()
        self._put = 0
        self._taken = 0

    def __len__(self) -> int:
        return self._put - self._taken

    def put(self, block: Block) -> None:
        """Append a block; it is not copied."""
        if block.shape[-1]:
            self._blocks.append(block)
            self._put += block.shape[-1]

    def take(self, samples: int) -> list[Block]:
        """Remove and return the oldest `samples` samples (or all, if there are fewer) as a list of blocks."""
        wanted = min(samples, len(self))
        taken: list[Block] = []
        while wanted:
            block = self._blocks.popleft()
            if block.shape[-1] > wanted:
                self._blocks.appendleft(block[..., wanted:])
                block = block[..., :wanted]
            taken.append(block)
            wanted -= block.shape[-1]
            self._taken += block.shape[-1]
        return taken


def tiles(blocks: Iterable[Block], length: int, context: int) -> Iterator[Tile]:
    """Yield the tiles of a song that arrives as `blocks` `(channels, any n)`, in order.

    `length` and `context` are in samples. An empty song has no tiles.

    >>> [tile.kept for tile in tiles([np.zeros((2, 25), np.float32)], length=10, context=3)]
    [10, 10, 5]
    """
    size = context + length + context
    tile = np.zeros((0, size), np.float32)
    filled = context  # what lies before the song is silence
    for block in blocks:
        if not tile.shape[0]:
            tile = np.zeros((block.shape[0], size), np.float32)
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


def _advanced(tile: Block, length: int) -> Block:
    """Return a new tile `length` samples further on, silent where nothing is known yet."""
    following = np.zeros_like(tile)
    following[:, : tile.shape[1] - length] = tile[:, length:]
    return following
