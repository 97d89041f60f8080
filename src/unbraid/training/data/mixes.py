"""Training examples without end: excerpts of stems, from one song or from many, mixed anew for every step."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from unbraid.errors import InputError, TrainingError
from unbraid.evaluation.dataset import StemSong, find_songs, folding
from unbraid.stems import STEMS, members
from unbraid.training.data import augment
from unbraid.training.data.recording_chain import RecordingConfig, recorded
from unbraid.training.data.sample_cache import SampleCache


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
        filled: how often a stem that the song does not have comes from another one.
        absent: how often each stem is silent when they come from different songs.
        backed: how often the stems of different songs stand over a recording whose own parts are not told apart.
        doubled: how often a stem is the sum of two: two singers, two guitars.
        level, level_spread: mean and standard deviation of a stem's level.
        balance_spread: standard deviation by which each stem's level is changed where they were played together.
        featured: how often one stem is made much louder than the rest, as the bass of dance music is.
        effects: how often a stem goes through an effect.
        speed_spread: largest change of speed, as a natural logarithm.
        low_cut: how often vocals have what lies below them cut, as at a mixing desk: rumble is not to be learnt.
        deep: how often a bass is lowered by up to an octave: dance music's basses lie below those of most instruments.
        wide: how often vocals, pianos and the rest are spread by a doubler: solo recordings are narrower than records.
        coded: how often a stem has been through a lossy codec: its artefacts belong to whatever they are around.
        limit: how often the sum is driven into a limiter.
        recording: what happens to the whole song after that.
    """

    same_song: float = 0.5
    filled: float = 0.4
    absent: tuple[float, ...] = (0.15, 0.15, 0.15, 0.25, 0.12)
    backed: float = 0.35
    doubled: float = 0.15
    level: float = -21.0
    level_spread: float = 6.0
    balance_spread: float = 3.5
    featured: float = 0.3
    effects: float = 0.12
    speed_spread: float = 0.25
    low_cut: float = 0.9
    deep: float = 0.15
    wide: float = 0.2
    coded: float = 0.08
    limit: float = 0.2
    recording: RecordingConfig = field(default_factory=RecordingConfig)


class Example(NamedTuple):
    """A mix as stems, and which of them are told apart.

    Attributes:
        stems: (sources, 2, samples) float32; they sum to the mixture.
        told: (sources, sources), zeros and ones. `stems = told @ (all sources)`: the identity where all are known;
            where a recording holds the sum of some, that sum is in the first of them and the others are silent.
    """

    stems: Tensor
    told: Tensor


