"""The demo song through the shipped weights, as `make demo` does it."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from unbraid import Separator
from unbraid.stems import STEMS

DEMO = Path(__file__).parents[1] / "demo" / "lithium-demo.flac"
RATE = 44_100
Audio = NDArray[np.float32]
Stems = dict[str, Audio]


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


@pytest.fixture(scope="module")
def song() -> Audio:
    """The beginning of the demo, `(2, samples)`."""
    samples: Audio = soundfile.read(DEMO, dtype="float32", frames=6 * RATE)[0].T
    return samples


@pytest.fixture(scope="module")
def exact(song: Audio) -> Stems:
    """What the shipped model makes of it in one tile, with all bits."""
    return Separator(precision="fp32", tile_seconds=8.0).separate_array(song, RATE)


def test_the_shipped_model_is_exact_in_tiles(song: Audio, exact: Stems) -> None:
    """The answer does not depend on how the song is cut."""
    tiled = Separator(precision="fp32", tile_seconds=2.0).separate_array(song, RATE)
    for name in exact:
        assert np.abs(exact[name] - tiled[name]).max() <= 1e-5, name


def test_the_wave_u_net_is_exact_in_tiles(song: Audio) -> None:
    short = song[:, :RATE]
    whole, tiled = (Separator("wave-u-net", tile_seconds=s).separate_array(short, RATE) for s in (1.0, 0.5))
    assert np.abs(sum(whole.values()) - short).max() <= 1e-6
    for name in whole:
        assert np.abs(whole[name] - tiled[name]).max() <= 1e-5, name


@pytest.mark.parametrize(("model", "precision"), [("unbraid", "bf16"), ("unbraid-int8", "fp32")])
def test_the_shipped_models_answer_alike_in_few_bits(song: Audio, exact: Stems, model: str, precision: str) -> None:
    """Kernels for new processors have been wrong: what a song becomes must not depend on the machine."""
    narrow = Separator(model, precision=precision, tile_seconds=8.0).separate_array(song, RATE)
    assert np.abs(sum(narrow.values()) - song).max() <= 1e-6
    for name in exact:
        assert np.square(narrow[name] - exact[name]).sum() < 1e-3 * np.square(song).sum(), name
