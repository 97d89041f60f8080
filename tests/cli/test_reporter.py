import pytest

from unbraid.cli.reporter import Outcome, Reporter


@pytest.mark.parametrize(
    ("tempo", "key", "told"),
    [
        (124.2, "G minor", "(30.0 s, 124 BPM, G minor, 10 × real time)"),
        (None, "E♭ major", "(30.0 s, E♭ major, 10 × real time)"),
        (None, None, "(30.0 s, 10 × real time)"),
    ],
)
def test_tempo_and_key_are_told_if_they_are_known(
    capsys: pytest.CaptureFixture[str], tempo: float | None, key: str | None, told: str
) -> None:
    outcome: Outcome = {"song": "song.wav", "stems": {"bass": "song/bass.wav"}, "seconds": 30.0}
    Reporter(quiet=False, json_lines=False).report(outcome | {"tempo": tempo, "key": key}, seconds=3.0)
    assert capsys.readouterr().out.strip() == f"song: bass  {told}"
