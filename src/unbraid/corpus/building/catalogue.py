"""The catalogue of raw material: kind, source, licence and split of each."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, field
from pathlib import Path

from unbraid.corpus.audio_files import SOURCES, seconds_of
from unbraid.corpus.composing import accompaniment, grooves, scores
from unbraid.corpus.playing import casting, sampled
from unbraid.corpus.singing.voices import VOICES
from unbraid.corpus.sources import backings
from unbraid.corpus.sources.folders import MaterialFolders
from unbraid.corpus.sources.records import of_kind, source
from unbraid.corpus.sources.solos import solos
from unbraid.corpus.sources.source import Source
from unbraid.errors import CorpusError


@dataclass(frozen=True)
class Material:
    """One thing that songs are made of; `paths` are its files, `split` is train or valid, never both."""

    id: str
    kind: str
    source: str
    licence: str
    attribution: str
    split: str
    paths: tuple[Path, ...] = field(default=(), repr=False)

    def line(self) -> dict[str, object]:
        """Return the line for a manifest: everything but the paths, plus the digest and length in s of the files."""
        known = {key: value for key, value in asdict(self).items() if key != "paths"}
        digest = hashlib.sha256()
        for path in self.paths:
            digest.update(path.read_bytes())
        recorded = self.kind in ("voice", "song", "guitar", "backing", "solo")
        sounding = [path for path in self.paths if recorded and path.suffix != ".sfz"]
        return known | {"sha256": digest.hexdigest(), "seconds": round(sum(map(seconds_of, sounding)), 2)}


def materials(material: MaterialFolders) -> list[Material]:
    """Return all material on this machine, by kind; raises CorpusError if something that songs need is missing."""
    recorded = [*_voices(material), *_real(material), *_backings(material), *_solos(material)]
    return [*recorded, *_compositions(material), *_instruments(material), SYNTHESISED]


def splits(material: MaterialFolders) -> dict[str, str]:
    """Return the split by material id; sounds synthesised for each song belong to both splits and are left out."""
    return {item.id: item.split for item in materials(material) if item.split != "both"}


SYNTHESISED = Material("synthesised", "synthesiser", "band", "MIT", "the unbraid authors", "both")
"""Oscillators and noise: drawn anew for every song, so nothing of it can leak."""


def _material(of: Source, identifier: str, kind: str, stem: str, split: str, *paths: Path) -> Material:
    return Material(identifier, kind, stem, of.licence, of.thanks, split, paths)


def _voices(material: MaterialFolders) -> list[Material]:
    found = []
    for voice in VOICES:
        files, of = voice.files(material), source(voice.record)
        if files:
            found.append(_material(of, voice.id, "voice", "vocals", voice.split, *files))
        elif of.can_be_fetched:
            raise CorpusError(f"The voice {voice.name} is missing: `unbraid corpus fetch` brings it.")
    return found


def _real(material: MaterialFolders) -> list[Material]:
    found = []
    for song in of_kind("songs"):
        for path in song.found(material):
            if path.stem in SOURCES:
                identifier = f"song:{song.title}/{path.stem}"
                found.append(_material(song, identifier, "song", path.stem, song.split, path))
    for game in of_kind("guitars"):
        for path in game.found(material):
            split = _split(game.is_held_out(path))
            found.append(_material(game, f"guitar:{path.parent.name}", "guitar", "other", split, path))
    return found


def _backings(material: MaterialFolders) -> list[Material]:
    return [
        _material(album, backings.material_id(album, piece), "backing", backings.SUM, album.split, path)
        for album in of_kind("backings")
        for piece, path in backings.pieces(album, material).items()
    ]


def _solos(material: MaterialFolders) -> list[Material]:
    return [
        _material(collection, solo.id, "solo", solo.stem, solo.split, *solo.files)
        for collection in of_kind("solos")
        for solo in solos(collection, material)
    ]


def _compositions(material: MaterialFolders) -> list[Material]:
    found = []
    for groove in grooves.grooves(material):
        of, split = source(grooves.RECORD), _split(groove.held_out)
        found.append(_material(of, groove.id, "groove", "drums", split, groove.path))
    for song in scores.midi_songs(material):
        found.append(_material(song.source, song.id, "midi", "band", _split(song.held_out), song.path))
    for style in accompaniment.styles(material):
        of, split = source(accompaniment.RECORD), _split(style.held_out)
        found.append(_material(of, style.id, "style", "band", split, style.path))
    return found


def _instruments(material: MaterialFolders) -> list[Material]:
    found = []
    for stem, table in sampled.BY_SOURCE:
        for split, rows in table.items():
            for name in sorted({row[0] for row in rows}):
                path = material.find(f"instruments/{name}")
                if not path.is_file():
                    raise CorpusError(f"The instrument {path} is missing: `unbraid corpus fetch` brings it.")
                of = source(f"instruments/{name.partition('/')[0]}")
                found.append(_material(of, f"sfz:{path.stem}", "instrument", stem, split, path))
    for split, names in casting.SOUNDFONTS.items():
        for name in names:
            path = casting.soundfont(name, material)
            of = source(f"soundfonts/{name}")
            found.append(_material(of, f"soundfont:{name}", "soundfont", "band", split, path))
    for split, names in casting.KITS.items():
        for name in names:
            of = source(f"kits/{name}")
            found.append(_material(of, f"hydrogen:{name}", "kit", "drums", split, *of.found(material)))
    return found


def _split(held_out: bool) -> str:
    return "valid" if held_out else "train"
