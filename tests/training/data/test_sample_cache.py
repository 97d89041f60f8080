"""What the cache of decoded audio gives back, and what it leaves of a disk."""

import errno
import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile

from tests.conftest import noise
from unbraid.training.data.sample_cache import SampleCache

SONG = 4 * 10_000  # bytes of a song of 10,000 samples, in two channels of 16 bits


@pytest.fixture
def songs(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"{name}.flac" for name in "abc"]
    for seed, path in enumerate(paths):
        soundfile.write(path, noise(2, 10_000, seed=seed).T, 44_100, subtype="PCM_16")
    return paths


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a cache on a disk that holds two songs and a half."""
    folder = tmp_path / "cache"

    def usage(path: Path) -> SimpleNamespace:
        return SimpleNamespace(free=5 * SONG // 2 - sum(file.stat().st_size for file in path.iterdir()))

    monkeypatch.setattr(shutil, "disk_usage", usage)
    return folder


def test_samples_are_those_of_the_file_decoded_or_kept(songs: list[Path], tmp_path: Path) -> None:
    cache = SampleCache(tmp_path / "cache", 44_100, reserved_bytes=0)
    expected = soundfile.read(songs[0], dtype="int16")[0]
    for samples in (cache[songs[0]], cache[songs[0]], SampleCache(tmp_path / "cache", 44_100)[songs[0]]):
        np.testing.assert_array_equal(samples, expected)
    assert isinstance(cache[songs[0]], np.memmap)


def test_what_was_unused_for_longest_makes_room(songs: list[Path], disk: Path) -> None:
    a, b, c = songs
    kept = {}
    for age, song in ((300, a), (200, b)):
        before = set(disk.glob("*"))
        SampleCache(disk, 44_100, reserved_bytes=0)[song]
        (kept[song],) = set(disk.glob("*")) - before
        os.utime(kept[song], (kept[song].stat().st_mtime - age,) * 2)
    SampleCache(disk, 44_100, reserved_bytes=0)[a]  # now b is the older one
    SampleCache(disk, 44_100, reserved_bytes=0)[c]
    assert kept[a].exists()
    assert not kept[b].exists()
    assert len(list(disk.iterdir())) == 2


def test_what_finds_no_room_is_decoded_each_time(songs: list[Path], disk: Path) -> None:
    cache = SampleCache(disk, 44_100, reserved_bytes=2 * SONG)
    for _ in range(2):
        np.testing.assert_array_equal(cache[songs[0]], soundfile.read(songs[0], dtype="int16")[0])
    assert not list(disk.iterdir())


def test_a_disk_that_others_fill_leaves_no_half_of_a_file(
    songs: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(file: object, samples: object) -> None:
        file.write(b"half")  # type: ignore[attr-defined]
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(np, "save", full)
    samples = SampleCache(tmp_path / "cache", 44_100, reserved_bytes=0)[songs[0]]
    np.testing.assert_array_equal(samples, soundfile.read(songs[0], dtype="int16")[0])
    assert not list((tmp_path / "cache").iterdir())
