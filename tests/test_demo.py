"""The demo song through the shipped weights, as `make demo` does it."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from unbraid import Separator
from unbraid.stems import STEMS

DEMO = Path(__file__).parents[1] / "demo" / "lithium-demo.flac"


@pytest.fixture(scope="module")
def stems(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The five files, made by the command in a process of its own."""
    out = tmp_path_factory.mktemp("demo")
    done = subprocess.run(
        [sys.executable, "-m", "unbraid.cli", "separate", str(DEMO), "-o", str(out)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert str(out / "lithium-demo") in done.stdout
    return {path.stem: path for path in sorted((out / "lithium-demo").iterdir())}


def test_there_are_five_files_of_the_songs_length_and_rate(stems: dict[str, Path]) -> None:
    song = soundfile.info(DEMO)
    assert set(stems) == set(STEMS)
    for path in stems.values():
        stem = soundfile.info(path)
        assert (stem.frames, stem.samplerate, stem.channels) == (song.frames, song.samplerate, song.channels)


def test_they_sum_to_the_song(stems: dict[str, Path]) -> None:
    song, _ = soundfile.read(DEMO, dtype="float32")
    total = sum(soundfile.read(path, dtype="float32")[0] for path in stems.values())
    assert np.abs(total - song).max() <= 1e-4


def test_none_is_the_song_itself(stems: dict[str, Path]) -> None:
    song, _ = soundfile.read(DEMO, dtype="float32")
    for name, path in stems.items():
        stem, _ = soundfile.read(path, dtype="float32")
        assert np.square(song - stem).sum() > 0.1 * np.square(song).sum(), name


def test_the_shipped_model_is_exact_in_tiles() -> None:
    """The answer does not depend on how the song is cut."""
    song, rate = soundfile.read(DEMO, dtype="float32", frames=6 * 44_100)
    whole, tiled = (
        Separator(precision="fp32", tile_seconds=seconds).separate_array(song.T, rate) for seconds in (8.0, 2.0)
    )
    for name in whole:
        assert np.abs(whole[name] - tiled[name]).max() <= 1e-5, name


@pytest.mark.parametrize(("model", "precision"), [("unbraid", "bf16"), ("unbraid-int8", "fp32")])
def test_the_shipped_models_answer_alike_in_few_bits(model: str, precision: str) -> None:
    """Kernels for new processors have been wrong: what a song becomes must not depend on the machine."""
    song, rate = soundfile.read(DEMO, dtype="float32", frames=6 * 44_100)
    full = Separator(precision="fp32").separate_array(song.T, rate)
    narrow = Separator(model, precision=precision).separate_array(song.T, rate)
    assert np.abs(sum(narrow.values()) - song.T).max() <= 1e-6
    for name in full:
        assert np.square(narrow[name] - full[name]).sum() < 1e-3 * np.square(song).sum(), name
