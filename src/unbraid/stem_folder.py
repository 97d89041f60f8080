"""Writes the stems of one song to disk: opened first, filled block by block, and in the end all there or none."""

import os
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import numpy as np

from unbraid.atomic_files import PartFile
from unbraid.audio import Audio, StemWriter
from unbraid.audio.formats import FORMATS, bit_depth_of, clips, gain_against_clipping
from unbraid.audio.stem_mp4 import ENDING, tracks_of
from unbraid.errors import OutputError, UsageError
from unbraid.inference.devices import cpu_count


class StemFolder:
    """Writes the files that `stem_files` names; a context manager that leaves nothing behind on an error.

    Where samples beyond ±1 would be lost (every format but 32-bit float), the blocks are first kept in an unnamed
    temporary file. If any stem would clip, all stems get the same gain: they keep their balance and still sum to the
    song, only softer. `notes` says so.

    Raises OutputError if the folder or a file cannot be written.
    """

    def __init__(
        self,
        folder: Path,
        stems: Sequence[str],
        *,
        format: str,  # noqa: A002  # the users' word for it
        bit_depth: str | int | None = None,
        sample_rate: int,
        channels: int,
        tags: Mapping[str, str] | None = None,
        cover: bytes | None = None,
        protect: object = None,
    ) -> None:
        depth = bit_depth_of(format, bit_depth)
        self.notes: list[str] = []
        self.paths = {stem: folder / name for stem, name in stem_files(folder.name, stems, format).items()}
        self._files = list(dict.fromkeys(self.paths.values()))
        self._parts: list[PartFile] = []
        self._folder = folder
        self._made: list[Path] = []
        self._writers: list[StemWriter] = []
        self._kept: IO[bytes] | None = None
        self._kept_lengths: list[int] = []
        self._peak = 0.0
        self._pool = ThreadPoolExecutor(min(len(self._files), cpu_count()), thread_name_prefix="unbraid-encode")
        try:
            self._refuse_to_replace(protect)
            self._make_folder()
            for path in self._files:
                self._parts.append(PartFile(path))
                self._writers.append(
                    StemWriter(
                        self._parts[-1].part,
                        format,
                        sample_rate=sample_rate,
                        channels=channels,
                        bit_depth=depth,
                        tags=tags,
                        cover=cover,
                    )
                )
            if clips(format, depth):
                self._kept = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  # closed by _abandon
        except OSError as error:
            self._abandon()
            raise self._output_error(error) from error
        except BaseException:
            self._abandon()
            raise
        self._tracks = FORMATS[format].tracks
        self._rows = channels * self._tracks

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._abandon()

    def write(self, stems: Mapping[str, Audio]) -> None:
        """Append one block `(channels, n)` to every stem."""
        sounds = [tracks_of(stems)] if self._tracks > 1 else [stems[stem] for stem in self.paths]
        try:
            if self._kept is None:
                self._encode(sounds)
                return
            together = np.stack(sounds)
            if together.size:
                self._peak = max(self._peak, float(together.max()), -float(together.min()))
            self._kept_lengths.append(together.shape[-1])
            self._kept.write(together.tobytes())
        except OSError as error:
            raise self._output_error(error) from error

    def finish(self, tags: Mapping[str, str] | None = None) -> dict[str, Path]:
        """Complete the files, give them their names, and return them.

        Args:
            tags: Tempo and key (bpm, initialkey), as far as they were found.
        """
        try:
            for writer in self._writers:
                writer.add_tags(tags or {})
            if self._kept is not None:
                self._encode_kept(self._kept)
            list(self._pool.map(StemWriter.finish, self._writers))
            self._writers.clear()
            with _alone_in(self._folder):  # else two songs of one name could end up with stems of both
                for part in self._parts:
                    part.commit()
        except OSError as error:
            raise self._output_error(error) from error
        self._made.clear()
        return dict(self.paths)

    def _make_folder(self) -> None:
        missing = [path for path in (self._folder, *self._folder.parents) if not path.exists()]
        for path in reversed(missing):
            path.mkdir(exist_ok=True)
            self._made.append(path)

    def _encode(self, sounds: Iterable[Audio]) -> None:
        """Append to each file its block `(rows, n)`."""
        list(self._pool.map(StemWriter.write, self._writers, sounds))

    def _encode_kept(self, kept: IO[bytes]) -> None:
        gain = gain_against_clipping(self._peak)
        if gain < 1.0:
            self.notes.append(f"all stems were lowered by {-20 * np.log10(gain):.1f} dB because one would have clipped")
        kept.seek(0)
        for length in self._kept_lengths:
            together = np.frombuffer(kept.read(4 * len(self._files) * self._rows * length), np.float32)
            self._encode(together.reshape(len(self._files), self._rows, length) * gain)

    def _abandon(self) -> None:
        """Close and remove all files that have not got their names."""
        self._pool.shutdown()  # FFmpeg crashes if a file is closed in one thread while another encodes into it
        for writer in self._writers:
            writer.abandon()
        self._writers.clear()
        if self._kept is not None:
            with suppress(OSError):  # the disk may be full; the file is unnamed and vanishes anyway
                self._kept.close()
        for part in self._parts:
            part.discard()
        self._parts.clear()
        for made in reversed(self._made):
            with suppress(OSError):  # someone else may have put something there
                made.rmdir()

    def _refuse_to_replace(self, song: object) -> None:
        for path in self._files:
            if isinstance(song, str | os.PathLike) and path.exists() and path.samefile(song):
                raise UsageError(f"The stem {path} would be written over the song itself: choose another folder.")

    def _output_error(self, error: OSError) -> OutputError:
        reason = (error.strerror or str(error)).lower()
        return OutputError(f"The stems cannot be written to {self._folder}: {reason}.")


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Let only one process at a time name files in `folder`, where the system can lock folders."""
    with ExitStack() as stack:
        if sys.platform != "win32":
            import fcntl

            with suppress(OSError):  # a file system without locks, or a folder that may only be written
                descriptor = os.open(folder, os.O_RDONLY)
                stack.callback(os.close, descriptor)
                fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield


def stem_files(song: str, stems: Iterable[str], format: str) -> dict[str, str]:  # noqa: A002
    """Return the file name of each stem: one file for each, or one for all, named after the song.

    >>> stem_files("Blue", ["drums", "bass"], "flac")
    {'drums': 'drums.flac', 'bass': 'bass.flac'}
    >>> stem_files("Blue", ["drums", "bass"], "stem")
    {'drums': 'Blue.stem.mp4', 'bass': 'Blue.stem.mp4'}
    """
    if FORMATS[format].tracks > 1:
        return dict.fromkeys(stems, f"{song}{ENDING}")
    return {stem: f"{stem}.{format}" for stem in stems}


def folder_name(song: str) -> str:
    """Return the name of the folder for a song's stems: the song's file name without its extension.

    >>> folder_name("Helter Skelter.mp3")
    'Helter Skelter'
    """
    stem = Path(song).stem
    return stem if stem.strip(". ") else song.strip(". ") or "song"
