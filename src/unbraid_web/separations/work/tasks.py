"""The background tasks: what a worker does. Nothing else in the site imports the library that separates."""

import json
import logging
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone

from unbraid_web.separations.jobs.heartbeat import Heartbeat
from unbraid_web.separations.jobs.job import ClaimLost, Job
from unbraid_web.separations.jobs.queue import task
from unbraid_web.separations.jobs.shutdown import GracefulShutdown, ShutdownRequested
from unbraid_web.separations.models import Export, Separation, Stem
from unbraid_web.separations.work.errors import UnusableUpload
from unbraid_web.songs import storage
from unbraid_web.songs.models import Song
from unbraid_web.songs.models.song import tidy_title

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    import unbraid

logger = logging.getLogger(__name__)
DISK_FULL = "The server has no room left. Nothing is lost: try again later."
OUR_FAULT = "Something went wrong on our side. It was noted; try again."
J = TypeVar("J", bound=Job)


@cache
def separator() -> "unbraid.Separator":
    """The separator with its model, loaded once for each worker process."""
    import unbraid

    return unbraid.Separator(settings.MODEL, device=settings.DEVICE)


@task()
def separate(separation_id: str) -> None:
    """Take one song apart."""
    separation = Separation.objects.select_related("song").filter(pk=separation_id).first()
    if separation and separation.claim():
        work_on(separation, run_separation)


@task()
def render(export_id: str) -> None:
    """Render one download."""
    export = Export.objects.select_related("separation__song").filter(pk=export_id).first()
    if export and export.claim():
        work_on(export, run_export)


def work_on(job: J, work: Callable[[J, GracefulShutdown], None]) -> None:
    """Run `work` and see that the row tells how it ended, whatever happens."""
    from unbraid.errors import UnbraidError

    facts = {"job": job._meta.model_name, "id": str(job.pk), "attempt": job.attempt}
    logger.info("job started", extra=facts)
    try:
        with GracefulShutdown() as shutdown, Heartbeat(job):
            work(job, shutdown)
        logger.info("job done", extra=facts)
    except ClaimLost:
        logger.info("job taken away", extra=facts)
    except ShutdownRequested:
        logger.info("job released", extra=facts)
        job.release()
    except (UnbraidError, UnusableUpload) as error:
        logger.info("job failed", extra=facts | {"sentence": str(error)})
        job.fail(str(error))
    except OSError as error:
        logger.exception("job failed", extra=facts)
        job.fail(DISK_FULL if storage.is_full(error) else OUR_FAULT)
    except Exception:
        logger.exception("job failed", extra=facts)
        job.fail(OUR_FAULT)


def run_export(export: Export, shutdown: GracefulShutdown) -> None:
    """Render into a temporary file, then move it to where it is served from."""
    from unbraid_web.separations.work.render import render_recipe

    with tempfile.TemporaryDirectory(prefix="render-", dir=storage.work_folder()) as folder:
        for fraction in render_recipe(export, Path(folder)):
            shutdown.check()
            export.beat(fraction=fraction)
        size = storage.keep(export.file, Path(folder) / "file")
    export.finish(bytes_stored=size)


def run_separation(separation: Separation, shutdown: GracefulShutdown) -> None:
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
        with separator().stream(mixture) as stream:
            store_stems(separation, stream, Path(folder), facts["duration"], shutdown)
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

    from unbraid_web.separations.work.overview import StemOverview, outline
    from unbraid_web.separations.work.segments import SEGMENT_SECONDS, FlacWriter, as_flac, segments_of

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

        def store(stem: Stem, samples: "NDArray[np.float32]") -> None:
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
        sizes[stem.name] += storage.keep(stem.file, folder / f"{stem.name}.flac")
        default_storage.save(stem.spectrogram, ContentFile(overviews[stem.name].spectrogram()))
        stem.bytes_stored = sizes[stem.name]
    Stem.objects.bulk_update(stems, ["bytes_stored"])
    Song.objects.filter(pk=separation.song_id).update(outline=outline([overviews[name].peaks for name in names]))
    separation.finish(stage="", bytes_stored=sum(sizes.values()))
