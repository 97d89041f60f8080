"""Only bytes that end inside something prove that a file is cut off; a length that it declares is a hint."""

from pathlib import Path

import av
import numpy as np
import pytest

from tests.audio.songs import copied, picture, together, tone, write, write_with
from tests.conftest import noise
from unbraid import InputError
from unbraid.audio import SongReader, read
from unbraid.audio.formats import SINGLE_TRACK
from unbraid.audio.mpeg import InfoFrame

RATE = 44_100
SECONDS = 1.7


def heard(song: Path) -> tuple[float, list[str]]:
    """Return how many seconds a song has, and what is said of it."""
    with SongReader(song) as reader:
        samples = sum(block.shape[1] for block in reader)
    return samples / reader.sample_rate, reader.notes


def with_sizes(song: Path, **sizes: int) -> Path:
    """Overwrite the size that follows a chunk's name, as a program leaves it that writes to a pipe."""
    content = bytearray(song.read_bytes())
    for name, size in sizes.items():
        at = content.index(name.encode()) + 4
        content[at : at + 4] = size.to_bytes(4, "little" if content[:4] == b"RIFF" else "big")
    song.write_bytes(content)
    return song


@pytest.mark.parametrize(
    ("riff", "data"),
    [
        (0x7FFFF024, 0x7FFFF000),  # sox
        (0x80000023, 0x7FFFFFFF),  # lame
        (0xFFFFFFFF, 0xFFFFFFFF),  # FFmpeg
        (0x7FFFFFFF, 0x7FFFFFDB),
        (0, 0),
        (36, 0),
    ],
)
def test_a_wav_from_a_pipe(tmp_path: Path, riff: int, data: int) -> None:
    song = with_sizes(write(tmp_path / "song.wav", tone(SECONDS)), RIFF=riff, data=data)
    assert heard(song) == (SECONDS, [])
    with SongReader(song) as reader:
        assert reader.duration is None


def test_an_aiff_from_a_pipe(tmp_path: Path) -> None:
    song = write_with(tmp_path / "song.aiff", "pcm_s16be", "aiff", tone(SECONDS), RATE, "stereo")
    assert heard(with_sizes(song, FORM=0x7F00002E, SSND=0x7F000008, COMM=18)) == (SECONDS, [])


def test_a_wav_whose_last_chunks_were_forgotten_in_a_size(tmp_path: Path) -> None:
    song = write(tmp_path / "song.wav", tone(SECONDS))
    assert heard(with_sizes(song, RIFF=song.stat().st_size + 5_000)) == (SECONDS, [])


def test_a_part_of_a_flac_that_was_copied(tmp_path: Path) -> None:
    """STREAMINFO keeps the old total, and the frames their numbers."""
    song = write(tmp_path / "song.flac", tone(4.0))
    seconds, notes = heard(copied(song, tmp_path / "part.flac", lambda time: 1.0 <= time < 2.9))
    assert seconds == pytest.approx(2.0, abs=0.2)
    assert notes == [f"the file claims to last 4.0 s but holds {seconds:.1f} s"]


@pytest.mark.parametrize("late", [0, -648, 9_216])
def test_a_part_of_an_ogg_flac_that_was_copied(tmp_path: Path, late: int) -> None:
    """Its clock begins where the old one stood, or a little before 0; FFmpeg has the first page begin at 0."""
    sound = noise(2, 3 * RATE)
    song = write_with(tmp_path / "song.flac", "flac", "flac", sound, RATE, "stereo")
    with av.open(song) as old, av.open(tmp_path / "part.oga", "w", format="ogg") as new:
        stream = new.add_stream_from_template(old.streams.audio[0])
        packets = [packet for packet in old.demux(audio=0) if packet.size][10:]
        begins = packets[0].pts
        for packet in packets:
            assert begins is not None
            assert packet.pts is not None
            packet.pts = packet.dts = packet.pts - begins + late
            packet.stream = stream
            new.mux(packet)
    found, _ = read(tmp_path / "part.oga")
    np.testing.assert_array_equal(found, read(song)[0][:, begins:])


