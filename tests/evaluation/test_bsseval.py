import numpy as np
import pytest

from tests.conftest import noise
from unbraid.evaluation.bsseval import bss_eval
from unbraid.evaluation.metrics import framewise_sdr


def test_museval_gives_the_sdr_of_the_frames() -> None:
    """Its filters divide the error up and leave its sum alone, so the SDR needs none of them."""
    rate = 4_000
    references = np.stack([noise(1, 3 * rate + 123, seed) for seed in range(2)])
    estimates = references + 0.1 * np.roll(references, 1, 0)
    estimates[1] *= 0.5
    found = [source["sdr"] for source in bss_eval(references, estimates, rate)]
    assert found == pytest.approx(np.median(framewise_sdr(references, estimates, rate), 1), abs=1e-3)


def test_each_kind_of_error_shows_in_its_own_measure() -> None:
    rate = 4_000
    references = np.stack([noise(1, 4 * rate, seed) for seed in range(2)])
    leaking = references + 0.1 * references[::-1]
    coloured = 0.5 * references + 0.5 * np.roll(references, 3, 2)
    noisy = references + 0.1 * np.stack([noise(1, 4 * rate, seed) for seed in (7, 8)])
    worst = {
        kind: min(("isr", "sir", "sar"), key=lambda name: scores[0][name])
        for kind, scores in (
            (kind, bss_eval(references, estimates.astype(np.float32), rate))
            for kind, estimates in (("leaking", leaking), ("coloured", coloured), ("noisy", noisy))
        )
    }
    assert worst == {"leaking": "sir", "coloured": "isr", "noisy": "sar"}


@pytest.mark.parametrize("stop", [np.linalg.LinAlgError, KeyboardInterrupt])
def test_a_solver_that_stops_leaves_nothing_known_and_an_interruption_is_one(
    monkeypatch: pytest.MonkeyPatch, stop: type[BaseException]
) -> None:
    def solve(*_: object) -> None:
        raise stop

    monkeypatch.setattr("numpy.linalg.solve", solve)
    audio = np.stack([noise(1, 4_000, seed) for seed in range(2)])
    if stop is KeyboardInterrupt:
        with pytest.raises(KeyboardInterrupt):
            bss_eval(audio, audio, 2_000)
    else:
        assert np.isnan([list(source.values()) for source in bss_eval(audio, audio, 2_000)]).all()
