"""Makes the vocals of a song: a voice that sings or raps, is a recording or was heavily processed, with its room."""

from __future__ import annotations

import numpy as np

from unbraid.corpus.audio_files import RATE, Audio, read, seconds_of
from unbraid.corpus.composing.harmony import SongPlan
from unbraid.corpus.composing.melody import SungNote, compose, harmonise
from unbraid.corpus.production import mixing
from unbraid.corpus.production.effects import echoed, effects, widened
from unbraid.corpus.singing.processed_vocals import processed_vocals
from unbraid.corpus.singing.singer import Singer, another_take, random_singer, sing
from unbraid.corpus.singing.voices import EXCERPT, Voice, analysed, choose_voice, excerpt
from unbraid.corpus.sources.folders import MaterialFolders

TREATED = 0.15  # of the songs with vocals


def random_vocals(
    rng: np.random.Generator, split: str, material: MaterialFolders, plan: SongPlan, samples: int
) -> tuple[Audio, dict[str, object]]:
    """A finished vocal stem `(2, samples)` for a song, and a record of how it was made."""
    voice = choose_voice(rng, split, material)
    draw = rng.random()
    if draw > 1 - TREATED:
        return processed_vocals(rng, voice, material, plan, samples), {"voice": voice.id, "technique": "treated"}
    if voice.sung and draw < 0.4:
        return _recorded(rng, voice, material, plan, samples), {"voice": voice.id, "technique": "recorded"}
    if voice.can_rap and voice.band_limit is None and draw < 0.12:
        return _rap(rng, voice, material, plan, samples), {"voice": voice.id, "technique": "rap"}
    return _sung(rng, voice, material, plan, samples)


def _sung(
    rng: np.random.Generator, voice: Voice, material: MaterialFolders, plan: SongPlan, samples: int
) -> tuple[Audio, dict[str, object]]:
    path, start = excerpt(rng, voice, material, EXCERPT)
    speech = analysed(path, start, EXCERPT, voice.band_limit)
    singer = random_singer(rng)
    home = 69 + 12 * np.log2(speech.median_pitch / 440)
    lift = rng.uniform(2, 14) if not voice.sung else rng.uniform(-5, 5)
    # A large throat goes with a low voice: a formant change moves the comfortable pitch along.
    centre = float(np.clip(home + lift + 30 * np.log2(singer.formants), 46, 80))
    density = (
        str(rng.choice(("slow", "medium", "medium", "fast")))
        if plan.tempo < 120
        else str(rng.choice(("slow", "slow", "medium")))
    )
    tune = compose(rng, plan.key, plan.chords, plan.beats_per_bar, centre, density)
    beat, seconds = 60 / plan.tempo, samples / RATE
    first = int(rng.integers(max(1, len(speech.syllables))))

    def take(notes: list[SungNote], who: Singer) -> Audio:
        return sing(rng, speech, notes, beat, seconds, who, first)[None]

    lead = mixing.at_level(take(tune, singer), -20)
    backing: list[tuple[Audio, float]] = []
    kind = str(rng.choice(("none", "none", "double", "harmony", "octave")))
    if kind == "double":
        side = rng.uniform(0.3, 1.0)
        backing = [(take(tune, another_take(rng, singer)), side), (take(tune, another_take(rng, singer)), -side)]
    elif kind == "harmony":
        part = harmonise(tune, plan.key, int(rng.choice((2, -2, 4, -3))))
        backing = [(take(part, another_take(rng, singer)), rng.uniform(-0.8, 0.8))]
    elif kind == "octave":
        backing = [
            (
                take(harmonise(tune, plan.key, int(rng.choice((-7, 7)))), another_take(rng, singer)),
                rng.uniform(-0.5, 0.5),
            )
        ]
    under = rng.uniform(-14, -3)
    stem = mixing.pan(lead, float(rng.choice((0.0, 0.0, 0.0, rng.uniform(-0.4, 0.4)))))
    for part_audio, position in backing:
        stem = stem + mixing.pan(mixing.at_level(part_audio, -20 + under), position)
    return _vocal_chain(rng, stem, beat), {
        "voice": voice.id,
        "file": path.name,
        "start": start,
        "technique": "sung",
        "backing": kind,
        "density": density,
    }


