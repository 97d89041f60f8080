"""Raw material is read at the corpus's rate whatever it is packed in; a track's long rests can be taken out."""

from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from unbraid.corpus.audio_files import RATE, Audio, read, seconds_of, sounding
from unbraid.errors import CorpusError


def sine(seconds: float) -> Audio:
    wave = 0.3 * np.sin(2 * np.pi * 440 * np.arange(int(seconds * RATE)) / RATE + 0.1)
    return np.stack([wave, -wave]).astype(np.float32)


@pytest.fixture
def aac(tmp_path: Path) -> Path:
    path = tmp_path / "track.m4a"
    with av.open(path, "w", format="ipod") as file:
        stream: Any = file.add_stream("aac", rate=RATE, layout="stereo")
        frame = av.AudioFrame.from_ndarray(sine(2), format="fltp", layout="stereo")
        frame.sample_rate, frame.pts = RATE, 0
        file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return path


def test_aac_is_read_whole_or_in_part(aac: Path) -> None:
    whole = read(aac)
    assert whole.shape[1] / RATE == pytest.approx(2, abs=0.05)
    assert seconds_of(aac) == pytest.approx(2, abs=0.05)
    np.testing.assert_allclose(whole[:, RATE // 2 : RATE], sine(2)[:, RATE // 2 : RATE], atol=0.02)
    np.testing.assert_allclose(read(aac, 0.5, 0.5), whole[:, RATE // 2 : RATE], atol=1e-6)


def test_broken_aac_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "broken.m4a").write_bytes(b"no sound at all")
    for ask in (read, seconds_of):
        with pytest.raises(CorpusError, match=r"broken\.m4a.* Fetch it again or take it out\."):
            ask(tmp_path / "broken.m4a")


def test_long_rests_are_taken_out_and_short_ones_stay() -> None:
    silence = np.zeros((2, 3 * RATE), np.float32)
    short = silence[:, : RATE // 2]
    kept = sounding(np.concatenate([silence, sine(1), short, sine(1), silence], axis=1))
    assert kept.shape[1] / RATE == pytest.approx(0.5 + 1 + 0.5 + 1 + 0.5, abs=0.2)
    heard = np.flatnonzero(np.abs(kept).max(axis=0) > 0)
    song = np.concatenate([sine(1), short, sine(1)], axis=1)
    np.testing.assert_array_equal(kept[:, heard[0] : heard[-1] + 1], song)


def test_of_silence_nothing_is_lost_but_time() -> None:
    assert not sounding(np.zeros((2, RATE), np.float32)).any()
    assert sounding(np.zeros((2, 0), np.float32)).shape == (2, 0)
