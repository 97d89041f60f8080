"""The picture of a song's stems."""

from pathlib import Path

import numpy as np
import soundfile

from tests.conftest import write_song
from tests.tiny_models import SOURCES
from unbraid.cli import main


def test_the_command_draws_the_stems(mask_model: Path, tmp_path: Path) -> None:
    song = write_song(tmp_path / "song.wav")
    assert main(["separate", str(song), "-o", str(tmp_path), "--plot", "--quiet", "--model", str(mask_model)]) == 0
    picture = (tmp_path / "song/stems.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert int.from_bytes(picture[16:20]) == 1440, "page-wide"
    assert len(list((tmp_path / "song").iterdir())) == len(SOURCES) + 1


def test_silence_can_be_drawn(mask_model: Path, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "song.wav", np.zeros((20_000, 2)), 44_100)
    arguments = ["separate", str(tmp_path / "song.wav"), "-o", str(tmp_path), "--plot", "--quiet"]
    assert main([*arguments, "--model", str(mask_model), "--two-stems", "vocals"]) == 0
    assert (tmp_path / "song/stems.png").exists()
