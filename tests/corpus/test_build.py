"""What is broken on the way into a corpus is named, skipped and counted; what is whole goes in."""

import json
from pathlib import Path

import numpy as np
import soundfile

from unbraid.corpus.audio_files import RATE, write_song
from unbraid.corpus.building import build, manifest, recorded
from unbraid.corpus.building.catalogue import Material
from unbraid.corpus.sources.folders import MaterialFolders

TONE = (0.2 * np.sin(np.arange(RATE) / 20)).astype(np.float32)
KNOWN = {"voice:ann": Material("voice:ann", "voice", "vocals", "CC0-1.0", "Ann", "train")}


def test_a_broken_real_song_is_named_and_counted_and_the_others_are_taken(
    tmp_path: Path, material: MaterialFolders
) -> None:
    for name in ("Sodium", "Francium", "Lithium"):
        (tmp_path / "songs" / name).mkdir(parents=True)
        soundfile.write(tmp_path / "songs" / name / "drums.flac", TONE, RATE)
    (tmp_path / "songs" / "Francium" / "bass.flac").write_bytes(b"torn")
    built = build.Built()
    build._add_recordings(built, material, tmp_path / "out")
    assert built.songs == 2
    (failure,) = built.failed
    assert "Francium" in failure
    assert "bass.flac" in failure
    assert {path.parent.name for path in (tmp_path / "out").rglob("drums.flac")} == {"real-Sodium", "real-Lithium"}
    assert (tmp_path / "out" / "valid" / "real-Lithium").is_dir()


def test_a_bass_in_other_is_taken_out_of_it_and_nothing_is_lost(tmp_path: Path, material: MaterialFolders) -> None:
    time = np.arange(2 * RATE) / RATE
    bass, organ = (0.2 * np.sin(2 * np.pi * hertz * time) for hertz in (40, 700))
    for name in ("Caesium", "Sodium"):
        (tmp_path / "songs" / name).mkdir(parents=True)
        soundfile.write(tmp_path / "songs" / name / "other.flac", bass + organ, RATE)
    caesium, sodium = recorded.recordings(material)
    stems = caesium.song.read()
    assert np.abs(stems["bass"] - bass)[:, RATE // 2 : -RATE // 2].max() < 0.01
    assert np.abs(stems["bass"] + stems["other"] - bass - organ).max() < 1e-4
    assert caesium.materials == {"bass": ("song:Caesium/other",), "other": ("song:Caesium/other",)}
    assert set(sodium.song.stems) == {"other"}


def test_voices_are_vocals_of_their_split(tmp_path: Path, material: MaterialFolders) -> None:
    for name in ("kathleen", "erithacus"):
        (tmp_path / "voices" / name).mkdir(parents=True)
        soundfile.write(tmp_path / "voices" / name / f"{name}_000.opus", TONE, 48_000, format="OGG", subtype="OPUS")
    built = build.Built()
    build._add_recordings(built, material, tmp_path / "out")
    assert built.failed == []
    assert built.hours == 0, "a stem by itself is no hour of a song"
    assert (tmp_path / "out" / "train" / "voice-kathleen_000" / "vocals.flac").is_file()
    assert (tmp_path / "out" / "valid" / "voice-erithacus_000" / "vocals.flac").is_file()


def test_a_built_song_that_broke_later_is_left_out_of_the_manifest_and_named_once(tmp_path: Path) -> None:
    for number in range(2):
        record = {"kind": "styled", "materials": {"vocals": ["voice:ann"]}}
        write_song(tmp_path / "train" / f"song-{number}", {"vocals": TONE[None]}, {"song.json": json.dumps(record)})
    (tmp_path / "train" / "song-1" / "vocals.flac").write_bytes(b"torn")
    built = build.Built()
    for number in range(2):
        build._count(built, tmp_path / "train" / f"song-{number}", 1)
    build._write_manifest(built, tmp_path, KNOWN)
    assert (built.songs, len(built.failed)) == (1, 1)
    assert "song-1" in built.failed[0]
    assert [line["id"] for line in manifest.read(tmp_path / manifest.NAME)] == ["song-0/vocals"]


def line(split: str, source: str, licence: str, seconds: float) -> manifest.Line:
    return {
        "id": f"song/{source}", "kind": "styled", "source": source, "licence": licence, "attribution": "Ann",
        "sha256": "", "seconds": seconds, "split": split, "materials": [],
    }  # fmt: skip


def test_hours_are_summed_by_split_licence_and_source() -> None:
    lines = [
        line("train", "bass", "CC0-1.0 AND MIT", 3600.0),
        line("train", "bass", "MIT", 1800.0),
        line("valid", "drums", "CC0-1.0", 360.0),
    ]
    assert manifest.hours(lines) == {
        ("train", "all"): {"bass": 1.5},
        ("train", "CC0-1.0"): {"bass": 1.0},
        ("train", "MIT"): {"bass": 1.5},
        ("valid", "all"): {"drums": 0.1},
        ("valid", "CC0-1.0"): {"drums": 0.1},
    }
