"""Stems for DJs: a box that decks read, five tracks that belong together, and a song for every other player."""

import io
import json
from pathlib import Path

import av
import numpy as np
import pytest

from tests.audio.songs import picture, write, write_with
from tests.conftest import noise, write_song
from tests.tiny_models import SOURCES, write_waveform_model
from unbraid import Separator, UsageError
from unbraid.audio import Audio, SongReader, StemWriter, read
from unbraid.audio.mp4 import add_boxes, box, split_boxes
from unbraid.audio.stem_mp4 import tracks_of
from unbraid.cli import main

PITCHES = {"vocals": 880.0, "drums": 110.0, "bass": 220.0, "piano": 440.0, "other": 660.0}
SECONDS = 2.5


def tones(rate: int, channels: int) -> dict[str, Audio]:
    time = np.arange(int(SECONDS * rate)) / rate
    return {
        name: np.tile(0.1 * np.sin(2 * np.pi * pitch * time), (channels, 1)).astype(np.float32)
        for name, pitch in PITCHES.items()
    }


def written(path: Path, rate: int, channels: int) -> Path:
    writer = StemWriter(path, "stem", sample_rate=rate, channels=channels, tags={"title": "Blue"})
    stems = tones(rate, channels)
    for start in range(0, int(SECONDS * rate), 30_000):
        writer.write(tracks_of({name: stem[:, start : start + 30_000] for name, stem in stems.items()}))
    writer.finish()
    return path


def inside(content: bytes, *names: bytes) -> bytes:
    for name in names:
        content = dict(split_boxes(content))[name][8:]
    return content


def heard(audio: Audio, rate: int) -> set[str]:
    """Return the stems whose tone sounds."""
    level = np.abs(np.fft.rfft(audio[0] * np.hanning(audio.shape[1]))) * 4 / audio.shape[1]
    hertz = rate / audio.shape[1]
    return {
        name
        for name, pitch in PITCHES.items()
        if level[round(pitch / hertz) - 3 : round(pitch / hertz) + 4].max() > 0.05
    }


def decoded(path: Path) -> tuple[list[Audio], int]:
    """Return the five tracks and their rate."""
    tracks = []
    for number in range(1, 6):
        with SongReader(path, track=number) as track:
            tracks.append(np.concatenate(list(track), axis=1))
    return tracks, track.sample_rate


@pytest.mark.parametrize(("rate", "channels"), [(44_100, 2), (48_000, 1), (22_050, 2)])
def test_song_and_stems_are_in_one_file(tmp_path: Path, rate: int, channels: int) -> None:
    path = written(tmp_path / "song.stem.mp4", rate, channels)
    tracks, decoded_rate = decoded(path)
    assert {track.shape for track in tracks} == {(channels, round(SECONDS * decoded_rate))}
    expected = [set(PITCHES), {"drums"}, {"bass"}, {"piano", "other"}, {"vocals"}]
    assert [heard(track, decoded_rate) for track in tracks] == expected
    assert np.corrcoef(tracks[0].ravel(), np.sum(tracks[1:], axis=0).ravel())[0, 1] > 0.999


def test_the_box_names_the_stems_and_only_the_song_is_enabled(tmp_path: Path) -> None:
    content = written(tmp_path / "song.stem.mp4", 44_100, 2).read_bytes()
    box = json.loads(inside(content, b"moov", b"udta", b"stem"))
    assert [stem["name"] for stem in box["stems"]] == ["Drums", "Bass", "Melody", "Vocals"]
    assert all(stem["color"].startswith("#") for stem in box["stems"])
    assert not any(part["enabled"] for part in box["mastering_dsp"].values())
    tracks = [box for name, box in split_boxes(inside(content, b"moov")) if name == b"trak"]
    enabled = [inside(track[8:], b"tkhd")[3] & 1 for track in tracks]
    assert enabled == [1, 0, 0, 0, 0]


def test_a_player_that_knows_no_stems_plays_the_song(tmp_path: Path) -> None:
    path = written(tmp_path / "song.m4a", 44_100, 2)
    with av.open(str(path)) as file:
        assert file.metadata["title"] == "Blue"
        assert file.streams.best("audio") is file.streams.audio[0]
    with SongReader(path) as song:
        assert heard(np.concatenate(list(song), axis=1), 44_100) == set(PITCHES)


def test_a_separation_writes_one_file_that_says_what_the_song_does(tmp_path: Path, mask_model: Path) -> None:
    separator = Separator(mask_model, precision="fp32", tile_seconds=1.0)
    song = write(tmp_path / 'Blue "é".mp3', 0.5 * noise(2, 100_000), tags={"title": "Blue"}, cover=picture("png"))
    stems = separator.separate_file(song, tmp_path / "stems").stems
    done = separator.separate_file(song, tmp_path / "out", format="stem")
    path = tmp_path / 'out/Blue "é"/Blue "é".stem.mp4'
    assert done.stems == dict.fromkeys(SOURCES, path)
    assert list(path.parent.iterdir()) == [path]
    with SongReader(path) as file:
        assert file.tags["title"] == "Blue"
        assert file.cover == picture("png")
    (mixture, *parts), _ = decoded(path)
    melody = read(stems["piano"])[0] + read(stems["other"])[0]
    whole = [read(stems["drums"])[0], read(stems["bass"])[0], melody, read(stems["vocals"])[0]]
    for found, expected in ((mixture, np.sum(whole, axis=0)), *zip(parts, whole, strict=True)):
        assert found.shape == expected.shape
        assert np.corrcoef(found.ravel(), expected.ravel())[0, 1] > 0.9  # AAC, of noise; a sample late it would be 0
    assert np.corrcoef(np.sum(parts, axis=0).ravel(), mixture.ravel())[0, 1] > 0.9


def test_from_standard_input_and_not_twice(
    tmp_path: Path, mask_model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    song = write_song(tmp_path / "song.wav", seconds=0.3)
    command = ["separate", "-", "-o", str(tmp_path), "--model", str(mask_model), "--json", "--format", "stem"]
    path = tmp_path / "song/song.stem.mp4"
    with song.open("rb") as file:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(file))
        assert main(command) == 0
    content = path.read_bytes()
    assert main([*command, "--skip-existing"]) == 0
    first, again = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert first["stems"] == again["stems"] == dict.fromkeys(SOURCES, str(path))
    assert again["skipped"]
    assert path.read_bytes() == content
    for more in (["--stems", "drums,bass"], ["--two-stems", "vocals"], ["--plot"], ["--bit-depth", "16"]):
        assert main([*command, *more]) == 2
        assert capsys.readouterr().err.startswith("unbraid: ")


def test_a_model_without_the_stems_that_decks_want_is_refused(tmp_path: Path) -> None:
    model = write_waveform_model(tmp_path / "two.onnx", sources=["vocals", "other"])
    with pytest.raises(UsageError, match=r"needs bass and drums"):
        Separator(model).separate_file(write_song(tmp_path / "song.wav"), tmp_path / "out", format="stem")
    assert not (tmp_path / "out").exists()


def test_no_box_is_moved_by_another(tmp_path: Path) -> None:
    """FFmpeg can also write `moov` first: then sound follows it, whose place is written in it."""
    options = {"movflags": "faststart"}
    path = write_with(tmp_path / "song.m4a", "aac", "mp4", tones(44_100, 2)["bass"], 44_100, "stereo", **options)
    before = path.read_bytes()
    with path.open("r+b") as file, pytest.raises(ValueError, match="not the last"):
        add_boxes(file, [((b"udta",), box(b"stem", b""))])
    assert path.read_bytes() == before
