"""BSSEval v4 as used in the evaluation campaigns, through museval if it is installed."""

import importlib.util
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unbraid.errors import UsageError
from unbraid.evaluation.metrics import median

Audio = NDArray[np.float32]

MEASURES = ("sdr", "isr", "sir", "sar")


def bss_eval(references: Audio, estimates: Audio, sample_rate: int) -> list[dict[str, float]]:
    """Return, for each source, the medians over frames of one second of BSSEval v4's `MEASURES`, in dB.

    References and estimates are `(sources, channels, samples)`, at least two sources, none silent throughout. The
    filters of 512 taps are those of the whole song (Stöter, Liutkus, Ito 2018, section 3). About a second of processor
    time for each second of a song with five sources. A measure is NaN if every frame has a silent source, or if no
    filters can be found.

    Raises UsageError if museval is not installed.
    """
    bss = museval_metrics().bss_eval
    by_samples = (np.moveaxis(audio, 1, 2) for audio in (references, estimates))
    try:
        frames = bss(*by_samples, window=sample_rate, hop=sample_rate, compute_permutation=False)[: len(MEASURES)]
    except AttributeError as error:
        # whatever stops its solver, museval then asks for np.linalg.linalg, which NumPy 2.4 no longer has
        if not isinstance(error.__context__, np.linalg.LinAlgError):
            raise error.__context__ or error from None
        frames = np.full((len(MEASURES), len(references), 1), np.nan)
    medians = [[median(source) for source in measure] for measure in frames]
    return [dict(zip(MEASURES, source, strict=True)) for source in zip(*medians, strict=True)]


@lru_cache(maxsize=1)
def museval_metrics() -> Any:
    """Return the module `museval.metrics`; raises UsageError if museval is not installed.

    It is loaded from its file: importing museval also imports MUSDB18's reader, which fails if FFmpeg is not on the
    path.
    """
    museval = importlib.util.find_spec("museval")
    if museval is None or not museval.submodule_search_locations:
        raise UsageError("BSSEval needs museval: pip install 'unbraid[evaluate]'.")
    found = importlib.util.spec_from_file_location(
        "unbraid_museval", Path(museval.submodule_search_locations[0]) / "metrics.py"
    )
    assert found is not None and found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module
