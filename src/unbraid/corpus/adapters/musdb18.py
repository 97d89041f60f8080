"""MUSDB18 (Rafii et al. 2017): `train|test/<song>.stem.mp4`, five audio streams each; its `other` holds the pianos."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from unbraid.corpus.adapters.song import DatasetSong
from unbraid.corpus.audio_files import RATE, Audio
from unbraid.errors import CorpusError

# Streams of a stem file: 0 is the mixture, 3 is other.
STREAMS = {"drums": 1, "bass": 2, "vocals": 4}


def songs(root: Path) -> Iterator[DatasetSong]:
    """Vocals, drums and bass of each song; piano and other are not told apart and stay out."""
    for split in ("train", "test"):
        for path in sorted((root / split).glob("*.stem.mp4")):
            name = path.name.removesuffix(".stem.mp4")
            yield DatasetSong(name, split, {source: partial(_stream, path, i) for source, i in STREAMS.items()})


def _stream(path: Path, number: int) -> Audio:
    """One audio stream of a stem file as `(2, samples)` at 44.1 kHz."""
    import av

    try:
        with av.open(str(path)) as container:
            resampler = av.AudioResampler(format="fltp", layout="stereo", rate=RATE)
            frames = [
                resampled.to_ndarray()
                for frame in container.decode(audio=number)
                for resampled in resampler.resample(frame)
            ]
            frames += [resampled.to_ndarray() for resampled in resampler.resample(None)]
    except (av.error.FFmpegError, IndexError) as error:
        raise CorpusError(f"Stream {number} of {path} cannot be read ({error}): fetch the file again.") from error
    return np.concatenate(frames, axis=1).astype(np.float32)
