"""Where the errors lie: in moments when a source is silent, soft, heard well, or ahead of all the rest.

    python -m benchmarks.presence SONGS [--model FILE.onnx]

SONGS is a folder of song folders with known stems, or a pattern as in 'CORPUS/valid/real-*'. A moment is 50 ms. Of each
song and source a row: the whole-song SDR, and for each kind of moment its share of the time, its share of the error's
energy, and the SDR over those moments alone (none where there is nothing to hear).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unbraid.errors import InputError
from unbraid.evaluation.dataset import find_songs, fold
from unbraid.evaluation.metrics import TINY, is_silent, sdr
from unbraid.separator import Separator

Power = NDArray[np.float64]

# from which level on, in dB relative to the song at that moment, a source counts as what
KINDS = {"silent": -np.inf, "soft": -40.0, "heard": -10.0, "ahead": -3.0}


def main() -> None:
    """Separate every song and print its rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("songs", type=Path)
    parser.add_argument("--model", type=Path, help="the weights that ship, if not given")
    args = parser.parse_args()
    try:
        songs = find_songs(args.songs)
    except InputError as error:
        parser.error(str(error))
    separator = Separator(args.model)
    print("| song | source | SDR |", " | ".join(KINDS), "|")
    print("|---|---|---|" + "---|" * len(KINDS))
    for song in songs:
        references = fold(song.references(separator.sample_rate, separator.facts.channels), separator.sources)
        mixture = references.sum(0)
        estimates = separator.separate_array(mixture, separator.sample_rate)
        moment = separator.sample_rate // 20
        level = powers(mixture, moment)
        for source, reference in zip(separator.sources, references, strict=True):
            if is_silent(reference, mixture):
                continue
            estimate = estimates[source]
            sound, wrong = powers(reference, moment), powers(reference - estimate, moment)
            kinds = np.digitize(decibels(sound, level), list(KINDS.values())[1:])
            cells = [cell(sound, wrong, kinds == kind) for kind in range(len(KINDS))]
            print(f"| {song.name} | {source} | {sdr(reference, estimate):.2f} |", " | ".join(cells), "|")


def powers(audio: NDArray[np.float32], moment: int) -> Power:
    """Energy of `(channels, samples)` in each whole moment of so many samples."""
    whole = audio[:, : audio.shape[1] // moment * moment].astype(np.float64)
    return np.asarray(np.square(whole.reshape(audio.shape[0], -1, moment)).sum((0, 2)))


def decibels(one: Power | float, other: Power | float) -> NDArray[np.float64]:
    """How far the one energy is above the other; far below, where both are silence."""
    return 10 * np.log10((np.asarray(one) + 1e-6 * TINY) / (np.asarray(other) + TINY))


def cell(sound: Power, wrong: Power, chosen: NDArray[np.bool_]) -> str:
    """What a table says of the chosen moments."""
    shares = f"{chosen.mean():.0%} of time, {wrong[chosen].sum() / wrong.sum():.0%} of error"
    heard = sound[chosen].sum() > 1e-4 * sound.sum()
    return f"{shares}, {decibels(sound[chosen].sum(), wrong[chosen].sum()):.1f} dB" if heard else shares


if __name__ == "__main__":
    main()
