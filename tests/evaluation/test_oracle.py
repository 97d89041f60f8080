import numpy as np

from tests.conftest import noise
from unbraid.evaluation.metrics import sdr
from unbraid.evaluation.oracle import FRAMES_AT_ONCE, HOP, ideal_ratio_mask


def tone(frequency: float, samples: int) -> np.ndarray:
    wave = 0.3 * np.sin(2 * np.pi * frequency * np.arange(samples) / 44_100)
    return np.stack([wave, wave]).astype(np.float32)


def test_stems_that_share_no_frequency_come_back() -> None:
    references = np.stack([tone(220, 50_001), tone(5_000, 50_001), np.zeros((2, 50_001), np.float32)])
    stems = ideal_ratio_mask(references)
    assert stems.shape == references.shape
    assert min(sdr(reference, stem) for reference, stem in zip(references[:2], stems, strict=False)) > 40
    assert not stems[2].any()


def test_stems_sum_to_the_mixture_across_blocks() -> None:
    samples = FRAMES_AT_ONCE * HOP + 12_345
    references = np.stack([noise(2, samples, seed) for seed in range(2)])
    assert np.allclose(ideal_ratio_mask(references).sum(0), references.sum(0), atol=1e-5)


def test_a_block_does_not_know_where_it_begins() -> None:
    samples = FRAMES_AT_ONCE * HOP + 20_480
    references = np.stack([noise(1, samples, seed) for seed in range(2)])
    later = ideal_ratio_mask(references[..., 10 * HOP :])
    # a window from the ends, and the blocks begin elsewhere
    assert np.allclose(
        later[..., 8_192:-8_192], ideal_ratio_mask(references)[..., 10 * HOP + 8_192 : -8_192], atol=1e-5
    )
