"""Fixtures that every test may use: tiny models and songs made on the fly."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import settings
from numpy.typing import NDArray

from tests.tiny_models import write_mask_model, write_waveform_model
from unbraid import Separator
from unbraid.inference import network

settings.register_profile("unhurried", deadline=None)  # a busy machine is no fault of the code
settings.load_profile("unhurried")


@pytest.fixture(scope="session", autouse=True)
def short_tiles() -> Iterator[None]:
    """A tile is computed whole, and most songs here last a second or two."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(network, "COMPUTED_SECONDS", 3.0)
        patch.setattr(network, "WAVEFORM_SECONDS", 3.0)
        yield


@pytest.fixture(scope="session")
def mask_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with a filter bank, whose masks sum to one."""
    return write_mask_model(tmp_path_factory.mktemp("models") / "mask.onnx")


@pytest.fixture(scope="session")
def waveform_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that takes and gives samples."""
    return write_waveform_model(tmp_path_factory.mktemp("models") / "waveform.onnx")


@pytest.fixture(scope="session")
def separator(mask_model: Path) -> Separator:
    """A separator with the mask model, in fp32."""
    return Separator(mask_model, precision="fp32", tile_seconds=1.0)


def noise(channels: int, samples: int, seed: int = 0) -> NDArray[np.float32]:
    """White noise `(channels, samples)` at half of full scale."""
    return np.random.default_rng(seed).uniform(-0.5, 0.5, (channels, samples)).astype(np.float32)


def write_song(path: Path, seconds: float = 2.3, rate: int = 44_100, channels: int = 2, seed: int = 0) -> Path:
    """Write noise as a song, in the format that the name ends in."""
    soundfile.write(path, noise(channels, round(seconds * rate), seed).T, rate)
    return path
