"""Songs that are not rendered, as stems: real songs, remixes, guitars, backings, solos, struck basses, voices."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from unbraid.corpus.adapters.song import DatasetSong, Load, sum_of
from unbraid.corpus.audio_files import RATE, SOURCES, Audio
from unbraid.corpus.building.remixes import remixes
from unbraid.corpus.playing import bass_808
from unbraid.corpus.singing import processed_vocals
from unbraid.corpus.singing.voices import VOICES
from unbraid.corpus.sources import backings
from unbraid.corpus.sources.folders import MaterialFolders
from unbraid.corpus.sources.records import of_kind
from unbraid.corpus.sources.solos import solos

BASS_IN_OTHER = {"Caesium"}
"""Songs whose `other` holds the bass too."""
CROSSOVER = 100.0
"""Hz: everything below counts as the bass of these songs. Its overtones stay where they are."""


@dataclass(frozen=True)
class RecordedSong:
    """A song, the name of its folder, and the catalogue names of its stems."""

    song: DatasetSong
    folder_name: str
    materials: Mapping[str, tuple[str, ...]]
    kind: str = "real"


def recordings(material: MaterialFolders) -> Iterator[RecordedSong]:
    """Return all recordings on this machine, and the phrases that are generated."""
    for source in of_kind("songs"):
        files = {path.stem: path for path in source.found(material) if path.stem in SOURCES}
        if files:
            known = {stem: sum_of([files[stem]]) for stem in SOURCES if stem in files}
            song = split_bass_from_other(DatasetSong(source.title, source.split, known))
            used = {stem: (f"song:{song.name}/{stem if stem in known else 'other'}",) for stem in song.stems}
            yield RecordedSong(song, f"real-{song.folder_name}", used)
    for song, tracks in remixes(material):
        yield RecordedSong(song, f"remix-{song.folder_name}", tracks, "remix")
    for source in of_kind("guitars"):
        for path in source.found(material):
            split = "valid" if source.is_held_out(path) else "train"
            song = DatasetSong(path.parent.name, split, {"other": sum_of([path])})
            yield RecordedSong(song, f"guitar-{song.folder_name}", {"other": (f"guitar:{song.name}",)})
    for source in of_kind("backings"):
        for material_id, song in backings.songs(source, material).items():
            yield RecordedSong(song, f"backing-{song.folder_name}", dict.fromkeys(song.stems, (material_id,)))
    for source in of_kind("solos"):
        for solo in solos(source, material):
            yield RecordedSong(solo.song(), f"solo-{solo.song().folder_name}", {solo.stem: (solo.id,)})
    for number in range(bass_808.PHRASES):
        stems = {"drums": partial(bass_808.drums, number), "bass": partial(bass_808.phrase, number)}
        song = DatasetSong(f"{number:03}", "train", stems)
        yield RecordedSong(song, f"struck-{song.folder_name}", dict.fromkeys(song.stems, ("synthesised",)), "struck")
    for number in range(processed_vocals.PHRASES):
        phrase = processed_vocals.ProcessedVocals(number)
        song = DatasetSong(f"{number:03}", phrase.split, {"vocals": partial(phrase.render, material)})
        yield RecordedSong(song, f"treated-{song.folder_name}", {"vocals": (phrase.voice(material).id,)}, "treated")
    for voice in (voice for voice in VOICES if voice.kind == "voices"):  # the others are solos
        for path in voice.files(material):
            song = DatasetSong(path.stem, voice.split, {"vocals": sum_of([path])})
            yield RecordedSong(song, f"voice-{song.folder_name}", {"vocals": (voice.id,)})


def split_bass_from_other(song: DatasetSong) -> DatasetSong:
    """Return the song with its bass split from `other` if it is known to be there; their sum is unchanged."""
    if song.name not in BASS_IN_OTHER or "bass" in song.stems:
        return song
    other = song.stems["other"]
    return replace(song, stems={**song.stems, "bass": partial(_low, other), "other": partial(_high, other)})


def _low(load: Load) -> Audio:
    from scipy.signal import butter, sosfiltfilt

    filtered = sosfiltfilt(butter(4, CROSSOVER, fs=RATE, output="sos"), load(), axis=1)
    return np.asarray(filtered, np.float32)


def _high(load: Load) -> Audio:
    return load() - _low(load)
