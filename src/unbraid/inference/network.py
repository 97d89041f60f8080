"""A model file as a function: a tile of a song in, the estimates of its sources out."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib.resources import files
from pathlib import Path
from threading import Lock, local

import numpy as np
from numpy.typing import NDArray

from unbraid.errors import ModelError
from unbraid.inference import filter_bank
from unbraid.inference.devices import cpu_count
from unbraid.inference.model import ModelFacts
from unbraid.inference.pipeline import PerProcess
from unbraid.inference.runtimes import OutOfDeviceMemoryError, Runtime, load_cpu_runtime, load_runtime

Block = NDArray[np.float32]

COMPUTED_SECONDS = 20.0  # of sound at once, contexts included: more would spend less on contexts, and more memory


class Network:
    """The network of an `.onnx` file, loaded, with the fixed filter bank around it if it has one.

    `length` is the number of samples of a tile that it answers at once; it needs `facts.context` more on each side.
    Left to itself, it is what a fixed bound of memory leaves beside the contexts: a network that sees little of the
    song's past and future spends hardly anything on them.
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
        threads = threads or cpu_count()
        self._workspace = local()
        self._pool = PerProcess(partial(ThreadPoolExecutor, threads, thread_name_prefix="unbraid-filter-bank"))
        self.notes: list[str] = []
        """What a person should know about how it ran: sentences."""
        self._at_once, self._lock = self.length, Lock()
        self._load_cpu_runtime = partial(
            load_cpu_runtime, model, self._input_shape(), precision=precision, threads=threads
        )
        self.runtime: Runtime = load_runtime(
            model, self._input_shape(), device=device, precision=precision, threads=threads
        )

    def estimates(self, tile: Block, sources: Sequence[int]) -> Block:
        """Return `(len(sources), channels, length)` for a `tile` `(channels, context + length + context)`.

        `sources` are positions in `facts.sources`. Silence gives silence, and what is not finite is silence too.
        A device without the memory for a tile gets halves of it, then of those, and at last the processor takes over.
        """
        if not sources or not tile.any():
            return np.zeros((len(sources), self.facts.channels, self.length), np.float32)
        while True:
            at_once = self._at_once
            try:
                return self._in_parts(tile, sources, at_once)
            except OutOfDeviceMemoryError:
                self._take_less(at_once)

    def _in_parts(self, tile: Block, sources: Sequence[int], at_once: int) -> Block:
        """Return the answers for `at_once` samples after the other: a part with its context is a tile too."""
        around = 2 * self.facts.context
        ends = [*range(at_once, self.length, at_once), self.length]
        starts = [0, *ends[:-1]]
        parts = [tile[:, start : end + around] for start, end in zip(starts, ends, strict=True)]
        answers = [self._estimates(part, sources) for part in parts]
        return answers[0] if len(answers) == 1 else np.concatenate(answers, axis=-1)

    def _take_less(self, failed: int) -> None:
        """Halve what is computed at once, or go over to the processor if that is little already."""
        with self._lock:
            if self._at_once != failed:
                return  # another thread has just done so
            where = self.runtime.description
            if failed > max(self.facts.context, self.facts.stride):
                self._at_once = max(failed // 2 // self.facts.stride, 1) * self.facts.stride
                self.notes.append(f"{where} ran out of memory: it gets less at a time")
            else:
                self.runtime, self._at_once = self._load_cpu_runtime(), self.length
                self.notes.append(f"{where} ran out of memory again: {self.runtime.description} took over")

    def _estimates(self, tile: Block, sources: Sequence[int]) -> Block:
        with np.errstate(over="ignore", invalid="ignore"):
            answer = self._masked(tile, sources) if self.facts.filter_bank else self._direct(tile, sources)
            if not np.isfinite(answer.sum()):
                np.nan_to_num(answer, copy=False, nan=0.0, posinf=0.0, neginf=0.0)
        return answer

    def _input_shape(self) -> tuple[int, ...]:
        samples = self.facts.context + self.length + self.facts.context
        if bank := self.facts.filter_bank:
            return (1, len(self._views), samples // bank.hop, len(bank.band_widths()))
        return (1, self.facts.channels, samples)

    def _direct(self, tile: Block, sources: Sequence[int]) -> Block:
        """Return the answer of a network that takes and gives samples."""
        answer = self.runtime.run(tile[np.newaxis])[0, list(sources)]
        # Its biases would make noise of silence. A sample is silent if all that the network can see of it is.
        heard = np.concatenate([[0], np.cumsum(tile.any(axis=0))])
        answer[:, :, heard[2 * self.facts.context + 1 :] == heard[: -2 * self.facts.context - 1]] = 0.0
        return answer

    def _masked(self, tile: Block, sources: Sequence[int]) -> Block:
        """Return the answer of a network that takes the powers of a spectrum's bands and gives masks for them."""
        bank = self.facts.filter_bank
        assert bank is not None
        window, hop, pool = bank.window, bank.hop, self._pool.get()
        spectrum = self._spectrum_buffer((len(tile), tile.shape[1] // hop, bank.bins))

        def analyse(channel: int) -> None:
            here = slice(channel, channel + 1)
            filter_bank.analysis(tile[here], window, hop, out=spectrum[here])

        list(pool.map(analyse, range(len(tile))))
        powers = list(pool.map(lambda view: filter_bank.band_powers(spectrum, view, bank.bands), self._views))
        masks = self.runtime.run(np.stack(powers)[np.newaxis])[0]
        # Only the frames that reach into the middle of the tile are needed.
        length = tile.shape[1] - 2 * self.facts.context
        margin = window // hop // 2
        first = self.facts.context // hop - margin
        middle = slice(first, first + length // hop + 2 * margin)
        band_of_bin = bank.band_of_bin()
        stems = np.empty((len(sources), self.facts.channels, length), np.float32)

        def synthesise(stem: int) -> None:
            samples = filter_bank.masked_synthesis(
                masks[sources[stem], :, middle], spectrum[:, middle], window, hop, band_of_bin
            )
            stems[stem] = samples[:, margin * hop : -margin * hop]

        list(pool.map(synthesise, range(len(sources))))
        return stems

    def _spectrum_buffer(self, shape: tuple[int, ...]) -> NDArray[np.complex64]:
        """Return memory for a spectrum, this thread's own and the same for every tile: it is the largest array."""
        buffer: NDArray[np.complex64] | None = getattr(self._workspace, "spectrum", None)
        if buffer is None or buffer.shape != shape:
            buffer = self._workspace.spectrum = np.empty(shape, np.complex64)
        return buffer


def _tile_length(facts: ModelFacts, seconds: float | None) -> int:
    """Return the samples of a tile of `seconds` without its contexts, or of one as long as memory allows."""
    if seconds is None:
        around = facts.context / facts.sample_rate
        seconds = max(COMPUTED_SECONDS - 2 * around, around)  # a context that fills the bound breaks it
    return max(1, round(seconds * facts.sample_rate / facts.stride)) * facts.stride


def default_model() -> Path:
    """Return the model that is shipped with unbraid; raises ModelError if this copy has none."""
    weights = files("unbraid").joinpath("weights")
    found = [path for path in weights.iterdir() if path.name.endswith(".onnx")] if weights.is_dir() else []
    if not found:
        raise ModelError("This copy of unbraid has no weights in it: name a model file, or install it again.")
    return Path(str(found[0]))
