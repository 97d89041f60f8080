"""Verifies a built corpus: reports clipped, silent, broken, misnamed, changed or leaked material in sentences."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from unbraid.corpus.audio_files import RATE, SOURCES, Audio, read
from unbraid.corpus.building import manifest
from unbraid.corpus.building.catalogue import splits
from unbraid.corpus.sources.folders import material_folders
from unbraid.errors import CorpusError
from unbraid.stems import stems_in

SPLITS = ("train", "valid", "test")
SILENT = 1e-3  # a stem that never rises above -60 dB
FULL_SCALE = 32766 / 32768
CLIPPED_RUN = 4  # neighbouring samples at full scale


def verify(corpus: Path | str, *, material: Path | str | None = None) -> list[str]:
    """Return all problems of a built corpus, as sentences; an empty list means that it is clean.

    Raises CorpusError if there is no corpus, or no material folder that shows the splits.
    """
    root = Path(corpus)
    lines = manifest.read(root / manifest.NAME)
    known = splits(material_folders(material))
    problems = list(_folder_problems(root))
    problems += _manifest_problems(root, lines)
    for place in sorted(path for split in SPLITS for path in (root / split).glob("*/") if path.name[0] != "."):
        problems += song_problems(place, known)
    return problems


def song_problems(place: Path, known: Mapping[str, str]) -> Iterator[str]:
    """Return the problems of one song folder; `known` gives the split of each material."""
    name = f"{place.parent.name}/{place.name}"
    stems: dict[str, Audio] = {}
    for path in sorted(place.iterdir()):
        if path.name == "song.json":
            continue
        if path.suffix != ".flac" or not stems_in(path.stem):
            yield f"{name}: {path.name} is misnamed, a stem is one of {', '.join(SOURCES)} as .flac."
            continue
        try:
            stems[path.stem] = read(path)
        except CorpusError as error:
            yield f"{name}: {error}"
    if not stems:
        yield f"{name}: there is no stem in it."
        return
    yield from _sound_problems(name, stems)
    yield from _leaks(place, known)


def _sound_problems(name: str, stems: Mapping[str, Audio]) -> Iterator[str]:
    lengths = {stem.shape[1] for stem in stems.values()}
    if len(lengths) > 1:
        yield f"{name}: its stems differ in length, {min(lengths) / RATE:.2f} s to {max(lengths) / RATE:.2f} s."
        return
    for source, stem in stems.items():
        if np.abs(stem).max(initial=0) < SILENT:
            yield f"{name}: {source} is silent; a silent source has no file."
        if _clipped(stem):
            yield f"{name}: {source} is clipped."
    total = np.sum([np.broadcast_to(stem, (2, stem.shape[1])) for stem in stems.values()], axis=0)
    if np.abs(total).max(initial=0) > 1.001:
        yield f"{name}: the sum of its stems goes over full scale, to {np.abs(total).max():.2f}."


def _clipped(stem: Audio) -> bool:
    """Whether some samples in a row stay at full scale."""
    loud = np.abs(stem) >= FULL_SCALE
    run = loud[:, : -CLIPPED_RUN + 1].copy()
    for shift in range(1, CLIPPED_RUN):
        run &= loud[:, shift : loud.shape[1] - CLIPPED_RUN + 1 + shift]
    return bool(run.any())


def _leaks(place: Path, known: Mapping[str, str]) -> Iterator[str]:
    """Materials of another split than the song's."""
    name, split = f"{place.parent.name}/{place.name}", place.parent.name
    try:
        used = json.loads((place / "song.json").read_text())["materials"]
    except (OSError, json.JSONDecodeError, KeyError):
        yield f"{name}: its song.json is missing or broken, nobody can say what it was made of."
        return
    for material in sorted({material for materials in used.values() for material in materials}):
        if material == "synthesised":
            continue
        if material not in known:
            yield f"{name}: it was made with {material}, which is not in the catalogue."
        elif known[material] != split:
            yield f"{name}: {material} belongs to {known[material]} and leaked into {split}."


def _folder_problems(root: Path) -> Iterator[str]:
    """Return files and folders that are neither splits nor manifests."""
    for path in sorted(root.iterdir()):
        if path.is_dir() and path.name not in SPLITS and not path.name.startswith("."):
            yield f"{path.name}: this folder is none of {', '.join(SPLITS)}."
    if not any((root / split).is_dir() for split in SPLITS):
        yield f"{root}: there is none of the folders {', '.join(SPLITS)} in it."


def _manifest_problems(root: Path, lines: list[manifest.Line]) -> Iterator[str]:
    """Files and manifest against each other; the same audio in two splits."""
    listed = {root / line["split"] / f"{line['id']}.flac": line for line in lines}
    present = {path for split in SPLITS for path in (root / split).glob("[!.]*/*.flac")}
    for path in sorted(present - listed.keys()):
        yield f"{path.relative_to(root)}: it is not in the manifest; build again to list it."
    for path in sorted(listed.keys() - present):
        yield f"{path.relative_to(root)}: the manifest lists it, but it is gone."
    heard: dict[str, manifest.Line] = {}
    for path in sorted(listed.keys() & present):
        line = listed[path]
        if manifest.digest(path) != line["sha256"]:
            yield f"{path.relative_to(root)}: it changed since it was built."
        twin = heard.setdefault(line["sha256"], line)
        if twin["split"] != line["split"]:
            yield f"{line['id']}: the same audio lies in {twin['split']} as {twin['id']}."
