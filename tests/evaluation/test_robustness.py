import json
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import noise
from tests.training.stems import write_stems
from unbraid.cli import main
from unbraid.evaluation.conditions import CONDITIONS, Audio, Stems
from unbraid.evaluation.robustness import ConditionReport, ConditionScore, score_conditions, score_recording

LEVELS = {"vocals": 0.5, "drums": 0.3, "bass": 0.2, "other": 0.1}
STEMS = {name: np.float32(level) * noise(2, 30_000, seed) for seed, (name, level) in enumerate(LEVELS.items())}


def test_the_references_score_best_and_noise_is_an_error_anywhere_but_in_the_rest() -> None:
    recording = CONDITIONS["DC offset of 0.05"](STEMS, 44_100)
    in_the_rest = {**STEMS, "other": STEMS["other"] + recording.noise}
    scores = score_recording(recording, in_the_rest)
    assert scores.keys() == {*STEMS, "accompaniment"}
    assert min(scores.values()) > 80
    in_the_bass = score_recording(recording, {**STEMS, "bass": STEMS["bass"] + recording.noise})
    assert in_the_bass["bass"] < 10
    assert in_the_bass["accompaniment"] > 80


def test_noise_does_not_make_a_score_better() -> None:
    """The rest is what plays in it: a loud noise that stays there is no merit."""
    half = {name: np.float32(0.5) * stem for name, stem in STEMS.items()}
    clean = score_recording(CONDITIONS["stereo"](STEMS, 44_100), half)
    recording = CONDITIONS["DC offset of 0.05"](STEMS, 44_100)
    noisy = score_recording(recording, {**half, "other": half["other"] + recording.noise})
    assert noisy == pytest.approx(clean, abs=1e-3)


def test_two_stems_are_scored_as_two_and_soft_ones_not_at_all() -> None:
    recording = CONDITIONS["stereo"]({**STEMS, "piano": np.float32(0.01) * noise(2, 30_000, 9)}, 44_100)
    band = recording.mixture - STEMS["vocals"]
    assert score_recording(recording, {"vocals": STEMS["vocals"], "accompaniment": band}).keys() == {
        "vocals",
        "accompaniment",
    }
    assert "piano" not in score_recording(recording, recording.references)


def test_where_nobody_sings_there_is_no_accompaniment() -> None:
    band = {**STEMS, "vocals": np.zeros((2, 30_000), np.float32)}
    assert score_recording(CONDITIONS["stereo"](band, 44_100), STEMS).keys() == {"drums", "bass", "other"}


def test_what_is_lost_is_lost_by_each_song_against_itself() -> None:
    sdrs = {("a", "stereo"): 10.0, ("b", "stereo"): 4.0, ("a", "mono"): 8.0, ("b", "mono"): 3.0, ("c", "mono"): 9.0}
    report = ConditionReport([ConditionScore("m", song, name, "vocals", sdr) for (song, name), sdr in sdrs.items()])
    found = report.summary("m", "mono", "vocals")
    assert found is not None
    assert found == pytest.approx((5.5, -1.5, 0.5, 2))
    assert report.summary("m", "mono", "bass") is None
    assert "5.5 (-1.5 ± 0.5)" in report.table()


def test_sources_stand_in_one_order_whatever_the_first_song_has() -> None:
    found = ["bass", "other", "accompaniment", "vocals", "drums"]
    report = ConditionReport([ConditionScore("m", "a", "stereo", source, 1.0) for source in found])
    assert report.sources("m") == ["vocals", "accompaniment", "drums", "bass", "other"]


def test_a_song_is_handed_in_as_each_condition_leaves_it() -> None:
    given: list[Audio] = []

    def separate(mixture: Audio) -> Stems:
        given.append(mixture)
        return {"vocals": mixture}

    scores = score_conditions("m", separate, "song", STEMS, 44_100, ["stereo", "left only"])
    assert [(score.condition, score.source) for score in scores] == [("stereo", "vocals"), ("left only", "vocals")]
    assert given[0][1].any()
    assert not given[1][1].any()


def test_the_command_prints_tables_and_writes_json_and_a_heat_map(
    waveform_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_stems(tmp_path / "songs" / "one", LEVELS, seconds=0.5)
    report, picture = tmp_path / "report.json", tmp_path / "report.png"
    command = ["evaluate", str(tmp_path / "songs"), "--model", str(waveform_model), "--conditions"]
    assert main([*command, "--json", str(report), "--plot", str(picture)]) == 0
    table = capsys.readouterr().out
    content = json.loads(report.read_text())
    for condition in CONDITIONS:
        assert f"| {condition} |" in table
        sources = {score["source"] for score in content["scores"] if score["condition"] == condition}
        assert {"vocals", "accompaniment"} <= sources
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert main([*command, "--bsseval"]) == 2
