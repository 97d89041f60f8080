"""What is no rendered song, as stems: real ones, remixes, guitars, backings, solos, struck basses, voices."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from unbraid.corpus import adapters
from unbraid.corpus.adapters.song import DatasetSong, sum_of
from unbraid.corpus.audio_files import RATE, Audio
from unbraid.corpus.backings import ALBUMS
from unbraid.corpus.catalogue import HELD_OUT_SONGS
from unbraid.corpus.places import FRETS_ON_FIRE
from unbraid.corpus.playing import struck_bass
from unbraid.corpus.remixes import remixes
from unbraid.corpus.repositories import COLLECTIONS
from unbraid.corpus.singing import treated
from unbraid.corpus.singing.voices import VOICES

BASS_IN_OTHER = {"Caesium"}
"""Songs whose `other` holds the bass too."""
CROSSOVER = 100.0
"""Hz: what lies below is taken for the bass of these songs. Its overtones stay where they are."""


@dataclass(frozen=True)
class Recording:
    """A song, the name of its folder, and what each of its stems is called in the catalogue."""

    song: DatasetSong
    folder_name: str
    materials: Mapping[str, tuple[str, ...]]
    kind: str = "real"


def recordings(material: Path) -> Iterator[Recording]:
    """All recordings below a folder of raw material, and what is installed: guitars, backings, solos."""
    if (material / "songs").is_dir():
        for song in adapters.songs("folders", material / "songs"):
            held_out = song.name in HELD_OUT_SONGS
            whole = replace(song, split="valid" if held_out else "train", stems=_untangled(song).stems)
            used = {s: (f"song:{song.name}/{s if s in song.stems else 'other'}",) for s in whole.stems}
            yield Recording(whole, f"real-{song.folder_name}", used)
    for song, tracks in remixes():
        yield Recording(song, f"remix-{song.folder_name}", tracks, "remix")
    if FRETS_ON_FIRE.is_dir():
        for song in adapters.songs("frets_on_fire", FRETS_ON_FIRE):
            yield Recording(song, f"guitar-{song.folder_name}", dict.fromkeys(song.stems, (f"guitar:{song.name}",)))
    for album in ALBUMS:
        for material_id, song in album.songs().items():
            yield Recording(song, f"backing-{song.folder_name}", dict.fromkeys(song.stems, (material_id,)))
    for collection in COLLECTIONS:
        for solo in collection.solos():
            yield Recording(solo.song(), f"solo-{solo.song().folder_name}", {solo.stem: (solo.id,)})
    for number in range(struck_bass.PHRASES):
        stems = {"drums": partial(struck_bass.drums, number), "bass": partial(struck_bass.phrase, number)}
        song = DatasetSong(f"{number:03}", "train", stems)
        yield Recording(song, f"struck-{song.folder_name}", dict.fromkeys(song.stems, ("synthesised",)), "struck")
    for number in range(treated.PHRASES):
        phrase = treated.Treated(number)
        song = DatasetSong(f"{number:03}", phrase.split, {"vocals": partial(phrase.render, material)})
        yield Recording(song, f"treated-{song.folder_name}", {"vocals": (phrase.voice.id,)}, "treated")
    for voice in (voice for voice in VOICES if not voice.fetched):  # those are solos
        for path in voice.files(material):
            song = DatasetSong(path.stem, voice.split, {"vocals": sum_of([path])})
            yield Recording(song, f"voice-{song.folder_name}", {"vocals": (voice.id,)})


def _untangled(song: DatasetSong) -> DatasetSong:
    """The song, its bass taken out of `other` if it is known to be there; the two sum to what they were."""
    if song.name not in BASS_IN_OTHER or "bass" in song.stems:
        return song
    other = song.stems["other"]
    return replace(song, stems={**song.stems, "bass": partial(_low, other), "other": partial(_high, other)})


def _low(load: adapters.song.Load) -> Audio:
    from scipy.signal import butter, sosfiltfilt

    filtered = sosfiltfilt(butter(4, CROSSOVER, fs=RATE, output="sos"), load(), axis=1)
    return np.asarray(filtered, np.float32)


def _high(load: adapters.song.Load) -> Audio:
    return load() - _low(load)
