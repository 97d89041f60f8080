"""What is missing in a song is silence and is said; what follows it stays where it was."""

import io
import random
import re
from pathlib import Path

import av
import numpy as np
import pytest

from tests.audio.songs import copied, level, tone, write, write_with
from tests.conftest import noise
from unbraid import Separator
from unbraid.audio import SongReader
from unbraid.audio.ogg_links import pages
from unbraid.audio.types import Audio

RATE = 48_000


def heard(song: Path) -> tuple[Audio, list[str]]:
    with SongReader(song) as reader:
        return np.concatenate(list(reader), axis=1), reader.notes


def made(tmp_path: Path, container: str, codec: str, seconds: float = 4.0) -> Path:
    """Write noise, which cannot be mistaken for itself at another place."""
    return write_with(tmp_path / f"song.{container}", codec, container, noise(2, round(seconds * RATE)), RATE, "stereo")


def overwritten(song: Path, start: float, end: float) -> Path:
    """Return a copy of which so much in the middle is other bytes."""
    content = bytearray(song.read_bytes())
    first, last = round(start * len(content)), round(end * len(content))
    content[first:last] = random.Random(0).randbytes(last - first)
    target = song.with_name(f"damaged {song.name}")
    target.write_bytes(content)
    return target


def shift(found: Audio, whole: Audio, start: float, end: float) -> int:
    """Return by how many samples `found` comes later between two seconds than it does in `whole`."""
    around = slice(round(start * RATE), round(end * RATE))
    size = 1 << (2 * found.shape[1]).bit_length()
    spectrum = np.fft.rfft(found[0, around], size) * np.conj(np.fft.rfft(whole[0, around], size))
    lag = int(np.argmax(np.fft.irfft(spectrum)))
    return lag if lag < size // 2 else lag - size


DAMAGED = {
    "flac": "flac", "ogg": "flac", "opus": "libopus", "ipod": "aac", "mp4": "flac",
    "mpegts": "mp2", "mp3": "libmp3lame", "ac3": "ac3", "adts": "aac", "tta": "tta",
    "flv": "libmp3lame", "asf": "wmav2",
}  # fmt: skip


@pytest.mark.parametrize("container", DAMAGED)
def test_what_follows_damage_stays_where_it_was(tmp_path: Path, container: str) -> None:
    song = made(tmp_path, container, DAMAGED[container])
    whole, notes = heard(song)
    assert notes == []
    found, notes = heard(overwritten(song, 0.4, 0.6))
    assert any("was replaced by silence" in note for note in notes), notes
    assert shift(found, whole, 0.0, 1.2) == 0
    assert shift(found, whole, 3.0, 4.0) == 0
    assert found.shape[1] == pytest.approx(whole.shape[1], abs=2_400)
    assert level(found, RATE, 1.9, 2.1) < 0.5 * level(whole, RATE, 1.9, 2.1)


@pytest.mark.parametrize(
    ("container", "codec"),
    [("flac", "flac"), ("matroska", "flac"), ("tta", "tta"), ("wv", "wavpack"), ("ac3", "ac3"), ("eac3", "eac3")],
)
def test_a_single_wrong_byte_is_noticed_where_frames_have_checksums(tmp_path: Path, container: str, codec: str) -> None:
    song = made(tmp_path, container, codec, seconds=2.0)
    content = song.read_bytes()
    for number in range(12):
        at = len(content) * (number + 2) // 18
        song.write_bytes(content[:at] + bytes([content[at] ^ 0x55]) + content[at + 1 :])
        found, notes = heard(song)
        assert any("was replaced by silence" in note for note in notes), (number, notes)
        assert found.shape[1] == pytest.approx(2 * RATE, abs=2_400)


FIRST = {
    "flac": "flac", "mp4": "flac", "matroska": "flac", "tta": "tta", "wv": "wavpack", "ipod": "aac", "adts": "aac",
    "mpegts": "mp2", "ac3": "ac3",
}  # fmt: skip


