"""Scores: key, chords, tempo and form of a song, and a part for every player; no instrument is chosen yet."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from unbraid.corpus.composing import accompaniment, grooves, sequencer
from unbraid.corpus.composing.harmony import Chord, Key, SongPlan, progression, random_key
from unbraid.corpus.composing.notes import Part, humanise, read_midi
from unbraid.corpus.general_midi import NOISES, STRINGS, SUNG
from unbraid.corpus.sources.folders import MaterialFolders
from unbraid.corpus.sources.records import of_kind
from unbraid.corpus.sources.source import Source
from unbraid.errors import CorpusError

# How likely a player plays in a section.
PRESENCE = {"drums": 0.88, "bass": 0.9, "piano": 0.82, "other": 0.88, "vocals": 0.72}


@dataclass(frozen=True)
class Score:
    """The parts to be played, before instruments are chosen."""

    parts: list[Part]
    plan: SongPlan
    electronic: bool
    record: dict[str, object]


def _form(rng: np.random.Generator, key: Key, bars: int, section: int) -> list[Chord]:
    """Chords of a song whose sections repeat two or three progressions."""
    ideas = [progression(rng, key, int(rng.choice((4, 4, 8)))) for _ in range(int(rng.integers(2, 4)))]
    chords: list[Chord] = []
    while len(chords) < bars:
        idea = ideas[int(rng.integers(len(ideas)))] if chords else ideas[0]
        chords += [idea[bar % len(idea)] for bar in range(section)]
    return chords[:bars]


def presence(rng: np.random.Generator, bars: int, source: str) -> list[bool]:
    """Whether a player plays in each bar: sections of four or eight bars, never silent throughout."""
    section = int(rng.choice((4, 8)))
    plays = [bool(rng.random() < PRESENCE[source]) for _ in range(bars // section + 1)]
    if not any(plays[: max(1, bars // section)]):
        plays[0] = True
    return [plays[bar // section] for bar in range(bars)]


def _arranged(rng: np.random.Generator, parts: list[Part], plan: SongPlan) -> list[Part]:
    """Keep at most four other parts; all rest in some sections; timing and touch are humanised, except for drums."""
    bar = plan.beats_per_bar * 60 / plan.tempo
    kept: list[Part] = []
    counts: dict[str, int] = {}
    for part in sorted(parts, key=lambda p: -len(p.notes)):
        source = part.source
        counts[source] = counts.get(source, 0) + 1
        if counts[source] > {"other": 4, "drums": 4}.get(source, 1):
            continue
        plays = presence(rng, len(plan.chords), source) if plan.chords else []
        if plays:
            part = part.kept(lambda note, plays=plays: plays[min(int((note.start + 0.02) / bar), len(plays) - 1)])  # type: ignore[misc]
        if part.notes:
            kept.append(part if source == "drums" else humanise(rng, part, rng.uniform(0, 0.012), rng.uniform(0, 9)))
    return kept


def _bars(tempo: float, beats: int, seconds: float) -> int:
    """Whole groups of four bars, about `seconds` long."""
    return max(8, round(seconds / (beats * 60 / tempo) / 4) * 4)


def styled(rng: np.random.Generator, split: str, material: MaterialFolders, seconds: float) -> Score:
    """A style of MMA, over human drumming for two songs of three."""
    key = random_key(rng)
    choices = [style for style in accompaniment.styles(material) if style.held_out == (split == "valid")]
    style = choices[int(rng.integers(len(choices)))]
    human = rng.random() < 0.67
    beats_played = [g for g in grooves.grooves(material) if g.held_out == (split == "valid")]
    groove = beats_played[int(rng.integers(len(beats_played)))]
    tempo = groove.tempo if human else rng.uniform(70, 165)
    section = int(rng.choice((4, 8)))
    chords = _form(rng, key, _bars(tempo, 4, seconds), section)
    parts, beats = accompaniment.play(rng, style, key, chords, tempo, section)
    record: dict[str, object] = {"style": style.id, "key": str(key)}
    if human and beats == 4:
        parts = [part for part in parts if part.source != "drums"] + [grooves.play(rng, groove, len(chords))]
        record["groove"] = groove.id
    plan = SongPlan(key, list(chords), beats, tempo)
    present = {part.source for part in parts}
    if "bass" not in present and beats == 4 and rng.random() < 0.9:
        parts.append(sequencer.bass(rng, chords, tempo))
    if "piano" not in present and rng.random() < 0.9:
        others = [
            i
            for i, part in enumerate(parts)
            if part.source == "other" and part.name.lower().startswith(("chord", "arpeggio"))
        ]
        if others:
            parts[others[0]] = replace(parts[others[0]], program=int(rng.integers(0, 6)))
        elif beats == 4:
            parts.append(sequencer.chords_part(rng, chords, tempo, 0))
    if beats == 4 and rng.random() < 0.12:
        parts.append(sequencer.power_chords(rng, chords, tempo))
    elif beats == 4 and rng.random() < 0.2:
        parts.append(sequencer.strummed(rng, chords, tempo, int(rng.choice((24, 25, 25, 26, 27)))))
    if rng.random() < 0.5:
        low = sequencer.left_hand(rng, chords, tempo, beats)
        parts = [replace(part, notes=part.notes + low) if part.source == "piano" else part for part in parts]
    return Score(_arranged(rng, parts, plan), plan, bool(rng.random() < 0.1), record)


def programmed(rng: np.random.Generator, split: str, material: MaterialFolders, seconds: float) -> Score:
    """Electronic music by step, sometimes under human drumming."""
    key = random_key(rng)
    tempo = float(rng.choice((rng.uniform(75, 105), rng.uniform(112, 132), rng.uniform(132, 176))))
    section = int(rng.choice((4, 8)))
    chords = _form(rng, key, _bars(tempo, 4, seconds), section)
    plan = SongPlan(key, list(chords), 4, tempo)
    parts = [sequencer.drums(rng, len(chords), tempo, section), sequencer.bass(rng, chords, tempo)]
    if rng.random() < 0.75:
        write = sequencer.chords_part if rng.random() < 0.7 else sequencer.arpeggio
        keys = write(rng, chords, tempo, int(rng.choice((0, 0, 4, 5, 2))))
        if rng.random() < 0.4:
            keys = replace(keys, notes=keys.notes + sequencer.left_hand(rng, chords, tempo, 4))
        parts.append(keys)
    makers = [
        lambda: sequencer.chords_part(rng, chords, tempo, int(rng.choice((89, 90, 48, 50, 95))), "x---------------"),
        lambda: sequencer.arpeggio(rng, chords, tempo, int(rng.choice((81, 46, 11, 98)))),
        lambda: sequencer.lead(rng, key, chords, tempo, int(rng.choice((80, 81, 29, 66)))),
        lambda: sequencer.chords_part(rng, chords, tempo, int(rng.choice((62, 27, 81)))),
        lambda: sequencer.power_chords(rng, chords, tempo),
        lambda: sequencer.sweeps(rng, len(chords), tempo, section),
        lambda: sequencer.atmosphere(rng, len(chords), tempo, section),
        lambda: sequencer.strummed(rng, chords, tempo, int(rng.choice((25, 27, 28)))),
    ]
    for number in rng.permutation(len(makers))[: int(rng.integers(1, 5))]:
        parts.append(makers[int(number)]())
    return Score(_arranged(rng, parts, plan), plan, True, {"key": str(key)})


@dataclass(frozen=True)
class MidiSong:
    """A song that somebody wrote, and where it comes from."""

    source: Source
    path: Path

    @property
    def id(self) -> str:
        """Its identifier in the catalogue."""
        return f"midi:{self.source.title}/{self.path.name}"

    @property
    def held_out(self) -> bool:
        """Whether it belongs to the validation split: of the sources for training, one in eight by name."""
        return self.source.is_held_out(self.path) or sum(self.path.name.encode()) % 8 == 3


def midi_songs(material: MaterialFolders) -> list[MidiSong]:
    """All MIDI songs of the material, by source and name."""
    return [MidiSong(source, path) for source in of_kind("midi") for path in source.found(material)]


def from_midi(rng: np.random.Generator, split: str, material: MaterialFolders, seconds: float) -> Score:
    """A stretch of a MIDI song that somebody wrote; one song in eight is held out."""
    files = midi_songs(material)
    if not files:
        raise CorpusError("There are no MIDI songs: `unbraid corpus fetch` brings them.")
    chosen = [song for song in files if song.held_out == (split == "valid")]
    song = chosen[int(rng.integers(len(chosen)))]
    parts, _ = read_midi(song.path)
    end = max(note.end for part in parts for note in part.notes)
    start = float(rng.uniform(0, max(0.0, end - seconds)))
    transpose = int(rng.integers(-4, 5))
    moved = []
    for part in parts:
        notes = [
            replace(
                n,
                start=n.start - start,
                end=min(n.end - start, seconds),
                pitch=n.pitch if part.is_drum else int(np.clip(n.pitch + transpose, 0, 127)),
            )
            for n in part.notes
            if start <= n.start < start + seconds
        ]
        if notes:
            moved.append(
                replace(
                    part, notes=notes, bends=[(t - start, v) for t, v in part.bends if start <= t < start + seconds]
                )
            )
    length = min(seconds, end - start)
    tempo = 120.0
    plan = SongPlan(random_key(rng), [], 4, tempo)
    # No chords are known, so nobody sings; the plan is stretched to the length by its silent bars.
    silent = replace(plan, chords=[None] * max(4, round(length / 2)))
    arranged = [replace(part, program=STRINGS) if part.program in SUNG else part for part in moved]
    arranged = [part for part in arranged if part.is_drum or part.program not in NOISES]
    limited = _arranged(rng, arranged, plan)
    return Score(limited, silent, bool(rng.random() < 0.15), {"midi": song.id})


WRITERS = {"styled": styled, "programmed": programmed, "from_midi": from_midi}
