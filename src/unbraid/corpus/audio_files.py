"""Reading raw material and writing song folders: always 44.1 kHz, float32 `(channels, samples)`."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from unbraid.audio import Audio as Audio
from unbraid.audio import SongReader
from unbraid.audio import read as read_song
from unbraid.errors import CorpusError, InputError
from unbraid.stems import STEMS, stems_in

RATE = 44100
SOURCES = STEMS


def read(path: Path, start: float = 0.0, seconds: float | None = None) -> Audio:
    """Return a file from `start` s on, as `(channels, samples)` at 44.1 kHz; a CorpusError names a broken file."""
    with _corpus_errors():
        samples, _ = read_song(path, start=start, duration=seconds, sample_rate=RATE)
    return samples


def seconds_of(path: Path) -> float:
    """Length of an audio file in seconds."""
    with _corpus_errors(), SongReader(path) as song:
        return song.duration or 0.0


@contextmanager
def _corpus_errors() -> Iterator[None]:
    try:
        yield
    except InputError as error:
        raise CorpusError(f"{error.problem} Fetch it again or take it out.") from error


def sounding(audio: Audio, rest: float = 1.0) -> Audio:
    """Return the audio `(channels, samples)` without rests longer than `rest` s; half of `rest` stays on each side.

    A single track of a song is silent most of the time.
    """
    window = RATE // 20
    starts = np.arange(0, audio.shape[1], window)
    if not len(starts):
        return audio
    heard = np.maximum.reduceat(np.abs(audio).max(axis=0), starts) > 1e-3 * np.abs(audio).max()
    around = np.ones(1 + 2 * round(rest / 2 * RATE / window))
    kept = np.convolve(heard, around)[len(around) // 2 :][: len(heard)] > 0
    return audio[:, np.repeat(kept, window)[: audio.shape[1]]]


def write_song(folder: Path, stems: Mapping[str, Audio], extra: Mapping[str, str] | None = None) -> None:
    """Write stems `(1 or 2, samples)` of one length as 16-bit FLAC into `folder`, which appears only when complete.

    Silent stems are left out; two equal channels are written as one; `extra` holds small text files by name.
    """
    import soundfile

    lengths = {stem.shape[-1] for stem in stems.values()}
    if len(lengths) > 1:
        raise CorpusError(f"The stems of {folder.name} differ in length: {sorted(lengths)}.")
    temporary = folder.with_name(f".{folder.name}.{os.getpid()}")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    dither = np.random.default_rng(0)
    for source, stem in stems.items():
        if not stems_in(source):
            raise CorpusError(f"{source} is not one of {', '.join(SOURCES)}, or some of them with a + between.")
        if np.abs(stem).max(initial=0) < 1e-4:
            continue
        mono = stem.shape[0] == 1 or np.array_equal(stem[0], stem[1])
        block = stem[:1] if mono else stem[:2]
        noise = (dither.random(block.shape, dtype=np.float32) - 0.5) * (block != 0)
        samples = np.clip(np.round(block * 32767 + noise), -32768, 32767).astype(np.int16)
        soundfile.write(temporary / f"{source}.flac", samples.T, RATE, subtype="PCM_16", compression_level=0.3)
    for name, text in (extra or {}).items():
        (temporary / name).write_text(text)
    if folder.exists():
        shutil.rmtree(folder)
    temporary.rename(folder)