@pytest.mark.parametrize(
    "behind", [bytes(20_000), b"APETAGEX" + bytes(30_000), b"LYRICSBEGIN" + b"la \xff\xfa" * 5_000]
)
def test_an_mp3_with_something_behind_its_end(tmp_path: Path, behind: bytes) -> None:
    song = write(tmp_path / "song.mp3", tone(SECONDS))
    whole, _ = read(song)
    song.write_bytes(song.read_bytes() + behind)
    assert heard(song) == (SECONDS, [])
    np.testing.assert_array_equal(read(song)[0], whole)


def test_two_mp3s_in_one_file_are_one_song(tmp_path: Path) -> None:
    song = write(tmp_path / "song.mp3", tone(SECONDS), tags={"title": "One"})
    song.write_bytes(song.read_bytes() * 2)
    seconds, notes = heard(song)
    assert seconds == pytest.approx(2 * SECONDS, abs=0.2)
    assert notes == []
    with song.open("rb") as file:
        assert InfoFrame(file).continues


@pytest.mark.parametrize("ending", ["mka", "webm", "mp4"])
def test_a_song_that_does_not_start_at_zero(tmp_path: Path, ending: str) -> None:
    song = write(tmp_path / "song.opus", tone(4.0))
    seconds, notes = heard(copied(song, tmp_path / f"late.{ending}", lambda time: time >= 2.0))
    assert seconds == pytest.approx(2.0, abs=0.1)
    assert notes == []


def test_a_second_track_that_is_longer(tmp_path: Path) -> None:
    short, long = (write(tmp_path / f"{seconds}.flac", tone(seconds)) for seconds in (1.0, 3.0))
    assert heard(together(tmp_path / "two.mka", short, long)) == (1.0, [])


def test_a_fragmented_mp4_whose_header_states_twice_the_length(tmp_path: Path) -> None:
    fragments = {"movflags": "frag_keyframe+empty_moov+delay_moov", "frag_duration": "500000"}
    song = copied(write(tmp_path / "song.m4a", tone(SECONDS)), tmp_path / "song.mp4", options=fragments)
    content = bytearray(song.read_bytes())
    for box in (b"mvhd", b"tkhd", b"mdhd"):
        at = content.index(box) + {b"mvhd": 20, b"tkhd": 24, b"mdhd": 20}[box]
        scale = 44_100 if box == b"mdhd" else int.from_bytes(content[content.index(b"mvhd") + 16 :][:4], "big")
        content[at : at + 4] = round(2 * SECONDS * scale).to_bytes(4, "big")
    song.write_bytes(content)
    assert heard(song)[0] == pytest.approx(SECONDS, abs=0.05)


@pytest.mark.parametrize(("ending", "options"), [("m4a", {}), ("mov", {}), ("mp4", {"movflags": "faststart"})])
def test_an_mp4_whose_header_states_half_the_length(tmp_path: Path, ending: str, options: dict[str, str]) -> None:
    song = copied(write(tmp_path / "whole.m4a", tone(SECONDS)), tmp_path / f"song.{ending}", options=options)
    content = bytearray(song.read_bytes())
    at = content.index(b"mdhd") + 20
    content[at : at + 4] = round(SECONDS * RATE / 2).to_bytes(4, "big")
    song.write_bytes(content)
    seconds, notes = heard(song)
    assert seconds == pytest.approx(SECONDS, abs=0.03)
    assert notes == [f"the file claims to last {SECONDS / 2:.1f} s but holds {SECONDS:.1f} s"]


@pytest.mark.parametrize("ending", ["m4a", "mp4"])
def test_the_padding_of_an_mp4_is_nothing_to_speak_of(tmp_path: Path, ending: str) -> None:
    codec, rate = ("aac", 8_000) if ending == "m4a" else ("libmp3lame", 22_050)
    container = "ipod" if ending == "m4a" else "mp4"
    for samples in (9_217, 9_500, 10_000):
        song = write_with(tmp_path / "song", codec, container, noise(2, samples), rate, "stereo")
        seconds, notes = heard(song)
        assert seconds == pytest.approx(samples / rate, abs=0.05)
        assert notes == []


def test_a_broadcast_that_ends_anywhere_is_read_with_a_note(tmp_path: Path) -> None:
    """Recordings from the air end between two of its small packets, inside a frame of the sound."""
    content, cut = a_song(tmp_path, "mpegts"), tmp_path / "cut"
    for packets in range(60, 70):
        cut.write_bytes(content[: packets * 188])
        with av.open(cut) as file:
            sizes = [packet.size for packet in file.demux(audio=0) if packet.size]
        assert bool(heard(cut)[1]) == (sizes[-1] < sizes[0])


