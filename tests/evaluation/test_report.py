import json
from pathlib import Path

import pytest

from tests.training.stems import write_stems
from unbraid import Separator
from unbraid.cli import main
from unbraid.evaluation.report import evaluate


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    write_stems(tmp_path / "songs" / "one", {"vocals": 0.5, "drums": 0.3, "bass": 0.2, "other": 0.1})
    write_stems(tmp_path / "songs" / "two", {"vocals": 0.2, "drums": 0.4})
    return tmp_path / "songs"


def test_only_sources_that_sound_are_scored(dataset: Path, separator: Separator) -> None:
    report = evaluate(dataset, separator)
    scored = {(score.song, score.source) for score in report.scores}
    sounding = {"vocals", "drums", "bass", "other", "accompaniment"} & {*separator.sources, "accompaniment"}
    assert {source for song, source in scored if song == "one"} == sounding
    assert ("two", "bass") not in scored


def test_the_errors_of_vocals_and_accompaniment_are_each_others(dataset: Path, separator: Separator) -> None:
    """They sum to the mixture, so what one lacks the other has too much: the same error energy."""
    scores = {(score.song, score.source): score for score in evaluate(dataset, separator).scores}
    vocals, rest = scores["two", "vocals"], scores["two", "accompaniment"]
    assert vocals.sdr - rest.sdr == pytest.approx(vocals.mixture_sdr, abs=0.05)


def test_the_command_prints_a_table_and_writes_json_and_a_picture(
    dataset: Path, mask_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report, picture = tmp_path / "report.json", tmp_path / "report.png"
    assert (
        main(["evaluate", str(dataset), "--model", str(mask_model), "--json", str(report), "--plot", str(picture)]) == 0
    )
    assert "median" in capsys.readouterr().out
    content = json.loads(report.read_text())
    assert {score["song"] for score in content["scores"]} == {"one", "two"}
    assert content["medians"]["vocals"].keys() == {"sdr", "gain"}
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["report.json", "report.png", "songs"]


def test_a_report_that_cannot_be_written_is_one_sentence(
    dataset: Path, mask_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["evaluate", str(dataset), "--model", str(mask_model), "--json", str(tmp_path / "no" / "report.json")])
    assert code == 1
    assert "cannot be written" in capsys.readouterr().err


def test_a_dataset_that_is_not_there_is_one_sentence(mask_model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "/nowhere", "--model", str(mask_model)]) == 1
    assert "holds no songs" in capsys.readouterr().err
