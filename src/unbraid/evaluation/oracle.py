"""The ideal ratio mask, which knows the references: a ceiling that masks of magnitudes can hardly exceed."""

import numpy as np
from numpy.typing import NDArray

from unbraid.inference.filter_bank import analysis, synthesis

Audio = NDArray[np.float32]

WINDOW, HOP = 4096, 1024
FRAMES_AT_ONCE = 256


def ideal_ratio_mask(references: Audio) -> Audio:
    """Return stems `(sources, channels, samples)`: the sum of `references`, masked by each one's share of magnitude.

    The ceiling of the SiSEC 2018 campaign (IRM1: Liutkus and Stöter's oracle, |Sⱼ| / Σ|Sᵢ| for each bin and channel on
    an STFT of 4096 samples with a hop of 1024). Computed in blocks that overlap by a window on both sides: the result
    is that for the whole song, in the memory of a few seconds.
    """
    stems = np.empty_like(references)
    samples, block = references.shape[-1], FRAMES_AT_ONCE * HOP
    for start in range(0, samples, block):
        first, last = start - WINDOW, start + block + WINDOW
        inside = references[..., max(first, 0) : last]
        before = max(-first, 0)
        padded = np.pad(inside, ((0, 0), (0, 0), (before, last - first - before - inside.shape[-1])))
        magnitudes = np.stack([np.abs(analysis(stem, WINDOW, HOP)) for stem in padded])
        masks = magnitudes / np.maximum(magnitudes.sum(0), np.float32(1e-12))
        masked = synthesis(masks * analysis(padded.sum(0), WINDOW, HOP), WINDOW, HOP)
        length = min(block, samples - start)
        stems[..., start : start + length] = masked[..., WINDOW : WINDOW + length]
    return stems
