"""The command line as people and scripts use it: batches, pipes, resuming, JSON, interruption."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import write_song
from tests.tiny_models import SOURCES
from unbraid.audio import read
from unbraid.cli import main
from unbraid.cli.songs import find_jobs
from unbraid.errors import UsageError
from unbraid.inference.devices import cpu_count

COMMAND = [sys.executable, "-m", "unbraid"]


@pytest.fixture
def separate(mask_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The command with the tiny model, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return ["separate", "--model", str(mask_model)]


def stems_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_the_layout(separate: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    write_song(Path("A song.flac"))
    assert main([*separate, "A song.flac"]) == 0
    assert stems_in(Path("stems")) == sorted(f"A song/{stem}.wav" for stem in SOURCES)
    said = capsys.readouterr()
    assert "stems/A song: vocals, drums, bass, piano, other  (2.3 s" in said.out
    assert "OpenVINO on the CPU" in said.err


def test_json_lines(separate: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    write_song(Path("good.wav"))
    Path("bad.wav").write_text("bad")
    assert main([*separate, "--json", "good.wav", "bad.wav", "-o", "out", "--two-stems", "drums"]) == 1
    good, bad = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    stems = {"drums": "out/good/drums.wav", "accompaniment": "out/good/accompaniment.wav"}
    assert good == {
        **{"song": "good.wav", "stems": stems, "seconds": 2.3, "sample_rate": 44_100, "channels": 2, "notes": []},
        **{"tempo": None, "key": None},
    }
    assert set(bad) == {"song", "error"}
    assert "bad.wav" in bad["error"]


def test_quiet_says_nothing(separate: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    write_song(Path("song.wav"))
    assert main([*separate, "--quiet", "song.wav"]) == 0
    assert capsys.readouterr() == ("", "")


def test_a_pipe(separate: list[str]) -> None:
    song = write_song(Path("song.wav"))
    subprocess.run([*COMMAND, *separate, "-", "--quiet", "--format", "flac"], input=song.read_bytes(), check=True)
    total = sum(read(path)[0] for path in Path("stems/song").iterdir())
    np.testing.assert_allclose(total, read(song)[0], atol=1e-6)


@pytest.mark.parametrize("name", ["song.mp3", "song.ogg", "song.flac"])
def test_a_pipe_of_every_kind(separate: list[str], name: str) -> None:
    song = write_song(Path(name))
    subprocess.run([*COMMAND, *separate, "-", "--quiet"], input=song.read_bytes(), check=True)
    assert read("stems/song/bass.wav")[0].shape == read(song)[0].shape


def test_a_folder_is_mirrored(separate: list[str]) -> None:
    for place in ("album/1.wav", "album/cd 2/1.wav", "album/cd 2/deep/er/2.flac"):
        Path(place).parent.mkdir(parents=True, exist_ok=True)
        write_song(Path(place), seconds=0.3)
    Path("album/cover.jpg").write_bytes(b"no song")
    Path("album/.hidden.wav").write_bytes(b"no song")
    assert main([*separate, "album", "-o", "out", "--stems", "vocals", "--quiet"]) == 0
    assert stems_in(Path("out")) == ["1/vocals.wav", "cd 2/1/vocals.wav", "cd 2/deep/er/2/vocals.wav"]


def test_stems_inside_the_folder_are_not_taken_for_songs(separate: list[str]) -> None:
    Path("album").mkdir()
    write_song(Path("album/1.wav"), seconds=0.3)
    for _ in range(2):
        assert main([*separate, "album", "-o", "album/stems", "--stems", "bass", "--quiet"]) == 0
    assert stems_in(Path("album")) == ["1.wav", "stems/1/bass.wav"]


def test_songs_of_the_same_name_do_not_meet(tmp_path: Path) -> None:
    songs = ["a/song.mp3", "b/song.mp3", "song.flac", "Song.mp3", "song", "a/song.mp3"]
    jobs, _ = find_jobs(songs, Path("out"))
    folders = [str(job.folder) for job in jobs]
    assert len(folders) == 5, "the same file is done once"
    assert len({folder.casefold() for folder in folders}) == 5
    assert folders[:3] == ["out/song", "out/song.mp3", "out/song.flac"]


def test_what_is_there_is_skipped_and_the_rest_resumed(separate: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    songs = [str(write_song(Path(f"{number}.wav"), seconds=0.3)) for number in range(3)]
    assert main([*separate, *songs[:2], "--quiet"]) == 0
    Path("stems/1/bass.wav").unlink()
    before = Path("stems/0/bass.wav").stat().st_mtime_ns
    assert main([*separate, *songs, "--skip-existing", "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line.get("skipped", False) for line in lines] == [True, False, False]
    assert Path("stems/0/bass.wav").stat().st_mtime_ns == before
    assert len(stems_in(Path("stems"))) == 15


def test_an_excerpt_is_not_the_whole_song(separate: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    write_song(Path("song.wav"), seconds=4)
    assert main([*separate, "song.wav", "--start", "0:01", "--duration", "1", "--quiet"]) == 0
    assert main([*separate, "song.wav", "--skip-existing", "--quiet"]) == 0
    assert read("stems/song/bass.wav")[0].shape == read("song.wav")[0].shape


def test_a_second_run_replaces_the_stems(separate: list[str]) -> None:
    write_song(Path("song.wav"), seconds=0.3, seed=1)
    assert main([*separate, "song.wav", "--quiet"]) == 0
    song = write_song(Path("song.wav"), seconds=0.5, seed=2)
    assert main([*separate, "song.wav", "--quiet"]) == 0
    assert read("stems/song/bass.wav")[0].shape == read(song)[0].shape


@pytest.mark.parametrize("chosen", [["--stems", "Vocals, drums"], ["--stems", "DRUMS,vocals,"]])
def test_stems_are_named_as_people_name_them(separate: list[str], chosen: list[str]) -> None:
    write_song(Path("song.wav"), seconds=0.3)
    assert main([*separate, "song.wav", "--quiet", *chosen]) == 0
    assert stems_in(Path("stems")) == ["song/drums.wav", "song/vocals.wav"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_batch_keeps_what_is_finished(separate: list[str], number: signal.Signals) -> None:
    write_song(Path("1.wav"), seconds=0.3)
    write_song(Path("2.wav"), seconds=300, channels=1)
    process = subprocess.Popen(
        [*COMMAND, *separate, "1.wav", "2.wav", "--quiet"], stderr=subprocess.PIPE, text=True,
        # as from a terminal: background jobs and nohup, in which the tests may run, hand down signals that are ignored
        preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),
    )  # fmt: skip
    while not list(Path("stems/2").glob(".*.part")):
        assert process.poll() is None
        time.sleep(0.01)
    for _ in range(3):  # as people do, and terminals that close
        process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert said == "unbraid: stopped.\n"
    assert stems_in(Path("stems")) == sorted(f"1/{stem}.wav" for stem in SOURCES)
    assert not Path("stems/2").exists()


def test_info(mask_model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", "--model", str(mask_model)]) == 0
    assert "vocals, drums, bass, piano, other (they sum to the song)" in capsys.readouterr().out
    assert main(["info", "--model", str(mask_model), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["sources"] == list(SOURCES)
    assert told["shipped"][0] == "unbraid"


def test_bench(mask_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    song = write_song(tmp_path / "song.wav")
    assert main(["bench", str(song), "--model", str(mask_model), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["seconds"] == 2.3
    assert report["stems"] == 5


def test_version_and_help_load_nothing_heavy() -> None:
    script = (
        "import sys; from unbraid.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "assert not {'numpy', 'av', 'openvino', 'torch', 'django', 'tqdm'} & set(sys.modules)\n"
    )
    help_text = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout
    for command in ("separate", "evaluate", "corpus", "train", "export", "bench", "web", "info"):
        assert re.search(rf"^ +{command} ", help_text, re.MULTILINE)
    version = subprocess.run([*COMMAND, "--version"], check=True, capture_output=True, text=True).stdout
    assert re.fullmatch(r"unbraid \d+\.\d+\.\d+\S*\n", version)


def test_options_may_stand_anywhere(separate: list[str]) -> None:
    for name in ("a", "b", "-c"):
        write_song(Path(f"{name}.wav"), seconds=0.3)
    assert main([*separate, "a.wav", "-o", "out", "--stems", "bass", "b.wav", "--quiet"]) == 0
    assert main([*separate, "-o", "out", "--stems", "bass", "--quiet", "--", "-c.wav"]) == 0
    assert stems_in(Path("out")) == ["-c/bass.wav", "a/bass.wav", "b/bass.wav"]


def test_unknown_options_are_usage_errors(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["separate", "song.mp3", "--format", "wma"])
    assert stopped.value.code == 2
    assert UsageError.exit_code == 2


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"cpu.max": "150000 100000\n"}, 2),
        ({"cpu.max": "100000 100000\n"}, 1),
        ({"cpu.max": "20000 100000\n"}, 1),
        ({"cpu.max": "max 100000\n"}, None),
        ({"cpu/cpu.cfs_quota_us": "100000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 1),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, None),
        ({}, None),
    ],
)
def test_threads_respect_the_containers_quota(tmp_path: Path, files: dict[str, str], expected: int | None) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    available = len(os.sched_getaffinity(0))
    assert cpu_count(tmp_path) == (available if expected is None else min(expected, available))
