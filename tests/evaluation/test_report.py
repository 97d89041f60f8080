import importlib.util
import json
import re
import subprocess
import sys
from dataclasses import astuple
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import noise
from tests.training.stems import write_stems
from unbraid import InputError, Separator
from unbraid.cli import main
from unbraid.evaluation import bsseval
from unbraid.evaluation.dataset import find_songs
from unbraid.evaluation.metrics import sdr
from unbraid.evaluation.oracle import ideal_ratio_mask
from unbraid.evaluation.report import evaluate, score_song
from unbraid.evaluation.scores import Report
from unbraid.stems import STEMS


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    write_stems(tmp_path / "songs" / "one", {"vocals": 0.5, "drums": 0.3, "bass": 0.2, "other": 0.1})
    write_stems(tmp_path / "songs" / "two", {"vocals": 0.2, "drums": 0.4})
    return tmp_path / "songs"


@pytest.fixture
def duet(dataset: Path, tmp_path: Path) -> Path:
    """The smaller of the two songs: BSSEval's time grows with the third power of the sources."""
    (tmp_path / "duets").mkdir()
    (dataset / "two").rename(tmp_path / "duets" / "two")
    return tmp_path / "duets"


def test_silence_beside_songs_has_no_scores(dataset: Path, separator: Separator) -> None:
    write_stems(dataset / "nothing", {"vocals": 0.0})
    report = evaluate(dataset, separator)
    assert {score.song for score in report.scores} == {"one", "two"}
    assert report.example is not None
    (dataset / "one").rename(dataset.parent / "one")
    (dataset / "two").rename(dataset.parent / "two")
    with pytest.raises(InputError, match="are silent"):
        evaluate(dataset, separator)


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
    assert vocals.sdr - rest.sdr == pytest.approx(vocals.mixture.sdr, abs=0.05)


def test_every_score_lies_between_the_mixture_and_the_mask_that_knows_the_answer(dataset: Path) -> None:
    """Whoever hands back the mixture scores what the floor says; whoever knows the masks what the ceiling says."""
    references = find_songs(dataset)[0].references(44_100, 2)
    mixture = references.sum(0)
    floor = score_song("one", STEMS, references, np.broadcast_to(mixture, references.shape).copy(), 44_100)
    ceiling = score_song("one", STEMS, references, ideal_ratio_mask(references), 44_100)
    assert {score.source for score in floor} == {"vocals", "drums", "bass", "other", "accompaniment"}
    for low, high in zip(floor, ceiling, strict=True):
        if low.source != "accompaniment":  # there the floor's estimate is the mixture less the mixture
            assert low.sdr == pytest.approx(low.mixture.sdr, abs=1e-3)
        assert astuple(high.estimate) == pytest.approx(astuple(high.ceiling), abs=1e-3)
        assert high.ceiling.sdr > high.mixture.sdr
    assert floor[0].mixture.sdr == pytest.approx(sdr(references[0], mixture))


def test_numbers_that_are_not_known_are_null() -> None:
    """Drums that come after the last full second: BSSEval has nothing to say of them."""
    references = np.zeros((5, 2, 66_150), np.float32)
    references[0], references[1, :, 44_100:] = noise(2, 66_150, 0), noise(2, 22_050, 1)
    report = Report("songs", "none", tuple(score_song("one", STEMS, references, 0.9 * references, 44_100)))
    assert json.loads(json.dumps(report.to_json(), allow_nan=False))["medians"]["drums"]["frame_sdr"] is None
    assert "–" in report.table()


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
    measures = {"sdr", "si_sdr", "frame_sdr"}
    expected = {f"{level}{measure}" for level in ("", "mixture_", "irm_") for measure in measures} | {"gain"}
    assert content["medians"]["vocals"].keys() == expected
    assert content["scores"][0].keys() == expected | {"song", "source"}
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["report.json", "report.png", "songs"]


def test_bsseval_adds_its_measures_and_scoring_never_loads_pytorch(
    duet: Path, mask_model: Path, tmp_path: Path
) -> None:
    report = tmp_path / "report.json"
    command = ["evaluate", str(duet), "--model", str(mask_model), "--json", str(report), "--bsseval"]
    code = f"import sys; from unbraid.cli import main; assert main({command}) == 0; assert 'torch' not in sys.modules"
    ran = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert re.search(r"ISR +SIR +SAR", ran.stdout)
    for score in json.loads(report.read_text())["scores"]:
        assert score["bsseval_sdr"] == pytest.approx(score["frame_sdr"], abs=0.01)


@pytest.mark.parametrize(
    ("option", "package", "extra"),
    [(["--bsseval"], "museval", "evaluate"), (["--plot", "scores.png"], "matplotlib", "evaluate")],
)
def test_what_is_not_installed_is_named_with_its_extra(
    dataset: Path,
    mask_model: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    option: list[str],
    package: str,
    extra: str,
) -> None:
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda name, find=importlib.util.find_spec: None if name == package else find(name)
    )
    bsseval.museval_metrics.cache_clear()
    assert main(["evaluate", str(dataset), "--model", str(mask_model), *option]) == 2
    assert f"unbraid[{extra}]" in capsys.readouterr().err


def test_a_report_that_cannot_be_written_is_one_sentence(
    dataset: Path, mask_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["evaluate", str(dataset), "--model", str(mask_model), "--json", str(tmp_path / "no" / "report.json")])
    assert code == 1
    assert "cannot be written" in capsys.readouterr().err


def test_a_dataset_that_is_not_there_is_one_sentence(mask_model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "/nowhere", "--model", str(mask_model)]) == 1
    assert "holds no songs" in capsys.readouterr().err
