"""Unpacks bundles of training data, which are shards made by `unbraid corpus pack`."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from unbraid.atomic_files import replacing_folder
from unbraid.corpus.building import shards
from unbraid.errors import CorpusError, TrainingError
from unbraid.training.data.mixes import WeightedFolder


def expand_bundles(data: Sequence[WeightedFolder], cache: Path) -> tuple[list[WeightedFolder], list[WeightedFolder]]:
    """Return the folders of songs to train on and of held-out ones, with every `.tar` in `data` unpacked.

    Bundles are unpacked once, below `cache`. Raises TrainingError if one is missing or broken, or has no songs to train
    on.
    """
    train: list[WeightedFolder] = []
    valid: list[WeightedFolder] = []
    for folder in data:
        if folder.path.suffix != ".tar":
            train.append(folder)
            continue
        unpacked = unpack(folder.path, cache)
        if not (unpacked / "train").is_dir():
            raise TrainingError(f"{folder.path} holds no songs to train on.")
        train.append(replace(folder, path=unpacked / "train"))
        if (unpacked / "valid").is_dir():
            valid.append(WeightedFolder(unpacked / "valid"))
    return train, valid


def unpack(bundle: Path, cache: Path) -> Path:
    """Return the folder below `cache` with the songs of a bundle, named after its content.

    It is complete or absent, even if several processes unpack it at once. Raises TrainingError if the bundle is
    missing or broken.
    """
    try:
        with bundle.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise TrainingError(f"The bundle {bundle} cannot be read: {error.strerror}.") from error
    folder = cache / f"{bundle.stem}-{digest[:12]}"
    if folder.is_dir():
        return folder
    try:
        with replacing_folder(folder) as part:
            shards.unpack(bundle, part)
    except CorpusError as error:
        raise TrainingError(str(error)) from error
    except OSError as error:
        if not folder.is_dir():  # else another process was faster, with the same songs
            raise TrainingError(f"{bundle} cannot be unpacked into {cache}: {error.strerror}.") from error
    return folder
