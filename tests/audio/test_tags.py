"""What a file says of its song reaches its stems, whatever the two formats are."""

from collections.abc import Mapping
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from tests.audio.songs import picture, tone, write, write_with
from unbraid import Separator, UsageError
from unbraid.audio import SongReader, read
from unbraid.audio.formats import FORMATS, SINGLE_TRACK
from unbraid.audio.mp4 import split_boxes
from unbraid.audio.tags import picture_block
from unbraid.stem_folder import StemFolder

TAGS = {
    "title": "Ärger 🎵", "artist": "Nobody", "album": "Nothing", "album_artist": "Various", "track": "7/12",
    "disc": "1/2", "date": "1999", "genre": "Schlager", "bpm": "124", "initialkey": "F#m",
}  # fmt: skip
NO_TEMPO = {key: text for key, text in TAGS.items() if key != "bpm"}  # FFmpeg writes it into MP4s, but does not read it
CAPITALS = {
    "title": "TITLE", "artist": "ARTIST", "album": "Album", "album_artist": "ALBUMARTIST", "track": "TRACKNUMBER",
    "disc": "DISCNUMBER", "date": "DATE", "genre": "GENRE", "bpm": "BPM", "initialkey": "INITIALKEY",
}  # fmt: skip


@pytest.mark.parametrize("name", SINGLE_TRACK)
@pytest.mark.parametrize("source", ["capitals", "flac", "m4a", "mp3"])
def test_tags_reach_the_stems(tmp_path: Path, source: str, name: str) -> None:
    tags = {CAPITALS[key]: text for key, text in TAGS.items()} if source == "capitals" else TAGS
    song = write(tmp_path / f"song.{'flac' if source == 'capitals' else source}", tone(0.3), tags=tags)
    with SongReader(song) as reader:
        assert known(reader.tags) == (NO_TEMPO if source == "m4a" else TAGS)
        stem = write(tmp_path / f"stem.{name}", tone(0.3), tags=reader.tags)
    with SongReader(stem) as reader:
        assert known(reader.tags) == (NO_TEMPO if "m4a" in (source, name) else TAGS)


RARE = {
    "isrc": "QZES71982312",
    "lyrics": "La la\nla",
    "musicbrainz_trackid": "1234-5678",
    "größe=\n": "12",
    "tlen": "300000",
}


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("source", ["flac", "m4a", "mp3", "ogg"])
def test_rare_tags_reach_the_stems_too(tmp_path: Path, source: str, name: str) -> None:
    song = write(tmp_path / f"song.{source}", tone(0.3), tags=RARE)
    with SongReader(song) as reader:
        sound = tone(0.3)
        with StemFolder(tmp_path, ["bass"], format=name, sample_rate=44_100, channels=2, tags=reader.tags) as folder:
            folder.write({"bass": sound})
            stem = folder.finish()["bass"]
    with SongReader(stem) as reader:
        expected = {key: text for key, text in RARE.items() if key.isascii()} | {"gre": "12", "tlen": None}
        assert {key: reader.tags.get(key) for key in expected} == expected


@pytest.mark.parametrize("tempo", ["40000", "70000", "1e3", "fast", "-3"])
def test_an_impossible_tempo_is_not_made_another_one(tmp_path: Path, tempo: str) -> None:
    with SongReader(write(tmp_path / "song.m4a", tone(0.3), tags={"title": "Blue", "bpm": tempo})) as reader:
        assert reader.tags["bpm"] == tempo


def known(tags: Mapping[str, str]) -> dict[str, str]:
    return {key: text for key, text in tags.items() if key in TAGS}


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("depth", [None, "24"])
def test_tempo_and_key_that_are_found_last_are_in_the_tags(tmp_path: Path, name: str, depth: str | None) -> None:
    """Whatever the format: sound is written once, and its length and the other tags stay."""
    if depth and not FORMATS[name].depths:
        return
    sound = tone(1.0)
    with StemFolder(
        tmp_path, ["drums"], format=name, bit_depth=depth, sample_rate=44_100, channels=2, tags={"title": "Blue"}
    ) as folder:
        folder.write({"drums": sound})
        path = folder.finish({"bpm": "124", "initialkey": "F#m"})["drums"]
    with SongReader(path) as reader:
        assert (reader.tags["title"], reader.tags["initialkey"]) == ("Blue", "F#m")
        found = np.concatenate(list(reader), axis=1)
        if FORMATS[name].container != "mp4":
            assert reader.tags["bpm"] == "124"
    if FORMATS[name].container == "mp4":  # FFmpeg does not read it
        assert tempo_in(path) == 124
    if FORMATS[name].depths:
        np.testing.assert_allclose(found, sound, atol=1e-6)


def tempo_in(path: Path) -> int:
    """Return the tempo in the tags of an MP4."""
    content = path.read_bytes()
    for name, head in ((b"moov", 0), (b"udta", 0), (b"meta", 4), (b"ilst", 0), (b"tmpo", 0), (b"data", 8)):
        content = dict(split_boxes(content))[name][8 + head :]
    return int.from_bytes(content, "big")


