"""A shard gives back what was packed: aligned, labelled, small enough, the same bytes every time; faults are named."""

import json
import tarfile
from pathlib import Path

import numpy as np
import pytest

from unbraid.corpus.audio_files import RATE, read, write_song
from unbraid.corpus.building import manifest, shards
from unbraid.corpus.building.catalogue import Material
from unbraid.errors import CorpusError
from unbraid.evaluation.dataset import find_songs

KNOWN = {"voice:ann": Material("voice:ann", "voice", "vocals", "CC0-1.0", "Ann", "train")}


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """Three songs of two seconds: chords in stereo as vocals, one low tone in mono as bass."""
    time = np.arange(2 * RATE) / RATE
    for number in range(3):
        chord = sum(np.sin(2 * np.pi * (300 + 170 * i + 50 * number) * time) for i in range(4))
        swell = np.clip(np.sin(2 * np.pi * 1.5 * time + number), 0.05, 1)
        stems = {
            "vocals": (0.1 * np.stack([chord * swell, chord * swell[::-1]])).astype(np.float32),
            "bass": (0.4 * np.sin(2 * np.pi * 80 * time) * swell)[None].astype(np.float32),
        }
        record = {"kind": "styled", "materials": {"vocals": ["voice:ann"], "bass": ["voice:ann"]}}
        write_song(tmp_path / "built" / "train" / f"song-{number}", stems, {"song.json": json.dumps(record)})
    root = tmp_path / "built"
    places = sorted((root / "train").iterdir())
    manifest.write(root / manifest.NAME, (line for place in places for line in manifest.song_lines(place, KNOWN)))
    return root


def test_a_round_trip_gives_back_songs_that_training_finds_in_time_and_nearly_alike(
    built: Path, tmp_path: Path
) -> None:
    packed = shards.pack(built, tmp_path / "a.tar")
    assert (packed.songs, packed.skipped) == (3, [])
    assert packed.hours == pytest.approx(6 / 3600)
    assert packed.size == (tmp_path / "a.tar").stat().st_size
    assert shards.unpack(tmp_path / "a.tar", tmp_path / "out") == 3
    songs = find_songs(tmp_path / "out" / "train")
    assert [(song.name, sorted(song.stems)) for song in songs] == [(f"song-{i}", ["bass", "vocals"]) for i in range(3)]
    for song in songs:
        for source, path in song.stems.items():
            before, after = read(built / "train" / song.name / f"{source}.flac"), read(path)
            assert after.shape[0] == before.shape[0]
            assert abs(after.shape[1] - before.shape[1]) < 0.01 * RATE
            inner = slice(RATE // 10, int(1.9 * RATE))
            error = before[:, inner] - after[:, inner]
            assert 10 * np.log10((before[:, inner] ** 2).mean() / (error**2).mean()) > 15


def test_the_same_corpus_gives_the_same_bytes(built: Path, tmp_path: Path) -> None:
    for name in ("a.tar", "b.tar"):
        shards.pack(built, tmp_path / name)
    assert (tmp_path / "a.tar").read_bytes() == (tmp_path / "b.tar").read_bytes()


def test_a_shard_stays_below_its_size_and_shards_lie_beside_each_other(built: Path, tmp_path: Path) -> None:
    whole = shards.pack(built, tmp_path / "whole.tar").size
    small = shards.pack(built, tmp_path / "small.tar", max_size=whole - 1024)
    assert 0 < small.songs < 3
    assert small.size <= whole - 1024
    shards.unpack(tmp_path / "small.tar", tmp_path / "out")
    shards.unpack(tmp_path / "whole.tar", tmp_path / "out")
    assert len(manifest.read(tmp_path / "out" / manifest.NAME)) == 6
    with pytest.raises(CorpusError, match="MiB"):
        shards.pack(built, tmp_path / "none.tar", max_size=1000)
    assert not (tmp_path / "none.tar").exists()


def test_a_song_with_a_broken_file_is_named_skipped_and_counted(built: Path, tmp_path: Path) -> None:
    (built / "train" / "song-1" / "bass.flac").write_bytes(b"nothing")
    packed = shards.pack(built, tmp_path / "a.tar")
    assert packed.songs == 2
    (skipped,) = packed.skipped
    assert "song-1" in skipped
    assert "bass.flac" in skipped


def test_a_shard_that_is_cut_or_changed_is_refused(built: Path, tmp_path: Path) -> None:
    shards.pack(built, tmp_path / "a.tar")
    data = bytearray((tmp_path / "a.tar").read_bytes())
    (tmp_path / "cut.tar").write_bytes(data[: len(data) // 2])
    data[2000] ^= 255
    (tmp_path / "changed.tar").write_bytes(data)
    (tmp_path / "text.tar").write_text("no tar")
    for name in ("cut", "changed", "text", "missing"):
        with pytest.raises(CorpusError, match=f"{name}.tar"):
            shards.unpack(tmp_path / f"{name}.tar", tmp_path / name)


@pytest.mark.parametrize("harm", ["../out.txt", "/tmp/out.txt", "link", "device"])
def test_a_shard_that_reaches_out_of_its_folder_is_refused_whole(tmp_path: Path, harm: str) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        harmless, harmful = tarfile.TarInfo("train/song.json"), tarfile.TarInfo(harm)
        harmful.type = {"link": tarfile.SYMTYPE, "device": tarfile.CHRTYPE}.get(harm, tarfile.REGTYPE)
        harmful.linkname = "/etc/passwd"
        for member in (harmless, harmful):
            archive.addfile(member)
    with pytest.raises(CorpusError, match=r"a\.tar is not a bundle"):
        shards.unpack(tmp_path / "a.tar", tmp_path / "out")
    assert not (tmp_path / "out").exists()
