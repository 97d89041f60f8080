"""Songs as stems, made on the fly for the tests of training."""

from pathlib import Path

import numpy as np
import soundfile

from tests.conftest import noise


def write_stems(folder: Path, stems: dict[str, float], seconds: float = 2.0, rate: int = 44_100) -> Path:
    """Write a song folder with noise of the given level for each stem."""
    folder.mkdir(parents=True)
    for seed, (name, level) in enumerate(stems.items()):
        soundfile.write(folder / f"{name}.flac", level * noise(2, round(seconds * rate), seed).T, rate)
    return folder


def write_tones(folder: Path, frequencies: dict[str, float], seconds: float = 2.0, rate: int = 44_100) -> Path:
    """Write a song folder with a tone of the given frequency in Hz for each stem."""
    folder.mkdir(parents=True)
    t = np.arange(round(seconds * rate)) / rate
    for name, frequency in frequencies.items():
        tone = 0.3 * np.sin(2 * np.pi * frequency * t)
        soundfile.write(folder / f"{name}.flac", np.stack([tone, tone], 1), rate)
    return folder
