"""Instruments of public repositories come whole or not at all, and without what is not theirs."""

import subprocess
from pathlib import Path

import pytest

from unbraid.corpus import instruments, licences
from unbraid.corpus.instruments import REPOSITORIES, Instrument
from unbraid.corpus.playing import sampled
from unbraid.errors import CorpusError


def git(*arguments: str) -> str:
    identity = ("-c", "user.name=ann", "-c", "user.email=ann@example.org")
    return subprocess.run(["git", *identity, *arguments], capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def bass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Instrument:
    monkeypatch.setattr(instruments, "INSTRUMENTS", tmp_path / "instruments")
    place = tmp_path / "host" / "ann" / "bass"
    (place / "notes").mkdir(parents=True)
    (place / "bass.sfz").write_text("<region> sample=notes/a.wav")
    (place / "notes" / "a.wav").write_bytes(b"RIFF")
    (place / "demo.mp3").write_bytes(b"ID3")
    git("init", "--quiet", str(place))
    git("-C", str(place), "add", ".")
    git("-C", str(place), "commit", "--quiet", "-m", "a bass")
    commit = git("-C", str(place), "rev-parse", "HEAD")
    return Instrument("bass", "ann/bass", commit, ("bass.sfz", "notes"))


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_what_belongs_to_it_is_fetched_once(bass: Instrument, tmp_path: Path) -> None:
    bass.fetch(str(tmp_path / "host"))
    assert files(tmp_path / "instruments") == {"bass/bass.sfz", "bass/notes/a.wav"}
    bass.fetch("/nowhere")


def test_one_that_cannot_be_had_is_one_sentence_and_leaves_nothing(bass: Instrument, tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"instrument bass could not be fetched \(.+\): try again later\.$"):
        bass.fetch("/nowhere")
    assert files(tmp_path / "instruments") == set()


def test_all_that_is_fetched_is_licensed_and_played() -> None:
    paths = [Path(row[0]) for _, table in sampled.BY_SOURCE for rows in table.values() for row in rows]
    for instrument in REPOSITORIES:
        assert licences.terms(f"instruments/{instrument.name}")
        played = [path.relative_to(instrument.folder) for path in paths if path.is_relative_to(instrument.folder)]
        assert played, instrument.name
        for path in played:
            assert any(path.is_relative_to(part) for part in instrument.paths), path
