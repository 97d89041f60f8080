"""Where a stem is lost: ten seconds of a song at a time, how much of it each answer holds.

    python -m benchmarks.passages SONGS [MODEL.onnx …] [--stem vocals]

For every passage: its share of the stem's energy, and for each model the energy of the error
in it (both of the whole stem's energy, so the errors sum to what the SDR is made of), and the share of the stem's own
energy that came out in each answer. Answers are taken as masks on the mixture's spectrum.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.signal import stft

from unbraid import Separator
from unbraid.audio import Audio
from unbraid.errors import InputError
from unbraid.evaluation.dataset import find_songs
from unbraid.inference.shipped_models import find_model
from unbraid.stems import STEMS

RATE, WINDOW, HOP = 44_100, 4096, 1024
PASSAGE = 10  # s
SILENT = 2e-3
"""Passages with less of the stem's energy are left out."""

Spectrum = NDArray[np.complex64]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("songs", type=Path, help="a folder of song folders, or a pattern of song folders")
    parser.add_argument("models", type=Path, nargs="*", help="instead of the one that comes with unbraid")
    parser.add_argument("--stem", choices=STEMS, default="vocals")
    args = parser.parse_args()
    try:
        songs = find_songs(args.songs)
    except InputError as error:
        parser.error(str(error))
    for song in songs:
        stems = song.references(RATE, 2)
        mixture, wanted = stems.sum(0), stems[STEMS.index(args.stem)]
        for model in args.models or [find_model(None)]:
            print(f"\n{song.name}, {args.stem}, {model.stem}\n")
            report(wanted, mixture, Separator(model).separate_array(mixture, RATE), args.stem)


def report(reference: Audio, mixture: Audio, answers: Mapping[str, Audio], stem: str) -> None:
    """Print a row for each passage in which the stem sounds, and one for the whole."""
    wanted, whole = spectrum(reference), spectrum(mixture)
    power = np.abs(whole) ** 2 + 1e-9
    masks = {name: np.real(spectrum(answer) * whole.conj()) / power for name, answer in answers.items()}
    total = float((np.abs(wanted) ** 2).sum())
    wrong = (np.abs(masks[stem] * whole - wanted) ** 2).sum((0, 1)) / total
    print(f"| from | share | error | {' | '.join(answers)} |\n|{'---|' * (3 + len(answers))}")
    frames = PASSAGE * RATE // HOP
    for start in range(0, wanted.shape[-1], frames):
        within = slice(start, start + frames)
        energy = float((np.abs(wanted[..., within]) ** 2).sum())
        if energy < SILENT * total:
            continue
        held = [float((np.abs(mask[..., within] * wanted[..., within]) ** 2).sum()) / energy for mask in masks.values()]
        cells = " | ".join(f"{share:.2f}" for share in held)
        print(f"| {start * HOP // RATE} s | {energy / total:.3f} | {wrong[within].sum():.4f} | {cells} |")
    print(f"| all | 1 | {wrong.sum():.4f} |{' |' * len(answers)}")


def spectrum(audio: Audio) -> Spectrum:
    """Return (channels, bins, frames)."""
    return np.asarray(stft(audio, RATE, nperseg=WINDOW, noverlap=WINDOW - HOP)[2], np.complex64)


if __name__ == "__main__":
    main()