def test_what_is_found_is_in_the_tags_on_request(tmp_path: Path, mask_model: Path) -> None:
    """One beat every half second, on the notes of a chord: 120 BPM, and a key that the tags have as well."""
    separator = Separator(mask_model, precision="fp32")
    time = np.arange(20 * 44_100) / 44_100
    chord = np.sum([np.sin(2 * np.pi * hertz * time) for hertz in (220.0, 261.63, 329.63, 440.0)], axis=0)
    song = write(tmp_path / "song.wav", (0.1 * chord * np.exp(-12 * (time % 0.5)))[np.newaxis].astype(np.float32))
    for name in ("wav", "mp3"):
        done = separator.separate_file(song, tmp_path / name, format=name, tempo_and_key_tags=True)
        assert done.analysis
        assert done.analysis.key == "A minor"
        with SongReader(done.stems["bass"]) as reader:
            assert (reader.tags["bpm"], reader.tags["initialkey"]) == (f"{done.analysis.tempo:.0f}", "Am")
    plain = separator.separate_file(song, tmp_path / "plain")
    with SongReader(plain.stems["bass"]) as reader:
        assert not {"bpm", "initialkey"} & set(reader.tags)
    with pytest.raises(UsageError, match="takes all stems"):
        separator.separate_file(song, tmp_path / "some", stems=["bass"], tempo_and_key_tags=True)


def test_the_names_of_a_matroska_file(tmp_path: Path) -> None:
    song = write_with(tmp_path / "song.mka", "flac", "matroska", tone(0.3), 44_100, "stereo")
    with av.open(song) as old, av.open(tmp_path / "named.mka", "w") as new:
        new.metadata.update({"TITLE": "Hallo", "PART_NUMBER": "7", "ENCODER": "me"})
        stream = new.add_stream_from_template(old.streams.audio[0])
        stream.metadata["title"] = "Stereo"
        for packet in old.demux(audio=0):
            if packet.dts is not None:
                packet.stream = stream
                new.mux(packet)
    with SongReader(tmp_path / "named.mka") as reader:
        assert reader.tags["title"] == "Hallo", "the song's name, not the track's"
        assert "encoder" not in reader.tags


@pytest.mark.parametrize("name", SINGLE_TRACK)
def test_bytes_that_are_no_utf_8_are_not_lost(tmp_path: Path, name: str) -> None:
    """Old tags are in the code page of whoever wrote them; read as Latin-1, they can be turned into it again."""
    song = write(tmp_path / "song.mp3", tone(0.3))
    title = "Песня".encode("cp1251")
    song.write_bytes(song.read_bytes() + b"TAG" + title.ljust(30, b"\0") + bytes(94) + b"\xff")
    with SongReader(song) as reader:
        stem = write(tmp_path / f"stem.{name}", tone(0.3), tags=reader.tags)
    with SongReader(stem) as reader:
        assert reader.tags["title"].encode("latin-1") == title


@pytest.mark.parametrize("codec", ["mjpeg", "png"])
@pytest.mark.parametrize("name", SINGLE_TRACK)
def test_the_cover_reaches_the_stems_and_the_sound_stays(tmp_path: Path, name: str, codec: str) -> None:
    cover, sound = picture(codec), tone(0.5)
    plain, _ = read(write(tmp_path / f"plain.{name}", sound))
    with SongReader(write(tmp_path / f"stem.{name}", sound, tags=TAGS, cover=cover)) as reader:
        assert reader.cover == cover
        np.testing.assert_array_equal(np.concatenate(list(reader), axis=1), plain)
        assert reader.notes == []


@pytest.mark.parametrize("size", [0, 1, 300, 65_025, 200_000])
def test_an_ogg_with_a_cover_of_any_size_is_whole_for_other_programs(tmp_path: Path, size: int) -> None:
    sound, cover = tone(0.5), picture("mjpeg") + bytes(size)
    path = write(tmp_path / "stem.ogg", sound, tags=TAGS, cover=cover)
    with soundfile.SoundFile(path) as file:  # libvorbis checks the pages
        assert file.frames == sound.shape[1]
        assert file.title == TAGS["title"]
        samples = file.read(dtype="float32").T
    plain, _ = soundfile.read(write(tmp_path / "plain.ogg", sound), dtype="float32")
    np.testing.assert_array_equal(samples, plain.T)
    with SongReader(path) as reader:
        assert reader.cover == cover


def test_what_is_no_picture_is_left_out(tmp_path: Path) -> None:
    for name in SINGLE_TRACK:
        for cover in (b"GIF89a", b"\xff\xd8\xff of no picture", picture("png")[:20]):
            with SongReader(write(tmp_path / f"stem.{name}", tone(0.3), cover=cover)) as reader:
                assert reader.cover is None


def test_all_of_it_goes_through_a_separation(separator: Separator, tmp_path: Path) -> None:
    song = write(tmp_path / "song.mp3", tone(0.5), tags=TAGS, cover=picture("mjpeg"))
    result = separator.separate_file(song, tmp_path / "out", format="m4a")
    with SongReader(result.stems["drums"]) as reader:
        assert known(reader.tags) == NO_TEMPO
        assert reader.cover == picture("mjpeg")


def test_the_front_cover_is_the_one_that_is_kept_and_says_so(tmp_path: Path) -> None:
    front, back = picture("png"), picture("mjpeg")
    plain = write(tmp_path / "plain.flac", tone(0.3)).read_bytes()
    kinds = {4: back, 3: front}
    blocks = b"".join(
        (6 << 24 | len(block)).to_bytes(4, "big") + block
        for block in (kind.to_bytes(4, "big") + picture_block(image)[4:] for kind, image in kinds.items())
    )
    (tmp_path / "song.flac").write_bytes(plain[:42] + blocks + plain[42:])  # after the stream's facts
    with SongReader(tmp_path / "song.flac") as reader:
        assert reader.cover == front
    for name in ("flac", "mp3"):
        with av.open(write(tmp_path / f"stem.{name}", tone(0.3), cover=front)) as stem:
            assert stem.streams.video[0].metadata["comment"] == "Cover (front)"
