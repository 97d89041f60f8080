"""Stems on their way to the disk, while others write to the same folder."""

import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import noise
from unbraid.audio import read
from unbraid.stem_folder import StemFolder

STEMS = ("vocals", "drums")


def open_folder(folder: Path) -> StemFolder:
    return StemFolder(folder, STEMS, format="wav", sample_rate=44_100, channels=2)


def stems(seed: int) -> dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float32]]]:
    return dict.fromkeys(STEMS, noise(2, 1_000, seed))


def test_two_runs_into_one_folder_do_not_disturb_each_other(tmp_path: Path) -> None:
    with open_folder(tmp_path / "song") as first:
        first.write(stems(1))
        with open_folder(tmp_path / "song") as second:
            second.write(stems(2))
            first.finish()
            second.finish()
    for stem in STEMS:
        np.testing.assert_array_equal(read(tmp_path / f"song/{stem}.wav")[0], stems(2)[stem])
    assert len(list((tmp_path / "song").iterdir())) == len(STEMS)


def test_a_run_that_fails_leaves_the_other_its_folder(tmp_path: Path) -> None:
    with open_folder(tmp_path / "song") as first:
        first.write(stems(1))
        with open_folder(tmp_path / "song") as second:
            second.write(stems(2))
        first.finish()
    assert sorted(path.name for path in (tmp_path / "song").iterdir()) == ["drums.wav", "vocals.wav"]


def test_the_stems_of_two_songs_are_never_mixed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second run finishes while the first is between the names of its stems: it has to wait."""
    with open_folder(tmp_path) as first, open_folder(tmp_path) as second:
        first.write(stems(1))
        second.write(stems(2))
        thread = threading.Thread(target=second.finish)

        def replace(part: Path, path: Path, real=Path.replace) -> Path:  # type: ignore[no-untyped-def]
            found: Path = real(part, path)
            if thread.ident is None:
                thread.start()
                thread.join(0.5)
            return found

        monkeypatch.setattr(Path, "replace", replace)
        first.finish()
        thread.join()
    vocals, drums = (read(tmp_path / f"{stem}.wav")[0] for stem in STEMS)
    np.testing.assert_array_equal(vocals, drums)


def test_what_a_killed_run_left_is_swept_away(tmp_path: Path) -> None:
    script = (
        "import os, signal, pathlib\n"
        "from tests.test_stem_folder import open_folder\n"
        f"folder = open_folder(pathlib.Path({str(tmp_path)!r}))\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", script], cwd=Path(__file__).parents[1])
    assert len(list(tmp_path.glob(".*.part"))) == len(STEMS)
    with open_folder(tmp_path) as folder:
        folder.write(stems(1))
        folder.finish()
    assert len(list(tmp_path.iterdir())) == len(STEMS)
