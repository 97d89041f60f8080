"""Streams a song through the network: blocks in, blocks of stems out, as long as the song and adding up to it."""

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from types import TracebackType
from typing import Self

import numpy as np

from unbraid.audio import Audio, Song, resampled
from unbraid.errors import UsageError
from unbraid.inference.dc_blocker import without_offset
from unbraid.inference.network import Network
from unbraid.inference.pipeline import run_ahead
from unbraid.inference.tiles import Fifo

ACCOMPANIMENT = "accompaniment"
DECODED_AHEAD = 8  # blocks of a second
ESTIMATED_AHEAD = 8  # blocks of a second and a half
PIECE_SAMPLES = 1 << 16  # samples; after the network, less than a tile is processed at once, which keeps memory small


class StemStream:
    """The stems of one song, block by block, in constant memory; iterate over it once.

    Each block is a dict of `(channels, n)` float32 arrays at the song's own rate; the blocks follow one another and
    cover the song exactly. The last source is the song minus the others, so it has everything above the network's
    band and the sources sum to the song (unless the model does not promise that).

        song ─┬─▶ resample ─▶ no offset ─▶ network ─▶ resample back ─┬─▶ the other stems
              └──────────────────────────── waits ───────────────────── minus ┴─▶ the last stem

    It can be read once. Use it as a context manager, or call `close`: that ends the threads and closes the song.
    """

    def __init__(
        self,
        network: Network,
        song: Song,
        *,
        stems: Sequence[str] | None = None,
        two_stems: str | None = None,
    ) -> None:
        self.name = song.name
        """The song's name for messages."""
        self.sources = select_stems(network.facts.sources, stems, two_stems)
        """The names of the stems in each block."""
        self.sample_rate = song.sample_rate
        """Hz"""
        self.channels = song.channels
        self.duration = song.duration
        """Seconds, if the song's file states them."""
        self.tags, self.cover = song.tags, song.cover
        self._network, self._song = network, song
        self._two_stems = two_stems is not None
        self._needed = [self.sources[0]] if two_stems is not None else list(self.sources)
        self._is_used = False
        self._exit = ExitStack()
        self._exit.callback(song.close)

    @property
    def notes(self) -> list[str]:
        """What the user should know about this song; complete once the stream has ended."""
        return [*self._song.notes, *self._network.notes]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the threads and close the song; closing twice does no harm."""
        self._is_used = True
        self._exit.close()

    def __iter__(self) -> Iterator[dict[str, Audio]]:
        if self._is_used:
            raise UsageError("A stream of stems can be read once: open the song again with `stream`.")
        self._is_used = True
        blocks = self._blocks()
        self._exit.callback(blocks.close)  # before the song is: a thread may still be decoding it
        return blocks

    def _blocks(self) -> Generator[dict[str, Audio], None, None]:
        facts = self._network.facts
        rest = facts.sources[-1] if facts.sums_to_the_song and facts.sources[-1] in self._needed else None
        estimated = [s for s in facts.sources if s != rest and (rest or s in self._needed)]
        waiting = Fifo()
        positions = [facts.sources.index(source) for source in estimated]
        with closing(self._answers(waiting, positions)) as answers:
            for block in resampled(answers, facts.sample_rate, self.sample_rate, len(estimated) * self.channels):
                # Rates that do not divide each other may leave a sample too many at the song's end, or one too few.
                pieces = waiting.take(block.shape[1])
                if pieces:
                    mixture = np.concatenate(pieces, axis=1)
                    yield self._block(mixture, block[:, : mixture.shape[1]], estimated, rest)
        for mixture in waiting.take(len(waiting)):
            silence = np.zeros((len(estimated) * self.channels, mixture.shape[1]), np.float32)
            yield self._block(mixture, silence, estimated, rest)

    def _answers(self, waiting: Fifo, positions: Sequence[int]) -> Generator[Audio, None, None]:
        """Yield the network's estimates at its own rate, `(sources · channels, n)`, and put the song into `waiting`."""
        facts = self._network.facts
        with closing(run_ahead(self._song, DECODED_AHEAD, "unbraid-decode")) as decoded:

            def heard() -> Iterator[Audio]:
                for block in decoded:
                    waiting.put(block)
                    yield np.repeat(block, facts.channels, axis=0) if self.channels < facts.channels else block

            channels = max(self.channels, facts.channels)
            at_network_rate = resampled(heard(), self.sample_rate, facts.sample_rate, channels)
            without = without_offset(at_network_rate, facts.sample_rate)
            estimates = self._network.estimates(without, positions)
            with closing(run_ahead(estimates, ESTIMATED_AHEAD, "unbraid-network")) as answers:
                for answer in answers:
                    if self.channels < facts.channels:
                        answer = answer.mean(axis=1, keepdims=True)
                    for start in range(0, answer.shape[-1], PIECE_SAMPLES):
                        piece = answer[..., start : start + PIECE_SAMPLES]
                        yield piece.reshape(len(positions) * self.channels, -1)

    def _block(self, mixture: Audio, found: Audio, estimated: Sequence[str], rest: str | None) -> dict[str, Audio]:
        stems = dict(zip(estimated, found.reshape(-1, *mixture.shape), strict=True))
        if rest is not None:
            stems[rest] = _difference(mixture, list(stems.values()))
        if self._two_stems:
            stems[ACCOMPANIMENT] = _difference(mixture, [stems[self.sources[0]]])
        return {stem: stems[stem] for stem in self.sources}


def select_stems(sources: Sequence[str], stems: Sequence[str] | None, two_stems: str | None) -> tuple[str, ...]:
    """Return the chosen stems in the network's order; raises UsageError for an unknown one.

    Upper and lower case are the same.
    """
    if stems is not None and two_stems is not None:
        raise UsageError("Choose either some stems or two stems, not both.")
    by_name = {source.casefold(): source for source in sources}

    def known(stem: str) -> str:
        try:
            return by_name[stem.strip().casefold()]
        except KeyError:
            raise UsageError(f"Unknown stem {stem!r}: this model gives {', '.join(sources)}.") from None

    if two_stems is not None:
        return (known(two_stems), ACCOMPANIMENT)
    wanted = set(sources) if stems is None else {known(stem) for stem in stems}
    if not wanted:
        raise UsageError("No stem is chosen.")
    return tuple(source for source in sources if source in wanted)


def _difference(mixture: Audio, others: Iterable[Audio]) -> Audio:
    rest = mixture.copy()
    for other in others:
        rest -= other
    return rest
