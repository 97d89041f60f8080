"""Finds the songs of a batch and where their stems go."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from unbraid.audio import SongReader
from unbraid.audio.formats import ENDINGS
from unbraid.audio.stem_mp4 import ENDING
from unbraid.errors import InputError
from unbraid.inference.stream import ACCOMPANIMENT
from unbraid.stem_folder import folder_name, stem_files
from unbraid.stems import STEMS

if TYPE_CHECKING:
    from unbraid.separator import SeparationOptions

PIPE = "-"
LENGTH_TOLERANCE = 1.0  # seconds: headers may be guesses


@dataclass(frozen=True)
class Job:
    """One song to separate and the folder `out_dir/name` for its stems."""

    song: str
    """A path, or "-" for the standard input."""
    out_dir: Path
    name: str

    @property
    def folder(self) -> Path:
        """Where the stems go."""
        return self.out_dir / self.name

    @property
    def is_pipe(self) -> bool:
        """Whether the song comes through the standard input."""
        return self.song == PIPE


@dataclass(frozen=True)
class LeftOut:
    """What was found in folders but will not be separated."""

    failures: list[tuple[str, str]]
    """Folders that hold no song or cannot be searched, each with a sentence that says why."""
    files: list[str]
    """Files that are not named like songs."""


def find_jobs(
    songs: Sequence[str], out_dir: Path, on_search: Callable[[str], None] = lambda folder: None
) -> tuple[list[Job], LeftOut]:
    """Return a job for each song; folders are searched recursively, and their tree is mirrored under `out_dir`.

    Before a folder is searched, which may take long, `on_search` is called with its name.

    Songs that would share one folder keep their extension (`song.mp3`, `song.flac`), then get a number.
    """
    left_out = LeftOut([], [])
    return list(jobs_of(songs, out_dir, left_out, on_search)), left_out


def jobs_of(
    songs: Iterable[str], out_dir: Path, left_out: LeftOut, on_search: Callable[[str], None] = lambda folder: None
) -> Iterator[Job]:
    """Yield the jobs of `find_jobs` one after the other, filling `left_out` along the way."""
    taken: set[str] = set()
    seen: set[tuple[str, Path]] = set()
    for song, folder in _found(songs, out_dir, left_out, on_search):
        if (song, folder) in seen:
            continue
        seen.add((song, folder))
        name = next(name for name in _names(song) if str(folder / name).casefold() not in taken)
        taken.add(str(folder / name).casefold())
        yield Job(song, folder, name)


def _found(
    songs: Iterable[str], out_dir: Path, left_out: LeftOut, on_search: Callable[[str], None]
) -> Iterator[tuple[str, Path]]:
    """Yield each song and the folder in which its own will lie."""
    for song in songs:
        if song == PIPE or not os.path.isdir(song):  # noqa: PTH112  # Path.is_dir raises for names that are too long
            yield song, out_dir
            continue
        if _is_whole_disk(Path(song)):
            left_out.failures.append((song, f"{song} is the whole disk: name the folder that holds the songs."))
            continue
        on_search(song)
        failures, count = len(left_out.failures), 0
        for path in _songs_in(Path(song), out_dir, left_out):
            count += 1
            yield os.fspath(path), out_dir / path.relative_to(song).parent
        if not count and failures == len(left_out.failures):
            left_out.failures.append((song, f"There is no song in the folder {song}."))


def is_done(job: Job, stems: Sequence[str], format: str) -> bool:  # noqa: A002  # the users' word for it
    """Return whether all stems of this song exist; a file only gets its name when it is complete."""
    names = stem_files(job.name, stems, format).values()
    return all(os.path.isfile(job.folder / name) for name in names)  # noqa: PTH113  # never raises


def is_as_long(job: Job, stems: Sequence[str], options: "SeparationOptions") -> bool:
    """Return whether the stems that exist last as long as what is to be separated: they may be an excerpt's.

    The headers alone are read; where one does not say, or cannot be read, they count as long enough.
    """
    names = stem_files(job.name, stems, options.format).values()
    try:
        with (
            SongReader(job.song, start=options.start, duration=options.duration, track=options.track) as song,
            SongReader(job.folder / next(iter(names))) as stem,
        ):
            wanted, found = song.duration, stem.duration
    except InputError:
        return True
    return wanted is None or found is None or abs(wanted - found) <= LENGTH_TOLERANCE


def _is_whole_disk(folder: Path) -> bool:
    return folder.resolve() == folder.resolve().parent


def _names(song: str) -> Iterator[str]:
    full = "song" if song == PIPE else Path(song).name
    yield folder_name(full)
    yield full
    number = 2
    while True:
        yield f"{full} ({number})"
        number += 1


def _holds_stems(folder: Path) -> bool:
    """Return whether a folder, which is named for a song beside it, has the stems of an earlier run."""
    try:
        files = [path.name for path in folder.iterdir()]
    except OSError:
        return False
    return any(name.endswith(ENDING) or Path(name).stem in (*STEMS, ACCOMPANIMENT) for name in files)


def _songs_in(folder: Path, out_dir: Path, left_out: LeftOut) -> Iterator[Path]:
    """Yield the songs in a folder and those below, sorted; not the stems of an earlier run, nor hidden files.

    Links to folders are followed, but no folder is searched twice.
    """

    def cannot_search(error: OSError) -> None:
        reason = (error.strerror or str(error)).lower()
        left_out.failures.append((error.filename, f"The folder {error.filename} cannot be searched: {reason}."))

    searched: set[Path] = set()
    into_itself = folder.resolve() == out_dir.resolve()
    for place, folders, files in os.walk(folder, onerror=cannot_search, followlinks=True):
        here = Path(place)
        is_out = here != folder and here.resolve() == out_dir.resolve()
        if is_out or here.resolve() in searched or _is_whole_disk(here):
            folders.clear()
            continue
        searched.add(here.resolve())
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        if into_itself:
            songs = {name for file in files for name in (file, folder_name(file))}
            folders[:] = [name for name in folders if name not in songs or not _holds_stems(here / name)]
        for name in sorted(name for name in files if not name.startswith(".")):
            if Path(name).suffix.lower() in ENDINGS:
                yield here / name
            else:
                left_out.files.append(str(here / name))
