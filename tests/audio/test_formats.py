"""Every format in and out: lengths to the sample, tags, bit depths, one gain for all stems."""

import io
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import soundfile

from tests.audio.songs import tone, write, write_with
from tests.conftest import noise, write_song
from tests.tiny_models import SOURCES
from unbraid import Separator, UsageError
from unbraid.audio import SongReader, StemWriter, read, wav
from unbraid.audio.formats import CONTAINERS, ENDINGS, FORMATS, SINGLE_TRACK

RATES = [8_000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000, 88_200, 96_000, 176_400, 192_000]
LOSSY = [name for name, form in FORMATS.items() if not form.depths]


def length_and_rate(path: Path) -> tuple[int, int]:
    """Return the samples and the rate of a file."""
    samples, rate = read(path)
    return samples.shape[1], rate


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("name", SINGLE_TRACK)
def test_a_stem_comes_back_as_long_and_as_it_was(tmp_path: Path, name: str, channels: int) -> None:
    sound = tone(channels=channels)
    back, rate = read(write(tmp_path / f"stem.{name}", sound))
    if name == "opus":  # it knows no 44.1 kHz
        assert rate == 48_000
        assert back.shape == (channels, round(sound.shape[1] * 48_000 / 44_100))
        return
    assert rate == 44_100
    assert back.shape == sound.shape
    error = np.sqrt(np.mean((back - sound)[:, 2_000:-2_000] ** 2))
    assert error < (2e-2 if name in LOSSY else 1e-7), "not aligned, or not the same sound"


@pytest.mark.parametrize("samples", [1, 100, 1151, 1152, 1153, 44_100])
@pytest.mark.parametrize("name", SINGLE_TRACK)
def test_lengths_are_exact_through_every_encoder(tmp_path: Path, name: str, samples: int) -> None:
    stem = write(tmp_path / f"stem.{name}", tone(2.0, 48_000)[:, :samples], 48_000)
    assert length_and_rate(stem) == (samples, 48_000)


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("name", SINGLE_TRACK)
def test_all_rates_can_be_written(tmp_path: Path, name: str, rate: int, channels: int) -> None:
    sound = tone(0.51, rate, channels)
    length, found = length_and_rate(write(tmp_path / f"stem.{name}", sound, rate))
    assert length == int(sound.shape[1] * found / rate + 0.5)
    if name in ("wav", "flac", "ogg"):
        assert found == rate


@pytest.mark.parametrize("name", SINGLE_TRACK)
def test_an_open_file_gets_what_a_path_does_and_stays_open(tmp_path: Path, name: str) -> None:
    sound, memory = tone(), io.BytesIO()
    writer = StemWriter(memory, name, sample_rate=44_100, channels=2)
    writer.write(sound)
    writer.finish()
    memory.seek(0)
    np.testing.assert_array_equal(read(memory)[0], read(write(tmp_path / f"stem.{name}", sound))[0])


@pytest.mark.parametrize(("depth", "step"), [("16", 2.0**-15), ("24", 2.0**-23)])
@pytest.mark.parametrize("name", ["wav", "flac"])
def test_integers_are_rounded_to_the_nearest(tmp_path: Path, name: str, depth: str, step: float) -> None:
    sound = noise(2, 20_000) * 2 * np.float32(0.999)
    back, _ = read(write(tmp_path / f"stem.{name}", sound, bit_depth=depth))
    assert np.abs(back.astype(np.float64) - sound).max() <= step / 2
    assert soundfile.info(tmp_path / f"stem.{name}").subtype == f"PCM_{depth}"


def test_float_keeps_what_is_beyond_full_scale(tmp_path: Path) -> None:
    sound = noise(2, 5_000) * 6
    back, _ = read(write(tmp_path / "stem.wav", sound))
    np.testing.assert_array_equal(back, sound)


@pytest.mark.parametrize("samples", [2**29 - 1_000, 2**29, 2**32 + 1])
def test_a_wav_may_grow_beyond_4_gigabytes(tmp_path: Path, samples: int) -> None:
    def header(samples: int) -> bytes:
        return wav.header(samples, sample_rate=44_100, channels=2, bit_depth="32f", tags={"title": "Long"})

    assert len(header(samples)) == len(header(0)), "it would not fit before the samples"
    with (tmp_path / "long.wav").open("wb") as file:
        file.write(header(samples))
        file.truncate(len(header(samples)) + samples * 8)  # a hole, no gigabytes
    assert soundfile.info(tmp_path / "long.wav").frames == samples
    with SongReader(tmp_path / "long.wav") as song:
        assert song.duration == pytest.approx(samples / 44_100)
        assert song.tags["title"] == "Long"


