"""An endless supply of training examples: excerpts of stems, from one song or several, mixed afresh for every step."""

import math
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
from unbraid.stems import STEMS, stems_in
from unbraid.training.data import augment
from unbraid.training.data.recording_chain import RecordingConfig, degrade_recording
from unbraid.training.data.sample_cache import SampleCache


@dataclass(frozen=True)
class WeightedFolder:
    """A folder of song folders and how often songs are drawn from it, relative to the others."""

    path: Path
    weight: float = 1.0

    @classmethod
    def parse(cls, text: str) -> "WeightedFolder":
        """Read `DIR` or `DIR=WEIGHT`; raises TrainingError if the weight is not a number above 0."""
        path, _, given = text.partition("=")
        try:
            weight = float(given) if given else 1.0
        except ValueError:
            weight = math.nan
        if not 0 < weight < math.inf:
            raise TrainingError(f"{text!r} is not a folder, or a folder and a weight above 0 (songs=0.5).")
        return cls(Path(path), weight)


@dataclass(frozen=True)
class MixingConfig:
    """How examples are put together: probabilities (`p_…`), levels and their standard deviations in dB.

    Attributes:
        p_same_song: the stems come from one song, as they were played together.
        p_fill_missing: a stem that this song does not have comes from another one.
        p_absent: each of `STEMS` is silent when they come from different songs.
        p_backing: the stems of different songs stand over a recording that holds the sum of several stems.
        p_double: a stem is the sum of two: two singers, two guitars.
        level, level_spread: RMS of a stem, relative to full scale.
        balance_spread: change of each stem's level where they were played together.
        p_feature: one stem is made much louder than the rest, as the bass of dance music is.
        p_effect: a stem goes through an effect.
        speed_spread: largest change of speed, as a natural logarithm.
        p_low_cut: vocals have their lows cut, as at a mixing desk, so that rumble is not learnt.
        p_bass_octave_down: a bass is lowered by up to an octave, because basses of dance music are lower than most.
        p_widen: vocals, pianos and the rest are spread by a doubler: solo recordings are narrower than records.
        p_codec: a stem has been through a lossy codec: the artefacts belong to that stem.
        p_limit: the sum is driven into a limiter.
        recording: what happens to the whole song after that.
    """

    p_same_song: float = 0.5
    p_fill_missing: float = 0.4
    p_absent: tuple[float, ...] = (0.15, 0.15, 0.15, 0.25, 0.12)
    p_backing: float = 0.35
    p_double: float = 0.15
    level: float = -21.0
    level_spread: float = 6.0
    balance_spread: float = 3.5
    p_feature: float = 0.3
    p_effect: float = 0.12
    speed_spread: float = 0.25
    p_low_cut: float = 0.9
    p_bass_octave_down: float = 0.15
    p_widen: float = 0.2
    p_codec: float = 0.08
    p_limit: float = 0.2
    recording: RecordingConfig = field(default_factory=RecordingConfig)


class TrainingExample(NamedTuple):
    """A mix as stems, and which of them are only known as a sum.

    Attributes:
        stems: (sources, 2, samples) float32; they sum to the mixture.
        merge_matrix: (sources, sources), ones and zeros: `stems = merge_matrix @ (the true sources)`. The identity
            if all are known. If a recording holds the sum of some, that sum is in the first of them and the
            others are silent; the same matrix merges a network's estimates for comparison.
    """

    stems: Tensor
    merge_matrix: Tensor