@pytest.mark.parametrize("container", FIRST)
def test_what_follows_a_damaged_beginning_stays_where_it_was(tmp_path: Path, container: str) -> None:
    song = made(tmp_path, container, FIRST[container], seconds=2.5)
    whole, _ = heard(song)
    with av.open(song) as file:
        first = next(file.demux(audio=0))
    content = bytearray(song.read_bytes())
    begins = content.index(bytes(first)[:150])
    content[begins + first.size // 4 : begins + first.size] = bytes(first.size - first.size // 4)
    song.write_bytes(content)
    found, notes = heard(song)
    assert notes[0] == "1 damaged packet could not be decoded"
    assert found.shape == whole.shape
    assert shift(found, whole, 1.5, 2.4) == 0


@pytest.mark.parametrize("frame", [1, 2, 3])
def test_flac_frames_that_damage_joins_to_one_packet(tmp_path: Path, frame: int) -> None:
    song = made(tmp_path, "flac", "flac", seconds=2.0)
    whole, _ = heard(song)
    with av.open(song) as file:
        packets = [packet for packet in file.demux(audio=0) if packet.size]
    content = bytearray(song.read_bytes())
    begins = content.index(bytes(packets[frame])[:150])
    content[begins : begins + 3_000] = bytes(3_000)
    song.write_bytes(content)
    found, notes = heard(song)
    assert "was replaced by silence" in notes[-1]
    np.testing.assert_array_equal(found[:, RATE // 2 :], whole[:, RATE // 2 :])


@pytest.mark.parametrize(("container", "codec"), [("ogg", "flac"), ("opus", "libopus")])
def test_what_follows_a_lost_page_stays_where_it_was(tmp_path: Path, container: str, codec: str) -> None:
    pages = {"page_duration": "300000"}
    song = write_with(tmp_path / "song", codec, container, noise(2, 3 * RATE), RATE, "stereo", **pages)
    whole, _ = heard(song)
    parts = song.read_bytes().split(b"OggS")
    song.write_bytes(b"OggS".join(parts[:6] + parts[7:]))
    found, notes = heard(song)
    assert found.shape == whole.shape
    assert re.fullmatch(r"0.(29|30) s of sound is missing at (0.9|1.2) s and was replaced by silence", notes[0])
    for start in np.arange(0.0, 2.7, 0.1):  # also the page right behind it
        if level(found, RATE, start, start + 0.1) > 0.1:
            assert shift(found, whole, start, start + 0.1) == 0


@pytest.mark.parametrize("codec", ["vorbis", "flac", "libopus"])
def test_what_follows_a_lost_first_page_stays_where_it_was(tmp_path: Path, codec: str) -> None:
    song = tmp_path / "song.ogg"
    if codec == "vorbis":
        write(song, noise(2, 4 * RATE), RATE)
    else:
        write_with(song, codec, "ogg", noise(2, 4 * RATE), RATE, "stereo", page_duration="300000")
    whole, _ = heard(song)
    content = bytearray(song.read_bytes())
    first = next(at for at, page in pages(io.BytesIO(content)) if int.from_bytes(page[6:14], "little"))
    content[first + 1_000 : first + 1_100] = bytes(100)
    song.write_bytes(content)
    found, notes = heard(song)
    assert found.shape == whole.shape
    assert re.fullmatch(r"0.\d\d s of sound is missing at 0.0 s and was replaced by silence", notes[0])
    assert shift(found, whole, 1.0, 2.0) == 0


@pytest.mark.parametrize("ending", ["m4a", "mka", "ts", "mov", "flv"])
def test_packets_that_are_missing(tmp_path: Path, ending: str) -> None:
    song = made(
        tmp_path, "mp3" if ending in ("ts", "flv") else "ipod", "libmp3lame" if ending in ("ts", "flv") else "aac"
    )
    whole, _ = heard(copied(song, tmp_path / f"whole.{ending}"))
    found, notes = heard(copied(song, tmp_path / f"hole.{ending}", lambda time: not 1.5 <= time < 2.5))
    assert notes == ["1.0 s of sound is missing at 1.5 s and was replaced by silence"]
    assert shift(found, whole, 3.0, 4.0) == 0
    assert not found[:, round(1.6 * RATE) : round(2.4 * RATE)].any()


def test_one_missing_packet_is_noticed(tmp_path: Path) -> None:
    song = made(tmp_path, "ipod", "aac")
    whole, _ = heard(song)
    found, notes = heard(copied(song, tmp_path / "hole.m4a", lambda time: not 1.5 <= time < 1.521))
    assert notes == ["0.02 s of sound is missing at 1.5 s and was replaced by silence"]
    assert shift(found, whole, 2.0, 4.0) == 0


def test_damage_in_the_last_packets_leaves_the_length(tmp_path: Path) -> None:
    song = made(tmp_path, "ipod", "aac")
    content = bytearray(song.read_bytes())
    end = content.index(b"moov") - 4
    content[end - 20_000 : end] = bytes(20_000)
    song.write_bytes(content)
    found, notes = heard(song)
    assert found.shape[1] == 4 * RATE
    assert any("damaged packets could not be decoded" in note for note in notes)


def film(path: Path, late: float) -> Path:
    """Write pictures from 0 s on, with a tone from `late` s on."""
    with av.open(path, "w") as file:
        pictures = file.add_stream("mpeg4", rate=25, width=64, height=64, pix_fmt="yuv420p")
        track = file.add_stream("flac", rate=RATE, layout="stereo")
        for number in range(75):
            picture = av.VideoFrame(64, 64, "yuv420p")
            picture.pts = number
            file.mux(pictures.encode(picture))
        file.mux(pictures.encode(None))
        integers = (tone(1.0, RATE).T.reshape(1, -1) * 32767).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(integers, format="s16", layout="stereo")
        frame.sample_rate, frame.pts = RATE, round(late * RATE)
        file.mux(track.encode(frame))
        file.mux(track.encode(None))
    return path


def test_the_sound_of_a_film_that_begins_late_stays_with_the_pictures(separator: Separator, tmp_path: Path) -> None:
    result = separator.separate_file(film(tmp_path / "film.mkv", late=1.5), tmp_path / "out")
    assert result.notes == ["1.5 s of sound is missing at 0.0 s and was replaced by silence"]
    assert result.seconds == pytest.approx(2.5, abs=0.001)
    stem, _ = heard(result.stems["vocals"])
    assert not stem[:, : round(1.4 * RATE)].any()
    assert heard(film(tmp_path / "film.mkv", late=0.0))[1] == []


def test_one_wrong_timestamp_is_no_hole(tmp_path: Path) -> None:
    song = made(tmp_path, "flac", "flac", seconds=2.0)
    whole, _ = heard(song)
    with av.open(song) as old, av.open(tmp_path / "odd.mka", "w") as new:
        stream = new.add_stream_from_template(old.streams.audio[0])
        for number, packet in enumerate(old.demux(audio=0)):
            if packet.dts is None or packet.pts is None:
                continue
            if number == 5:
                packet.pts = packet.dts = packet.pts + RATE // 20
            packet.stream = stream
            new.mux(packet)
    found, notes = heard(tmp_path / "odd.mka")
    np.testing.assert_array_equal(found, whole)
    assert notes == []


def test_two_broadcasts_in_one_file_follow_each_other(tmp_path: Path) -> None:
    song = made(tmp_path, "mpegts", "mp2", seconds=2.0)
    once, _ = heard(song)
    song.write_bytes(song.read_bytes() * 2)
    twice, notes = heard(song)
    assert notes == []
    assert twice.shape[1] == pytest.approx(2 * once.shape[1], abs=2_400)


@pytest.mark.parametrize(("container", "codec"), [("avi", "mp2"), ("matroska", "flac"), ("webm", "libopus")])
def test_what_cannot_be_put_in_its_place_is_said(tmp_path: Path, container: str, codec: str) -> None:
    """An AVI's sound has no times; what follows damage in a Matroska cluster is lost with it."""
    song = made(tmp_path, container, codec)
    whole, _ = heard(song)
    found, notes = heard(overwritten(song, 0.4, 0.6))
    assert found.shape[1] < whole.shape[1]
    assert notes[-1:] == [f"the file claims to last 4.0 s but holds {found.shape[1] / RATE:.1f} s"]


@pytest.mark.parametrize(
    ("container", "codec"), [("flv", "libmp3lame"), ("mpeg", "mp2"), ("ogg", "flac"), ("wv", "wavpack")]
)
def test_an_end_that_is_overwritten_is_said(tmp_path: Path, container: str, codec: str) -> None:
    song = made(tmp_path, container, codec, seconds=2.0)
    assert heard(song)[1] == []
    assert heard(overwritten(song, 0.95, 1.0))[1]


def test_a_tenth_of_a_second_that_is_missing_at_the_end_is_said_however_long_the_song(tmp_path: Path) -> None:
    song = write_with(tmp_path / "song.webm", "libopus", "webm", noise(1, 40 * RATE), RATE, "mono")
    assert heard(song)[1] == []
    found, notes = heard(overwritten(song, 0.9955, 1.0))
    assert 39.8 < found.shape[1] / RATE < 39.9
    assert notes == [f"the file claims to last 40.01 s but holds {found.shape[1] / RATE:.2f} s"]


@pytest.mark.parametrize("container", ["ac3", "eac3"])
def test_halves_of_two_frames_are_no_frame(tmp_path: Path, container: str) -> None:
    song = made(tmp_path, container, container, seconds=2.0)
    content = song.read_bytes()
    with av.open(song) as file:
        size = next(file.demux(audio=0)).size
    begins = len(content) // size // 2 * size + size // 3
    song.write_bytes(content[:begins] + content[begins + 2 * size :])
    assert heard(song)[1][0] == "1 damaged packet could not be decoded"
