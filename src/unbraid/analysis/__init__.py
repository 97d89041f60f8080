"""Tempo, beats and key of a song, from its stems: beats are clearest in the drums, the key in pitched instruments.

analyser = Analyser(sample_rate)
for block in stream:
    analyser.add(block)
print(analyser.finish().tempo)
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from unbraid.analysis.beats import find_beats, find_downbeats, tempo_of
from unbraid.analysis.features import Chroma, Onsets
from unbraid.analysis.key import find_key
from unbraid.analysis.tempo import Numbers
from unbraid.audio.arrays import checked_rate
from unbraid.audio.types import Audio
from unbraid.errors import InputError

logger = logging.getLogger(__name__)
Found = TypeVar("Found")

LONGEST_SECONDS = 3 * 3600
"""Anything longer gets no tempo; only this much of it is analysed."""


@dataclass(frozen=True)
class Analysis:
    """A song's tempo, beats and key; without a steady beat, there is no tempo."""

    tempo: float | None
    """Beats a minute."""
    beats: list[float]
    """Seconds."""
    downbeats: list[float]
    """Seconds: the beats that begin a bar."""
    key: str | None
    """For example "A minor" or "E♭ major"."""


class Analyser:
    """Analyses the stems of one song block by block; it keeps 3 kB for each second, up to three hours.

    The beats come from the drums and the song as a whole, the key from all stems but drums and vocals. Without such
    stems, the whole song is used. Errors are logged and never raised: the stems matter more.
    """

    def __init__(self, sample_rate: int) -> None:
        self._drums, self._song = Onsets(sample_rate), Onsets(sample_rate)
        self._chroma = Chroma(sample_rate)
        self._samples, self._most = 0, LONGEST_SECONDS * sample_rate
        self._failed = False

    def add(self, stems: Mapping[str, Audio]) -> None:
        """Analyse the next block `(channels, n)` of each stem."""
        self._trying(lambda: self._listen(stems))

    def finish(self) -> Analysis | None:
        """Return the analysis; call it after the last block."""
        return self._trying(self._conclude)

    def _trying(self, step: Callable[[], Found]) -> Found | None:
        try:
            return None if self._failed else step()
        except Exception:
            logger.exception("A song could not be analysed.")
            self._failed = True
            return None

    def _listen(self, stems: Mapping[str, Audio]) -> None:
        self._samples += next(iter(stems.values())).shape[1]
        if self._samples > self._most:
            return
        song = list(stems.values())
        drums = [stem for name, stem in stems.items() if name == "drums"]
        pitched = [stem for name, stem in stems.items() if name not in ("drums", "vocals")]
        self._drums.add(_mono(drums or song))
        self._song.add(_mono(song))
        self._chroma.add(_mono(pitched or song))

    def _conclude(self) -> Analysis:
        onsets = np.concatenate([self._drums.finish(), self._song.finish()], axis=1)
        chroma = self._chroma.finish()
        beats = find_beats(onsets, self._drums.rate)
        key = find_key(chroma, self._chroma.rate)
        if not beats.size or self._samples > self._most:
            return Analysis(None, [], [], key)
        downbeats = find_downbeats(beats, onsets, self._drums.rate, chroma, self._chroma.rate)
        return Analysis(round(tempo_of(beats), 1), _rounded(beats), _rounded(downbeats), key)


def analyse(stems: Mapping[str, Audio], sample_rate: int) -> Analysis | None:
    """Return tempo, beats and key of a song from its stems; see `Analyser`.

    Args:
        stems: Arrays `(channels, samples)` of one length, by the stems' names.
        sample_rate: Hz.

    Returns:
        The analysis; None if it failed, which is logged.

    Raises:
        InputError: There are no stems, they differ in length or are no such arrays, or the sample rate is out of range.
    """
    if not isinstance(stems, Mapping) or any(np.ndim(stem) != 2 for stem in stems.values()):
        raise InputError("Stems to analyse are arrays (channels, samples) by their names.")
    if len({stem.shape[-1] for stem in stems.values()}) != 1:
        raise InputError("Only stems of one length can be analysed together, and at least one.")
    analyser = Analyser(checked_rate(sample_rate))
    analyser.add(stems)
    return analyser.finish()


def _mono(stems: list[Audio]) -> Audio:
    channels = [channel for stem in stems for channel in stem]
    mono = np.sum(channels, axis=0, dtype=np.float32) / np.float32(len(stems[0]))
    return np.asarray(mono if np.isfinite(mono).all() else np.nan_to_num(mono, posinf=0.0, neginf=0.0), np.float32)


def _rounded(times: Numbers) -> list[float]:
    return [round(float(time), 3) for time in times]