class MixDataset(Dataset[TrainingExample]):
    """Examples; the one of index `i` depends on (seed, i) and the songs alone.

    Args:
        folders: where the songs are.
        sources: names of the stems that an example has; see `unbraid.evaluation.dataset.folding`.
        samples: length of an excerpt.
        cache: provides the samples of the songs' files, at the network's sample rate.
        mixing: how stems are put together.
        seed: of all random choices.

    Raises:
        TrainingError: a folder holds no songs.
    """

    def __init__(
        self,
        folders: Sequence[WeightedFolder],
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
        # which songs have a stem, which have a sum of stems, which have more than one stem
        names = dict.fromkeys([*STEMS, *(name for song in self.songs for name in song.stems)])
        self._songs_with = {name: self._shares([name in song.stems for song in self.songs]) for name in names}
        self._songs_with_sums = self._shares([not set(STEMS).issuperset(song.stems) for song in self.songs])
        self._ensembles = self._shares([len(song.stems) > 1 for song in self.songs])

    def __len__(self) -> int:
        return 2**40  # without end; the sampler says which are drawn

    def __getitem__(self, index: int) -> TrainingExample:
        rng = np.random.default_rng((self.seed, index))
        together = len(self._ensembles[0]) and rng.random() < self.mixing.p_same_song
        audio = self._same_song(rng) if together else self._different_songs(rng)
        if audio and rng.random() < self.mixing.p_feature:
            lead = list(audio)[int(rng.integers(len(audio)))]
            audio[lead] = audio[lead] * np.float32(10 ** (rng.uniform(3, 12) / 20))
        merge = merge_matrix(audio, self.sources)
        stems = np.zeros((len(STEMS), 2, self.samples), np.float32)
        for name, stem in audio.items():
            stems[STEMS.index(stems_in(name)[0])] += stem
        if rng.random() < self.mixing.p_limit:
            stems = augment.limit_mixture(stems, 10 ** (rng.uniform(-3, 9) / 20))
        stems = degrade_recording(stems, rng, self.cache.sample_rate, self.mixing.recording)
        folded = merge @ folding(self.sources) * np.float32(10 ** (rng.uniform(-9, 4) / 20))
        return TrainingExample(torch.from_numpy(np.tensordot(folded, stems, 1)), torch.from_numpy(merge))

    def _shares(self, which: Sequence[bool]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return the indices of these songs and their shares, which sum to one."""
        indices = np.flatnonzero(which)
        weights = self._weights[indices]
        return indices, weights / weights.sum() if len(indices) else weights

    def _same_song(self, rng: np.random.Generator) -> dict[str, NDArray[np.float32]]:
        """Return the stems of one song as they were played together; what it lacks may come from another."""
        song = self._draw_song(self._ensembles, rng)
        length = round(self.samples * self._draw_speed(rng))
        arrays = {stem: self.cache[path] for stem, path in song.stems.items()}
        longest = max(len(array) for array in arrays.values())
        start = int(rng.integers(0, max(1, longest - length)))
        stems = {}
        swap = rng.random() < 0.5
        for stem in (name for name in self._songs_with if name in arrays):
            if rng.random() < 0.06:
                continue
            audio = augment.change_speed(_excerpt(arrays[stem], start, length), self.samples)
            if rng.random() < self.mixing.p_effect:
                audio = augment.apply_effect(audio, rng, self.cache.sample_rate)
            audio = audio * np.float32(10 ** (rng.normal(0, self.mixing.balance_spread) / 20))
            stems[stem] = audio[::-1] if swap else audio
        held = {member for name in song.stems for member in stems_in(name)}
        for name in (name for name in STEMS if name not in held and len(self._songs_with[name][0])):
            if rng.random() < self.mixing.p_fill_missing:
                stems[name] = self._draw_stem(name, rng)
        return stems

    def _different_songs(self, rng: np.random.Generator) -> dict[str, NDArray[np.float32]]:
        """Return stems each of which is from another song, each changed by itself; no stem is in two of them."""
        names: list[str] = list(STEMS)
        stems = {}
        if len(self._songs_with_sums[0]) and rng.random() < self.mixing.p_backing:
            song = self._draw_song(self._songs_with_sums, rng)
            backing = next(name for name in song.stems if name not in STEMS)
            stems[backing] = self._draw_stem(backing, rng)
            names = [name for name in names if name not in stems_in(backing)]
        for name in names:
            if not len(self._songs_with[name][0]) or rng.random() < self.mixing.p_absent[STEMS.index(name)]:
                continue
            stems[name] = self._draw_stem(name, rng)
            if rng.random() < self.mixing.p_double:
                stems[name] = stems[name] + self._draw_stem(name, rng)
        return stems

    def _draw_stem(self, stem: str, rng: np.random.Generator) -> NDArray[np.float32]:
        speed = self._draw_speed(rng)
        if stem == "bass" and rng.random() < self.mixing.p_bass_octave_down:
            speed *= 2 ** -rng.random()
        length = round(self.samples * speed)
        for _ in range(6):  # prefer a place where the stem sounds
            array = self.cache[self._draw_song(self._songs_with[stem], rng).stems[stem]]
            start = int(rng.integers(0, max(1, len(array) - length)))
            if np.abs(array[start : start + length : 61]).mean() > 60:
                break
        audio = augment.change_speed(_excerpt(array, start, length), self.samples)
        if stem == "vocals" and rng.random() < self.mixing.p_low_cut:
            audio = augment.cut_lows(audio, rng.uniform(60, 110), self.cache.sample_rate)
        audio = augment.pan(audio, rng)
        if stem not in ("drums", "bass") and rng.random() < self.mixing.p_widen:
            audio = augment.widen(audio, rng, self.cache.sample_rate)
        if rng.random() < self.mixing.p_effect:
            audio = augment.apply_effect(audio, rng, self.cache.sample_rate)
        if rng.random() < (0.4 if stem == "vocals" else 0.12):
            audio = augment.add_reverb(audio, rng, self.cache.sample_rate)
        if rng.random() < self.mixing.p_codec:
            audio = augment.apply_mp3(audio, rng, self.cache.sample_rate)
        level = self.mixing.level + 10 * np.log10(len(stems_in(stem)))  # a sum is as loud as its parts together
        return augment.set_level(audio, rng.normal(level, self.mixing.level_spread))

    def _draw_song(self, among: tuple[NDArray[np.int64], NDArray[np.float64]], rng: np.random.Generator) -> StemSong:
        indices, weights = among
        return self.songs[int(rng.choice(indices, p=weights))]

    def _draw_speed(self, rng: np.random.Generator) -> float:
        return float(np.exp(rng.uniform(-1, 1) * self.mixing.speed_spread)) if rng.random() < 0.5 else 1.0


def merge_matrix(names: Iterable[str], sources: Sequence[str]) -> NDArray[np.float32]:
    """Return which of a network's sources cannot be told apart, given the names of the files at hand.

    Sources whose sum is in one file (`piano+other`) are merged, and so are sources that share a stem with such a file.

    Args:
        names: of stems and of sums of stems.
        sources: the network's.

    Returns:
        (sources, sources), as in `TrainingExample.merge_matrix`.
    """
    belongs = folding(sources)
    merged = np.eye(len(sources), dtype=bool)
    for name in names:
        held = belongs[:, [STEMS.index(stem) for stem in stems_in(name)]].any(1)
        merged |= np.outer(held, held)
    connected = np.linalg.matrix_power(merged.astype(np.int64), len(sources)) > 0
    first = connected.argmax(1)
    return np.asarray(np.arange(len(sources))[:, None] == first, np.float32)


def _excerpt(array: NDArray[np.int16], start: int, length: int) -> NDArray[np.float32]:
    """Return `length` samples from `start` as (channels, length) float32, zeros past the end."""
    part = array[start : start + length]
    excerpt = np.zeros((array.shape[1], length), np.float32)
    np.multiply(part.T, np.float32(1 / 32768), out=excerpt[:, : len(part)])
    return excerpt
