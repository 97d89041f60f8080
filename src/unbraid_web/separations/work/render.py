"""Renders downloads from stored stems: one stem, a zip of stems, or a mix with gains and pans of one's own.

A recipe names the kind, the format and the stems with their gain (1 = as it is) and pan (-1 left to 1 right). Panning
is the balance that the player uses: towards one side, the other one fades.
"""

import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import av
import numpy as np
from django.utils.text import get_valid_filename
from numpy.typing import NDArray

from unbraid_web.separations.models import Export, Stem
from unbraid_web.songs import storage

FORMATS = {
    "wav": ("wav", "pcm_s16le", "s16", {}),
    "flac": ("flac", "flac", "s16", {}),
    "mp3": ("mp3", "libmp3lame", "s16p", {"b": "320000"}),
}
BLOCK = 65536


def render_recipe(export: Export, folder: Path) -> Iterator[float]:
    """Write `folder/file` as the export's recipe says and yield how far it is, 0 to 1."""
    recipe = export.recipe
    stems = {stem.name: stem for stem in export.separation.stems.all()}
    wanted = {name: recipe["stems"][name] for name in stems if name in recipe["stems"]}
    frames = max(1, export.separation.frames)
    target = folder / "file"
    if recipe["kind"] != "zip":
        yield from mix({stems[name]: how for name, how in wanted.items()}, target, recipe["format"], frames)
        return
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:  # sound does not shrink any further
        for number, (name, how) in enumerate(wanted.items()):
            single = folder / f"{name}.{recipe['format']}"
            for fraction in mix({stems[name]: how}, single, recipe["format"], frames):
                yield (number + fraction) / len(wanted)
            archive.write(single, f"{get_valid_filename(export.separation.song.title or 'song')}/{single.name}")
            single.unlink()


def mix(stems: dict[Stem, list[float]], target: Path, kind: str, frames: int) -> Iterator[float]:
    """Add the stems up into `target`; a sum beyond full scale is turned down as a whole, never clipped."""
    with ExitStack() as files:
        sources = {files.enter_context(storage.local_copy(stem.file)): how for stem, how in stems.items()}
        loudest, done = 1.0, 0
        for block in blocks(sources):
            loudest = max(loudest, float(np.abs(block).max(initial=0.0)))
            done += block.shape[1]
            yield 0.4 * min(1.0, done / frames)
        done = 0
        with Encoder(target, kind, next(iter(stems)).separation.sample_rate) as encoder:
            for block in blocks(sources):
                encoder.write(block / np.float32(loudest))
                done += block.shape[1]
                yield 0.4 + 0.6 * min(1.0, done / frames)


def blocks(sources: dict[Path, list[float]]) -> Iterator[NDArray[np.float32]]:
    """Yield the sum of the files `(2, n)`, each with its gain and pan."""
    readers = [(read(path), balance(*how)) for path, how in sources.items()]
    while True:
        parts = [(next(reader, None), gains) for reader, gains in readers]
        heard = [part * gains for part, gains in parts if part is not None]
        if not heard:
            return
        total = np.zeros((2, max(part.shape[1] for part in heard)), np.float32)
        for part in heard:
            total[:, : part.shape[1]] += part
        yield total


def balance(gain: float, pan: float) -> NDArray[np.float32]:
    """Return the factors `(2, 1)` of the left and the right channel."""
    return np.array([[gain * min(1.0, 1.0 - pan)], [gain * min(1.0, 1.0 + pan)]], np.float32)


def read(path: Path) -> Iterator[NDArray[np.float32]]:
    """Yield a stored stem as stereo blocks `(2, BLOCK)`; the last one may be shorter."""
    with av.open(str(path)) as container:
        channels = container.streams.audio[0].codec_context.channels
        held: list[NDArray[np.float32]] = []
        count = 0
        for frame in container.decode(audio=0):
            samples = frame.to_ndarray().reshape(-1, channels).T.astype(np.float32) / np.float32(32768)
            held.append(np.repeat(samples, 2, axis=0) if channels == 1 else samples)
            count += held[-1].shape[1]
            if count >= BLOCK:
                together = np.concatenate(held, axis=1)
                yield together[:, :BLOCK]
                held, count = [together[:, BLOCK:]], count - BLOCK
        together = np.concatenate([*held, np.zeros((2, 0), np.float32)], axis=1)
        for start in range(0, together.shape[1], BLOCK):
            yield together[:, start : start + BLOCK]


class Encoder:
    """Writes stereo samples to a file of one of the `FORMATS`."""

    def __init__(self, target: Path, kind: str, rate: int) -> None:
        container, codec, self._format, options = FORMATS[kind]
        self._rate = rate
        self._container = av.open(str(target), "w", format=container)
        self._stream: Any = self._container.add_stream(codec, rate=rate, layout="stereo", format=self._format)
        self._stream.codec_context.options = dict(options)

    def write(self, samples: NDArray[np.float32]) -> None:
        """Append samples `(2, n)`."""
        whole = np.clip(np.rint(samples * 32768.0), -32768, 32767).astype(np.int16)
        interleaved = np.ascontiguousarray(whole.T).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(interleaved, "s16", "stereo")
        frame.sample_rate = self._rate
        self._container.mux(self._stream.encode(frame))

    def __enter__(self) -> "Encoder":
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if kind is None:
            self._container.mux(self._stream.encode(None))
        self._container.close()
