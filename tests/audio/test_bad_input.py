"""Whatever is wrong is said in one sentence, with the right exit code, and leaves nothing half-written behind."""

import contextlib
import math
import os
import resource
import shutil
import subprocess
import sys
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import soundfile

from tests.conftest import noise, write_song
from unbraid import InputError, Separator
from unbraid.audio import StemWriter, read
from unbraid.audio.formats import FORMATS
from unbraid.cli import main

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(mask_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Separate a song with the command line, into `out`, and return the exit code and what is on stderr."""

    def separate(song: str | Path, *options: str, out: str | Path = tmp_path / "out") -> tuple[int, str]:
        code = main(["separate", str(song), "-o", str(out), "--model", str(mask_model), "--quiet", *options])
        return code, capsys.readouterr().err

    return separate


def assert_one_sentence(said: str, *words: str) -> None:
    assert said.startswith("unbraid: ")
    assert said.endswith(".\n")
    assert said.count("\n") == 1
    for word in words:
        assert word in said


def test_a_missing_file(run: Run, tmp_path: Path) -> None:
    code, said = run(tmp_path / "nothing.mp3")
    assert code == 1
    assert_one_sentence(said, "nothing.mp3", "does not exist")
    assert not (tmp_path / "out").exists()


def test_a_folder_without_songs(run: Run, tmp_path: Path) -> None:
    (tmp_path / "album").mkdir()
    code, said = run(tmp_path / "album")
    assert code == 1
    assert_one_sentence(said, "album", "no song")


def test_a_folder_is_no_song(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is a folder"):
        read(tmp_path)


def test_an_empty_name(run: Run) -> None:
    code, said = run("")
    assert code == 1
    assert_one_sentence(said, "name", "empty")


def test_an_empty_file(run: Run, tmp_path: Path) -> None:
    (tmp_path / "song.wav").touch()
    code, said = run(tmp_path / "song.wav")
    assert code == 1
    assert_one_sentence(said, "song.wav", "is empty")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["song.mp3", "song.wav", "song"])
def test_a_text_file(run: Run, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("I am no song, whatever my name says.\n" * 500)
    code, said = run(tmp_path / name)
    assert code == 1
    assert_one_sentence(said, name)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("ending", ["wav", "flac", "mp3", "aiff", "ogg"])
def test_a_truncated_file(run: Run, tmp_path: Path, ending: str) -> None:
    song = write_song(tmp_path / f"song.{ending}", seconds=6)
    content = song.read_bytes()
    song.write_bytes(content[: int(len(content) * 0.6)])
    code, said = run(song)
    assert code == 1
    assert_one_sentence(said, "is cut off")
    assert not (tmp_path / "out").exists()


def test_a_truncated_m4a(run: Run, tmp_path: Path) -> None:
    song = write_song(tmp_path / "song.wav", seconds=3)
    run(song, "--format", "m4a", "--stems", "drums")
    whole = (tmp_path / "out/song/drums.m4a").read_bytes()
    (tmp_path / "cut.m4a").write_bytes(whole[: len(whole) // 2])
    code, said = run(tmp_path / "cut.m4a")
    assert code == 1
    assert_one_sentence(said, "cut.m4a")


def test_what_there_is_of_a_truncated_file_can_be_had(run: Run, tmp_path: Path) -> None:
    song = write_song(tmp_path / "song.flac", seconds=6)
    song.write_bytes(song.read_bytes()[:300_000])
    _, said = run(song)
    seconds = said.split("duration of ")[1].split(" s")[0]
    assert run(song, "--duration", seconds) == (0, "")
    samples, rate = read(tmp_path / "out/song/bass.wav")
    assert samples.shape[1] == round(float(seconds) * rate)


def test_pictures_without_sound(run: Run, tmp_path: Path) -> None:
    with av.open(tmp_path / "film.mp4", "w") as film:
        pictures = film.add_stream("mpeg4", rate=25, width=64, height=64, pix_fmt="yuv420p")
        for _ in range(5):
            film.mux(pictures.encode(av.VideoFrame(64, 64, "yuv420p")))
        film.mux(pictures.encode(None))
    code, said = run(tmp_path / "film.mp4")
    assert code == 1
    assert_one_sentence(said, "film.mp4", "holds no sound")


def test_a_header_without_samples(run: Run, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "song.wav", np.zeros((0, 2)), 44_100)
    code, said = run(tmp_path / "song.wav")
    assert code == 1
    assert_one_sentence(said, "song.wav", "no sound")
    assert not (tmp_path / "out").exists()


def test_zero_channels(run: Run, tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "song.wav"), "wb") as file:
        file.setparams((2, 2, 44_100, 0, "NONE", "not compressed"))
        file.writeframes(b"\1\2\3\4" * 4_000)
    content = bytearray((tmp_path / "song.wav").read_bytes())
    content[22:24] = b"\0\0"
    (tmp_path / "song.wav").write_bytes(content)
    code, said = run(tmp_path / "song.wav")
    assert code == 1
    assert_one_sentence(said, "song.wav")


def test_a_playlist_opens_nothing_else(run: Run, tmp_path: Path) -> None:
    write_song(tmp_path / "secret.wav")
    (tmp_path / "song.m3u8").write_text(f"#EXTM3U\n#EXTINF:2,\nfile://{tmp_path}/secret.wav\n#EXT-X-ENDLIST\n")
    (tmp_path / "list.txt").write_text(f"ffconcat version 1.0\nfile '{tmp_path}/secret.wav'\n")
    for name in ("song.m3u8", "list.txt"):
        code, said = run(tmp_path / name)
        assert code == 1
        assert_one_sentence(said, name)


def test_names_that_mean_something_to_ffmpeg(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    song = write_song(Path("song.wav"))
    for name in ("http:song.wav", "concat:song.wav", "data:,song.wav", "pipe:0"):
        shutil.copy(song, name)
        assert run(name) == (0, "")


@pytest.mark.parametrize(
    "name",
    ["🎸 Gürtel.wav", "a \"quoted\" 'name'.wav", "two\nlines.wav", "a" * 251 + ".wav", "…wav", ".hidden.wav", "..wav"],
)
def test_odd_names(run: Run, tmp_path: Path, name: str) -> None:
    song = write_song(tmp_path / "plain.wav").rename(tmp_path / name)
    assert run(song) == (0, "")
    assert len(list((tmp_path / "out").glob("*/*.wav"))) == 5
    assert all(path.parent.parent == tmp_path / "out" for path in (tmp_path / "out").rglob("*.wav"))


def test_a_name_that_is_no_text(run: Run, tmp_path: Path) -> None:
    name = os.fsdecode(b"latin-\xe9.wav")
    song = write_song(tmp_path / "plain.wav").rename(tmp_path / name)
    assert run(song) == (0, "")
    code, said = run(tmp_path / os.fsdecode(b"missing-\xe9.wav"))
    assert code == 1
    said.encode()
    assert_one_sentence(said, "does not exist")


def test_a_wrong_ending_does_not_matter(run: Run, tmp_path: Path) -> None:
    song = write_song(tmp_path / "song.flac").rename(tmp_path / "song.mp3")
    assert run(song) == (0, "")


@pytest.mark.parametrize("samples", [1, 2, 441])
@pytest.mark.parametrize("rate", [8_000, 44_100, 192_000])
def test_very_short_songs(run: Run, tmp_path: Path, samples: int, rate: int) -> None:
    soundfile.write(tmp_path / "song.wav", noise(2, samples).T, rate)
    assert run(tmp_path / "song.wav") == (0, "")
    stem, found = read(tmp_path / "out/song/vocals.wav")
    assert (stem.shape, found) == ((2, samples), rate)


def test_samples_that_are_no_numbers(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    song = noise(2, 50_000)
    song[0, 100:110] = math.nan
    song[1, 30_000] = math.inf
    soundfile.write(tmp_path / "song.wav", song.T, 44_100, subtype="FLOAT")
    assert run(tmp_path / "song.wav") == (0, "")
    stems = [read(path)[0] for path in (tmp_path / "out/song").iterdir()]
    assert all(np.isfinite(stem).all() for stem in stems)
    np.testing.assert_allclose(sum(stems), np.nan_to_num(song, posinf=0.0), atol=1e-6)


@pytest.mark.parametrize("ending", ["flac", "wav", "mp3"])
def test_a_song_that_shrinks_while_it_is_read(separator: Separator, tmp_path: Path, ending: str) -> None:
    song = write_song(tmp_path / f"song.{ending}", seconds=60)
    with pytest.raises(InputError, match="cut off"), separator.stream(song) as stream:
        for number, _ in enumerate(stream):
            if number == 0:
                os.truncate(song, song.stat().st_size // 2)


def test_a_song_that_changes_while_it_is_read(separator: Separator, tmp_path: Path) -> None:
    """Other bytes of the same length are another song, or damage: never a crash, and never stems that do not sum."""
    song = write_song(tmp_path / "song.flac", seconds=30)
    size = song.stat().st_size
    with separator.stream(song) as stream, contextlib.suppress(InputError):
        for number, block in enumerate(stream):
            if number == 0:
                song.write_bytes(np.random.default_rng(0).bytes(size))
            assert all(np.isfinite(stem).all() for stem in block.values())


def test_an_unknown_stem(run: Run, tmp_path: Path) -> None:
    for options in (("--stems", "vocals,kazoo"), ("--two-stems", "kazoo")):
        code, said = run(write_song(tmp_path / "song.wav"), *options)
        assert code == 2
        assert_one_sentence(said, "kazoo", "vocals, drums, bass, piano, other")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "options", [("--format", "mp3", "--bit-depth", "24"), ("--format", "flac", "--bit-depth", "32f")]
)
def test_a_bit_depth_that_the_format_lacks(run: Run, tmp_path: Path, options: tuple[str, ...]) -> None:
    code, said = run(write_song(tmp_path / "song.wav"), *options)
    assert code == 2
    assert_one_sentence(said, options[1], options[3])


@pytest.mark.parametrize(("options", "expected"), [(("--duration", "0"), 2), (("--start", "60"), 1)])
def test_a_part_that_is_not_there(run: Run, tmp_path: Path, options: tuple[str, ...], expected: int) -> None:
    code, said = run(write_song(tmp_path / "song.wav"), *options)
    assert code == expected
    assert_one_sentence(said)
    assert not (tmp_path / "out").exists()


def test_an_output_folder_that_is_a_file(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    code, said = run(write_song(tmp_path / "song.wav"), out=tmp_path / "file")
    assert code == 1
    assert_one_sentence(said, str(tmp_path / "file"), "cannot be written")


def test_an_output_folder_that_cannot_be_written(run: Run, tmp_path: Path) -> None:
    code, said = run(write_song(tmp_path / "song.wav"), out="/proc/stems")  # where even root cannot
    assert code == 1
    assert_one_sentence(said, "/proc/stems", "cannot be written")


def test_output_onto_the_input(run: Run, tmp_path: Path) -> None:
    (tmp_path / "vocals").mkdir()
    song = write_song(tmp_path / "vocals/vocals.wav")
    before = song.read_bytes()
    code, said = run(song, out=tmp_path)
    assert code == 2
    assert_one_sentence(said, "over the song itself")
    assert song.read_bytes() == before
    assert list(song.parent.iterdir()) == [song]


@pytest.mark.parametrize("options", [(), ("--format", "flac"), ("--format", "mp3"), ("--format", "ogg")])
def test_a_full_disk(mask_model: Path, tmp_path: Path, options: tuple[str, ...]) -> None:
    """A limit on the size of a file fails in the same place as a disk that is full: at a write, midway."""
    song = write_song(tmp_path / "song.wav", seconds=4)
    ran = subprocess.run(
        [
            *(sys.executable, "-m", "unbraid.cli", "separate", str(song), "-o", str(tmp_path / "out")),
            *("--model", str(mask_model), "--quiet", *options),
        ],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000)),
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 1
    assert_one_sentence(ran.stderr, "cannot be written", "file too large")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", FORMATS)
def test_one_stem_on_linuxs_own_full_disk(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    class OneOnAFullDisk(StemWriter):
        def __init__(self, path: Path, *args: Any, **options: Any) -> None:
            is_full = "drums" in path.name or "stem.mp4" in path.name
            super().__init__(Path("/dev/full") if is_full else path, *args, **options)

    monkeypatch.setattr("unbraid.stem_folder.StemWriter", OneOnAFullDisk)
    code, said = run(write_song(tmp_path / "song.wav", seconds=4), "--format", name)
    assert code == 1
    assert_one_sentence(said, "cannot be written", "no space left on device")
    assert not (tmp_path / "out").exists()


def test_a_model_that_is_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    song = write_song(tmp_path / "song.wav")
    (tmp_path / "text.onnx").write_text("no model")
    for model, words in ((tmp_path / "text.onnx", "not an ONNX model"), (tmp_path / "none.onnx", "does not exist")):
        assert main(["separate", str(song), "--model", str(model), "--quiet"]) == 1
        assert_one_sentence(capsys.readouterr().err, words)


def test_one_bad_song_does_not_stop_the_batch(
    mask_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    album = tmp_path / "album"
    album.mkdir()
    write_song(album / "1.wav")
    (album / "2.wav").write_text("no sound")
    write_song(album / "3.wav")
    code = main(["separate", str(album), "-o", str(tmp_path / "out"), "--model", str(mask_model)])
    said = capsys.readouterr()
    assert code == 1
    assert "2 of 3 songs are done, 1 failed." in said.out
    assert "2.wav" in said.err
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["1", "3"]
