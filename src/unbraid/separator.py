"""A song in, its stems out: as files, as a stream of blocks or as arrays."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unbraid.audio import ArraySong, SongReader
from unbraid.audio.decoding import Source
from unbraid.errors import InputError
from unbraid.inference.network import Network, default_model
from unbraid.inference.stream import StemStream
from unbraid.stem_folder import StemFolder, folder_name

Block = NDArray[np.float32]


@dataclass(frozen=True)
class Progress:
    """One message on the way: `stage` is "decoding" (opened, nothing separated yet), "separating" or "done"."""

    stage: str
    seconds_done: float
    """Seconds of the song that are separated."""
    seconds_total: float | None = None
    """Seconds of the whole song, if its file says so."""

    @property
    def fraction(self) -> float | None:
        """The part that is done, 0 … 1, or None if the song's length is unknown."""
        if self.stage == "done":
            return 1.0
        if not self.seconds_total:
            return None
        return min(self.seconds_done / self.seconds_total, 1.0)


OnProgress = Callable[[Progress], None]
"""What is called with each message, from the thread that separates."""


@dataclass(frozen=True)
class SeparatedSong:
    """What became of one song."""

    song: str
    """The name of the song as it was given."""
    stems: dict[str, Path]
    seconds: float
    """The song's length."""
    sample_rate: int
    """Hz, of the song."""
    channels: int
    notes: list[str] = field(default_factory=list)
    """What a person should know: sentences, most often none."""


class Separator:
    """A model, loaded once and used for many songs; every method may be called from any thread.

    `model` is an `.onnx` file made by `unbraid export`; left out, it is the one that comes with unbraid. `device` is
    "auto", "cpu" or "cuda". `precision` is "auto" (bf16 where the processor has it), "fp32" or "bf16". `threads` is by
    default what this process may use, and `workers` how many tiles are worked on at once, each in its own memory. The
    answer depends on neither, nor on `tile_seconds`.

    Raises ModelError if the model cannot be used.
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | None = None,
        *,
        device: str = "auto",
        precision: str = "auto",
        threads: int | None = None,
        workers: int = 1,
        tile_seconds: float | None = None,
    ) -> None:
        self.model = default_model() if model is None else Path(model)
        self._network = Network(
            self.model, device=device, precision=precision, threads=threads, tile_seconds=tile_seconds
        )
        self._workers = workers
        self.facts = self._network.facts
        """What the model says of itself."""

    @property
    def sources(self) -> tuple[str, ...]:
        """The names of the stems that the model gives."""
        return self.facts.sources

    @property
    def sample_rate(self) -> int:
        """The model's rate in Hz; songs of any other come back at their own."""
        return self.facts.sample_rate

    @property
    def runtime(self) -> str:
        """What the model runs on, in words."""
        return self._network.runtime.description

    def stream(
        self,
        song: Source,
        *,
        stems: Sequence[str] | None = None,
        two_stems: str | None = None,
        mono: bool = False,
        start: float = 0.0,
        duration: float | None = None,
    ) -> StemStream:
        """Open `song`, a path or an open binary file, and return its stems as a stream of blocks.

        `stems` are those wanted; `two_stems` names one, given together with the "accompaniment", all the rest.
        `mono` folds the song down first. `start` and `duration` choose a part of it, in seconds.

        Raises InputError if the song cannot be read and UsageError for a stem that the model does not give.
        """
        reader = SongReader(song, mono=mono, start=start, duration=duration)
        try:
            return StemStream(self._network, reader, stems=stems, two_stems=two_stems, workers=self._workers)
        except BaseException:
            reader.close()
            raise

    def separate_file(
        self,
        song: Source,
        out_dir: str | os.PathLike[str],
        *,
        format: str = "wav",  # noqa: A002  # the users' word for it
        bit_depth: str | int | None = None,
        stems: Sequence[str] | None = None,
        two_stems: str | None = None,
        mono: bool = False,
        start: float = 0.0,
        duration: float | None = None,
        name: str | None = None,
        on_progress: OnProgress | None = None,
    ) -> SeparatedSong:
        """Write the stems of `song` to `out_dir/<song name>/<stem>.<format>`: all of them, or nothing on an error.

        `format` is one of wav, flac, mp3, m4a, ogg, opus; `bit_depth` "16", "24" or, for wav and by default, "32f",
        the only one that keeps every sample as it is. `name` is the song's name if its file's will not do. The other
        arguments are those of `stream`.

        Raises InputError, OutputError or UsageError; whatever is raised, no half-written file is left.
        """
        tell = on_progress or (lambda progress: None)
        with self.stream(song, stems=stems, two_stems=two_stems, mono=mono, start=start, duration=duration) as stream:
            tell(Progress("decoding", 0.0, stream.duration))
            folder = Path(out_dir) / (name or _name_of(song))
            samples = 0
            with StemFolder(
                folder,
                stream.sources,
                format=format,
                bit_depth=bit_depth,
                sample_rate=stream.sample_rate,
                channels=stream.channels,
                tags=stream.tags,
                not_onto=song,
            ) as written:
                for block in stream:
                    written.write(block)
                    samples += next(iter(block.values())).shape[1]
                    tell(Progress("separating", samples / stream.sample_rate, stream.duration))
                if not samples:
                    raise InputError(f"{stream.name} holds no sound in the part that was asked for.")
                paths = written.finish()
            seconds = samples / stream.sample_rate
            tell(Progress("done", seconds, seconds))
            return SeparatedSong(
                os.fspath(song) if isinstance(song, str | os.PathLike) else stream.name,
                paths,
                seconds,
                stream.sample_rate,
                stream.channels,
                [*stream.notes, *written.notes],
            )

    def separate_array(
        self,
        mixture: NDArray[np.float32],
        sample_rate: int,
        *,
        stems: Sequence[str] | None = None,
        two_stems: str | None = None,
    ) -> dict[str, Block]:
        """Return the stems of `mixture` `(channels, samples)`, one or two channels at `sample_rate` Hz."""
        song = ArraySong(mixture, sample_rate)
        with StemStream(self._network, song, stems=stems, two_stems=two_stems, workers=self._workers) as stream:
            return _whole(stream)


def separate(song: Source, *, model: str | os.PathLike[str] | None = None, device: str = "auto") -> dict[str, Block]:
    """Return the stems of the song, each `(channels, samples)` float32 at the song's own rate.

    The whole song is held in memory, five times: for long ones, or many, use a `Separator`.

    Raises InputError if the song cannot be read and ModelError if the model cannot be used.
    """
    with Separator(model, device=device).stream(song) as stream:
        return _whole(stream)


def _whole(stream: StemStream) -> dict[str, Block]:
    blocks = list(stream)
    if not blocks:
        return {stem: np.zeros((stream.channels, 0), np.float32) for stem in stream.sources}
    return {stem: np.concatenate([block[stem] for block in blocks], axis=1) for stem in stream.sources}


def _name_of(song: Source) -> str:
    return folder_name(Path(song).name) if isinstance(song, str | os.PathLike) else "song"
