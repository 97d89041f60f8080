"""Which songs a batch has, and what is said of the rest of a folder."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import write_song
from unbraid.cli import main
from unbraid.cli.songs import find_jobs


@pytest.fixture
def album(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a song, a picture, and a folder that cannot be searched."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "album/locked").mkdir(parents=True)
    write_song(tmp_path / "album/song.wav", seconds=0.3)
    (tmp_path / "album/cover.jpg").touch()
    (tmp_path / "album/.hidden").touch()

    def scandir(path: Any, real: Any = os.scandir) -> Iterator[os.DirEntry[str]]:
        if str(path).endswith("locked"):  # no mode keeps root out
            raise PermissionError(13, "Permission denied", str(path))
        entries: Iterator[os.DirEntry[str]] = real(path)
        return entries

    monkeypatch.setattr(os, "scandir", scandir)
    return Path("album")


def test_what_is_left_out_of_a_folder_is_said(
    album: Path, mask_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["separate", str(album), "--model", str(mask_model)]) == 1
    said = capsys.readouterr()
    assert "unbraid: The folder album/locked cannot be searched: permission denied.\n" in said.err
    assert "skipped, not named like songs: cover.jpg\n" in said.err
    assert Path("stems/song/vocals.wav").exists()


def test_programs_are_told_too(album: Path, mask_model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["separate", str(album), "--model", str(mask_model), "--json"]) == 1
    locked, song = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert (locked["song"], song["song"]) == ("album/locked", "album/song.wav")
    assert "permission denied" in locked["error"]


def test_an_empty_folder_does_not_stop_the_others(
    album: Path, mask_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("empty").mkdir()
    assert main(["separate", "empty", "album/song.wav", "--model", str(mask_model), "--quiet"]) == 1
    assert capsys.readouterr().err == "unbraid: There is no song in the folder empty.\n"
    assert Path("stems/song/vocals.wav").exists()


def test_links_to_folders_are_followed_once(tmp_path: Path) -> None:
    (tmp_path / "songs/album").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/1.wav").touch()
    (tmp_path / "songs/album/linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "songs/album/loop").symlink_to(tmp_path / "songs")
    jobs, left_out = find_jobs([str(tmp_path / "songs")], Path("out"))
    assert [str(job.folder) for job in jobs] == ["out/album/linked/1"]
    assert not left_out.failures


def test_the_whole_disk_is_not_searched(tmp_path: Path) -> None:
    (tmp_path / "root").symlink_to("/")
    searched: list[str] = []
    for root in ("/", "//", "/..", str(tmp_path / "root")):
        jobs, left_out = find_jobs([root, "song.wav"], Path("out"), searched.append)
        assert [job.song for job in jobs] == ["song.wav"]
        assert left_out.failures == [(root, f"{root} is the whole disk: name the folder that holds the songs.")]
    assert searched == []
    find_jobs([str(tmp_path)], Path("out"), searched.append)
    assert searched == [str(tmp_path)]


@pytest.mark.parametrize("options", [[], ["--format", "stem"], ["--two-stems", "vocals"], ["--stems", "bass"]])
def test_stems_beside_their_songs_are_not_separated_again(tmp_path: Path, mask_model: Path, options: list[str]) -> None:
    for name in ("one.wav", "Disc 2/two.wav", "Disc 2.wav"):  # the last is named like a folder of songs
        (tmp_path / name).parent.mkdir(exist_ok=True)
        write_song(tmp_path / name, seconds=0.3)
    found = []
    for _ in range(2):
        assert main(["separate", str(tmp_path), "-o", str(tmp_path), "--model", str(mask_model), *options]) == 0
        found.append(sorted(path for path in tmp_path.rglob("*") if path.is_file()))
    assert found[0] == found[1]