class Mixes(Dataset[Example]):
    """Example `i` depends on (seed, i) and the songs alone.

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
        names = dict.fromkeys([*STEMS, *(name for song in self.songs for name in song.stems)])
        self._having = {name: self._drawn_from([name in song.stems for song in self.songs]) for name in names}
        self._sums = self._drawn_from([not set(STEMS).issuperset(song.stems) for song in self.songs])
        self._bands = self._drawn_from([len(song.stems) > 1 for song in self.songs])

    def __len__(self) -> int:
        return 2**40  # without end; the sampler says which are drawn

    def __getitem__(self, index: int) -> Example:
        rng = np.random.default_rng((self.seed, index))
        together = len(self._bands[0]) and rng.random() < self.mixing.same_song
        audio = self._one_song(rng) if together else self._many_songs(rng)
        if audio and rng.random() < self.mixing.featured:
            lead = list(audio)[int(rng.integers(len(audio)))]
            audio[lead] = audio[lead] * np.float32(10 ** (rng.uniform(3, 12) / 20))
        told = told_apart(audio, self.sources)
        stems = np.zeros((len(STEMS), 2, self.samples), np.float32)
        for name, stem in audio.items():
            stems[STEMS.index(members(name)[0])] += stem
        if rng.random() < self.mixing.limit:
            stems = augment.limit_bus(stems, 10 ** (rng.uniform(-3, 9) / 20))
        stems = recorded(stems, rng, self.cache.sample_rate, self.mixing.recording)
        folded = told @ folding(self.sources) * np.float32(10 ** (rng.uniform(-9, 4) / 20))
        return Example(torch.from_numpy(np.tensordot(folded, stems, 1)), torch.from_numpy(told))

    def _drawn_from(self, which: Sequence[bool]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return the indices of these songs and their shares, which sum to one."""
        indices = np.flatnonzero(which)
        weights = self._weights[indices]
        return indices, weights / weights.sum() if len(indices) else weights

    def _one_song(self, rng: np.random.Generator) -> dict[str, NDArray[np.float32]]:
        """Return the stems of one song as they were played together; what it lacks may come from another."""
        song = self._draw(self._bands, rng)
        length = round(self.samples * self._speed(rng))
        arrays = {stem: self.cache[path] for stem, path in song.stems.items()}
        longest = max(len(array) for array in arrays.values())
        start = int(rng.integers(0, max(1, longest - length)))
        stems = {}
        swap = rng.random() < 0.5
        for stem in (name for name in self._having if name in arrays):
            if rng.random() < 0.06:
                continue
            audio = augment.change_speed(_excerpt(arrays[stem], start, length), self.samples)
            if rng.random() < self.mixing.effects:
                audio = augment.effect(audio, rng, self.cache.sample_rate)
            audio = audio * np.float32(10 ** (rng.normal(0, self.mixing.balance_spread) / 20))
            stems[stem] = audio[::-1] if swap else audio
        held = {member for name in song.stems for member in members(name)}
        for name in (name for name in STEMS if name not in held and len(self._having[name][0])):
            if rng.random() < self.mixing.filled:
                stems[name] = self._one_stem(name, rng)
        return stems

    def _many_songs(self, rng: np.random.Generator) -> dict[str, NDArray[np.float32]]:
        """Return stems each of which is from another song, each changed by itself; no stem is in two of them."""
        names: list[str] = list(STEMS)
        stems = {}
        if len(self._sums[0]) and rng.random() < self.mixing.backed:
            song = self._draw(self._sums, rng)
            backing = next(name for name in song.stems if name not in STEMS)
            stems[backing] = self._one_stem(backing, rng)
            names = [name for name in names if name not in members(backing)]
        for name in names:
            if not len(self._having[name][0]) or rng.random() < self.mixing.absent[STEMS.index(name)]:
                continue
            stems[name] = self._one_stem(name, rng)
            if rng.random() < self.mixing.doubled:
                stems[name] = stems[name] + self._one_stem(name, rng)
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
        if stem == "vocals" and rng.random() < self.mixing.low_cut:
            audio = augment.low_cut(audio, rng.uniform(60, 110), self.cache.sample_rate)
        audio = augment.place(audio, rng)
        if stem not in ("drums", "bass") and rng.random() < self.mixing.wide:
            audio = augment.widen(audio, rng, self.cache.sample_rate)
        if rng.random() < self.mixing.effects:
            audio = augment.effect(audio, rng, self.cache.sample_rate)
        if rng.random() < (0.4 if stem == "vocals" else 0.12):
            audio = augment.room(audio, rng, self.cache.sample_rate)
        if rng.random() < self.mixing.coded:
            audio = augment.coded(audio, rng, self.cache.sample_rate)
        level = self.mixing.level + 10 * np.log10(len(members(stem)))  # a sum is as loud as its parts together
        return augment.to_level(audio, rng.normal(level, self.mixing.level_spread))

    def _draw(self, among: tuple[NDArray[np.int64], NDArray[np.float64]], rng: np.random.Generator) -> StemSong:
        indices, weights = among
        return self.songs[int(rng.choice(indices, p=weights))]

    def _speed(self, rng: np.random.Generator) -> float:
        return float(np.exp(rng.uniform(-1, 1) * self.mixing.speed_spread)) if rng.random() < 0.5 else 1.0


def told_apart(names: Iterable[str], sources: Sequence[str]) -> NDArray[np.float32]:
    """Return which of a network's `sources` files of these names tell apart, as `Example.told` is.

    What a file holds in one sum is one; so are sources that share a stem with it.
    """
    belongs = folding(sources)
    together = np.eye(len(sources), dtype=bool)
    for name in names:
        held = belongs[:, [STEMS.index(stem) for stem in members(name)]].any(1)
        together |= np.outer(held, held)
    connected = np.linalg.matrix_power(together.astype(np.int64), len(sources)) > 0
    first = connected.argmax(1)
    return np.asarray(np.arange(len(sources))[:, None] == first, np.float32)


def _excerpt(array: NDArray[np.int16], start: int, length: int) -> NDArray[np.float32]:
    """Return `length` samples from `start` as (channels, length) float32, zeros past the end."""
    part = array[start : start + length]
    excerpt = np.zeros((array.shape[1], length), np.float32)
    np.multiply(part.T, np.float32(1 / 32768), out=excerpt[:, : len(part)])
    return excerpt