@pytest.mark.parametrize("depth", ["16", "24", "32f"])
def test_a_wav_has_whole_words(tmp_path: Path, depth: str) -> None:
    path = write(tmp_path / "stem.wav", tone(channels=1)[:, :333], bit_depth=depth)
    assert path.stat().st_size % 2 == 0
    assert int.from_bytes(path.read_bytes()[4:8], "little") + 8 == path.stat().st_size
    assert soundfile.info(path).frames == 333


@pytest.mark.parametrize("name", SINGLE_TRACK)
def test_tags_are_kept(separator: Separator, tmp_path: Path, name: str) -> None:
    song = write(tmp_path / "song.flac", tone(), tags={"title": "Ärger 🎵", "artist": "Nobody", "date": "1999"})
    result = separator.separate_file(song, tmp_path / "out", format=name)
    with SongReader(result.stems["drums"]) as stem:
        tags = {key.lower(): value for key, value in stem.tags.items()}
    assert (tags["title"], tags["artist"], tags["date"]) == ("Ärger 🎵", "Nobody", "1999")


@pytest.mark.parametrize(("name", "depth"), [("wav", "16"), ("flac", "24"), ("wav", "24")])
def test_stems_that_would_clip_get_one_common_gain(waveform_model: Path, tmp_path: Path, name: str, depth: str) -> None:
    separator = Separator(waveform_model, precision="fp32", tile_seconds=0.5)
    song = write(tmp_path / "song.wav", noise(2, 50_000) * 8)
    exact = separator.separate_file(song, tmp_path / "exact")
    result = separator.separate_file(song, tmp_path / "out", format=name, bit_depth=depth)
    assert any("lowered" in note for note in result.notes)
    expected = {stem: read(path)[0] for stem, path in exact.stems.items()}
    peak = max(np.abs(stem).max() for stem in expected.values())
    assert peak > 1.0
    for stem, path in result.stems.items():
        found = read(path)[0]
        assert np.abs(found).max() <= 1.0
        np.testing.assert_allclose(found, expected[stem] * 0.9999 / peak, atol=2e-5)


def test_no_gain_where_nothing_clips(separator: Separator, tmp_path: Path) -> None:
    song = write(tmp_path / "song.wav", noise(2, 50_000) * np.float32(0.2))
    result = separator.separate_file(song, tmp_path / "out", format="flac")
    assert result.notes == []
    total = sum(read(path)[0].astype(np.float64) for path in result.stems.values())
    np.testing.assert_allclose(total, read(song)[0], atol=len(SOURCES) * 2.0**-23)


@pytest.mark.parametrize(
    ("name", "codec", "container"),
    [
        ("song.m4a", "alac", "ipod"),
        ("song.m4a", "aac", "ipod"),
        ("song.aac", "aac", "adts"),
        ("song.mp3", "libmp3lame", "mp3"),
        ("song.mka", "flac", "matroska"),
        ("song.webm", "libopus", "webm"),
        ("song.wav", "pcm_f64le", "wav"),
        ("song.wav", "pcm_u8", "wav"),
        ("song.aiff", "pcm_s24be", "aiff"),
        ("song.au", "pcm_mulaw", "au"),
        ("song.caf", "pcm_s16le", "caf"),
        ("song.ac3", "ac3", "ac3"),
        ("song.wma", "wmav2", "asf"),
        ("song.wv", "wavpack", "wv"),
        ("song.tta", "tta", "tta"),
        ("song.mp2", "mp2", "mp2"),
    ],
)
def test_formats_that_are_read(separator: Separator, tmp_path: Path, name: str, codec: str, container: str) -> None:
    sound = tone(rate=48_000)
    song = write_with(tmp_path / name, codec, container, sound, 48_000, "stereo")
    mixture, rate = read(song)
    assert rate == 48_000
    assert mixture.shape[1] == pytest.approx(sound.shape[1], abs=5_000)
    with separator.stream(song) as stream:
        total = np.concatenate([sum(block.values()) for block in stream], axis=1)
    np.testing.assert_allclose(total, mixture, atol=1e-6)


def test_the_sound_of_a_film(separator: Separator, tmp_path: Path) -> None:
    sound = tone(2.0)
    with av.open(tmp_path / "film.mkv", "w") as film:
        pictures = film.add_stream("mpeg4", rate=25, width=64, height=64, pix_fmt="yuv420p")
        track: Any = film.add_stream("flac", rate=44_100, layout="stereo")
        for number in range(75):  # the pictures go on after the sound
            picture = av.VideoFrame(64, 64, "yuv420p")
            picture.pts = number
            film.mux(pictures.encode(picture))
        film.mux(pictures.encode(None))
        frame = av.AudioFrame.from_ndarray(
            (sound.T.reshape(1, -1) * 32767).astype(np.int16), format="s16", layout="stereo"
        )
        frame.sample_rate = 44_100
        frame.pts = 0
        film.mux(track.encode(frame))
        film.mux(track.encode(None))
    result = separator.separate_file(tmp_path / "film.mkv", tmp_path / "out")
    assert read(result.stems["vocals"])[0].shape == sound.shape


