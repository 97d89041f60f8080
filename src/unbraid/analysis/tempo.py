"""The tempo at each moment: the one at which onsets recur most after one beat, and after a bar of four."""

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

TEMPI = np.exp(np.arange(np.log(50.0), np.log(220.0), 0.01))  # BPM
LIKELY_TEMPO = 110.0  # BPM
UNLIKELY = 0.17  # the cost of a tempo an octave away from it; grows with the square
WINDOW_SECONDS, STEP_SECONDS = 10.0, 2.0  # of the measurement
CHANGE = 5.0  # the cost of a change of tempo by one e-fold


def tempogram(strengths: Numbers, rate: float) -> Numbers:
    """Return how strongly onsets recur, at each tempo, after one beat and after four.

    Each kind of onset counts equally: at half or double the tempo, kick and snare change places, cymbals do not.

    Args:
        strengths: onset strengths of each kind, `(frames, kinds)`
        rate: frames a second

    Returns:
        `(moments, TEMPI)`, every STEP_SECONDS; 1 where everything recurs, 0 where nothing does
    """
    length, step = int(WINDOW_SECONDS * rate), int(STEP_SECONDS * rate)
    around = np.pad(strengths, ((length // 2, length), (0, 0)))
    lags = np.minimum(np.multiply.outer((1, 4), 60 * rate / TEMPI), 0.85 * length)
    rows = []
    for start in range(0, len(strengths), step):
        heard = around[start : start + length]
        spectra = np.abs(np.fft.rfft(heard - heard.mean(axis=0), 2 * length, axis=0)) ** 2
        repeats = np.fft.irfft(spectra, axis=0)[:length] / np.arange(length, 0, -1)[:, None]
        repeats /= repeats[0] + 1e-9
        rows.append(np.mean([np.interp(lags, np.arange(length), kind) for kind in repeats.T], axis=(0, 1)))
    return np.array(rows)


def follow_tempo(repeated: Numbers) -> NDArray[np.int64]:
    """Return the index in TEMPI at each moment: where much recurs, likely as a tempo, and seldom changing (Viterbi)."""
    scores = repeated - UNLIKELY * np.log2(TEMPI / LIKELY_TEMPO) ** 2
    change = CHANGE * np.minimum(np.abs(np.subtract.outer(np.log(TEMPI), np.log(TEMPI))), 0.5)
    total, came_from = scores[0], []
    for row in scores[1:]:
        ways = total - change
        came_from.append(ways.argmax(axis=1))
        total = row + ways.max(axis=1)
    path = [int(total.argmax())]
    for choices in reversed(came_from):
        path.append(int(choices[path[-1]]))
    return np.array(path[::-1])
