"""Builds any number of training songs from free material alone: list the material, build songs, verify them.

    from unbraid import corpus

    for material in corpus.list_sources():
        print(material.id, material.licence)
    corpus.build(hours=20, seed=1, out="corpus")
    corpus.verify("corpus")

Raw material is searched for in the folder `material`, or else in those of `$UNBRAID_CORPUS`, and then in the user's
data folder, which `unbraid corpus fetch` fills.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from unbraid.corpus.sources.folders import material_folders

if TYPE_CHECKING:
    from collections.abc import Callable

    from unbraid.corpus.building.build import Built
    from unbraid.corpus.building.catalogue import Material

__all__ = ["build", "list_sources", "verify"]


def list_sources(*, material: Path | str | None = None) -> list[Material]:
    """Return all raw material with licence and split; raises CorpusError if something is missing or not allowed."""
    from unbraid.corpus.building.catalogue import materials

    return materials(material_folders(material))


def build(
    hours: float,
    seed: int,
    out: Path | str,
    *,
    material: Path | str | None = None,
    workers: int = 2,
    on_progress: Callable[[Built], None] | None = None,
) -> Built:
    """Build at least `hours` of songs below `out`; see `unbraid.corpus.building.build.build`."""
    from unbraid.corpus.building import build

    return build.build(hours, seed, out, material=material, workers=workers, on_progress=on_progress)


def verify(corpus: Path | str, *, material: Path | str | None = None) -> list[str]:
    """Return the problems of a built corpus, as sentences; see `unbraid.corpus.building.verify.verify`."""
    from unbraid.corpus.building import verify

    return verify.verify(corpus, material=material)
