"""Beats from onsets: how fast the song is at each moment, and then the beats that lie best on the onsets.

The tempo is that at which the onsets repeat (autocorrelation, with its multiples), followed through the song by dynamic
programming; a second one puts the beats (Ellis 2007), a third one says which of them begin a bar.
"""

import numpy as np
from numpy.typing import NDArray

from unbraid.analysis.features import Signal

Numbers = NDArray[np.float64]

# How much the regions of the drums (kick, snare, cymbals) and of the other instruments count.
WEIGHTS = (1.0, 0.5, 0.3, 1.0, 0.6, 0.3)
BACKGROUND_SECONDS = 0.4  # what is there all the time is no onset
LEVEL_SECONDS = 8.0  # soft parts count like loud ones
TEMPI = np.exp(np.arange(np.log(50.0), np.log(220.0), 0.01))  # BPM
LIKELY_TEMPO, SPREAD = 115.0, 0.7  # BPM, octaves: of two tempi that fit alike, the one nearer to this
WINDOW_SECONDS, STEP_SECONDS = 10.0, 2.0  # of the tempo's measurement
MULTIPLES = (1.0, 0.7, 0.5, 0.6)  # how much a repetition after 1, 2, 3 and 4 beats counts
TEMPO_CHANGE = 5.0  # what a change of the tempo by one (in e-folds) costs
PHASE_WEIGHTS = np.array([1.0, 1.0, 1.0, 0.5, 1.0, 0.5])  # of the same regions, when beat and off-beat are told apart
TIGHTNESS = 300.0  # what a beat off the tempo costs
STEADY = 0.14
"""How well onsets must repeat at the tempo for it to be one: songs have 0.2 to 0.7, chance not 0.1."""
FAINT = 2.0
"""What the strongest hundredth of the onsets must reach: in music they reach 5 to 100, in a steady tone not 1.5."""
FEWEST_BEATS = 8
DOWNBEAT_WEIGHTS = np.array([0.3, -0.3, 0.0, 0.3, 0.3, 0.3, 1.0, 1.5])
"""Of the regions and of the change of harmony from the last beat, and the last two, in the choice of the downbeats."""


def find_beats(onsets: Signal, rate: float) -> Numbers:
    """Return the beats in seconds, none if they are not steady.

    Args:
        onsets: `(frames, 6)`, of drums and of the other instruments
        rate: frames a second
    """
    if not onsets.size or np.percentile(onsets.sum(axis=1), 99) < FAINT:
        return np.zeros(0)
    strength = onset_strength(onsets, rate)
    strengths = tempo_strengths(strength, rate)
    tempi = follow_tempo(strengths)
    moments = np.arange(len(tempi)) * STEP_SECONDS
    sounding = strengths.any(axis=1)
    followed = strengths[np.arange(len(tempi)), np.searchsorted(TEMPI, tempi)]
    if not sounding.any() or followed[sounding].mean() < STEADY:
        return np.zeros(0)
    at = np.arange(strength.size) / rate
    beats = track_beats(strength, 60 * rate / np.interp(at, moments, tempi))
    if beats.size and off_the_beat(beats, onsets):
        beats = (beats[:-1] + beats[1:]) // 2
    heard = np.flatnonzero(onsets.sum(axis=1) > 0.1 * onsets.sum(axis=1).mean())
    beats = beats[(beats >= heard[0] - 5) & (beats <= heard[-1])]
    return _evened(beats / rate) if beats.size >= FEWEST_BEATS else np.zeros(0)


def tempo_of(beats: Numbers) -> float:
    """Return the beats a minute; over several beats at once, so that the length of a frame does not show."""
    span = min(16, beats.size - 1)
    return 60 * span / float(np.median(beats[span:] - beats[:-span]))


def _evened(beats: Numbers) -> Numbers:
    """Return the beats between the frames, each where its neighbours say."""
    evened = beats.copy()
    evened[2:-2] = np.convolve(beats, np.full(5, 0.2), "valid")
    return evened


def find_downbeats(beats: Numbers, onsets: Signal, rate: float, chroma: Signal, chroma_rate: float) -> Numbers:
    """Return those of the beats that begin a bar, of four beats or of three: there the harmony changes most.

    Args:
        beats: seconds
        onsets: as for `find_beats`
        rate: theirs, frames a second
        chroma: `(frames, steps)`
        chroma_rate: its rate, frames a second
    """
    accents = np.sqrt(strongest_near(onsets, np.rint(beats * rate).astype(int)))
    edges = np.append(beats, 2 * beats[-1] - beats[-2])
    sums = np.concatenate([np.zeros((1, chroma.shape[1])), np.cumsum(chroma, axis=0, dtype=np.float64)])
    frames = np.clip(np.rint(edges * chroma_rate).astype(int), 0, len(chroma))
    changes = [harmonic_change(sums[frames], span) for span in (1, 2)]
    clues = np.column_stack([accents, *changes])
    evidence = ((clues - clues.mean(axis=0)) / (clues.std(axis=0) + 1e-9)) @ DOWNBEAT_WEIGHTS
    bars = [slice(first, None, length) for length in (4, 3) for first in range(length)]
    return beats[max(bars, key=lambda bar: evidence[bar].mean())]


