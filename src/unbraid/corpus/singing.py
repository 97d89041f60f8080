"""Singers made from speakers: syllables on the notes of a melody, with a singer's pitch, and a throat of another size."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from unbraid.corpus.melody import SungNote
from unbraid.corpus.syllables import FRAME_SECONDS, RATE, Speech, Syllable

FRAMES_PER_SECOND = 1 / FRAME_SECONDS


@dataclass(frozen=True)
class Singer:
    """A way of singing: throat, tone and habits.

    `formants` scales the envelope along frequency (above 1: a smaller throat); `tilt` in dB per octave from 1 kHz;
    `air` below 1 adds breath; `ring` is the singer's formant near 3 kHz in dB; `vibrato_hz`, `vibrato_cents`,
    `vibrato_delay` in s; `glide` is the portamento in s; `drift_cents` the wandering of the pitch;
    `looseness` the timing error in s; `effort` the range of loudness in dB.
    """

    formants: float
    tilt: float
    air: float
    ring: float
    vibrato_hz: float
    vibrato_cents: float
    vibrato_delay: float
    glide: float
    drift_cents: float
    looseness: float
    effort: float


def random_singer(rng: np.random.Generator) -> Singer:
    """A new singer, from plain to operatic, from breathy to sharp."""
    return Singer(
        formants=float(np.exp(rng.normal(0.0, 0.1))),
        tilt=float(rng.uniform(-2.0, 2.5)),
        air=float(rng.uniform(0.5, 1.6)),
        ring=float(rng.choice((0.0, rng.uniform(0, 8)))),
        vibrato_hz=float(rng.uniform(4.8, 6.8)),
        vibrato_cents=float(rng.choice((rng.uniform(0, 15), rng.uniform(20, 60), rng.uniform(60, 110)))),
        vibrato_delay=float(rng.uniform(0.1, 0.5)),
        glide=float(rng.uniform(0.02, 0.14)),
        drift_cents=float(rng.uniform(2, 14)),
        looseness=float(rng.uniform(0.0, 0.03)),
        effort=float(rng.uniform(2, 9)),
    )


def another_take(rng: np.random.Generator, singer: Singer) -> Singer:
    """Nearly the same singer, once more: what a doubling or a harmony needs."""
    return replace(
        singer,
        formants=singer.formants * float(np.exp(rng.normal(0, 0.025))),
        tilt=singer.tilt + float(rng.normal(0, 0.6)),
        vibrato_hz=singer.vibrato_hz * float(rng.uniform(0.93, 1.07)),
        looseness=max(singer.looseness, 0.012),
        drift_cents=singer.drift_cents + 3,
    )


def sing(
    rng: np.random.Generator,
    speech: Speech,
    melody: list[SungNote],
    seconds_per_beat: float,
    seconds: float,
    singer: Singer,
    first_syllable: int = 0,
) -> NDArray[np.float32]:
    """Sing `melody` with the syllables of `speech`, in order, and return mono audio (samples,) of `seconds` at 44.1 kHz."""
    import pyworld  # type: ignore[import-untyped]

    frames = int(seconds * FRAMES_PER_SECOND)
    source = np.full(frames, -1.0)  # the frame of the speech that sounds in each frame of the song
    pitch = np.zeros(frames)  # in MIDI notes
    gain = np.zeros(frames)  # in dB
    syllables = _in_order(speech.syllables, first_syllable, sum(not note.tied for note in melody))
    previous: tuple[int, float] | None = None
    syllable: Syllable | None = None
    for i, note in enumerate(melody):
        onset = note.beat * seconds_per_beat + rng.normal(0, singer.looseness)
        at = int(onset * FRAMES_PER_SECOND)
        until = int((note.beat + note.beats) * seconds_per_beat * FRAMES_PER_SECOND)
        legato = previous is not None and at - previous[0] < 0.25 * FRAMES_PER_SECOND
        if i + 1 < len(melody) and not melody[i + 1].tied:
            until -= int(rng.uniform(0.0, 0.12) * (until - at))
        if at < 0 or until >= frames - 40 or until - at < 6:
            continue
        if note.tied and syllable is not None and previous is not None:
            # A melisma: the vowel of the last syllable goes on under the new note.
            source[previous[0] : until] = np.linspace(syllable.vowel_start, syllable.vowel_end, until - previous[0])
        else:
            syllable = next(syllables, None)
            if syllable is None:
                break
            _place(source, syllable, at, until)
        lead = 12 if not legato else int(np.clip(at - (previous[0] if previous else at), 0, 12))
        _bend(pitch, note.pitch, max(at - lead, 0), min(until + 40, frames), at, previous, singer, rng)
        gain[max(at - lead, 0) : until + 40] = rng.uniform(-singer.effort, 0)
        previous = (until, float(note.pitch))
    return _synthesise(pyworld, speech, source, pitch, gain, singer, rng, int(seconds * RATE))


def _in_order(syllables: list[Syllable], first: int, count: int):  # type: ignore[no-untyped-def]
    """`count` syllables from number `first` on, round and round."""
    for i in range(count if syllables else 0):
        yield syllables[(first + i) % len(syllables)]


def _place(source: NDArray[np.float64], syllable: Syllable, at: int, until: int) -> None:
    """Put a syllable so that its vowel begins at frame `at` and is stretched to `until`; consonants keep their speed."""
    onset = min(syllable.vowel_start - syllable.start, at)
    source[at - onset : at] = np.arange(syllable.vowel_start - onset, syllable.vowel_start)
    coda = min(syllable.end - syllable.vowel_end, len(source) - until, 40)
    if until - at > coda + 10:
        until -= coda // 2  # half of the coda sounds within the note
    source[at:until] = np.linspace(syllable.vowel_start, syllable.vowel_end, until - at, endpoint=False)
    source[until : until + coda] = np.arange(syllable.vowel_end, syllable.vowel_end + coda)


def _bend(
    pitch: NDArray[np.float64],
    target: float,
    begin: int,
    end: int,
    at: int,
    previous: tuple[int, float] | None,
    singer: Singer,
    rng: np.random.Generator,
) -> None:
    """Write the pitch of one note: a glide from the last note, a wandering, a vibrato that comes late."""
    time = (np.arange(begin, end) - at) * FRAME_SECONDS
    near = previous is not None and begin - previous[0] < 0.3 * FRAMES_PER_SECOND
    origin = previous[1] if near and previous else target - float(rng.choice((0.0, 0.0, rng.uniform(0.3, 2.0))))
    glide = 1 / (1 + np.exp(-(time - singer.glide / 2) / (singer.glide / 4)))
    curve = origin + (target - origin) * glide
    late = np.clip((time - singer.vibrato_delay) / 0.3, 0, 1)
    curve += singer.vibrato_cents / 100 * late * np.sin(2 * np.pi * singer.vibrato_hz * time + rng.uniform(0, 6.28))
    pitch[begin:end] = curve


def _synthesise(pyworld, speech, source, pitch, gain, singer, rng, samples):  # type: ignore[no-untyped-def]
    """Resample the frames of the speech along `source`, reshape them, and let WORLD speak."""
    from scipy.ndimage import gaussian_filter1d

    sounding = source >= 0
    level = gaussian_filter1d(np.where(sounding, 1.0, 0.0), 1.5)
    index = np.clip(source, 0, len(speech.pitch) - 1)
    index = index + np.where(sounding, rng.normal(0, 0.4, len(index)), 0)  # a frozen vowel buzzes
    index = np.clip(index, 0, len(speech.pitch) - 1)
    low = np.minimum(index.astype(int), len(speech.pitch) - 2)
    part = (index - low)[:, None]
    # Interpolate in frequency first (few bins), then in time, on log envelopes: formants move, they do not fade.
    envelope = np.log(speech.envelope + 1e-16)
    warp = np.arange(envelope.shape[1]) / singer.formants
    left = np.minimum(warp.astype(int), envelope.shape[1] - 2)
    share = np.minimum(warp - left, 1.0)
    shape = envelope[low] * (1 - part) + envelope[low + 1] * part
    shape = shape[:, left] * (1 - share) + shape[:, left + 1] * share
    air = (speech.breath[low] * (1 - part) + speech.breath[low + 1] * part)[:, left]
    hertz = np.arange(envelope.shape[1]) * RATE / 2 / (envelope.shape[1] - 1)
    tone = singer.tilt * np.log2(np.maximum(hertz, 100) / 1000)
    tone = np.clip(tone, -9, 9) + singer.ring * np.exp(-(((hertz - 3000) / 700) ** 2))
    decibels = gaussian_filter1d(gain, 8)[:, None] + tone[None, :] + 20 * np.log10(level + 1e-6)[:, None]
    shape = np.exp(shape + decibels * (np.log(10) / 10))
    air = np.clip(air ** singer.air, 1e-6, 1 - 1e-6)
    drift = gaussian_filter1d(rng.normal(0, 1, len(pitch)), 25)
    jitter = gaussian_filter1d(rng.normal(0, 1, len(pitch)), 2)
    notes = gaussian_filter1d(pitch, 1.0)
    notes = notes + singer.drift_cents / 100 * drift / max(drift.std(), 1e-9) + 0.03 * jitter / max(jitter.std(), 1e-9)
    voiced = (speech.pitch[low] > 0) & sounding & (pitch > 0)
    hz = np.where(voiced, 440 * 2 ** ((notes - 69) / 12), 0.0)
    audio = pyworld.synthesize(hz, np.ascontiguousarray(shape), np.ascontiguousarray(air), RATE, FRAME_SECONDS * 1000)
    out = np.zeros(samples, np.float32)
    out[: min(samples, len(audio))] = audio[:samples]
    return out
