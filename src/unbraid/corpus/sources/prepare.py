"""Prepares fetched files for use in songs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from unbraid.corpus.adapters.song import DatasetSong, sum_of
from unbraid.corpus.audio_files import RATE, Audio, read, write_song
from unbraid.corpus.sources.source import Source

ENDINGS = (".wav", ".flac", ".ogg")
OPUS_RATE = 48_000
SPEECH = 62.0  # s of speech in a file, at least
PAUSE = 0.25  # s between two sentences
LAYERS = {4: (1, 44), 7: (45, 66), 10: (67, 88), 13: (89, 110), 16: (111, 127)}  # of sixteen: the velocities of each
TONES = {"C": 0, "D#": 3, "F#": 6, "A": 9}  # recorded every three semitones
RING = 6.0  # s of each string; they ring up to half a minute


def join(source: Source, fetched: Path, made: Path) -> None:
    """Join sentences or words of one voice, in the order of their names, into mono recordings of a minute each."""
    import soundfile
    import soxr

    made.mkdir()
    sentences: list[Audio] = []
    spoken, number = 0, 0
    paths = sorted(path for path in fetched.rglob("*") if path.suffix in ENDINGS)
    for path in paths:
        sentences += [read(path).mean(axis=0), np.zeros(int(PAUSE * RATE), np.float32)]
        spoken += len(sentences[-2])
        if spoken >= SPEECH * RATE or path == paths[-1]:
            speech = soxr.resample(np.concatenate(sentences), RATE, OPUS_RATE)
            name = f"{source.title}_{number:03}.opus"
            soundfile.write(made / name, speech, OPUS_RATE, format="OGG", subtype="OPUS")
            sentences, spoken, number = [], 0, number + 1


def mix(source: Source, fetched: Path, made: Path) -> None:
    """Sum the tracks of a song to its stems."""
    stems = {
        recording.stem: sum_of([fetched / Path(file).name for file in recording.files])
        for recording in source.recordings
    }
    write_song(made, DatasetSong(source.title, source.split, stems).read())


def salamander(source: Source, fetched: Path, made: Path) -> None:
    """Cut the recordings of the Salamander grand piano to what fits into memory, and map them as SFZ."""
    import soundfile

    made.mkdir()
    regions = ["<control>", "<global> ampeg_release=0.4 amp_veltrack=60"]
    for layer, (low, high) in LAYERS.items():
        for path in sorted((fetched / f"piano-velocity{layer}").rglob("*.ogg")):
            note = path.stem.rpartition("v")[0]
            key = 12 * int(note[-1]) + 12 + TONES[note[:-1]]
            audio = read(path, 0, RING)
            fade = min(RATE // 2, audio.shape[1])
            audio[:, -fade:] *= np.linspace(1, 0, fade, dtype=np.float32)
            name = f"{key:03}-{layer:02}.flac"
            soundfile.write(made / name, audio.T, RATE, subtype="PCM_16")
            regions.append(
                f"<region> sample={name} pitch_keycenter={key} lokey={key - 1} hikey={key + 1} lovel={low} hivel={high}"
            )
    (made / "Salamander.sfz").write_text("\n".join(regions) + "\n")


def stereo(source: Source, fetched: Path, made: Path) -> None:
    """Join left and right, the files `X_ch0` and `X_ch1`, to `X`, in place of a mono `X`; keep what has no sides."""
    import soundfile

    made.mkdir()
    paths = {path.stem: path for path in fetched.rglob("*") if path.suffix in ENDINGS}
    for name, path in paths.items():
        piece = name.removesuffix("_ch0").removesuffix("_ch1")
        left, right = (paths.get(f"{piece}_ch{side}") for side in (0, 1))
        if not left or not right:
            path.rename(made / path.name)
        elif path == left:
            sides = np.concatenate([read(left), read(right)])
            sides /= max(1.0, float(np.abs(sides).max()))  # some are decoded to more than full scale
            soundfile.write(made / f"{piece}.flac", sides.T, RATE, subtype="PCM_16")


PREPARATIONS: dict[str, Callable[[Source, Path, Path], None]] = {
    "join": join,
    "mix": mix,
    "salamander": salamander,
    "stereo": stereo,
}
