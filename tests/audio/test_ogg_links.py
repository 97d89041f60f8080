"""Songs put together in one Ogg file, as `cat` and recorders of internet radio do: all of each is there."""

from pathlib import Path

import numpy as np
import pytest

from tests.audio.songs import write, write_with
from tests.conftest import noise
from unbraid import InputError
from unbraid.audio import SongReader, read
from unbraid.audio.ogg import with_crc
from unbraid.audio.ogg_links import pages
from unbraid.audio.types import Audio

CODECS = ("vorbis", "flac", "opus")
KINDS = {"mono": (1, 48_000), "stereo": (2, 48_000), "slow": (2, 44_100)}


def song(tmp_path: Path, codec: str, kind: str, seconds: float = 1.3) -> Path:
    channels, rate = KINDS[kind]
    sound = noise(channels, round(seconds * rate))
    path = tmp_path / f"{kind}.{'ogg' if codec == 'vorbis' else codec}"
    if codec == "vorbis":
        return write(path, sound, rate)
    encoder, layout = "flac" if codec == "flac" else "libopus", "mono" if channels == 1 else "stereo"
    return write_with(path, encoder, "ogg", sound, rate, layout, page_duration="200000")


def put_together(*songs: bytes | Path) -> Path:
    first = next(song for song in songs if isinstance(song, Path))
    target = first.with_name("all.ogg")
    target.write_bytes(b"".join(song.read_bytes() if isinstance(song, Path) else song for song in songs))
    return target


def heard(path: Path) -> tuple[Audio, list[str]]:
    with SongReader(path) as reader:
        samples = np.concatenate(list(reader), axis=1)
        assert reader.duration == pytest.approx(samples.shape[1] / reader.sample_rate, abs=0.05)
        return samples, reader.notes


@pytest.mark.parametrize("codec", CODECS)
def test_songs_of_one_kind_follow_each_other_to_the_sample(tmp_path: Path, codec: str) -> None:
    path = song(tmp_path, codec, "stereo")
    alone, _ = read(path)
    found, notes = heard(put_together(path, path, path))
    np.testing.assert_array_equal(found, np.tile(alone, 3))
    assert notes == []


@pytest.mark.parametrize("codec", CODECS)
def test_stereo_stays_stereo_though_mono_comes_first(tmp_path: Path, codec: str) -> None:
    mono, stereo = (song(tmp_path, codec, kind) for kind in ("mono", "stereo"))
    found, notes = heard(put_together(mono, stereo, mono))
    once = np.repeat(read(mono)[0], 2, axis=0)
    np.testing.assert_array_equal(found, np.concatenate([once, read(stereo)[0], once], axis=1))
    assert notes == [
        f"the channels change from {change} s: everything is converted to stereo"
        for change in ("mono to stereo at 1.3", "stereo to mono at 2.6")
    ]


@pytest.mark.parametrize("codec", ["vorbis", "flac"])
def test_songs_of_several_rates_are_as_long_as_they_were(tmp_path: Path, codec: str) -> None:
    slow, fast = song(tmp_path, codec, "slow"), song(tmp_path, codec, "stereo")
    found, notes = heard(put_together(slow, fast, slow))
    alone, rate = read(slow)
    length = round(1.3 * 44_100)
    assert (rate, alone.shape[1], found.shape) == (44_100, length, (2, 3 * length))
    np.testing.assert_array_equal(found[:, :length], alone)
    np.testing.assert_array_equal(found[:, 2 * length :], alone)
    np.testing.assert_array_equal(found[:, length : 2 * length], read(fast, sample_rate=44_100)[0])
    assert notes == [
        f"the sample rate changes from {change} s: everything is converted to 44100 Hz"
        for change in ("44100 to 48000 Hz at 1.3", "48000 to 44100 Hz at 2.6")
    ]


@pytest.mark.parametrize("codec", CODECS)
def test_what_is_missing_between_songs_is_said(tmp_path: Path, codec: str) -> None:
    path, other = song(tmp_path, codec, "stereo"), song(tmp_path, codec, "mono")
    content, beginning_damaged = path.read_bytes(), bytearray(other.read_bytes())
    beginning_damaged[40:60] = bytes(20)
    found, notes = heard(put_together(path, bytes(beginning_damaged), path))
    np.testing.assert_array_equal(found, np.tile(read(path)[0], 2))
    assert notes == ["song 2 of 3 in the file cannot be read and is left out"]
    _, notes = heard(put_together(content[: len(content) * 2 // 3], path, path))
    assert notes[0] == "song 1 of 3 in the file has no end: some may be missing"
    with pytest.raises(InputError, match="is cut off"):
        heard(put_together(path, other, content[: len(content) * 2 // 3]))


@pytest.mark.parametrize("codec", CODECS)
def test_bytes_between_songs_are_passed_over(tmp_path: Path, codec: str) -> None:
    path = song(tmp_path, codec, "stereo")
    found, notes = heard(put_together(path, bytes(5_000), path))
    np.testing.assert_array_equal(found, np.tile(read(path)[0], 2))
    assert notes == []


def test_headers_that_come_twice_are_those_of_one_song(tmp_path: Path) -> None:
    """Some editors of loops write them again before the sound; players that use libvorbis do not mind."""
    song = write(tmp_path / "song.ogg", noise(2, 3 * 44_100), 44_100)
    whole, _ = read(song)
    with song.open("rb") as file:
        first, *rest = (page for _, page in pages(file))
    twice = [first, *rest[: len(rest) - sound_pages(rest)], first[:5] + b"\0" + first[6:], *rest]
    (tmp_path / "twice.ogg").write_bytes(b"".join(numbered(twice)))
    found, _ = read(tmp_path / "twice.ogg")
    np.testing.assert_array_equal(found, whole)


def sound_pages(pages: list[bytes]) -> int:
    """How many of these pages end later in the song than at its beginning."""
    return sum(int.from_bytes(page[6:14], "little") > 0 for page in pages)


def numbered(pages: list[bytes]) -> list[bytes]:
    """The pages with numbers that follow each other."""
    return [with_crc(page[:18] + n.to_bytes(4, "little") + bytes(4) + page[26:]) for n, page in enumerate(pages)]
