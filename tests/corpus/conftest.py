"""Tests of the corpus see the same material whatever is installed on the machine."""

from collections.abc import Callable
from pathlib import Path

import pytest

from unbraid.corpus.playing import bass_808
from unbraid.corpus.singing import processed_vocals
from unbraid.corpus.sources import folders, records
from unbraid.corpus.sources.folders import MaterialFolders
from unbraid.corpus.sources.source import Source


@pytest.fixture(autouse=True)
def nothing_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("UNBRAID_CORPUS", raising=False)
    monkeypatch.setattr(folders, "SHARE", tmp_path / "share")
    monkeypatch.setattr(folders, "data_folder", lambda: tmp_path / "fetched")
    monkeypatch.setattr(bass_808, "PHRASES", 0)
    monkeypatch.setattr(processed_vocals, "PHRASES", 0)


@pytest.fixture
def material(tmp_path: Path) -> MaterialFolders:
    return MaterialFolders((tmp_path, tmp_path / "fetched"))


@pytest.fixture
def only(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """A function that makes these the only sources."""

    def replace(*sources: Source) -> None:
        monkeypatch.setattr(records, "sources", lambda: sources)

    return replace
