"""Stems for DJs: a box that decks read, five tracks that belong together, and a song for every other player."""

import json
from pathlib import Path

import av
import numpy as np
import pytest

from unbraid.audio import Audio, SongReader
from unbraid.audio.stem_mp4 import StemMp4Writer, split_boxes

PITCHES = {"vocals": 880.0, "drums": 110.0, "bass": 220.0, "piano": 440.0, "other": 660.0}
SECONDS = 2.5


def tones(rate: int, channels: int) -> dict[str, Audio]:
    time = np.arange(int(SECONDS * rate)) / rate
    return {
        name: np.tile(0.1 * np.sin(2 * np.pi * pitch * time), (channels, 1)).astype(np.float32)
        for name, pitch in PITCHES.items()
    }


def written(path: Path, rate: int, channels: int) -> Path:
    writer = StemMp4Writer(path, sample_rate=rate, channels=channels, tags={"title": "Blue"})
    stems = tones(rate, channels)
    for start in range(0, int(SECONDS * rate), 30_000):
        writer.write({name: stem[:, start : start + 30_000] for name, stem in stems.items()})
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


@pytest.mark.parametrize(("rate", "channels"), [(44_100, 2), (48_000, 1), (22_050, 2)])
def test_song_and_stems_are_in_one_file(tmp_path: Path, rate: int, channels: int) -> None:
    path = written(tmp_path / "song.stem.mp4", rate, channels)
    tracks = []
    for number in range(1, 6):
        with SongReader(path, track=number) as track:
            tracks.append(np.concatenate(list(track), axis=1))
            decoded_rate = track.sample_rate
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
