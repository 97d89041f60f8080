"""The picture of a song's stems."""

from pathlib import Path

import numpy as np
import soundfile

from tests.conftest import write_song
from tests.tiny_models import SOURCES
from unbraid.cli import main
from unbraid.plot import _look
from unbraid.separator import SeparatedSong


def test_the_command_draws_the_stems(mask_model: Path, tmp_path: Path) -> None:
    song = write_song(tmp_path / "song.wav")
    assert main(["separate", str(song), "-o", str(tmp_path), "--plot", "--quiet", "--model", str(mask_model)]) == 0
    picture = (tmp_path / "song/stems.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert int.from_bytes(picture[16:20]) == 1440, "page-wide"
    assert len(list((tmp_path / "song").iterdir())) == len(SOURCES) + 1


def test_sound_is_seen_where_it_is(tmp_path: Path) -> None:
    """A tone of 1 kHz in the third quarter of a stem."""
    rate = 44_100
    sound = np.zeros(4 * rate)
    sound[2 * rate : 3 * rate] = 0.5 * np.sin(2 * np.pi * 1_000 * np.arange(rate) / rate)
    soundfile.write(tmp_path / "stem.wav", sound, rate, subtype="FLOAT")
    envelope, levels = _look(tmp_path / "stem.wav", SeparatedSong("song", {}, 4.0, rate, 1))
    columns = len(envelope)
    heard = envelope > 0.4
    assert heard[columns // 2 + 5 : columns * 3 // 4 - 5].all()
    assert not heard[: columns // 2 - 5].any()
    assert not heard[columns * 3 // 4 + 5 :].any()
    brightest = np.exp(np.log(40) + (levels[:, columns * 5 // 8].argmax() + 0.5) / len(levels) * np.log(16_000 / 40))
    assert 900 < brightest < 1_100


def test_silence_can_be_drawn(mask_model: Path, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "song.wav", np.zeros((20_000, 2)), 44_100)
    arguments = ["separate", str(tmp_path / "song.wav"), "-o", str(tmp_path), "--plot", "--quiet"]
    assert main([*arguments, "--model", str(mask_model), "--two-stems", "vocals"]) == 0
    assert (tmp_path / "song/stems.png").exists()
