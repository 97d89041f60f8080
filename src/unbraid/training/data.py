"""Training examples without end: excerpts of stems, from one song or from many, mixed anew for every step."""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from unbraid.audio import SongReader, resampled
from unbraid.errors import InputError, TrainingError
from unbraid.evaluation.dataset import StemSong, find_songs, fold
from unbraid.stems import STEMS
from unbraid.training import augment


@dataclass(frozen=True)
class Folder:
    """A folder of song folders and how often it is drawn from, relative to the others."""

    path: Path
    weight: float = 1.0

    @classmethod
    def parse(cls, text: str) -> "Folder":
        """Read `DIR` or `DIR=WEIGHT`; raises TrainingError if the weight is no number."""
        path, _, weight = text.partition("=")
        try:
            return cls(Path(path), float(weight) if weight else 1.0)
        except ValueError:
            raise TrainingError(f"{text!r} is not a folder, or a folder and a weight as in songs=0.5.") from None


@dataclass(frozen=True)
class MixingConfig:
    """How examples are put together. Levels in dB relative to full scale (RMS), the rest probabilities.

    Attributes:
        same_song: how often the stems come from one song, as they were played together.
        absent: how often each stem is silent when they come from different songs.
        doubled: how often a stem is the sum of two: two singers, two guitars.
        level, level_spread: mean and standard deviation of a stem's level.
        speed_spread: largest change of speed, as a natural logarithm.
        deep: how often a bass is lowered by up to an octave: dance music's basses lie below those of most instruments.
        wide: how often vocals, pianos and the rest are spread by a doubler: solo recordings are narrower than records.
        limit: how often the sum is driven into a limiter.
    """

    same_song: float = 0.4
    absent: tuple[float, ...] = (0.15, 0.15, 0.15, 0.25, 0.12)
    doubled: float = 0.15
    level: float = -21.0
    level_spread: float = 5.5
    speed_spread: float = 0.12
    deep: float = 0.1
    wide: float = 0.2
    limit: float = 0.2


class SampleCache:
    """Decoded audio as memory-mapped 16-bit arrays (samples, channels), decoded on first use.

    A random excerpt then costs a page fault instead of a seek and a decoder; the operating system keeps what is used.
    """

    def __init__(self, folder: Path, sample_rate: int) -> None:
        self.folder, self.sample_rate = folder, sample_rate
        self._open: dict[Path, NDArray[np.int16]] = {}

    def __getitem__(self, path: Path) -> NDArray[np.int16]:
        if path not in self._open:
            stat = path.stat()
            key = f"{path.resolve()} {stat.st_size} {stat.st_mtime_ns} {self.sample_rate}"
            cached = self.folder / f"{hashlib.sha256(key.encode()).hexdigest()[:24]}.npy"
            if not cached.exists():
                self._decode(path, cached)
            self._open[path] = np.load(cached, mmap_mode="r")
        return self._open[path]

    def _decode(self, path: Path, cached: Path) -> None:
        with SongReader(path) as song:
            audio = np.concatenate(list(resampled(song, song.sample_rate, self.sample_rate, song.channels)), axis=1)
        samples = np.clip(np.round(audio.T * 32767), -32768, 32767).astype(np.int16)
        self.folder.mkdir(parents=True, exist_ok=True)
        part = cached.with_suffix(f".{os.getpid()}.part")
        with part.open("wb") as file:
            np.save(file, np.ascontiguousarray(samples))
        part.replace(cached)


