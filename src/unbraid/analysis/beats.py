"""Finds the beats that best fit the onsets at the given tempo (Ellis 2007), and those that begin a bar."""

import numpy as np
from numpy.typing import NDArray

from unbraid.analysis.features import Signal
from unbraid.analysis.tempo import STEP_SECONDS, TEMPI, Numbers, follow_tempo, tempogram

ONSET_KINDS = np.array(
    [
        [1.0, 0.0, 0.0, 0.0, 0.0, 0.0],
        [0.0, 1.0, 0.0, 0.0, 0.0, 0.0],
        [0.0, 0.0, 1.0, 0.0, 0.0, 0.0],
        [0.0, 0.0, 0.0, 1.0, 1.0, 1.0],
    ]
)
"""The kinds of onset that give the tempo, as weights of the regions: kick, snare, cymbals, and the song as a whole."""
WEIGHTS = np.array([[1.0, 0.5, 0.3, 1.0, 0.6, 0.3]])
"""Weights of the regions for placing the beats."""
BACKGROUND_SECONDS = 0.4  # a constant level is not an onset
LEVEL_SECONDS = 8.0  # levels soft parts against loud ones
TIGHTNESS = 300.0  # the cost of a beat off the tempo
STEADY = 0.1
"""How well onsets must repeat for a steady beat: songs reach 0.15 to 0.7, chance stays below 0.08."""
MIN_ONSET = 2.0
"""What the strongest hundredth of the onsets must reach: 5 to 100 in music, below 1.5 in a steady tone."""
FEWEST_BEATS = 8
DOWNBEAT_WEIGHTS = np.array([0.3, -0.3, 0.0, 0.3, 0.3, 0.3, 1.0, 1.5])
"""Weights of the regions, and of the harmonic change over one beat and over two, for choosing the downbeats."""


def find_beats(onsets: Signal, rate: float) -> Numbers:
    """Return the beats in seconds, none if they are not steady.

    Args:
        onsets: `(frames, 6)`: low, middle and high of the drums, then of the song
        rate: frames a second
    """
    if not onsets.size or np.percentile(onsets.sum(axis=1), 99) < MIN_ONSET:
        return np.zeros(0)
    repeated = tempogram(onset_strengths(onsets, rate, ONSET_KINDS), rate)
    followed = follow_tempo(repeated)
    steadiness = repeated[np.arange(len(repeated)), followed]
    sounding = repeated.any(axis=1)
    if not sounding.any() or steadiness[sounding].mean() < STEADY:
        return np.zeros(0)
    strength = onset_strengths(onsets, rate, WEIGHTS)[:, 0]
    moments = np.arange(len(followed)) * STEP_SECONDS
    beats = track_beats(strength, 60 * rate / np.interp(np.arange(strength.size) / rate, moments, TEMPI[followed]))
    if beats.size >= FEWEST_BEATS and off_the_beat(beats, onsets):
        beats = (beats[:-1] + beats[1:]) // 2
    heard = np.flatnonzero(onsets.sum(axis=1) > 0.1 * onsets.sum(axis=1).mean())
    beats = beats[(beats >= heard[0] - 5) & (beats <= heard[-1])]
    return _smoothed(beats / rate) if beats.size >= FEWEST_BEATS else np.zeros(0)


def tempo_of(beats: Numbers) -> float:
    """Return the beats a minute, measured over several beats so that the length of a frame does not matter."""
    span = min(16, beats.size - 1)
    return 60 * span / float(np.median(beats[span:] - beats[:-span]))


def _smoothed(beats: Numbers) -> Numbers:
    """Return the beats smoothed over their neighbours, which places them between frames."""
    smoothed = beats.copy()
    smoothed[2:-2] = np.convolve(beats, np.full(5, 0.2), "valid")
    return smoothed


def find_downbeats(beats: Numbers, onsets: Signal, rate: float, chroma: Signal, chroma_rate: float) -> Numbers:
    """Return the beats that begin a bar of four or three beats: there the harmony changes most.

    Args:
        beats: seconds
        onsets: as for `find_beats`
        rate: of the onsets, frames a second
        chroma: `(frames, steps)`
        chroma_rate: frames a second
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
    """Return how much the harmony of the `span` beats from each beat on differs from that of the `span` before it.

    Args:
        sums: cumulative chroma at each beat, and at the end of the last
        span: beats
    """
    count = len(sums) - 1
    held = sums[np.minimum(np.arange(count) + span, count)] - sums[:-1]
    held /= np.linalg.norm(held, axis=1, keepdims=True) + 1e-9
    change = np.zeros(count)
    change[span:] = 1 - (held[span:] * held[:-span]).sum(axis=1)
    return change


def onset_strengths(onsets: Signal, rate: float, kinds: Numbers) -> Numbers:
    """Return how strongly each kind of onset begins in each frame, `(frames, kinds)`.

    Args:
        onsets: `(frames, regions)`
        rate: frames a second
        kinds: how much each region counts for each kind, `(kinds, regions)`
    """
    loud = onsets.sum(axis=0) / np.maximum(np.count_nonzero(onsets, axis=0), 1)
    levelled = np.sqrt(np.minimum(onsets / np.maximum(loud, 1e-9), 6.0))
    strengths = []
    for kind in kinds @ levelled.T:
        risen = np.maximum(kind - smooth(kind, BACKGROUND_SECONDS * rate), 0.0)
        level = np.sqrt(smooth(risen**2, LEVEL_SECONDS * rate))
        strengths.append(risen / (np.maximum(level, 0.2 * np.sqrt((risen**2).mean())) + 1e-9))
    return np.column_stack(strengths)


def smooth(values: Numbers, length: float) -> Numbers:
    """Return the weighted mean of `length` values around each; near ones count more."""
    window = np.hanning(2 * int(length // 2) + 3)[1:-1]
    return np.convolve(np.pad(values, window.size // 2), window / window.sum(), "valid")


def track_beats(strength: Numbers, periods: Numbers) -> NDArray[np.int64]:
    """Return the frames of the beats: strong onsets about a period apart.

    Args:
        strength: of the onset in each frame
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
    """Whether the true beats lie halfway between these: there it is louder, and each differs more from the next."""
    places = (beats[:-1], (beats[:-1] + beats[1:]) // 2)
    accents = [np.sqrt(strongest_near(onsets, frames)) for frames in places]
    on, off = (accent.mean(axis=0) for accent in accents)
    changes = [abs(accent[::2].mean(axis=0) - accent[1::2].mean(axis=0)) for accent in accents]
    clues = (on - off + changes[0] - changes[1]) / (on + off + 1e-9)
    return bool(clues.sum() < 0)


def strongest_near(onsets: Signal, frames: NDArray[np.int64]) -> Signal:
    """Return the maximum of each region of `(frames, regions)` within 30 ms of each of these frames."""
    near = np.clip(frames[:, None] + np.arange(-3, 4), 0, len(onsets) - 1)
    strongest: Signal = onsets[near].max(axis=1)
    return strongest
