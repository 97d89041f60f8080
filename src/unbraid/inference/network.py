"""A model file as a function: a tile of a song in, the estimates of its sources out."""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from numbers import Integral, Real
from pathlib import Path
from threading import Lock

import numpy as np

from unbraid.audio import Audio
from unbraid.errors import UsageError
from unbraid.inference import filter_bank
from unbraid.inference.devices import cpu_count
from unbraid.inference.forks import PerProcess
from unbraid.inference.model import FilterBank, ModelFacts
from unbraid.inference.runtimes import OutOfDeviceMemoryError, Runtime, load_cpu_runtime, load_runtime
from unbraid.inference.tiles import Fifo, tiles

COMPUTED_SECONDS = 30.0  # of sound at once, contexts included: more would spend less on contexts, and more memory
WAVEFORM_SECONDS = 8.0  # the same for a network on samples: its outer layers have a feature map as long as the sound
LONGEST_TILE = 600.0  # seconds
FRAMES_AT_ONCE = 64  # turned into stems at a time, which keeps memory after the network small


class Network:
    """The network of an `.onnx` file, loaded, with the fixed filter bank around it if it has one.

    It processes a song tile by tile. `length` is the number of samples in a tile; the network sees `facts.context`
    more on each side.

    With a filter bank, steps along a tile are frames, else samples:

        samples ─▶ spectrum ─▶ powers by band ─▶ tiles ─▶ network ─▶ masks ─┐
                       └───────────────────── waits ────────────────────▶ × ─▶ overlap-add ─▶ samples
    """

    def __init__(
        self,
        model: Path,
        *,
        device: str = "auto",
        precision: str = "auto",
        threads: int | None = None,
        tile_seconds: float | None = None,
    ) -> None:
        self.facts = ModelFacts.read(model)
        self._views = filter_bank.views(self.facts.channels)
        self.length = _tile_length(self.facts, tile_seconds)
        samples_a_step = self.facts.filter_bank.hop if self.facts.filter_bank else 1
        self._length, self._context, self._stride = (
            samples // samples_a_step for samples in (self.length, self.facts.context, self.facts.stride)
        )
        if threads is not None and not (isinstance(threads, Integral) and threads >= 1):
            raise UsageError(f"Threads are a whole number, 1 or more, not {threads!r}.")
        threads = threads or cpu_count()
        if precision == "auto" and self.facts.filter_bank is None:
            precision = "fp32"  # rounded to bf16, samples have noise 36 to 49 dB below them; masks have not
        self._pool = PerProcess(partial(ThreadPoolExecutor, threads, thread_name_prefix="unbraid-filter-bank"))
        self.notes: list[str] = []
        """What the user should know about the run."""
        self._at_once, self._lock = self._length, Lock()
        self._load_cpu_runtime = partial(
            load_cpu_runtime, model, self._input_shape(), precision=precision, threads=threads
        )
        self.runtime: Runtime = load_runtime(
            model, self._input_shape(), device=device, precision=precision, threads=threads
        )

    def estimates(self, song: Iterable[Audio], sources: Sequence[int]) -> Iterator[Audio]:
        """Yield the sources of a song, `(len(sources), channels, any n)`, together as long as the song.

        Args:
            song: Blocks `(channels, any n)` at the network's rate; if it has more channels than the network, each is
                answered by itself.
            sources: Positions in `facts.sources`.

        Silence gives silence; values that are not finite become silence too.
        """
        if not sources:
            yield from (np.zeros((0, *block.shape), np.float32) for block in song)
            return
        answers = self._direct(song, sources) if self.facts.filter_bank is None else self._masked(song, sources)
        with np.errstate(over="ignore", invalid="ignore"):
            for answer in answers:
                if not np.isfinite(answer.sum()):
                    np.nan_to_num(answer, copy=False, nan=0.0, posinf=0.0, neginf=0.0)
                yield answer

    def _direct(self, song: Iterable[Audio], sources: Sequence[int]) -> Iterator[Audio]:
        """Yield the output of a network that maps samples to samples."""
        for tile in tiles(song, self._length, self._context):
            yield self._answer(tile.content)[list(sources), :, : tile.kept]

    def _masked(self, song: Iterable[Audio], sources: Sequence[int]) -> Iterator[Audio]:
        """Yield the output of a network that maps the powers of a spectrum's bands to masks for them."""
        bank, pool = self.facts.filter_bank, self._pool.get()
        assert bank is not None
        window, hop = bank.window, bank.hop
        # The first frames that reach into the song lie before it; tiles start on the network's own grid.
        lead = -(-(window // hop // 2) // self._stride) * self._stride * hop + (window - hop) // 2
        heard, silence_before = 0, lead
        spectra = Fifo(axis=1)

        def led() -> Iterator[Audio]:
            nonlocal heard, silence_before
            for block in song:
                heard += block.shape[1]
                yield np.pad(block, ((0, 0), (silence_before, 0)))
                silence_before = 0

        def powers() -> Iterator[Audio]:
            for spectrum in filter_bank.spectra_of_blocks(led(), window, hop, pool):
                spectra.put(spectrum)
                yield self._powers(spectrum, bank)

        synthesis = filter_bank.MaskedSynthesis(window, hop, bank.band_of_bin(), pool)
        done = 0
        for tile in tiles(powers(), self._length, self._context):
            masks = self._answer(tile.content)
            for first in range(0, tile.kept, FRAMES_AT_ONCE):
                spectrum = np.concatenate(spectra.take(min(FRAMES_AT_ONCE, tile.kept - first)), axis=1)
                here = masks[:, :, first : first + spectrum.shape[1]]
                samples = synthesis.add([here[source] for source in sources], spectrum)
                early, late = max(0, lead - done), max(0, done + samples.shape[-1] - lead - heard)
                done += samples.shape[-1]
                yield samples[..., early : samples.shape[-1] - late]

    def _powers(self, spectrum: filter_bank.Spectrum, bank: FilterBank) -> Audio:
        """Return what the network sees of a `spectrum` `(channels, frames, bins)`: `(views, frames, bands)`."""
        parts = np.split(spectrum, len(spectrum) // self.facts.channels)
        seen = [(part, view) for part in parts for view in self._views]

        def power(pair: tuple[filter_bank.Spectrum, Audio]) -> Audio:
            return filter_bank.band_powers(*pair, bank.bands)

        return np.stack(list(self._pool.get().map(power, seen)))

    def _answer(self, tile: Audio) -> Audio:
        """Return the network's output for a tile, `(sources, channels, length, …)`, valid until the next call.

        A device that runs out of memory gets half a tile, then a quarter and so on; at last the processor takes over.
        """
        parts = np.split(tile, len(tile) // self._input_shape()[1])
        if len(parts) == 1:
            return self._answer_of_its_channels(tile)
        return np.concatenate([self._answer_of_its_channels(part).copy() for part in parts], axis=1)

    def _answer_of_its_channels(self, tile: Audio) -> Audio:
        if not tile.any():
            shape = (len(self.facts.sources), self.facts.channels, self._length, *tile.shape[2:])
            return np.zeros(shape, np.float32)
        while True:
            at_once = self._at_once
            try:
                return self._in_parts(tile, at_once)
            except OutOfDeviceMemoryError:
                self._take_less(at_once)

    def _in_parts(self, tile: Audio, at_once: int) -> Audio:
        """Return the answers for `at_once` steps after the other: a part with its context is a tile too."""
        ends = [*range(at_once, self._length, at_once), self._length]
        starts = [0, *ends[:-1]]
        if len(ends) == 1:
            return self._run(tile)
        parts = (tile[:, start : end + 2 * self._context] for start, end in zip(starts, ends, strict=True))
        return np.concatenate([self._run(part).copy() for part in parts], axis=2)

    def _run(self, tile: Audio) -> Audio:
        """Return the answer for one tile, or one part of it, valid until the next call."""
        answer: Audio = self.runtime.run(tile[np.newaxis])[0]
        if self.facts.filter_bank is not None:
            # models exported before November 2026 answer the contexts too
            around = (answer.shape[2] - (tile.shape[1] - 2 * self._context)) // 2
            return answer[:, :, around : answer.shape[2] - around]
        # Its biases would make noise of silence. A sample is silent if all that the network can see of it is.
        heard = np.concatenate([[0], np.cumsum(tile.any(axis=0))])
        silent = heard[2 * self._context + 1 :] == heard[: -2 * self._context - 1]
        answer[:, :, silent] = 0.0
        return answer

    def _take_less(self, failed: int) -> None:
        """Halve how much is computed at once, or switch to the processor if that is already little."""
        with self._lock:
            if self._at_once != failed:
                return  # another thread has just done so
            where = self.runtime.description
            if failed > max(self._context, self._stride):
                self._at_once = max(failed // 2 // self._stride, 1) * self._stride
                self.notes.append(f"{where} ran out of memory: it now processes less at a time")
            else:
                self.runtime, self._at_once = self._load_cpu_runtime(), self._length
                self.notes.append(f"{where} ran out of memory again: {self.runtime.description} took over")

    def _input_shape(self) -> tuple[int, ...]:
        steps = self._context + self._length + self._context
        if bank := self.facts.filter_bank:
            return (1, len(self._views), steps, len(bank.band_widths()))
        return (1, self.facts.channels, steps)


def _tile_length(facts: ModelFacts, seconds: float | None) -> int:
    """Return the samples of a tile of `seconds` without its contexts, or of one as long as memory allows.

    Raises UsageError if `seconds` is out of range.
    """
    if seconds is not None and not (isinstance(seconds, Real) and 0 < seconds <= LONGEST_TILE):
        raise UsageError(f"A tile lasts up to {LONGEST_TILE:.0f} seconds, not {seconds!r}.")
    if seconds is None:
        around = facts.context / facts.sample_rate
        computed = WAVEFORM_SECONDS if facts.filter_bank is None else COMPUTED_SECONDS
        seconds = max(computed - 2 * around, around)  # a context that fills the bound breaks it
    return max(1, round(seconds * facts.sample_rate / facts.stride)) * facts.stride
