"""Renders downloads from the stored segments: one stem, a zip of stems, or a mix with gains and pans of one's own.

A recipe names the kind, the format and the stems with their gain (1 = as it is) and pan (-1 left to 1 right). Panning
is the balance that the player uses: towards one side, the other one fades. Stems keep the song's channels, and add up
to it: if one of them would clip, all are turned down by the same gain. A mix is stereo, and turned down by itself.
"""

import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from django.utils.text import get_valid_filename
from numpy.typing import NDArray

from unbraid.audio import StemWriter
from unbraid.audio.formats import gain_against_clipping
from unbraid_web.separations.models import Export, Separation, Stem
from unbraid_web.separations.work.segments import Samples, read_segment

BIT_DEPTHS = {"wav": "24", "flac": "24"}  # the others have none

Faders = list[tuple[Stem, NDArray[np.float32]]]
"""Stems, each with its factors `(1 or 2 channels, 1)`."""


def render_recipe(export: Export, folder: Path) -> Iterator[float]:
    """Write `folder/file` as the export's recipe says and yield how far it is, 0 to 1."""
    recipe, separation, target = export.recipe, export.separation, folder / "file"
    wanted = {stem: recipe["stems"][stem.name] for stem in separation.stems.all() if stem.name in recipe["stems"]}
    if recipe["kind"] == "mix":
        faders = [(stem, balance(*how)) for stem, how in wanted.items()]
        yield from write_mix(separation, faders, target, recipe["format"])
    elif recipe["kind"] == "stem":
        yield from write_stem(next(iter(wanted)), target, recipe["format"])
    else:
        with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:  # sound does not shrink any further
            for number, stem in enumerate(wanted):
                single = folder / f"{stem.name}.{recipe['format']}"
                for fraction in write_stem(stem, single, recipe["format"]):
                    yield (number + fraction) / len(wanted)
                archive.write(single, f"{get_valid_filename(separation.song.title or 'song')}/{single.name}")
                single.unlink()


def write_stem(stem: Stem, target: Path, kind: str) -> Iterator[float]:
    """Write one stem; all stems of a song get the same gain."""
    separation = stem.separation
    sound = blocks(separation, [(stem, np.ones((1, 1), np.float32))])
    gain = gain_against_clipping(separation.peak)
    yield from encode(separation, sound, gain, target, kind, channels=separation.channels, part=stem.name)


def write_mix(separation: Separation, faders: Faders, target: Path, kind: str) -> Iterator[float]:
    """Write the sum of the stems; one beyond full scale is turned down as a whole, never clipped."""
    loudest, done = 0.0, 0
    for block in blocks(separation, faders):
        loudest = max(loudest, float(np.abs(block).max(initial=0.0)))
        done += block.shape[1]
        yield 0.4 * min(1.0, done / separation.frames)
    gain = gain_against_clipping(loudest)
    for fraction in encode(separation, blocks(separation, faders), gain, target, kind, channels=2, part="mix"):
        yield 0.4 + 0.6 * fraction


def blocks(separation: Separation, faders: Faders) -> Iterator[Samples]:
    """Yield the sum of the stems `(channels, n)`, each with its factors, a segment at a time."""
    for number in range(separation.segments):
        parts = [read_segment(stem, number) * factors for stem, factors in faders]
        yield np.sum(parts, axis=0, dtype=np.float32)


def balance(gain: float, pan: float) -> NDArray[np.float32]:
    """Return the factors `(2, 1)` of the left and the right channel."""
    return np.array([[gain * min(1.0, 1.0 - pan)], [gain * min(1.0, 1.0 + pan)]], np.float32)


def encode(
    separation: Separation, sound: Iterator[Samples], gain: float, target: Path, kind: str, *, channels: int, part: str
) -> Iterator[float]:
    """Write the sound to a file of the format `kind` and yield how far it is, 0 to 1."""
    song = separation.song
    writer = StemWriter(
        target,
        kind,
        sample_rate=separation.sample_rate,
        channels=channels,
        bit_depth=BIT_DEPTHS.get(kind),
        tags={"title": f"{song.title} ({part})", "artist": song.artist},
    )
    done = 0
    try:
        for block in sound:
            writer.write(block * np.float32(gain))
            done += block.shape[1]
            yield min(1.0, done / separation.frames)
        writer.finish()
    except BaseException:
        writer.abandon()
        raise
