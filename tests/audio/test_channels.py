"""Every channel of a song counts, and channels or a rate that change midway are no reason to stop."""

import re
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.audio.songs import level, together, tone, write, write_with
from unbraid import InputError, UsageError
from unbraid.audio import SongReader, read
from unbraid.audio.types import Audio

RATE = 44_100


def heard(song: Path, **options: int) -> tuple[Audio, int, list[str]]:
    with SongReader(song, **options) as reader:  # type: ignore[arg-type]
        return np.concatenate(list(reader), axis=1), reader.sample_rate, reader.notes


def put_together(target: Path, *songs: Path) -> Path:
    target.write_bytes(b"".join(song.read_bytes() for song in songs))
    return target


KINDS = [("mp3", "libmp3lame"), ("adts", "aac"), ("ac3", "ac3"), ("mpegts", "mp2")]


@pytest.mark.parametrize(("container", "codec"), KINDS)
def test_stereo_that_turns_mono_and_mono_that_turns_stereo(tmp_path: Path, container: str, codec: str) -> None:
    stereo = write_with(tmp_path / "stereo", codec, container, tone(1.0), RATE, "stereo")
    mono = write_with(tmp_path / "mono", codec, container, tone(1.0, channels=1), RATE, "mono")
    found, _, notes = heard(put_together(tmp_path / "song", stereo, mono))
    assert found.shape == (2, pytest.approx(2 * RATE, abs=6_000))
    np.testing.assert_array_equal(found[0, -20_000:-3_000], found[1, -20_000:-3_000])
    assert len(notes) == 1
    assert re.fullmatch(
        r"the channels change from stereo to mono at 1.\d s: everything is converted to stereo", notes[0]
    )
    found, _, notes = heard(put_together(tmp_path / "song", mono, stereo))
    assert found.shape == (1, pytest.approx(2 * RATE, abs=6_000))
    assert any("the channels change from mono to stereo" in note for note in notes)
    assert level(found, RATE, 1.3, 1.8) == pytest.approx(0.8 * level(found, RATE, 0.3, 0.8), rel=0.05)


@pytest.mark.parametrize(("container", "codec"), [*KINDS, ("flac", "flac")])
def test_a_rate_that_changes(tmp_path: Path, container: str, codec: str) -> None:
    # longer than FFmpeg looks ahead, for its MP3 decoder says of the first frame what it saw last
    first = write_with(tmp_path / "first", codec, container, tone(6.0), RATE, "stereo")
    second = write_with(tmp_path / "second", codec, container, tone(1.0, 32_000), 32_000, "stereo")
    found, rate, notes = heard(put_together(tmp_path / "song", first, second))
    assert rate == RATE
    assert found.shape == (2, pytest.approx(7 * RATE, abs=6_000))
    assert re.match("the sample rate changes from 44100 to 32000 Hz at [56]", notes[0])
    assert not any("missing" in note for note in notes)
    spectrum = np.abs(np.fft.rfft(found[0, round(6.3 * RATE) : round(6.8 * RATE)]))
    assert np.argmax(spectrum) * 2 in (220, 440, 1330)


@pytest.mark.parametrize("channels", [3, 4, 5, 6, 7, 8, 10, 16, 24, 32, 70])
def test_every_channel_counts(tmp_path: Path, channels: int) -> None:
    for number in range(channels):
        sound = np.zeros((2_000, channels))
        sound[:, number] = 0.5
        soundfile.write(tmp_path / "song.wav", sound, RATE)
        found, _, notes = heard(tmp_path / "song.wav")
        assert found.shape == (2, 2_000)
        assert np.abs(found).max() > 0.5 / channels, f"channel {number} is dropped"
        assert len(notes) == 1
        assert f"{channels} channels" in notes[0]
        assert "mixed down to stereo" in notes[0]
    soundfile.write(tmp_path / "song.wav", np.ones((2_000, channels)) * 0.9, RATE)
    assert np.abs(heard(tmp_path / "song.wav")[0]).max() <= 0.9, "it would clip"


