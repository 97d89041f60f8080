"""Renders downloads from the stored segments: one stem, a zip of stems, or a mix with gains and pans of one's own.

A recipe names the kind, the format and the stems with their gain (1 = as it is) and pan (-1 left to 1 right), and for a
mix also `speed`, `semitones` and the volumes of a `click` and a `count_in`. Panning is the balance that the player
uses: towards one side, the other one fades. Stems keep the song's channels, and add up to it: if one of them would
clip, all are turned down by the same gain. A mix is stereo, and turned down by itself.
"""

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from unbraid.analysis.tags import tempo_and_key_tags, transposed_key
from unbraid.audio import StemWriter
from unbraid.audio.formats import gain_against_clipping
from unbraid.audio.stem_mp4 import tracks_of
from unbraid_web.separations.models import Export, Separation, Stem, file_name
from unbraid_web.separations.work.mixing import blocks, frames_of, mixed
from unbraid_web.separations.work.reaper import reaper_project
from unbraid_web.separations.work.segments import Samples, read_segment

BIT_DEPTHS = {"wav": "24", "flac": "24"}  # the others have none


def render_recipe(export: Export, folder: Path) -> Iterator[float]:
    """Write `folder/file` as the export's recipe says and yield how far it is, 0 to 1."""
    recipe, separation, target = export.recipe, export.separation, folder / "file"
    wanted = {stem: recipe["stems"][stem.name] for stem in separation.stems.all() if stem.name in recipe["stems"]}
    if recipe["kind"] == "mix":
        yield from write_mix(separation, recipe, target)
    elif recipe["kind"] == "stem":
        yield from write_stem(next(iter(wanted)), target, recipe["format"])
    elif recipe["kind"] == "dj":
        yield from write_stem_mp4(separation, list(wanted), target)
    else:
        yield from write_zip(separation, list(wanted), target, recipe["format"])


def write_stem(stem: Stem, target: Path, kind: str) -> Iterator[float]:
    """Write one stem; all stems of a song get the same gain."""
    separation = stem.separation
    sound = blocks(separation, [(stem, np.ones((1, 1), np.float32))])
    gain, tags = gain_against_clipping(separation.peak), tags_of(separation, stem.name)
    channels, frames = separation.channels, separation.frames
    yield from encode(separation, sound, gain, target, kind, frames=frames, channels=channels, tags=tags)


def write_zip(separation: Separation, stems: list[Stem], target: Path, kind: str) -> Iterator[float]:
    """Write the stems and a project for Reaper into a folder that is named for the song, its tempo and its key.

    Tempo and key are not in the WAVs' `acid` chunk, though it is made for them: programs that read it stretch what they
    open to the tempo of the project.
    """
    found = tempo_and_key(separation)
    facts = ", ".join(filter(None, (found.get("bpm") and f"{found['bpm']} BPM", found.get("initialkey"))))
    title = file_name(separation.song.title, 50) or "song"  # twice in a path, which on Windows has 260 characters
    folder = f"{title} ({facts})" if facts else title
    files = {stem.name: f"{stem.name}.{kind}" for stem in stems}
    seconds = separation.frames / separation.sample_rate
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:  # sound does not shrink any further
        for number, stem in enumerate(stems):
            single = target.with_name("stem")
            for fraction in write_stem(stem, single, kind):
                yield (number + fraction) / len(stems)
            archive.write(single, f"{folder}/{files[stem.name]}")
            single.unlink()
        archive.writestr(f"{folder}/{title}.rpp", reaper_project(files, kind, seconds, separation.analysis))


def write_stem_mp4(separation: Separation, stems: list[Stem], target: Path) -> Iterator[float]:
    """Write the song and all its stems into one file for DJ software."""
    segments = range(separation.segments)
    sound = (tracks_of({stem.name: read_segment(stem, number) for stem in stems}) for number in segments)
    gain, tags = gain_against_clipping(separation.peak), tags_of(separation)
    channels, frames = separation.channels, separation.frames
    yield from encode(separation, sound, gain, target, "stem", frames=frames, channels=channels, tags=tags)


def write_mix(separation: Separation, recipe: dict[str, Any], target: Path) -> Iterator[float]:
    """Write the sum of the stems; one beyond full scale is written again, turned down as a whole, never clipped."""
    kind, frames, loudest = recipe["format"], frames_of(separation, recipe), 0.0
    tags = tags_of(separation, "mix", speed=recipe.get("speed", 1.0), semitones=recipe.get("semitones", 0))

    def measured() -> Iterator[Samples]:
        nonlocal loudest
        for block in mixed(separation, recipe):
            loudest = max(loudest, float(np.abs(block).max(initial=0.0)))
            yield block

    for fraction in encode(separation, measured(), 1.0, target, kind, frames=frames, channels=2, tags=tags):
        yield 0.5 * fraction
    gain = gain_against_clipping(loudest)
    if gain < 1:
        sound = mixed(separation, recipe)
        for fraction in encode(separation, sound, gain, target, kind, frames=frames, channels=2, tags=tags):
            yield 0.5 + 0.5 * fraction


def tags_of(separation: Separation, part: str = "", *, speed: float = 1.0, semitones: int = 0) -> dict[str, str]:
    """Return the tags of a download, with its tempo and key."""
    title, artist = separation.song.title, separation.song.artist
    found = tempo_and_key(separation, speed, semitones)
    return {"title": f"{title} ({part})" if part else title, "artist": artist, **found}


def tempo_and_key(separation: Separation, speed: float = 1.0, semitones: int = 0) -> dict[str, str]:
    """Return what is known of the two at this speed and so many semitones higher, as tags have it."""
    found = separation.analysis or {}
    tempo, key = found.get("tempo"), found.get("key")
    return tempo_and_key_tags(tempo and tempo * speed, key and transposed_key(key, semitones))


def encode(
    separation: Separation,
    sound: Iterator[Samples],
    gain: float,
    target: Path,
    kind: str,
    *,
    frames: int,
    channels: int,
    tags: dict[str, str],
) -> Iterator[float]:
    """Write the sound to a file of the format `kind` and yield how far it is, 0 to 1."""
    rate, depth = separation.sample_rate, BIT_DEPTHS.get(kind)
    writer = StemWriter(target, kind, sample_rate=rate, channels=channels, bit_depth=depth, tags=tags)
    done = 0
    try:
        for block in sound:
            writer.write(block * np.float32(gain))
            done += block.shape[1]
            yield min(1.0, done / frames)
        writer.finish()
    except BaseException:
        writer.abandon()
        raise
