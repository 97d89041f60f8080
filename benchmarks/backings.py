"""Voices over music of makers never heard: what a model takes for the voice, and how much where nobody sings.

    python -m benchmarks.backings CORPUS/valid [MODEL.onnx …] [--singers 'treated-*']

Every held-out backing (its middle 30 s) gets the loudest 30 s of a held-out singer, 3 dB softer than itself. Two
numbers in dB for each piece and model: the SDR of the voice, and how loud the "vocals" of the backing alone are,
against all of it.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from unbraid import Separator
from unbraid.audio import Audio, read
from unbraid.errors import InputError
from unbraid.evaluation.dataset import StemSong, find_songs
from unbraid.evaluation.metrics import sdr
from unbraid.inference.shipped_models import find_model

RATE = 44_100
EXCERPT = 30 * RATE
BELOW = 3.0  # dB


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("valid", type=Path, help="the held-out songs of a built corpus")
    parser.add_argument("models", type=Path, nargs="*", help="instead of the one that comes with unbraid")
    parser.add_argument("--singers", default="song-000[0-2]*", help="the held-out songs whose vocals are taken")
    args = parser.parse_args()
    models = args.models or [find_model(None)]
    separators = [Separator(model) for model in models]
    try:
        backings = find_songs(args.valid / "backing-*")
        singers = [song for song in find_songs(args.valid / args.singers) if "vocals" in song.stems]
    except InputError as error:
        parser.error(str(error))
    print("| | " + " | ".join(f"{model.stem}: voice | where nobody sings" for model in models) + " |")
    print("|---" * (1 + 2 * len(models)) + "|")
    rows = []
    for number, song in enumerate(backings):
        alone = by_itself(song)
        backing, voice = mixed(alone, singers[3 * number % len(singers)])
        row = []
        for separator in separators:
            row.append(sdr(voice, separator.separate_array(backing + voice, RATE)["vocals"]))
            false = separator.separate_array(alone, RATE)["vocals"]
            row.append(float(10 * np.log10(np.square(false).mean() / np.square(alone).mean() + 1e-9)))
        rows.append(row)
        print(line(song.name.removeprefix("backing-"), row))
    print(line("median", np.median(rows, axis=0).tolist()))


def mixed(band: Audio, singer: StemSong) -> tuple[Audio, Audio]:
    """Return backing and voice `(2, samples)`, whose sum peaks at 0.9."""
    voice = loudest(read(singer.stems["vocals"], sample_rate=RATE, channels=2)[0])
    length = min(band.shape[1], voice.shape[1])
    band, voice = band[:, :length], voice[:, :length]
    voice = voice * np.float32(np.sqrt(np.square(band).mean() / np.square(voice).mean()) * 10 ** (-BELOW / 20))
    gain = np.float32(0.9 / np.abs(band + voice).max())
    return band * gain, voice * gain


def by_itself(backing: StemSong) -> Audio:
    """Return the middle 30 s, which peak at 0.9: the same whoever sings."""
    (path,) = backing.stems.values()
    audio = read(path, sample_rate=RATE, channels=2)[0]
    start = max(0, (audio.shape[1] - EXCERPT) // 2)
    audio = audio[:, start : start + EXCERPT]
    return audio * np.float32(0.9 / np.abs(audio).max())


def loudest(audio: Audio) -> Audio:
    """Return the 30 s with the most in them."""
    step = RATE // 10
    power = np.square(audio[:, : audio.shape[1] // step * step]).reshape(2, -1, step).mean((0, 2))
    within = np.convolve(power, np.ones(min(EXCERPT // step, len(power))), "valid")
    start = int(within.argmax()) * step
    return audio[:, start : start + EXCERPT]


def line(name: str, numbers: Sequence[float]) -> str:
    """Return a row of the table."""
    return f"| {name} | " + " | ".join(f"{number:.2f}" for number in numbers) + " |"


if __name__ == "__main__":
    main()