@pytest.mark.parametrize("layout", ["2 channels (BL+BR)", "2 channels (FC+LFE)", "downmix"])
def test_two_channels_by_any_name_are_stereo(tmp_path: Path, layout: str) -> None:
    sound = tone(0.5)
    song = write_with(tmp_path / "song.mka", "pcm_s16le", "matroska", sound, RATE, layout)
    found, _, notes = heard(song)
    assert np.abs(found - sound).max() < 1e-4
    assert notes == []


def test_an_encrypted_mp4_is_refused_for_what_it_is(tmp_path: Path) -> None:
    key = {"encryption_scheme": "cenc-aes-ctr", "encryption_key": "00" * 16, "encryption_kid": "11" * 16}
    song = write_with(tmp_path / "song.mp4", "aac", "mp4", tone(1.0), RATE, "stereo", **key)
    with pytest.raises(InputError, match="is encrypted"):
        heard(song)


def test_several_sound_tracks(tmp_path: Path) -> None:
    parts = [write(tmp_path / f"{gain}.flac", tone(1.0) * np.float32(gain)) for gain in (0.2, 0.8)]
    film = together(tmp_path / "two.mka", *parts, usual=1)
    _, _, notes = heard(film)
    assert notes == ["track 1 of 2 is used, though the file marks track 2 as the default"]
    for track, gain in ((1, 0.2), (2, 0.8)):
        found, _, notes = heard(film, track=track)
        assert notes == []
        np.testing.assert_allclose(found, tone(1.0) * gain, atol=1e-6)
    with pytest.raises(InputError, match="no track 3: it has 2 sound tracks"):
        SongReader(film, track=3)
    with pytest.raises(UsageError, match="counted from 1"):
        SongReader(film, track=0)
    assert heard(together(tmp_path / "first.mka", *parts, usual=0))[2] == []


def dsd(path: Path, rate: int = 2_822_400, seconds: float = 0.5) -> Path:
    """Write a 440 Hz tone as a DSF file: one bit for each sample, by a first-order modulator."""
    count = round(rate * seconds) // 32_768 * 32_768
    wave = 0.4 * np.sin(2 * np.pi * 440 * np.arange(count) / rate)
    # the modulator's output is the step of its rounded integral
    bits = np.diff(np.floor(np.cumsum((wave + 1) / 2)), prepend=0.0).astype(np.uint8)
    block = np.packbits(bits, bitorder="little").reshape(-1, 1, 4_096)
    data = np.repeat(block, 2, axis=1).tobytes()
    form = b"".join(number.to_bytes(4, "little") for number in (1, 0, 2, 2, rate, 1))
    form += count.to_bytes(8, "little") + (4_096).to_bytes(4, "little") + bytes(4)
    chunks = b"fmt " + (52).to_bytes(8, "little") + form + b"data" + (12 + len(data)).to_bytes(8, "little") + data
    size = 28 + len(chunks)
    path.write_bytes(b"DSD " + b"".join(n.to_bytes(8, "little") for n in (28, size, 0)) + chunks)
    return path


@pytest.mark.parametrize(("times", "rate"), [(64, 88_200), (128, 88_200), (256, 88_200)])
def test_dsd_comes_at_a_rate_that_people_can_use(tmp_path: Path, times: int, rate: int) -> None:
    song = dsd(tmp_path / "song.dsf", RATE * times, 0.25)
    found, given, notes = heard(song)
    assert (given, notes) == (rate, [f"DSD is decoded to {rate} Hz"])
    spectrum = np.abs(np.fft.rfft(found[0]))
    assert np.argmax(spectrum[10:]) + 10 == pytest.approx(440 * found.shape[1] / rate, abs=2)
    content = song.read_bytes()
    song.write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError, match="is cut off"):
        heard(song)


def test_reading_at_another_rate_and_number_of_channels(tmp_path: Path) -> None:
    sound = tone(1.0)
    song = write(tmp_path / "song.wav", sound)
    found, rate = read(song, sample_rate=22_050, channels=1)
    assert (found.shape, rate) == ((1, 22_050), 22_050)
    mono = write(tmp_path / "mono.wav", sound[:1])
    found, _ = read(mono, channels=2)
    np.testing.assert_array_equal(found, np.repeat(sound[:1], 2, axis=0))
