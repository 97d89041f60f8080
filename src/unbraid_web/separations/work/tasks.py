"""What a worker does for each kind of job: take a song apart, render a download."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone
from numpy.typing import NDArray

import unbraid
from unbraid.errors import UnbraidError
from unbraid_web.separations.jobs.errors import JobFailed
from unbraid_web.separations.jobs.shutdown import GracefulShutdown
from unbraid_web.separations.models import Export, Separation, Stem
from unbraid_web.separations.work.decode import UnusableUpload
from unbraid_web.separations.work.overview import StemOverview, outline
from unbraid_web.separations.work.render import render_recipe
from unbraid_web.separations.work.segments import SEGMENT_SECONDS, FlacWriter, as_flac, segments_of
from unbraid_web.songs import storage
from unbraid_web.songs.models import Song
from unbraid_web.songs.models.song import tidy_title


@cache
def separator() -> unbraid.Separator:
    """The separator with its model, loaded once for each worker process."""
    return unbraid.Separator(settings.MODEL, device=settings.DEVICE)


def render(export: Export, shutdown: GracefulShutdown) -> None:
    """Render into a temporary file, then move it to where it is served from."""
    with tempfile.TemporaryDirectory(prefix="render-", dir=storage.work_folder()) as folder:
        for fraction in render_recipe(export, Path(folder)):
            shutdown.check()
            export.beat(fraction=fraction)
        size = storage.store(export.file, Path(folder) / "file")
    export.finish(bytes_stored=size)


def separate(separation: Separation, shutdown: GracefulShutdown) -> None:
    """Decode the upload, separate it block by block, and store the stems segment by segment."""
    if not storage.has_room():
        raise OSError(28, "less room than must stay free")
    assert separation.claim_token is not None
    song, run = separation.song, separation.claim_token.hex
    separation.beat(stage=Separation.Stage.DECODING, run=run)
    with tempfile.TemporaryDirectory(prefix="separate-", dir=storage.work_folder()) as folder, ExitStack() as on_error:
        on_error.callback(storage.delete_tree, separation.run_folder)
        mixture = Path(folder) / "mixture.wav"
        for facts in decode_apart(song, mixture):
            shutdown.check()
            separation.beat(fraction=facts.get("fraction", 1.0) * 0.05)
        note_facts(song, facts)
        separation.beat(stage=Separation.Stage.SEPARATING, separating_since=timezone.now(), fraction=0.0)
        try:
            with separator().stream(mixture) as stream:
                store_stems(separation, stream, Path(folder), facts["duration"], shutdown)
        except UnbraidError as error:
            raise JobFailed(str(error)) from error
        on_error.pop_all()
    song.count_bytes()


def decode_apart(song: Song, target: Path) -> Iterator[dict[str, Any]]:
    """Decode the upload in a process of its own and yield what it tells; the last facts hold the duration.

    Raises:
        UnusableUpload: the file cannot be used.
        OSError: the disk is full.
    """
    with storage.local_copy(song.upload) as source:
        command = [
            sys.executable, "-m", "unbraid_web.separations.work.decode", str(source), str(target),
            f"--max-seconds={settings.MAX_SONG_SECONDS}", f"--memory={settings.DECODE_MEMORY_BYTES}",
            f"--cpu-seconds={settings.DECODE_CPU_SECONDS}",
        ]  # fmt: skip
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as child:
            assert child.stdout is not None
            facts: dict[str, Any] = {}
            try:
                for line in child.stdout:
                    facts = json.loads(line)
                    if "error" in facts:
                        raise UnusableUpload(facts["error"])
                    if "errno" in facts:
                        raise OSError(facts["errno"], "while decoding")
                    yield facts
            except BaseException:
                child.kill()
                raise
        if child.returncode or "duration" not in facts:
            raise UnusableUpload("Reading this file took more memory or time than we allow. Try it in another format.")


def note_facts(song: Song, facts: dict[str, Any]) -> None:
    """Store the duration; take title and artist from the tags unless the person named the song already."""
    fields: dict[str, Any] = {"duration": facts["duration"]}
    if facts["title"] and song.title == tidy_title(song.filename):
        fields |= {"title": facts["title"], "artist": facts["artist"] or song.artist}
    Song.objects.filter(pk=song.pk).update(**fields)


def store_stems(separation: Separation, stream: Any, folder: Path, duration: float, shutdown: GracefulShutdown) -> None:
    """Write segments, whole files and overviews of all stems; after each segment the row says what can be played."""
    rate, names = int(stream.sample_rate), list(stream.sources)
    length = SEGMENT_SECONDS * rate
    stems = Stem.objects.bulk_create(
        Stem(separation=separation, name=name, position=position) for position, name in enumerate(names)
    )
    separation.beat(sample_rate=rate, channels=int(stream.channels), segment_frames=length)
    overviews = {name: StemOverview(rate) for name in names}
    sizes = dict.fromkeys(names, 0)

    with ExitStack() as files, ThreadPoolExecutor(2) as pool:
        wholes = {
            name: files.enter_context(FlacWriter(folder / f"{name}.flac", rate, int(stream.channels))) for name in names
        }

        def store(stem: Stem, samples: NDArray[np.float32]) -> None:
            data = as_flac(samples, rate)
            default_storage.save(stem.segment(separation.segments), ContentFile(data))
            sizes[stem.name] += len(data)
            wholes[stem.name].write(samples)
            overviews[stem.name].add(samples)

        for segment in segments_of(stream, names, length):
            shutdown.check()
            list(pool.map(store, stems, [segment[name] for name in names]))
            for stem in stems:
                stem.peaks, stem.presence = overviews[stem.name].peaks, overviews[stem.name].presence
            Stem.objects.bulk_update(stems, ["peaks", "presence"])
            frames = separation.frames + segment[names[0]].shape[1]
            separation.beat(
                frames=frames,
                segments=separation.segments + 1,
                fraction=min(0.99, frames / rate / duration),
            )
    if not separation.frames:
        raise UnusableUpload("There is no sound in this file. Upload a song, for example as MP3, FLAC or WAV.")
    for stem in stems:
        sizes[stem.name] += storage.store(stem.file, folder / f"{stem.name}.flac")
        default_storage.save(stem.spectrogram, ContentFile(overviews[stem.name].spectrogram()))
        stem.bytes_stored = sizes[stem.name]
    Stem.objects.bulk_update(stems, ["bytes_stored"])
    Song.objects.filter(pk=separation.song_id).update(outline=outline([overviews[name].peaks for name in names]))
    separation.finish(stage="", bytes_stored=sum(sizes.values()))