# What each is written with.
CUT = {
    "wav": "pcm_s16le", "w64": "pcm_s16le", "aiff": "pcm_s16be", "au": "pcm_s16be", "caf": "pcm_s16le",
    "flac": "flac", "mp3": "libmp3lame", "mp2": "mp2", "adts": "aac", "ac3": "ac3", "eac3": "eac3", "ogg": "flac",
    "opus": "libopus", "matroska": "flac", "webm": "libopus", "mp4": "aac", "ipod": "alac", "asf": "wmav2",
    "avi": "mp2", "flv": "libmp3lame", "mpegts": "mp2", "tta": "tta", "wv": "wavpack", "mpeg": "mp2", "rm": "ac3",
    "sox": "pcm_s32le", "ast": "pcm_s16be_planar",
}  # fmt: skip
PLAIN = {"au", "sox"}  # samples to the end of the file, whatever their header says


def a_song(tmp_path: Path, container: str) -> bytes:
    options = {"page_duration": "100000"} if container in ("ogg", "opus") else {}
    song = write_with(tmp_path / "song", CUT[container], container, noise(2, 48_000), 48_000, "stereo", **options)
    return song.read_bytes()


@pytest.mark.parametrize("container", CUT)
def test_a_file_that_is_cut_off_is_refused(tmp_path: Path, container: str) -> None:
    content, cut = a_song(tmp_path, container), tmp_path / "cut"
    for share in (0.05, 0.3, 0.613, 0.95):
        cut.write_bytes(content[: int(len(content) * share) | 1])
        with pytest.raises(InputError, match="is cut off"):
            heard(cut)


@pytest.mark.parametrize("container", CUT)
def test_a_whole_file_is_read_whatever_lies_behind_it(tmp_path: Path, container: str) -> None:
    content, longer = a_song(tmp_path, container), tmp_path / "longer"
    whole, _ = read(tmp_path / "song")
    seconds, notes = heard(tmp_path / "song")
    assert seconds == pytest.approx(1.0, abs=0.1)
    assert notes == []
    longer.write_bytes(content + bytes(20_000))
    found, _ = read(longer)
    np.testing.assert_array_equal(found[:, : whole.shape[1]], whole)
    assert container in PLAIN or found.shape == whole.shape


@pytest.mark.parametrize("kind", ["faststart", "fragments", "live", "mov"])
def test_files_made_for_streaming_that_are_cut_off_are_refused(tmp_path: Path, kind: str) -> None:
    options = {"faststart": "faststart", "mov": "faststart", "fragments": "frag_keyframe+empty_moov"}
    song = write(tmp_path / "song.m4a", tone(SECONDS))
    if kind == "live":
        song = copied(song, tmp_path / "song.mka", options={"live": "1"})
    else:
        ending = "mov" if kind == "mov" else "mp4"
        song = copied(song, tmp_path / f"song.{ending}", options={"movflags": options[kind], "frag_duration": "400000"})
    assert heard(song)[0] == pytest.approx(SECONDS, abs=0.1)
    content = song.read_bytes()
    for share in (0.005, 0.3, 0.6, 0.9):
        song.write_bytes(content[: int(len(content) * share)])
        with pytest.raises(InputError, match="is cut off"):
            heard(song)


@pytest.mark.parametrize("ending", [name for name in SINGLE_TRACK if name not in ("wav", "ogg")])
def test_files_that_end_inside_their_cover_are_refused(tmp_path: Path, ending: str) -> None:
    cover = picture("mjpeg") + bytes(300_000)
    song = write(tmp_path / f"song.{ending}", tone(SECONDS), cover=cover)
    content = song.read_bytes()
    for share in (0.05, 0.4):
        song.write_bytes(content[: int(len(content) * share)])
        with pytest.raises(InputError, match="is cut off"):
            heard(song)


def test_an_rf64_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    song = write_with(tmp_path / "song.wav", "pcm_s16le", "wav", tone(1.0), RATE, "stereo", rf64="always")
    assert heard(song) == (1.0, [])
    song.write_bytes(song.read_bytes()[:100_000])
    with pytest.raises(InputError, match="is cut off"):
        heard(song)
