"""A song in, its stems out: as files, as a stream of blocks or as arrays."""

import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from numbers import Integral, Real
from pathlib import Path
from typing import TypedDict, Unpack

import numpy as np
from numpy.typing import ArrayLike

from unbraid.analysis import Analyser, Analysis
from unbraid.analysis.tags import tempo_and_key_tags
from unbraid.audio import ArraySong, Audio, SongReader
from unbraid.audio.formats import FORMATS, bit_depth_of
from unbraid.audio.stem_mp4 import OWN_TRACKS
from unbraid.audio.types import Source
from unbraid.errors import InputError, UsageError
from unbraid.inference.network import Network
from unbraid.inference.shipped_models import find_model
from unbraid.inference.stream import StemStream, select_stems
from unbraid.stem_folder import StemFolder, folder_name


class StreamKeywords(TypedDict, total=False):
    """The fields of `SeparationOptions` that decide what the stems are."""

    stems: Sequence[str] | None
    two_stems: str | None
    mono: bool
    start: float
    duration: float | None
    track: int | None


class FileKeywords(StreamKeywords, total=False):
    """All fields of `SeparationOptions`."""

    format: str
    bit_depth: str | int | None
    tempo_and_key_tags: bool


@dataclass(frozen=True, kw_only=True)
class SeparationOptions:
    """The options of a separation, checked when the record is created.

    Raises:
        UsageError: A number is out of range, a format or its bit depth is unknown, or both `stems` and `two_stems` are
            given.
    """

    stems: Sequence[str] | None = None
    """Names of the stems to return, upper or lower case, or one comma-separated string; None means all."""
    two_stems: str | None = None
    """Name of the one stem to return, together with the "accompaniment": all the rest."""
    mono: bool = False
    """Whether the song is mixed down to one channel first."""
    start: float = 0.0
    """Seconds into the song at which to start."""
    duration: float | None = None
    """Seconds of the song to separate; None means up to its end."""
    track: int | None = None
    """Which of a file's sound tracks to use, counted from 1; None means the first."""
    format: str = "wav"
    """wav, flac, mp3, m4a, ogg or opus; or stem, one `.stem.mp4` for DJs that holds the song and all stems."""
    bit_depth: str | int | None = None
    """"16", "24" or, for wav only, "32f" (its default), which keeps every sample as it is."""
    tempo_and_key_tags: bool = False
    """Whether to tag the files with the tempo and key found; needs all stems, or `two_stems`."""

    def __post_init__(self) -> None:
        if not (isinstance(self.start, Real) and 0 <= self.start < math.inf):
            raise UsageError(f"The start is a number of seconds, 0 or more, not {self.start!r}.")
        if self.duration is not None and not (isinstance(self.duration, Real) and 0 < self.duration < math.inf):
            raise UsageError(f"The duration is a number of seconds above 0, not {self.duration!r}.")
        if self.track is not None and not (isinstance(self.track, Integral) and self.track >= 1):
            raise UsageError(f"Sound tracks are counted from 1: there is no track {self.track!r}.")
        if not isinstance(self.two_stems, str | None):
            raise UsageError(f"two_stems is the name of one stem, not {self.two_stems!r}.")
        bit_depth_of(self.format, self.bit_depth)
        if self.stems is not None and self.two_stems is not None:
            raise UsageError("Choose either some stems or two stems, not both.")
        if self.stems is not None:
            names = self.stems.split(",") if isinstance(self.stems, str) else self.stems
            try:
                stems = tuple(name.strip() for name in names if name.strip())
            except (TypeError, AttributeError):
                raise UsageError(f"stems are names, such as ['vocals', 'drums'], not {self.stems!r}.") from None
            object.__setattr__(self, "stems", stems)

    def stems_of(self, sources: Sequence[str]) -> tuple[str, ...]:
        """Return the stems that these options select from a model's `sources`.

        Raises:
            UsageError: The model lacks a stem that was requested or that the format needs.
        """
        stems = select_stems(sources, self.stems, self.two_stems)
        if FORMATS[self.format].tracks > 1:
            if set(stems) != set(sources):
                raise UsageError(f"The format {self.format} always holds the song and all stems: do not choose stems.")
            if missing := set(OWN_TRACKS) - set(sources):
                names = " and ".join(sorted(missing))
                raise UsageError(f"The format {self.format} needs {names}, which this model does not give.")
        if self.tempo_and_key_tags and self.stems is not None and set(stems) != set(sources):
            raise UsageError("Finding tempo and key takes all stems: do not choose stems, or leave the tags out.")
        return stems


