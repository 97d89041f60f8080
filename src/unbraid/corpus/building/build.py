"""Builds a corpus: songs by number until there are enough hours, in parallel, resumable, reproducible from a seed."""

from __future__ import annotations

import json
import multiprocessing
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from unbraid.corpus.audio_files import seconds_of, write_song
from unbraid.corpus.building import manifest
from unbraid.corpus.building.catalogue import Material, materials
from unbraid.corpus.building.recorded import recordings
from unbraid.corpus.sources.folders import MaterialFolders, material_folders
from unbraid.errors import CorpusError

VALID_EVERY = 16  # one song in this many is for validation
BATCH = 16  # songs made between two looks at the clock; fixed, so that the workers' number changes nothing


@dataclass
class Built:
    """The result of a build: the songs and hours there are, how many songs are new, and what failed, as sentences."""

    songs: int = 0
    hours: float = 0.0
    new: int = 0
    failed: list[str] = field(default_factory=list)


def build(
    hours: float,
    seed: int,
    out: Path | str,
    *,
    material: Path | str | None = None,
    workers: int = 2,
    song_seconds: float = 60.0,
    on_progress: Callable[[Built], None] | None = None,
) -> Built:
    """Build at least `hours` of songs into `out/train` and `out/valid`, and `out/manifest.jsonl`.

    Songs that exist already are kept, so a build that was stopped continues. Recordings come first (`real-…`,
    `remix-…`, `guitar-…`, `backing-…`, `solo-…`, `struck-…`, `treated-…`, `voice-…`), then rendered songs by number
    (`song-…`): number and seed alone decide how one sounds. A song that fails is named, counted and skipped.
    Raises CorpusError if material or a tool is missing, before anything is made.
    """
    folders, target = material_folders(material), Path(out)
    _check_tools()
    catalogue = {item.id: item for item in materials(folders)}
    built = Built()
    _add_recordings(built, folders, target)
    make = partial(_make, seed=seed, material=folders, out=target, song_seconds=song_seconds)
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        first = 0
        while built.hours < hours:
            for place, new, failure in pool.imap(make, range(first, first + BATCH)):
                if failure:
                    built.failed.append(failure)
                else:
                    _count(built, place, new)
                if on_progress:
                    on_progress(built)
            first += BATCH
            if len(built.failed) == first:
                raise CorpusError(f"No song could be made. {built.failed[0]}")
    _write_manifest(built, target, catalogue)
    return built


def _check_tools() -> None:
    """Raise CorpusError if a library is missing, before any work is done."""
    for name in ("fluidsynth", "pedalboard", "pysfizz", "pyworld", "scipy", "symusic"):
        if find_spec(name) is None:
            raise CorpusError(f"The library {name} is missing: `pip install 'unbraid[corpus]'`.")


def _make(number: int, seed: int, material: MaterialFolders, out: Path, song_seconds: float) -> tuple[Path, int, str]:
    """Song `number`: its folder, whether it is new, and a sentence if it failed."""
    from unbraid.corpus.building.rendered import make_song

    split = "valid" if number % VALID_EVERY == VALID_EVERY - 1 else "train"
    place = out / split / f"song-{number:06d}"
    if (place / "song.json").exists():
        return place, 0, ""
    os.environ["OMP_NUM_THREADS"] = "1"
    try:
        song = make_song([seed, number], split, material, song_seconds)
        write_song(place, song.stems, {"song.json": json.dumps(song.record, indent=1)})
    except CorpusError as error:
        return place, 0, f"Song {number}: {error}"
    return place, 1, ""


def _add_recordings(built: Built, material: MaterialFolders, out: Path) -> None:
    """Write the recordings, unless they exist already; a song with a broken file is counted as failed."""
    for recording in recordings(material):
        song, place = recording.song, out / recording.song.split / recording.folder_name
        try:
            if not (place / "song.json").exists():
                record = {"kind": recording.kind, "materials": dict(recording.materials)}
                write_song(place, song.read(), {"song.json": json.dumps(record, indent=1)})
        except CorpusError as error:
            built.failed.append(f"{song.name}: {error}")
        else:
            _count(built, place, 0)


def _count(built: Built, place: Path, new: int) -> None:
    """Add an existing song to the count, or its problems; a single stem does not count towards the hours."""
    try:
        lengths = [seconds_of(stem) for stem in sorted(place.glob("*.flac"))]
    except CorpusError as error:
        built.failed.append(str(error))
        return
    built.songs += 1
    built.new += new
    built.hours += max(lengths) / 3600 if len(lengths) > 1 else 0.0


def _write_manifest(built: Built, out: Path, catalogue: dict[str, Material]) -> None:
    """List all songs; one that cannot be listed is left out and reported once."""
    lines: list[manifest.Line] = []
    for place in sorted(path.parent for path in out.glob("*/[!.]*/song.json")):
        try:
            lines += manifest.song_lines(place, catalogue)
        except CorpusError as error:
            if str(error) not in built.failed:
                built.failed.append(str(error))
    manifest.write(out / manifest.NAME, lines)
    used = {name for line in lines for name in line["materials"]}
    manifest.write(out / "materials.jsonl", (catalogue[name].line() for name in sorted(used)))
