"""All raw material: what there is, of which kind, for which source, under which licence, in which split."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, field
from pathlib import Path

from unbraid.corpus.audio_files import SOURCES, seconds_of
from unbraid.corpus.backings import ALBUMS, SUM
from unbraid.corpus.composing import accompaniment, grooves, scores
from unbraid.corpus.licences import terms
from unbraid.corpus.places import FRETS_ON_FIRE, HYDROGEN_KITS, INSTRUMENTS, soundfont
from unbraid.corpus.playing import casting, sampled
from unbraid.corpus.repositories import COLLECTIONS
from unbraid.corpus.singing.voices import VOICES
from unbraid.errors import CorpusError

HELD_OUT_SONGS = ("Lithium", "Potassium")
HELD_OUT_GUITARS = ("chaos_god", "Feelings")


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
        """The line of a manifest: everything but the paths, and the digest and length in s of the files."""
        known = {key: value for key, value in asdict(self).items() if key != "paths"}
        digest = hashlib.sha256()
        for path in self.paths:
            digest.update(path.read_bytes())
        recorded = self.kind in ("voice", "song", "guitar", "backing", "solo")
        sounding = [path for path in self.paths if recorded and path.suffix != ".sfz"]
        return known | {"sha256": digest.hexdigest(), "seconds": round(sum(map(seconds_of, sounding)), 2)}


def materials(folder: Path) -> list[Material]:
    """Everything of the material folder and of the installed packages, by kind.

    Raises CorpusError if a package is missing or if something has no licence on the list.
    """
    recorded = [*_voices(folder), *_real(folder), *_backings(), *_solos()]
    return [*recorded, *_compositions(folder), *_instruments(folder), _synthesised()]


def splits(folder: Path) -> dict[str, str]:
    """Split by material id; what is synthesised anew for each song belongs to both and is left out."""
    return {material.id: material.split for material in materials(folder) if material.split != "both"}


def _material(identifier: str, kind: str, source: str, split: str, collection: str, *paths: Path) -> Material:
    licence, attribution = terms(collection, split)
    return Material(identifier, kind, source, licence, attribution, split, paths)


def _voices(folder: Path) -> list[Material]:
    found = []
    for voice in VOICES:
        files = voice.files(folder)
        if not files:
            place = "`unbraid corpus fetch` brings it" if voice.fetched else f"it belongs below {folder / 'voices'}"
            raise CorpusError(f"The voice {voice.name} is missing: {place}.")
        found.append(_material(voice.id, "voice", "vocals", voice.split, voice.collection, *files))
    return found


def _real(folder: Path) -> list[Material]:
    found = []
    for song in sorted((folder / "songs").glob("*/")):
        split = "valid" if song.name in HELD_OUT_SONGS else "train"
        for path in sorted(song.iterdir()):
            if path.stem in SOURCES:
                found.append(_material(f"song:{song.name}/{path.stem}", "song", path.stem, split, "songs", path))
    for guitar in sorted(FRETS_ON_FIRE.rglob("guitar.ogg")):
        name, collection = guitar.parent.name, f"frets_on_fire/{guitar.parent.parent.name}"
        split = "valid" if name in HELD_OUT_GUITARS else "train"
        found.append(_material(f"guitar:{name}", "guitar", "other", split, collection, guitar))
    return found


def _backings() -> list[Material]:
    return [
        _material(album.material(piece), "backing", SUM, album.split, f"backings/{album.name}", path)
        for album in ALBUMS
        for piece, path in album.pieces().items()
    ]


def _solos() -> list[Material]:
    return [
        _material(solo.id, "solo", solo.stem, solo.split, f"repositories/{collection.name}", *solo.files)
        for collection in COLLECTIONS
        for solo in collection.solos()
    ]


def _compositions(folder: Path) -> list[Material]:
    found = []
    for groove in grooves.grooves(folder):
        found.append(_material(groove.id, "groove", "drums", _split(groove.held_out), "midi/groove", groove.path))
    for path in scores.midi_songs(folder):
        collection = f"midi/songs/{path.parent.name}"
        split = _split(scores.midi_held_out(path))
        found.append(_material(scores.midi_id(path), "midi", "band", split, collection, path))
    for style in accompaniment.styles():
        found.append(_material(style.id, "style", "band", _split(style.held_out), "styles", style.path))
    return found


def _instruments(folder: Path) -> list[Material]:
    found = []
    for source, table in sampled.BY_SOURCE:
        for split, rows in table.items():
            for name in sorted({row[0] for row in rows}):
                path = folder / "instruments" / name
                if not path.is_file():
                    fetch = "`unbraid corpus fetch`" if path.is_relative_to(INSTRUMENTS) else "fetch it again"
                    raise CorpusError(f"The instrument {path} is missing: {fetch}.")
                base = INSTRUMENTS if path.is_relative_to(INSTRUMENTS) else folder / "instruments"
                collection = f"instruments/{path.relative_to(base).parts[0]}"
                found.append(_material(f"sfz:{path.stem}", "instrument", source, split, collection, path))
    for split, names in casting.SOUNDFONTS.items():
        for name in names:
            path = soundfont(name)
            found.append(
                _material(f"soundfont:{path.stem}", "soundfont", "band", split, f"soundfonts/{path.stem}", path)
            )
    for split, names in casting.KITS.items():
        for name in names:
            files = sorted(path for path in (HYDROGEN_KITS / name).iterdir() if path.is_file())
            found.append(_material(f"hydrogen:{name}", "kit", "drums", split, f"hydrogen/{name}", *files))
    return found


def _synthesised() -> Material:
    """Oscillators and noise: drawn anew for every song, so nothing of it can leak."""
    return _material("synthesised", "synthesiser", "band", "both", "synthesised")


def _split(held_out: bool) -> str:
    return "valid" if held_out else "train"