@dataclass(frozen=True)
class Progress:
    """A progress report: `stage` is "decoding" (opened, nothing separated yet), "separating" or "done"."""

    stage: str
    seconds_done: float
    """Seconds of the song that are separated."""
    seconds_total: float | None = None
    """Seconds of the whole song, if its file states them."""

    @property
    def fraction(self) -> float | None:
        """The fraction that is done, 0 … 1, or None if the song's length is unknown."""
        if self.stage == "done":
            return 1.0
        if not self.seconds_total:
            return None
        return min(self.seconds_done / self.seconds_total, 1.0)


OnProgress = Callable[[Progress], None]
"""A function that is called with each `Progress`, in the thread that separates."""


@dataclass(frozen=True)
class SeparatedSong:
    """The result of separating one song to files."""

    song: str
    """The name of the song as it was given."""
    stems: dict[str, Path]
    seconds: float
    """The song's length."""
    sample_rate: int
    """Hz, of the song."""
    channels: int
    notes: list[str] = field(default_factory=list)
    """What the user should know about the song; usually empty."""
    analysis: Analysis | None = None
    """Tempo, beats and key; None if only some of the stems were requested."""


class Separator:
    """A model, loaded once and used for many songs; every method may be called from any thread.

    `model` is the name of a model that comes with unbraid (`unbraid info` lists them) or an `.onnx` file made by
    `unbraid export`; None means the default. `device` is "auto", "cpu" or "cuda". `precision` is "auto" (bf16 where
    the processor has it), "fp32" or "bf16". `threads` defaults to all that this process may use; the result does not
    depend on it, nor on `tile_seconds` but for rounding (and for a model in eight bits).

    Raises ModelError if the model cannot be used, and UsageError if an option is out of range.
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | None = None,
        *,
        device: str = "auto",
        precision: str = "auto",
        threads: int | None = None,
        tile_seconds: float | None = None,
    ) -> None:
        self.model = find_model(model)
        self._network = Network(
            self.model, device=device, precision=precision, threads=threads, tile_seconds=tile_seconds
        )
        self._recreate = partial(
            Separator,
            self.model,
            device=device,
            precision=precision,
            threads=threads,
            tile_seconds=tile_seconds,
        )
        self.facts = self._network.facts
        """The model's description of itself."""

    @property
    def sources(self) -> tuple[str, ...]:
        """The names of the stems that the model produces."""
        return self.facts.sources

    @property
    def sample_rate(self) -> int:
        """The model's rate in Hz; songs at any other rate come back at their own."""
        return self.facts.sample_rate

    @property
    def runtime(self) -> str:
        """What the model runs on, in words."""
        return self._network.runtime.description

    def __reduce__(self) -> tuple[Callable[[], "Separator"], tuple[()]]:
        return self._recreate, ()

    def stream(
        self, song: Source, options: SeparationOptions | None = None, **keywords: Unpack[StreamKeywords]
    ) -> StemStream:
        """Open a song and return its stems as a stream of blocks.

        Args:
            song: A path or an open binary file.
            options: The options; `format` and `bit_depth` are ignored here.
            keywords: Fields of `SeparationOptions`, which override those of `options`.

        Raises:
            InputError: The song cannot be read.
            UsageError: The model lacks a requested stem, or another option is invalid.
        """
        wanted = replace(options or SeparationOptions(), **keywords)
        reader = SongReader(song, mono=wanted.mono, start=wanted.start, duration=wanted.duration, track=wanted.track)
        try:
            return StemStream(self._network, reader, stems=wanted.stems, two_stems=wanted.two_stems)
        except BaseException:
            reader.close()
            raise

    def separate_file(
        self,
        song: Source,
        out_dir: str | os.PathLike[str],
        options: SeparationOptions | None = None,
        *,
        name: str | None = None,
        on_progress: OnProgress | None = None,
        **keywords: Unpack[FileKeywords],
    ) -> SeparatedSong:
        """Write the stems of a song to `out_dir/<song name>/<stem>.<format>`: all of them, or none on an error.

        The format "stem" is one file, `out_dir/<song name>/<song name>.stem.mp4`.

        Args:
            song: A path or an open binary file.
            out_dir: Where the song's folder goes.
            options: The options.
            name: The song's name, if not that of its file; it names the folder, so it holds no slash.
            on_progress: Called with each `Progress`, in the thread that separates.
            keywords: Fields of `SeparationOptions`, which override those of `options`.

        Raises:
            InputError: The song cannot be read.
            OutputError: The stems cannot be written.
            UsageError: An option is invalid, or a stem would replace the song itself.
        """
        wanted = replace(options or SeparationOptions(), **keywords)
        wanted.stems_of(self.sources)
        if name is not None and not _names_a_folder(name):
            raise UsageError(f"A song's folder cannot be named {name!r}: give a name without slashes.")
        tell = on_progress or (lambda progress: None)
        with self.stream(song, wanted) as stream:
            tell(Progress("decoding", 0.0, stream.duration))
            folder = Path(out_dir) / (name or _name_of(song))
            samples = 0
            is_whole = wanted.two_stems is not None or set(stream.sources) == set(self.sources)
            analyser = Analyser(stream.sample_rate) if is_whole else None
            with StemFolder(
                folder,
                stream.sources,
                format=wanted.format,
                bit_depth=wanted.bit_depth,
                sample_rate=stream.sample_rate,
                channels=stream.channels,
                tags=stream.tags,
                cover=stream.cover,
                protect=song,
            ) as written:
                for block in stream:
                    written.write(block)
                    if analyser:
                        analyser.add(block)
                    samples += next(iter(block.values())).shape[1]
                    tell(Progress("separating", samples / stream.sample_rate, stream.duration))
                if not samples:
                    raise InputError(f"{stream.name} holds no sound in the requested part.")
                analysis = analyser.finish() if analyser else None
                tags = {}
                if analysis and wanted.tempo_and_key_tags:
                    tags = tempo_and_key_tags(analysis.tempo, analysis.key)
                paths = written.finish(tags)
            seconds = samples / stream.sample_rate
            tell(Progress("done", seconds, seconds))
            return SeparatedSong(
                os.fspath(song) if isinstance(song, str | os.PathLike) else stream.name,
                paths,
                seconds,
                stream.sample_rate,
                stream.channels,
                [*stream.notes, *written.notes],
                analysis,
            )

    def separate_array(
        self,
        mixture: ArrayLike,
        sample_rate: float,
        *,
        stems: Sequence[str] | None = None,
        two_stems: str | None = None,
    ) -> dict[str, Audio]:
        """Return the stems of an array `(channels, samples)`.

        Args:
            mixture: One or two channels; integers of 8, 16 or 32 bits are divided by their type's full scale. Samples
                that are no numbers, or are beyond 1e12, count as silence.
            sample_rate: Hz.
            stems: Names of the stems to return; None means all.
            two_stems: Name of the one stem to return, together with the "accompaniment".

        Raises:
            InputError: The array or the sample rate is not usable as sound.
            UsageError: The model lacks a requested stem.
        """
        wanted = SeparationOptions(stems=stems, two_stems=two_stems)
        song = ArraySong(mixture, sample_rate)
        with StemStream(self._network, song, stems=wanted.stems, two_stems=wanted.two_stems) as stream:
            return _whole(stream)


def separate(song: Source, *, model: str | os.PathLike[str] | None = None, device: str = "auto") -> dict[str, Audio]:
    """Return the stems of the song, each `(channels, samples)` float32 at the song's own rate.

    The stems are held in memory, each as long as the song: for long songs, or many, use a `Separator`.

    Raises InputError if the song cannot be read and ModelError if the model cannot be used.
    """
    with Separator(model, device=device).stream(song) as stream:
        return _whole(stream)


def _whole(stream: StemStream) -> dict[str, Audio]:
    blocks = list(stream)
    if not blocks:
        return {stem: np.zeros((stream.channels, 0), np.float32) for stem in stream.sources}
    return {stem: np.concatenate([block[stem] for block in blocks], axis=1) for stem in stream.sources}


def _names_a_folder(name: str) -> bool:
    return isinstance(name, str) and name not in ("", ".", "..") and not set(name) & {"/", "\\", "\0"}


def _name_of(song: Source) -> str:
    return folder_name(Path(song).name) if isinstance(song, str | os.PathLike) else "song"
