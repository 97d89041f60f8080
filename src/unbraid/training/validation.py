"""Scores a network in training on held-out songs: the SDR of each stem above that of the mixture."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from unbraid.audio.types import Audio
from unbraid.evaluation.dataset import StemSong, find_songs, fold
from unbraid.evaluation.metrics import is_silent, sdr
from unbraid.stems import STEMS
from unbraid.training.data.mixes import WeightedFolder
from unbraid.training.data.sample_cache import SampleCache
from unbraid.training.networks.network import SeparationNetwork

EXCERPT_SECONDS = 40


def validate(
    network: SeparationNetwork, folders: Sequence[WeightedFolder], cache: SampleCache, device: str
) -> dict[str, Any]:
    """Score a network on all songs of some folders.

    Each song is scored on its middle 40 seconds. A source that is silent there is not scored.

    Returns:
        `gain`: mean SDR above the mixture's by source, in dB; `mean_gain`: its mean over sources; `sdr`: by song and
        source, in dB.
    """
    config = network.config
    scores: dict[str, dict[str, float]] = {}
    gains: dict[str, list[float]] = {}
    for song in (song for folder in folders for song in find_songs(folder.path)):
        stems = fold(load_middle(song, cache, config.audio_channels), config.sources)
        mixture = stems.sum(0)
        estimates = network.separate(torch.from_numpy(mixture).to(device)).cpu().numpy()
        scores[song.name] = {}
        for source, reference, estimate in zip(config.sources, stems, estimates, strict=True):
            if not is_silent(reference, mixture):
                scores[song.name][source] = sdr(reference, estimate)
                gains.setdefault(source, []).append(scores[song.name][source] - sdr(reference, mixture))
    gain = {source: float(np.mean(values)) for source, values in gains.items()}
    return {"gain": gain, "mean_gain": float(np.mean(list(gain.values()))), "sdr": scores}


def summary(scores: dict[str, Any]) -> str:
    """One line for the log."""
    gains = "  ".join(f"{source} {value:+.2f}" for source, value in scores["gain"].items())
    return f"SDR above the mixture, dB: {gains}  mean {scores['mean_gain']:+.2f}"


def load_middle(song: StemSong, cache: SampleCache, channels: int) -> Audio:
    """Return the middle of a song's stems, (len(STEMS), channels, samples)."""
    arrays = {stem: cache[path] for stem, path in song.stems.items()}
    longest = max(len(array) for array in arrays.values())
    length = min(longest, EXCERPT_SECONDS * cache.sample_rate)
    start = (longest - length) // 2
    stems = np.zeros((len(STEMS), channels, length), np.float32)
    for stem, array in arrays.items():
        part = np.asarray(array[start : start + length], np.float32).T / np.float32(32768)
        stems[STEMS.index(stem), :, : part.shape[1]] = part.mean(0) if channels == 1 else part
    return stems
