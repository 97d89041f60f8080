"""The manifest of a built corpus: one line for each stem, with its licence, its makers, its digest and its split."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypedDict

from unbraid.corpus.audio_files import seconds_of
from unbraid.corpus.building.catalogue import Material
from unbraid.errors import CorpusError

NAME = "manifest.jsonl"


class Line(TypedDict):
    """One stem of a built corpus.

    Attributes:
        id: song folder and stem.
        kind: how the song was made.
        source: the stem, or several with a + between.
        licence: of everything heard in it, joined by AND.
        attribution: whom to credit.
        sha256: the digest of the file.
        seconds: its length.
        split: train or valid.
        materials: the identifiers of the material it was made from.
    """

    id: str
    kind: str
    source: str
    licence: str
    attribution: str
    sha256: str
    seconds: float
    split: str
    materials: list[str]


def song_lines(folder: Path, known: Mapping[str, Material]) -> list[Line]:
    """The lines of one song folder, from its `song.json`; CorpusError if a material is not in the catalogue."""
    try:
        record = json.loads((folder / "song.json").read_text())
        kind, materials = str(record["kind"]), dict(record["materials"])
    except (json.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        raise CorpusError(f"{folder / 'song.json'} does not say what the song was made of: delete the song.") from error
    lines: list[Line] = []
    for path in sorted(folder.glob("*.flac")):
        used = [_find(known, name, folder) for name in materials.get(path.stem, [])]
        heard = [material for material in used if material.kind != "style"]  # a tool's: nothing of it is in the sound
        lines.append(
            {
                "id": f"{folder.name}/{path.stem}",
                "kind": kind,
                "source": path.stem,
                "licence": " AND ".join(sorted({material.licence for material in heard})),
                "attribution": "; ".join(sorted({material.attribution for material in used})),
                "sha256": digest(path),
                "seconds": round(seconds_of(path), 2),
                "split": folder.parent.name,
                "materials": [material.id for material in used],
            }
        )
    return lines


def write(path: Path, lines: Iterable[Mapping[str, object]]) -> None:
    """Write lines of JSON, all or none."""
    temporary = path.with_name(f".{path.name}")
    temporary.write_text("".join(json.dumps(line, ensure_ascii=False, sort_keys=True) + "\n" for line in lines))
    temporary.rename(path)


def read(path: Path) -> list[Line]:
    """The lines of a manifest; CorpusError if it is missing or broken."""
    try:
        lines: list[Line] = [json.loads(line) for line in path.read_text().splitlines()]
        if any(Line.__required_keys__ - line.keys() for line in lines):
            raise ValueError("a line lacks some of its keys")
    except FileNotFoundError as error:
        raise CorpusError(f"{path} is missing: this is no built corpus, or its build never finished.") from error
    except (AttributeError, ValueError) as error:
        raise CorpusError(f"{path} is not a manifest ({error}): build again, what is there will be kept.") from error
    return lines


def hours(lines: Iterable[Line]) -> dict[tuple[str, str], dict[str, float]]:
    """Return hours of each source by split and licence; a stem with two licences counts for both, once for "all"."""
    table: dict[tuple[str, str], dict[str, float]] = {}
    for line in lines:
        split, source, length = line["split"], line["source"], line["seconds"] / 3600
        for licence in ("all", *line["licence"].split(" AND ")):
            row = table.setdefault((split, licence), {})
            row[source] = row.get(source, 0.0) + length
    return table


def digest(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _find(known: Mapping[str, Material], name: str, folder: Path) -> Material:
    if name not in known:
        raise CorpusError(f"{folder.name} was made with {name}, which is not in the catalogue: build it again.")
    return known[name]
