"""Vocals processed as in electronic music: choirs of one singer, hard tuning, vocoders, chops, gates and large rooms.

A network that knows only singers in front of a microphone takes these for synthesisers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from unbraid.corpus.audio_files import RATE, Audio, read
from unbraid.corpus.composing.harmony import SongPlan, progression, random_key
from unbraid.corpus.composing.melody import SungNote, compose, harmonise
from unbraid.corpus.composing.notes import Note, Part
from unbraid.corpus.playing.synths import random_lead, random_pad
from unbraid.corpus.production import mixing
from unbraid.corpus.production.effects import echoed, effects, widened
from unbraid.corpus.singing.singer import Singer, another_take, random_singer, sing
from unbraid.corpus.singing.syllables import Speech
from unbraid.corpus.singing.voices import EXCERPT, Voice, analysed, choose_voice, excerpt
from unbraid.corpus.sources.folders import MaterialFolders

PHRASES = 320
VALID_EVERY = 10
SECONDS = 24.0
PEAK = 0.5
BANDS = np.geomspace(90, 16000, 36)  # Hz: centres of the vocoder's filters
LADDER = (0, 0, 0, 3, 5, 7, 12, -5, -12, -2)  # semitones by which a chop is played higher or lower

Mono = NDArray[np.float32]


@dataclass(frozen=True)
class ProcessedVocals:
    """Phrase `number`: each has a different voice, tune and treatment; every tenth has a held-out voice."""

    number: int

    @property
    def split(self) -> str:
        """`train` or `valid`."""
        return "valid" if self.number % VALID_EVERY == VALID_EVERY - 1 else "train"

    def voice(self, material: MaterialFolders) -> Voice:
        """Whose voice it is."""
        return choose_voice(np.random.default_rng([303, self.number]), self.split, material)

    def render(self, material: MaterialFolders) -> Audio:
        """The phrase, `(2, samples)`."""
        rng = np.random.default_rng([304, self.number])
        audio = processed_vocals(rng, self.voice(material), material, _plan(rng), int(SECONDS * RATE))
        return audio * np.float32(PEAK / max(float(np.abs(audio).max()), 1e-6))


def processed_vocals(
    rng: np.random.Generator, voice: Voice, material: MaterialFolders, plan: SongPlan, samples: int
) -> Audio:
    """Return the vocals `(2, samples)` of a song: made by one technique, then processed with effects."""
    path, start = excerpt(rng, voice, material, EXCERPT)
    speech = analysed(path, start, EXCERPT, voice.band_limit)
    spoken = read(path, start, EXCERPT).mean(axis=0)
    technique = rng.choice(("choir", "tuned", "vocoded", "chopped"), p=(0.35, 0.2, 0.2, 0.25))
    if technique == "choir":
        audio = _choir(rng, speech, plan, samples)
    elif technique == "tuned":
        audio = _tuned(rng, speech, plan, samples)
    elif technique == "vocoded":
        audio = _vocoded(rng, spoken, plan, samples)
    else:
        source = spoken if rng.random() < 0.4 else _tuned(rng, speech, plan, samples).mean(axis=0)
        audio = _chopped(rng, source, plan, samples)
    return _processed(rng, audio * _open(plan, samples), 60 / plan.tempo)


def _open(plan: SongPlan, samples: int) -> Mono:
    """One in the bars with a chord, zero where the singer rests, `(samples,)`."""
    bar = np.arange(samples) / (plan.beats_per_bar * 60 / plan.tempo * RATE)
    sings = np.array([chord is not None for chord in plan.chords], np.float64)
    return _smoothed(sings[np.minimum(bar.astype(int), len(sings) - 1)])


def _smoothed(gate: NDArray[np.float64]) -> Mono:
    """The same without clicks."""
    smooth = int(0.006 * RATE)
    return np.convolve(gate, np.ones(smooth) / smooth, mode="same").astype(np.float32)


def _plan(rng: np.random.Generator) -> SongPlan:
    key, tempo = random_key(rng), rng.uniform(70, 150)
    chords = progression(rng, key)
    bars = int(SECONDS * tempo / 60 / 4)
    return SongPlan(key, [chords[bar % len(chords)] for bar in range(bars)], 4, tempo)


def _singer(rng: np.random.Generator) -> Singer:
    """Return a singer without vibrato whose pitch moves in steps, with a throat of any size."""
    plain = random_singer(rng)
    return replace(
        plain,
        formants=float(np.exp(rng.normal(0, 0.17))),
        glide=rng.uniform(0.003, 0.03),
        drift_cents=rng.uniform(0.1, 2),
        vibrato_cents=0.0,
        looseness=0.0,
        effort=plain.effort / 2,
    )


def _centre(rng: np.random.Generator, speech: Speech) -> float:
    home = 69 + 12 * np.log2(speech.median_pitch / 440)
    return float(np.clip(home + rng.uniform(-3, 14), 43, 79))


def _choir(rng: np.random.Generator, speech: Speech, plan: SongPlan, samples: int) -> Audio:
    """Three to five takes of one singer on the tones of each chord, held for a beat to a bar, far apart."""
    singer, centre = _singer(rng), _centre(rng, speech)
    held = float(rng.choice((1, 2, 2, 4)))
    first, parts = int(rng.integers(max(1, len(speech.syllables)))), int(rng.integers(3, 6))
    out = np.zeros((2, samples), np.float32)
    spread = rng.uniform(0.3, 1.0)
    for part in range(parts):
        tune = _held_tones(plan, centre + 4 * (part - (parts - 1) / 2), held, legato=bool(rng.random() < 0.25))
        take = sing(rng, speech, tune, 60 / plan.tempo, samples / RATE, another_take(rng, singer), first)
        out += mixing.pan(take, spread * (2 * part / (parts - 1) - 1))
    return out


def _held_tones(plan: SongPlan, centre: float, held: float, legato: bool) -> list[SungNote]:
    """The chord tone nearest to `centre` in every bar, sung anew every `held` beats, or as one breath."""
    notes: list[SungNote] = []
    for bar, chord in enumerate(plan.chords):
        if chord is None:
            continue
        pitch = min((p for p in range(36, 96) if p % 12 in chord.tones), key=lambda p: abs(p - centre))
        for beat in np.arange(0, plan.beats_per_bar, held):
            tied = legato and bool(notes) and bar % 4 != 0
            notes.append(SungNote(bar * plan.beats_per_bar + float(beat), held * 0.97, pitch, tied))
    return notes


def _tuned(rng: np.random.Generator, speech: Speech, plan: SongPlan, samples: int) -> Audio:
    """A melody through a pitch corrector, often with the same take a third, fifth or octave away."""
    singer, beat = _singer(rng), 60 / plan.tempo
    density = str(rng.choice(("slow", "medium", "fast")))
    tune = compose(rng, plan.key, plan.chords, plan.beats_per_bar, _centre(rng, speech), density)
    first = int(rng.integers(max(1, len(speech.syllables))))
    out = mixing.pan(sing(rng, speech, tune, beat, samples / RATE, singer, first), 0.0)
    for steps in rng.choice((2, -3, 4, 7, -7), int(rng.integers(0, 3)), replace=False):
        part = harmonise(tune, plan.key, int(steps))
        take = sing(rng, speech, part, beat, samples / RATE, another_take(rng, singer), first)
        out += mixing.pan(take, rng.uniform(-1, 1)) * np.float32(rng.uniform(0.3, 1))
    return out


def _vocoded(rng: np.random.Generator, spoken: Mono, plan: SongPlan, samples: int) -> Audio:
    """Speech on the tones of a synthesiser: the carrier's bands follow the levels of the voice's."""
    from scipy.signal import istft, stft

    said = np.resize(spoken, samples)
    carrier = _carrier(rng, plan, samples)
    carrier += rng.uniform(0.002, 0.03) * rng.normal(0, 1, carrier.shape).astype(np.float32)  # for the consonants
    hertz, _, voice = stft(said, RATE, nperseg=1024, noverlap=768)
    tones = stft(carrier, RATE, nperseg=1024, noverlap=768)[2]
    filters = np.exp(-0.5 * (np.log2(np.maximum(hertz, 20)[:, None] / BANDS) / rng.uniform(0.12, 0.3)) ** 2)
    spread = filters / np.maximum(filters.sum(1, keepdims=True), 1e-3)
    levels = np.sqrt(np.einsum("fb,...ft->...bt", filters, np.abs(voice) ** 2))
    present = np.sqrt(np.einsum("fb,cft->cbt", filters, np.abs(tones) ** 2))
    gains = np.minimum(levels / (present + 1e-3 * present.max()), 1e3)
    spoken_tones = tones * np.einsum("fb,cbt->cft", spread, gains)
    return np.asarray(istft(spoken_tones, RATE, nperseg=1024, noverlap=768)[1][:, :samples], np.float32)


def _carrier(rng: np.random.Generator, plan: SongPlan, samples: int) -> Audio:
    """Chords, or a tune in steps, on a bright synthesiser."""
    beat = 60 / plan.tempo
    if rng.random() < 0.6:
        low, whole = int(rng.integers(40, 56)), plan.beats_per_bar * beat
        notes = [
            Note(bar * whole, (bar + 1) * whole, low + (tone - low) % 12 + 12 * int(rng.random() < 0.2), 100)
            for bar, chord in enumerate(plan.chords)
            for tone in (chord.tones if chord else ())
        ]
        patch = random_pad(rng)
    else:
        tune = compose(rng, plan.key, plan.chords, plan.beats_per_bar, float(rng.integers(43, 64)), "medium")
        notes = [Note(n.beat * beat, (n.beat + n.beats) * beat, n.pitch, 100) for n in tune]
        patch = random_lead(rng)
    return patch.render(Part("carrier", 80, False, notes), samples)


def _chopped(rng: np.random.Generator, voice: Mono, plan: SongPlan, samples: int) -> Audio:
    """A few short cuts of the voice as an instrument: on a grid, at other speeds, now and then backwards."""
    step = int(60 / plan.tempo / 4 * RATE)
    cuts = [_cut(rng, voice) for _ in range(int(rng.integers(2, 6)))]
    steps = int(rng.choice((16, 32)))
    filled = rng.random(steps) < rng.uniform(0.25, 0.8)
    filled[0] = True
    which, higher = rng.integers(0, len(cuts), steps), rng.choice(LADDER, steps)
    backwards, sides = rng.random(steps) < 0.12, rng.uniform(-0.7, 0.7, len(cuts)) * float(rng.random() < 0.5)
    choked = rng.random() < 0.6
    out = np.zeros((2, samples), np.float32)
    hits = [hit for hit in range(samples // step) if filled[hit % steps]]
    for hit, following in zip(hits, [*hits[1:], samples // step], strict=True):
        place = hit % steps
        cut = _at_speed(cuts[which[place]], 2 ** (higher[place] / 12))
        cut = cut[: (following - hit) * step] if choked else cut
        cut = _faded(cut[::-1] if backwards[place] else cut)[: samples - hit * step]
        out[:, hit * step : hit * step + len(cut)] += mixing.pan(cut, sides[which[place]])
    return out


def _cut(rng: np.random.Generator, voice: Mono) -> Mono:
    """From 60 to 800 ms of the voice where it sounds, at full level."""
    length = int(2 ** rng.uniform(np.log2(0.06), np.log2(0.8)) * RATE)
    cut = voice[:length]
    for _ in range(8):
        start = int(rng.integers(max(1, len(voice) - length)))
        candidate = voice[start : start + length]
        cut = max(cut, candidate, key=lambda part: float(np.square(part).mean()))
    return cut / max(float(np.abs(cut).max()), 1e-3)


def _at_speed(cut: Mono, speed: float) -> Mono:
    places = np.arange(0, len(cut) - 1, speed)
    return np.asarray(np.interp(places, np.arange(len(cut)), cut), np.float32)


def _faded(cut: Mono) -> Mono:
    """The same without a click at either end."""
    edge = min(220, len(cut) // 2)
    ramp = np.linspace(0, 1, edge, dtype=np.float32)
    return np.concatenate([cut[:edge] * ramp, cut[edge : len(cut) - edge], cut[len(cut) - edge :] * ramp[::-1]])


def _processed(rng: np.random.Generator, audio: Audio, beat: float) -> Audio:
    """Filters, distortion, a gate on sixteenths, width, echoes and rooms, each now and then and seldom none."""
    import pedalboard

    chain: list[pedalboard.Plugin] = [pedalboard.HighpassFilter(2 ** rng.uniform(6.3, 8.7))]
    if rng.random() < 0.35:
        edge = 2 ** rng.uniform(10, 12.7)
        chain += [pedalboard.LowpassFilter(edge), pedalboard.LowpassFilter(edge)]
    if rng.random() < 0.25:
        chain.append(pedalboard.Distortion(rng.uniform(4, 22)))
    if rng.random() < 0.1:
        chain.append(pedalboard.Bitcrush(rng.uniform(5, 10)))
    if rng.random() < 0.25:
        chain.append(pedalboard.Chorus(rng.uniform(0.2, 2), rng.uniform(0.1, 0.5), 8.0, 0.0, rng.uniform(0.3, 0.6)))
    if rng.random() < 0.12:
        chain.append(pedalboard.Phaser(rng.uniform(0.1, 1), rng.uniform(0.3, 0.9)))
    if rng.random() < 0.5:
        chain.append(pedalboard.Compressor(rng.uniform(-34, -22), rng.uniform(2, 8), rng.uniform(1, 12), 120))
    audio = effects(mixing.at_level(audio, -20), *chain)
    if rng.random() < 0.2:
        audio = _gated(rng, audio, beat)
    if rng.random() < 0.5:
        audio = widened(rng, audio, 0.3, 1.3)
    if rng.random() < 0.5:
        audio = echoed(rng, audio, beat, throws=bool(rng.random() < 0.3))
    if rng.random() < 0.75:
        wet = rng.uniform(0.1, 0.5)
        room = pedalboard.Reverb(rng.uniform(0.5, 1), rng.uniform(0.1, 0.8), wet, 1 - wet, rng.uniform(0.6, 1))
        audio = effects(audio, room)
    return audio


def _gated(rng: np.random.Generator, audio: Audio, beat: float) -> Audio:
    """Open and closed by a pattern of sixteenths."""
    pattern = np.where(rng.random(16) < 0.6, 1.0, rng.uniform(0, 0.3))
    gate = pattern[(np.arange(audio.shape[1]) / (beat / 4 * RATE)).astype(int) % 16]
    return audio * _smoothed(gate)
