"""Makes singers from speakers: syllables on the notes of a melody, and a throat of another size."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from unbraid.corpus.composing.melody import SungNote
from unbraid.corpus.singing.syllables import FRAME_SECONDS, RATE, Speech, Syllable
from unbraid.corpus.singing.world import vocoder

FRAMES_PER_SECOND = 1 / FRAME_SECONDS
Frames = NDArray[np.float64]


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
    """A new singer, from plain to operatic, from breathy to sharp; one in seven has been through a pitch corrector."""
    singer = Singer(
        formants=float(np.exp(rng.normal(0.0, 0.1))),
        tilt=rng.uniform(-2.0, 2.5),
        air=rng.uniform(0.5, 1.6),
        ring=float(rng.choice((0.0, rng.uniform(0, 8)))),
        vibrato_hz=rng.uniform(4.8, 6.8),
        vibrato_cents=float(rng.choice((rng.uniform(0, 15), rng.uniform(20, 60), rng.uniform(60, 110)))),
        vibrato_delay=rng.uniform(0.1, 0.5),
        glide=rng.uniform(0.02, 0.14),
        drift_cents=rng.uniform(2, 14),
        looseness=rng.uniform(0.0, 0.03),
        effort=rng.uniform(2, 9),
    )
    if rng.random() < 0.15:
        return replace(singer, glide=0.006, vibrato_cents=0.0, drift_cents=0.3)
    return singer


def another_take(rng: np.random.Generator, singer: Singer) -> Singer:
    """Return nearly the same singer for another take, as a doubling or a harmony needs."""
    return replace(
        singer,
        formants=singer.formants * float(np.exp(rng.normal(0, 0.025))),
        tilt=singer.tilt + rng.normal(0, 0.6),
        vibrato_hz=singer.vibrato_hz * rng.uniform(0.93, 1.07),
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
    """Sing `melody` with the syllables of `speech` in order: mono (samples,) at 44.1 kHz, `seconds` long."""
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
        lead = 12 if previous is None or not legato else int(np.clip(at - previous[0], 0, 12))
        _bend(pitch, note.pitch, max(at - lead, 0), min(until + 40, frames), at, previous, singer, rng)
        gain[max(at - lead, 0) : until + 40] = rng.uniform(-singer.effort, 0)
        previous = (until, float(note.pitch))
    return _synthesise(rng, speech, singer, source, pitch, gain, round(seconds * RATE))


def _in_order(syllables: list[Syllable], first: int, count: int) -> Iterator[Syllable]:
    """`count` syllables from number `first` on, round and round."""
    for i in range(count if syllables else 0):
        yield syllables[(first + i) % len(syllables)]


def _place(source: Frames, syllable: Syllable, at: int, until: int) -> None:
    """Put the vowel of a syllable from frame `at` to `until`; the consonants around it keep their speed."""
    onset = min(syllable.vowel_start - syllable.start, at)
    source[at - onset : at] = np.arange(syllable.vowel_start - onset, syllable.vowel_start)
    coda = min(syllable.end - syllable.vowel_end, len(source) - until, 40)
    if until - at > coda + 10:
        until -= coda // 2  # half of the coda sounds within the note
    source[at:until] = np.linspace(syllable.vowel_start, syllable.vowel_end, until - at, endpoint=False)
    source[until : until + coda] = np.arange(syllable.vowel_end, syllable.vowel_end + coda)


def _bend(
    pitch: Frames,
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


def _synthesise(
    rng: np.random.Generator,
    speech: Speech,
    singer: Singer,
    source: Frames,
    pitch: Frames,
    gain: Frames,
    samples: int,
) -> NDArray[np.float32]:
    """Resample the frames of the speech along `source`, reshape them, and let WORLD speak."""
    from scipy.ndimage import gaussian_filter1d

    sounding = source >= 0
    # A frozen vowel buzzes: its frames are shuffled a little.
    place = source + np.where(sounding, rng.normal(0, 0.4, len(source)), 0)
    place = np.clip(place, 0, len(speech.pitch) - 1)
    frame = np.minimum(place.astype(int), len(speech.pitch) - 2)
    part = (place - frame)[:, None]
    level = gaussian_filter1d(np.where(sounding, 1.0, 0.0), 1.5)
    loudness = (gaussian_filter1d(gain, 8) + 20 * np.log10(level + 1e-6)) * (np.log(10) / 10)
    drift = gaussian_filter1d(rng.normal(0, 1, len(pitch)), 25)
    jitter = gaussian_filter1d(rng.normal(0, 1, len(pitch)), 2)
    notes = (
        gaussian_filter1d(pitch, 1.0) + singer.drift_cents / 100 * drift / drift.std() + 0.03 * jitter / jitter.std()
    )
    voiced = (speech.pitch[frame] > 0) & sounding & (pitch > 0)
    hertz = np.where(voiced, 440 * 2 ** ((notes - 69) / 12), 0.0)
    tone, breath = _throat(speech, singer)
    pyworld = vocoder()
    out = np.zeros(samples, np.float32)
    for begin, end in _stretches(level > 1e-3):
        now, share = frame[begin:end], part[begin:end]
        shape = tone[now] * (1 - share) + tone[now + 1] * share + loudness[begin:end, None]
        air = breath[now] * (1 - share) + breath[now + 1] * share
        audio = pyworld.synthesize(hertz[begin:end].copy(), np.exp(shape), air, RATE, FRAME_SECONDS * 1000)
        at = round(begin * FRAME_SECONDS * RATE)
        room = min(len(audio), samples - at)
        out[at : at + room] += audio[:room].astype(np.float32)
    return out


def _stretches(audible: NDArray[np.bool_], gap: int = 24) -> list[tuple[int, int]]:
    """Frames `(begin, end)` that hold all audible ones, apart by pauses longer than `gap`.

    Silence costs WORLD more than song: it is made of noise, 500 times a second.
    """
    frames = np.flatnonzero(audible)
    if not len(frames):
        return []
    breaks = np.flatnonzero(np.diff(frames) > gap)
    begins, ends = frames[np.r_[0, breaks + 1]], frames[np.r_[breaks, -1]]
    pairs = zip(begins - gap // 4, ends + gap // 4, strict=True)
    return [(max(int(begin), 0), min(int(end), len(audible))) for begin, end in pairs]


def _throat(speech: Speech, singer: Singer) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Log envelope and breath `(frames, bins)` of the speech through the singer's throat and tone.

    Log envelopes are what is interpolated later, so that formants move instead of fading into each other.
    """
    bins = speech.envelope.shape[1]
    warp = np.arange(bins) / singer.formants
    left = np.minimum(warp.astype(int), bins - 2)
    share = np.minimum(warp - left, 1.0)
    envelope = np.log(speech.envelope + 1e-16)
    shape = envelope[:, left] * (1 - share) + envelope[:, left + 1] * share
    hertz = np.arange(bins) * RATE / 2 / (bins - 1)
    tone = np.clip(singer.tilt * np.log2(np.maximum(hertz, 100) / 1000), -9, 9)
    tone = tone + singer.ring * np.exp(-(((hertz - 3000) / 700) ** 2))
    air = speech.breath[:, left] ** singer.air
    return shape + tone * (np.log(10) / 10), np.clip(air, 1e-6, 1 - 1e-6)
