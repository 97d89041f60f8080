"""Many songs, one after the other: which there are and where their stems go."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from unbraid.audio.formats import ENDINGS
from unbraid.errors import InputError
from unbraid.stem_folder import folder_name

PIPE = "-"


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


def find_jobs(songs: Sequence[str], out_dir: Path) -> list[Job]:
    """Return a job for each song; folders are searched through, and their tree is mirrored under `out_dir`.

    Songs that would share one folder get their ending back (`song.mp3`, `song.flac`), then a number.
    Raises InputError for a folder without songs.
    """
    found: list[tuple[str, Path]] = []
    for song in songs:
        if song != PIPE and Path(song).is_dir():
            inside = list(_songs_in(Path(song), out_dir))
            if not inside:
                raise InputError(f"There is no song in the folder {song}.")
            found += [(os.fspath(path), out_dir / path.relative_to(song).parent) for path in inside]
        else:
            found.append((song, out_dir))
    taken: set[str] = set()
    jobs: list[Job] = []
    for song, folder in dict.fromkeys(found):
        name = next(name for name in _names(song) if str(folder / name).casefold() not in taken)
        taken.add(str(folder / name).casefold())
        jobs.append(Job(song, folder, name))
    return jobs


def is_done(job: Job, stems: Sequence[str], format: str) -> bool:  # noqa: A002  # the users' word for it
    """Return whether all stems of this song are there already; a file only gets its name when it is complete."""
    return all((job.folder / f"{stem}.{format}").is_file() for stem in stems)


def _names(song: str) -> Iterator[str]:
    full = "song" if song == PIPE else Path(song).name
    yield folder_name(full)
    yield full
    number = 2
    while True:
        yield f"{full} ({number})"
        number += 1


def _songs_in(folder: Path, out_dir: Path) -> Iterator[Path]:
    """Yield the songs in a folder and those below, sorted; not the stems of an earlier run, nor hidden files."""
    output = out_dir.resolve()
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(
            name for name in folders if not name.startswith(".") and (Path(place) / name).resolve() != output
        )
        for name in sorted(files):
            path = Path(place) / name
            if not name.startswith(".") and path.suffix.lower() in ENDINGS:
                yield path