def test_six_channels_are_folded_down_with_a_note(separator: Separator, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "song.wav", noise(6, 30_000).T, 44_100)
    result = separator.separate_file(tmp_path / "song.wav", tmp_path / "out")
    assert result.channels == 2
    assert any("mixed down to stereo" in note for note in result.notes)
    total = sum(read(path)[0] for path in result.stems.values())
    np.testing.assert_allclose(total, read(tmp_path / "song.wav")[0], atol=1e-6)


def test_mono_stays_mono_and_stereo_can_become_it(separator: Separator, tmp_path: Path) -> None:
    song = write_song(tmp_path / "mono.wav", channels=1)
    assert separator.separate_file(song, tmp_path / "out").channels == 1
    stereo = write_song(tmp_path / "stereo.wav")
    result = separator.separate_file(stereo, tmp_path / "out", mono=True)
    total = sum(read(path)[0] for path in result.stems.values())
    np.testing.assert_allclose(total, read(stereo)[0].mean(axis=0, keepdims=True), atol=1e-6)


def test_24_bits_and_float_are_read_as_they_are(tmp_path: Path) -> None:
    sound = noise(2, 5_000)
    for subtype, step in (("PCM_24", 2.0**-23), ("FLOAT", 0.0), ("DOUBLE", 0.0), ("PCM_16", 2.0**-15)):
        soundfile.write(tmp_path / "song.wav", sound.T, 44_100, subtype=subtype)
        assert np.abs(read(tmp_path / "song.wav")[0] - sound).max() <= step


@pytest.mark.parametrize("name", ["wav", "flac", "aiff", "mp3", "m4a", "opus"])
def test_parts_are_exact(tmp_path: Path, name: str) -> None:
    song = tmp_path / f"song.{name}"
    if name == "aiff":
        soundfile.write(song, noise(2, 200_001).T, 44_100)
    else:
        write(song, noise(2, 200_001))
    whole, rate = read(song)
    for start, seconds in ((0.5, 1.0), (2.0001, 1.3), (3.9, 9.0), (7.0, 1.0)):
        part, _ = read(song, start=start, duration=seconds)
        first = round(start * rate)
        np.testing.assert_array_equal(part, whole[:, first : first + round(seconds * rate)])


@pytest.mark.parametrize("name", ["wav", "flac"])
def test_what_comes_before_a_part_is_not_read_where_it_need_not_be(tmp_path: Path, name: str) -> None:
    class Counting(io.FileIO):
        bytes_read = 0

        def read(self, size: int | None = -1) -> bytes:
            content = super().read(size) or b""
            self.bytes_read += len(content)
            return content

    song = write(tmp_path / f"song.{name}", noise(2, 44_100 * 40))
    with Counting(song) as file:
        part, rate = read(file, start=35.0, duration=0.5)
        assert file.bytes_read < song.stat().st_size / 3
    np.testing.assert_array_equal(part, read(song)[0][:, 35 * rate : 35 * rate + rate // 2])


@pytest.mark.parametrize("rate", FORMATS["mp3"].rates)
def test_an_mp3_without_room_for_the_tag_that_states_its_delay_is_as_others_play_it(tmp_path: Path, rate: int) -> None:
    """LAME is 576 samples late and a decoder 529; where the file says so, both are taken out."""
    sound = noise(1, rate)
    for level, late in ((0.999, 1105), (0.0, 0)):  # the lowest bit rate and the highest
        kind = {"format": "MP3", "bitrate_mode": "CONSTANT", "compression_level": level}
        soundfile.write(tmp_path / "song.mp3", sound.T, rate, subtype="MPEG_LAYER_III", **kind)
        found, _ = read(tmp_path / "song.mp3")
        size = 1 << (2 * found.shape[1]).bit_length()
        likeness = np.fft.irfft(np.fft.rfft(found[0], size) * np.conj(np.fft.rfft(sound[0], size)))
        assert np.argmax(likeness) == late
        assert (found.shape == sound.shape) == (late == 0)


def test_an_unknown_format(separator: Separator, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="wav, flac, mp3, m4a, ogg, opus"):
        separator.separate_file(write_song(tmp_path / "song.wav"), tmp_path / "out", format="wma")
    assert not (tmp_path / "out").exists()


def test_what_is_looked_for_in_a_folder_is_what_can_be_read() -> None:
    """FFmpeg's own list of endings, where it has one, says what each container's files are called."""
    others = {".avif", ".heic", ".heif", ".mks", ".apl"}  # pictures, subtitles and a list of songs
    for container, endings in CONTAINERS.items():
        usual = {f".{ending}" for ending in av.ContainerFormat(container, "r").extensions}
        assert usual - others <= ENDINGS, container
        assert set(endings) <= ENDINGS
    assert {".3gp", ".ac3", ".ts", ".aifc", ".dsf", ".m4a", ".mp3", ".wma"} <= ENDINGS