class Mixes(Dataset[Tensor]):
    """Example `i` is a mix as stems, (sources, 2, samples) float32; it depends on (seed, i) and the songs alone.

    Raises TrainingError if a folder holds no songs.
    """

    def __init__(
        self,
        folders: Sequence[Folder],
        sources: Sequence[str],
        samples: int,
        cache: SampleCache,
        mixing: MixingConfig,
        seed: int,
    ) -> None:
        self.sources, self.samples, self.cache, self.mixing, self.seed = tuple(sources), samples, cache, mixing, seed
        self.songs: list[StemSong] = []
        weights: list[float] = []
        for folder in folders:
            try:
                found = find_songs(folder.path)
            except InputError as error:
                raise TrainingError(str(error)) from error
            self.songs += found
            weights += [folder.weight / len(found)] * len(found)
        self._weights = np.asarray(weights)
        # for each stem the songs that have it, and the songs that have more than one
        self._having = {stem: self._drawn_from([stem in song.stems for song in self.songs]) for stem in STEMS}
        self._bands = self._drawn_from([len(song.stems) > 1 for song in self.songs])

    def __len__(self) -> int:
        return 2**40  # without end; the sampler says which are drawn

    def __getitem__(self, index: int) -> Tensor:
        rng = np.random.default_rng((self.seed, index))
        together = len(self._bands[0]) and rng.random() < self.mixing.same_song
        stems = self._one_song(rng) if together else self._many_songs(rng)
        if rng.random() < self.mixing.limit:
            stems = augment.limit_bus(stems, 10 ** (rng.uniform(-3, 9) / 20))
        stems = stems * np.float32(10 ** (rng.uniform(-9, 4) / 20))
        return torch.from_numpy(fold(stems, self.sources))

    def _drawn_from(self, which: Sequence[bool]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return the indices of these songs and their shares, which sum to one."""
        indices = np.flatnonzero(which)
        weights = self._weights[indices]
        return indices, weights / weights.sum() if len(indices) else weights

    def _one_song(self, rng: np.random.Generator) -> NDArray[np.float32]:
        """Return the stems of one song as they were played together, with small changes of balance."""
        song = self._draw(self._bands, rng)
        length = round(self.samples * self._speed(rng))
        arrays = {stem: self.cache[path] for stem, path in song.stems.items()}
        longest = max(len(array) for array in arrays.values())
        start = int(rng.integers(0, max(1, longest - length)))
        stems = np.zeros((len(STEMS), 2, self.samples), np.float32)
        swap = rng.random() < 0.5
        for i, stem in enumerate(STEMS):
            if stem not in arrays or rng.random() < 0.06:
                continue
            audio = augment.change_speed(_excerpt(arrays[stem], start, length), self.samples)
            audio = audio * np.float32(10 ** (rng.normal(0, 2.5) / 20))
            stems[i] = audio[::-1] if swap else audio
        return stems

    def _many_songs(self, rng: np.random.Generator) -> NDArray[np.float32]:
        """Return stems each of which is from another song, each changed by itself."""
        stems = np.zeros((len(STEMS), 2, self.samples), np.float32)
        for i, stem in enumerate(STEMS):
            if not len(self._having[stem][0]) or rng.random() < self.mixing.absent[i]:
                continue
            for _ in range(2 if rng.random() < self.mixing.doubled else 1):
                stems[i] += self._one_stem(stem, rng)
        return stems

    def _one_stem(self, stem: str, rng: np.random.Generator) -> NDArray[np.float32]:
        speed = self._speed(rng)
        if stem == "bass" and rng.random() < self.mixing.deep:
            speed *= 2 ** -rng.random()
        length = round(self.samples * speed)
        for _ in range(6):  # prefer a place where the stem sounds
            array = self.cache[self._draw(self._having[stem], rng).stems[stem]]
            start = int(rng.integers(0, max(1, len(array) - length)))
            if np.abs(array[start : start + length : 61]).mean() > 60:
                break
        audio = augment.change_speed(_excerpt(array, start, length), self.samples)
        audio = augment.place(audio, rng)
        if stem not in ("drums", "bass") and rng.random() < self.mixing.wide:
            audio = augment.widen(audio, rng, self.cache.sample_rate)
        if rng.random() < (0.4 if stem == "vocals" else 0.12):
            audio = augment.room(audio, rng, self.cache.sample_rate)
        return augment.to_level(audio, rng.normal(self.mixing.level, self.mixing.level_spread))

    def _draw(self, among: tuple[NDArray[np.int64], NDArray[np.float64]], rng: np.random.Generator) -> StemSong:
        indices, weights = among
        return self.songs[int(rng.choice(indices, p=weights))]

    def _speed(self, rng: np.random.Generator) -> float:
        return float(np.exp(rng.uniform(-1, 1) * self.mixing.speed_spread)) if rng.random() < 0.5 else 1.0


def _excerpt(array: NDArray[np.int16], start: int, length: int) -> NDArray[np.float32]:
    """Return `length` samples from `start` as (channels, length) float32, zeros past the end."""
    part = np.asarray(array[start : start + length], np.float32).T / np.float32(32768)
    return np.pad(part, ((0, 0), (0, length - part.shape[1])))