def _rap(rng: np.random.Generator, voice: Voice, material: MaterialFolders, plan: SongPlan, samples: int) -> Audio:
    """Plain speech, phrase by phrase from the bar lines."""
    path, start = excerpt(rng, voice, material, samples / RATE)
    speech = read(path, start, samples / RATE + 1).mean(axis=0)
    bar = int(plan.beats_per_bar * 60 / plan.tempo * RATE)
    stem = np.zeros(samples, np.float32)
    at, taken = 0, 0
    while at < samples - RATE and taken < len(speech) - RATE:
        length = min(int(rng.choice((1, 2, 2, 4))) * bar, samples - at, len(speech) - taken)
        chunk = speech[taken : taken + length].copy()
        fade = min(441, len(chunk) // 2)
        chunk[:fade] *= np.linspace(0, 1, fade, dtype=np.float32)
        chunk[-fade:] *= np.linspace(1, 0, fade, dtype=np.float32)
        silent = plan.chords[min(at // bar, len(plan.chords) - 1)] is None
        if not silent:
            stem[at : at + length] = chunk
            taken += length
        at += length
    return _vocal_chain(rng, mixing.pan(stem, 0.0), 60 / plan.tempo)


def _recorded(rng: np.random.Generator, voice: Voice, material: MaterialFolders, plan: SongPlan, samples: int) -> Audio:
    """Sung recordings as they are, sometimes in another key than the band: they have the spectra of real singers."""
    files = voice.files(material)
    stem = np.zeros(samples, np.float32)
    at = 0
    while at < samples - RATE:
        path = files[int(rng.integers(len(files)))]
        length = rng.uniform(4, 14)
        chunk = read(path, float(rng.uniform(0, max(0.0, seconds_of(path) - length))), length).mean(axis=0)[
            : samples - at
        ]
        fade = min(2205, len(chunk) // 2)
        chunk[:fade] *= np.linspace(0, 1, fade, dtype=np.float32)
        chunk[len(chunk) - fade :] *= np.linspace(1, 0, fade, dtype=np.float32)
        stem[at : at + len(chunk)] = chunk
        at += len(chunk) + int(rng.choice((0, 0, RATE, 3 * RATE)))
    return _vocal_chain(rng, mixing.pan(stem, 0.0), 60 / plan.tempo)


def _vocal_chain(rng: np.random.Generator, stem: Audio, beat: float) -> Audio:
    """Process a voice as on records: thinned, compressed, sometimes driven, spread or echoed; mostly with a room."""
    import pedalboard

    chain: list[pedalboard.Plugin] = [pedalboard.HighpassFilter(2 ** rng.uniform(6, 7.9))]
    if rng.random() < 0.5:
        chain.append(pedalboard.LowShelfFilter(rng.uniform(180, 420), rng.uniform(-12, 0)))
    if rng.random() < 0.8:
        chain.append(
            pedalboard.Compressor(
                rng.uniform(-32, -20),
                rng.uniform(1.5, 6),
                rng.uniform(1, 12),
                rng.uniform(50, 250),
            )
        )
    if rng.random() < 0.12:
        chain.append(pedalboard.Distortion(rng.uniform(3, 18)))
    if rng.random() < 0.04:  # through a telephone
        chain += [pedalboard.HighpassFilter(rng.uniform(300, 600)), pedalboard.LowpassFilter(rng.uniform(2500, 5000))]
    if rng.random() < 0.5:
        chain.append(pedalboard.PeakFilter(rng.uniform(600, 3500), rng.uniform(-2, 7), 0.8))
    if rng.random() < 0.5:
        chain.append(pedalboard.HighShelfFilter(rng.uniform(4000, 9000), rng.uniform(-3, 6)))
    if rng.random() < 0.12:
        chain.append(pedalboard.Chorus(rng.uniform(0.3, 1.5), rng.uniform(0.1, 0.4), 7.0, 0.0, rng.uniform(0.2, 0.5)))
    stem = effects(mixing.at_level(stem, -20), *chain)
    if rng.random() < 0.35:
        stem = widened(rng, stem, 0.15, 1.1)
    if rng.random() < 0.3:
        stem = echoed(rng, stem, beat, throws=bool(rng.random() < 0.6))
    if rng.random() < 0.85:
        stem = mixing.room(rng, stem)
    return stem
