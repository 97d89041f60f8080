"""Tests of the corpus see the same material whatever is installed on the machine."""

from pathlib import Path

import pytest

from unbraid.corpus import backings, recordings, repositories
from unbraid.corpus.playing import struck_bass
from unbraid.corpus.singing import treated


@pytest.fixture(autouse=True)
def nothing_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recordings, "FRETS_ON_FIRE", tmp_path / "none")
    monkeypatch.setattr(backings, "BACKINGS", (tmp_path / "packages", tmp_path / "unpacked"))
    monkeypatch.setattr(struck_bass, "PHRASES", 0)
    monkeypatch.setattr(treated, "PHRASES", 0)
    monkeypatch.setattr(repositories, "REPOSITORIES", tmp_path / "fetched")
