"""Slakh2100 (Manilow et al. 2019): `train|validation|test/TrackNNNNN/metadata.yaml` and `stems/SNN.flac`; no voices."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from unbraid.corpus.adapters.song import DatasetSong, sum_of
from unbraid.corpus.general_midi import PIANOS
from unbraid.errors import CorpusError

SPLITS = {"train": "train", "validation": "valid", "test": "test"}


def songs(root: Path) -> Iterator[DatasetSong]:
    """The tracks of the data set, each rendered stem put to its source by drum flag, class and program."""
    import yaml

    for folder, split in SPLITS.items():
        for listing in sorted((root / folder).glob("*/metadata.yaml")):
            try:
                track = yaml.safe_load(listing.read_text(encoding="utf-8"))
                files: dict[str, list[Path]] = {}
                for name, stem in track["stems"].items():
                    path = next(iter((listing.parent / "stems").glob(f"{name}.*")), None)
                    if path is not None:
                        files.setdefault(_source(stem), []).append(path)
            except (yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
                raise CorpusError(f"{listing} is not a track of Slakh2100 ({error!r}): fetch it again.") from error
            if files:
                yield DatasetSong(listing.parent.name, split, {source: sum_of(f) for source, f in files.items()})


def _source(stem: dict[str, object]) -> str:
    if stem.get("is_drum"):
        return "drums"
    if stem.get("inst_class") == "Bass":
        return "bass"
    # The class "Piano" also holds harpsichords and clavinets.
    return "piano" if stem.get("inst_class") == "Piano" and stem.get("program_num", 0) in PIANOS else "other"