def harmonic_change(sums: Numbers, span: int) -> Numbers:
    """Return how different the harmony is in the `span` beats from each beat on from that in as many before it.

    Args:
        sums: of the chroma up to each beat, and to the last one's end
        span: beats
    """
    count = len(sums) - 1
    held = sums[np.minimum(np.arange(count) + span, count)] - sums[:-1]
    held /= np.linalg.norm(held, axis=1, keepdims=True) + 1e-9
    change = np.zeros(count)
    change[span:] = 1 - (held[span:] * held[:-span]).sum(axis=1)
    return change


def onset_strength(onsets: Signal, rate: float) -> Numbers:
    """Return how strongly something begins in each frame, from `(frames, regions)`."""
    total = np.zeros(len(onsets))
    for weight, region in zip(WEIGHTS, onsets.T, strict=True):
        if region.any():
            total += weight * np.sqrt(np.minimum(region / region[region > 0].mean(), 6.0))
    total = np.maximum(total - smooth(total, BACKGROUND_SECONDS * rate), 0.0)
    level = np.sqrt(smooth(total**2, LEVEL_SECONDS * rate))
    levelled: Numbers = total / (np.maximum(level, 0.2 * np.sqrt((total**2).mean())) + 1e-9)
    return levelled


def smooth(values: Numbers, length: float) -> Numbers:
    """Return the mean of `length` values around each, those near more than those far."""
    window = np.hanning(2 * int(length // 2) + 3)[1:-1]
    return np.convolve(np.pad(values, window.size // 2), window / window.sum(), "valid")


def tempo_strengths(strength: Numbers, rate: float) -> Numbers:
    """Return how much the onsets around each moment repeat at each tempo, `(moments, TEMPI)`."""
    length = int(WINDOW_SECONDS * rate)
    around = np.pad(strength, (length // 2, length))
    lags = 60 * rate / TEMPI
    rows = []
    for moment in range(-(-strength.size // int(STEP_SECONDS * rate))):
        start = moment * int(STEP_SECONDS * rate)
        heard = around[start : start + length]
        spectrum = np.abs(np.fft.rfft(heard - heard.mean(), 2 * length)) ** 2
        repeats = np.fft.irfft(spectrum)[:length] / np.arange(length, 0, -1)
        repeats /= repeats[0] + 1e-9
        parts = [
            weight * np.interp(np.minimum(lags * beats, 0.85 * length), np.arange(length), repeats)
            for beats, weight in enumerate(MULTIPLES, start=1)
        ]
        rows.append(np.sum(parts, axis=0) / sum(MULTIPLES))
    return np.array(rows)


def follow_tempo(strengths: Numbers) -> Numbers:
    """Return the tempo at each moment in BPM: strong, likely, and seldom changing (Viterbi)."""
    strengths = np.maximum(strengths, 0) * np.exp(-0.5 * (np.log2(TEMPI / LIKELY_TEMPO) / SPREAD) ** 2)
    change = TEMPO_CHANGE * np.minimum(np.abs(np.subtract.outer(np.log(TEMPI), np.log(TEMPI))), 0.5)
    total, came_from = strengths[0], []
    for row in strengths[1:]:
        ways = total - change
        came_from.append(ways.argmax(axis=1))
        total = row + ways.max(axis=1)
    path = [int(total.argmax())]
    for choices in reversed(came_from):
        path.append(int(choices[path[-1]]))
    followed: Numbers = TEMPI[path[::-1]]
    return followed


def track_beats(strength: Numbers, periods: Numbers) -> NDArray[np.int64]:
    """Return the frames of the beats, those that lie on strong onsets about a period apart.

    Args:
        strength: of the onsets in each frame
        periods: frames from beat to beat at each frame
    """
    score = smooth(strength, 4)
    came_from = np.full(score.size, -1)
    for frame in range(int(periods.max()), score.size):
        nearest, farthest = int(0.7 * periods[frame]), int(1.4 * periods[frame])
        first = max(0, frame - farthest)
        off_tempo = np.log(np.arange(frame - first, nearest, -1) / periods[frame])
        ways = score[first : frame - nearest] - TIGHTNESS * off_tempo**2
        best = int(ways.argmax())
        if ways[best] > 0:
            score[frame] += ways[best]
            came_from[frame] = first + best
    end = max(0, score.size - int(periods[-1]))
    frame, beats = end + int(score[end:].argmax()), []
    while frame >= 0:
        beats.append(frame)
        frame = int(came_from[frame])
    return np.array(beats[::-1])


def off_the_beat(beats: NDArray[np.int64], onsets: Signal) -> bool:
    """Whether the true beats lie in the middle between these: there, most of the regions are stronger."""
    between = (beats[:-1] + beats[1:]) // 2
    on, off = (np.sqrt(strongest_near(onsets, frames)).mean(axis=0) for frames in (beats[:-1], between))
    return bool((PHASE_WEIGHTS * (on - off) / (on + off + 1e-9)).sum() < 0)


def strongest_near(onsets: Signal, frames: NDArray[np.int64]) -> Signal:
    """Return the most in each region of `(frames, regions)` within 30 ms of each of these frames."""
    near = np.clip(frames[:, None] + np.arange(-3, 4), 0, len(onsets) - 1)
    strongest: Signal = onsets[near].max(axis=1)
    return strongest
