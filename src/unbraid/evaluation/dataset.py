"""A data set of songs with known stems: a folder of song folders, each holding one file a stem.

`SONG/vocals|drums|bass|piano|other.<any audio>`; a missing file is a silent stem. `mixture.<any audio>`, if present,
must be the sum. Stems that were not recorded separately are one file: `piano+other.<any audio>`; such a song can be
trained on, but not scored.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unbraid.audio import Audio, read
from unbraid.audio.formats import ENDINGS
from unbraid.errors import InputError
from unbraid.stems import STEMS, stems_in


@dataclass(frozen=True)
class StemSong:
    """A song as the files of its stems, by their names; `piano+other` is the name of a sum."""

    folder: Path
    stems: Mapping[str, Path]
    mixture: Path | None = None

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.name

    def references(self, sample_rate: int, channels: int) -> Audio:
        """Return the stems `(len(STEMS), channels, samples)` at `sample_rate` Hz, the shorter ones padded with silence.

        Raises InputError if a file cannot be read, holds several stems, or if the mixture is not the sum of the stems.
        """
        for name in self.stems:
            if name not in STEMS:
                raise InputError(f"{self.folder} cannot be scored: it does not separate {name.replace('+', ' and ')}.")
        found = {name: read(path, sample_rate=sample_rate, channels=channels)[0] for name, path in self.stems.items()}
        length = max(audio.shape[1] for audio in found.values())
        stems = np.zeros((len(STEMS), channels, length), np.float32)
        for i, name in enumerate(STEMS):
            if name in found:
                stems[i, :, : found[name].shape[1]] = found[name]
        if self.mixture is not None:
            self._check_mixture(stems.sum(0), read(self.mixture, sample_rate=sample_rate, channels=channels)[0])
        return stems

    def _check_mixture(self, total: Audio, mixture: Audio) -> None:
        common = min(total.shape[1], mixture.shape[1])
        difference = np.square(total[:, :common] - mixture[:, :common]).mean()
        # a lossy codec's error lies well below this; a missing or misplaced stem well above
        if difference > 1e-2 * np.square(mixture[:, :common]).mean() + 1e-8:
            raise InputError(
                f"{self.mixture} is not the sum of the stems beside it: a stem is missing or out of place."
            )


def find_songs(folder: Path) -> list[StemSong]:
    """Return the songs in `folder`, by name; its last part may be a pattern, as in `corpus/train/real-*`.

    Raises InputError if there is none.
    """
    songs = []
    places = folder.parent.glob(folder.name) if set("*?[") & set(folder.name) else folder.glob("*")
    for place in sorted(places):
        if not place.is_dir() or place.name.startswith("."):
            continue
        files = {file.stem: file for file in sorted(place.iterdir()) if file.suffix.lower() in ENDINGS}
        stems = {name: file for name, file in files.items() if stems_in(name)}
        if stems:
            songs.append(StemSong(place, stems, files.get("mixture")))
    if not songs:
        expected = ", ".join(f"{name}.<audio>" for name in STEMS)
        raise InputError(f"{folder} holds no songs: expected a folder for each song with {expected} in it.")
    return songs


def fold(stems: Audio, sources: Sequence[str]) -> Audio:
    """Return stems `(len(STEMS), ...)` as those of a network that knows other `sources`: `(len(sources), ...)`.

    Stems that the network does not know belong to its `accompaniment` or, without one, to its `other`.
    """
    return np.tensordot(folding(sources).astype(stems.dtype), stems, 1)


def folding(sources: Sequence[str]) -> NDArray[np.float32]:
    """Which of the network's sources (rows) each of `STEMS` (columns) belongs to: ones and zeros."""
    rest = next((name for name in ("accompaniment", "other") if name in sources), None)
    owners = [name if name in sources else rest for name in STEMS]
    return np.array([[owner == source for owner in owners] for source in sources], np.float32)
