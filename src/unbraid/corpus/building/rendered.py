"""Renders whole songs: a score is cast with instruments, rendered source by source, given vocals, and balanced."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from unbraid.corpus.audio_files import RATE, SOURCES, Audio
from unbraid.corpus.composing import scores
from unbraid.corpus.playing import casting
from unbraid.corpus.production import mixing
from unbraid.corpus.production.effects import echoed, pumped
from unbraid.corpus.singing.vocals import random_vocals
from unbraid.corpus.sources.folders import MaterialFolders
from unbraid.errors import CorpusError

KICKS = (35, 36)  # General MIDI
TAIL = 1.5  # s that ring after the last bar
# Mean and standard deviation of each source's loudness, in dB.
LEVELS = {"vocals": (-17, 3.0), "drums": (-17, 3.0), "bass": (-18, 3.0), "piano": (-21, 4.0), "other": (-20, 4.0)}


@dataclass(frozen=True)
class RenderedSong:
    """Stems by source, `(2, samples)` each, and a record of what made them."""

    stems: dict[str, Audio]
    record: dict[str, object]


def make_song(seed: list[int], split: str, material: MaterialFolders, seconds: float = 60.0) -> RenderedSong:
    """Return the song of this seed, about `seconds` long, made only from material of the split.

    Raises CorpusError if material or a tool is missing, or if the band ends up with fewer than two sources.
    """
    rng = np.random.default_rng(seed)
    kind = str(rng.choice(("styled", "programmed", "from_midi"), p=(0.55, 0.35, 0.1)))
    score = scores.WRITERS[kind](rng, split, material, seconds)
    samples = int((score.plan.seconds + TAIL) * RATE)
    stems, players, used = _recorded(rng, split, material, score, samples)
    record: dict[str, object] = {"kind": kind, "tempo": round(score.plan.tempo, 2), **score.record, "players": players}
    if any(score.plan.chords) and rng.random() < 0.75:
        sings = scores.presence(rng, len(score.plan.chords), "vocals")
        sung = [chord if sings[bar] else None for bar, chord in enumerate(score.plan.chords)]
        plan = replace(score.plan, chords=sung)
        stems["vocals"], singing = random_vocals(rng, split, material, plan, samples)
        record["vocals"] = singing
        used["vocals"] = {str(singing["voice"])}
    if split == "train":  # the held-out songs stay what they were, so that their scores compare
        stems = mixing.match_record_tonality(
            rng, {source: mixing.at_level(stem, -20) for source, stem in stems.items()}
        )
    levelled = {
        source: mixing.at_level(stems[source], rng.normal(*LEVELS[source])) for source in SOURCES if source in stems
    }
    record["materials"] = {source: sorted(used[source]) for source in levelled}
    if len(levelled) < 2:
        raise CorpusError(f"The song of seed {seed} came out with fewer than two sources.")
    return RenderedSong(mixing.balance(levelled, rng.uniform(0.5, 0.95)), record)


def _recorded(
    rng: np.random.Generator, split: str, material: MaterialFolders, score: scores.Score, samples: int
) -> tuple[dict[str, Audio], dict[str, list[str]], dict[str, set[str]]]:
    """Stems of the band, the names of the instruments in each, and the materials that went into each."""
    stems: dict[str, Audio] = {}
    players: dict[str, list[str]] = {}
    used: dict[str, set[str]] = {}
    for part in score.parts:
        source = part.source
        instrument = casting.choose(rng, source, split, material, part, score.electronic)
        audio = mixing.instrument_chain(rng, source, part, instrument.render(part, samples))
        if np.abs(audio).max(initial=0) < 1e-4:
            continue
        if source == "other" and rng.random() < 0.15:
            audio = echoed(rng, audio, 60 / score.plan.tempo)
        audio = mixing.at_level(audio, -20 + rng.normal(0, 3))
        stems[source] = stems[source] + audio if source in stems else audio
        players.setdefault(source, []).append(instrument.name)
        used.setdefault(source, set()).add(instrument.material)
        composed = "groove" if source == "drums" and "groove" in score.record else "style"
        used[source] |= {str(score.record[key]) for key in (composed, "midi") if key in score.record}
    return _pumping(rng, score, stems), players, used


def _pumping(rng: np.random.Generator, score: scores.Score, stems: dict[str, Audio]) -> dict[str, Audio]:
    """Return the stems; in some songs, most of those beside the drums are ducked by the kick."""
    if rng.random() > (0.5 if score.electronic else 0.08):
        return stems
    kicks = [note.start for part in score.parts if part.source == "drums" for note in part.notes if note.pitch in KICKS]
    return {
        source: pumped(rng, stem, kicks, 60 / score.plan.tempo) if source != "drums" and rng.random() < 0.7 else stem
        for source, stem in stems.items()
    }
