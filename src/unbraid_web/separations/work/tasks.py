"""What a worker does for each kind of job: take a song apart, render a download."""

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
from unbraid_web.separations.work.overview import StemOverview, outline
from unbraid_web.separations.work.render import render_recipe
from unbraid_web.separations.work.sandbox import decoded
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
    with storage.work_space() as folder:
        for fraction in render_recipe(export, folder):
            shutdown.check()
            export.beat(fraction=fraction)
        size = storage.store(export.file, folder / "file")
    export.finish(bytes_stored=size)


def separate(separation: Separation, shutdown: GracefulShutdown) -> None:
    """Decode the upload, separate it block by block, and store the stems segment by segment."""
    storage.need_room()
    assert separation.claim_token is not None
    song, run = separation.song, separation.claim_token.hex
    separation.beat(stage=Separation.Stage.DECODING, run=run)
    with storage.work_space() as folder, ExitStack() as on_error:
        on_error.callback(storage.delete_tree, separation.run_folder)
        mixture = folder / "mixture.wav"
        for facts in decoded(song.upload, mixture, shutdown.check):
            separation.beat(fraction=facts.get("fraction", 1.0) * 0.05)
        note_facts(song, facts)
        separation.beat(stage=Separation.Stage.SEPARATING, separating_since=timezone.now(), fraction=0.0)
        try:
            with separator().stream(mixture) as stream:
                store_stems(separation, stream, folder, facts["duration"], shutdown)
        except UnbraidError as error:
            raise JobFailed(str(error)) from error
        on_error.pop_all()
    song.count_bytes()


def note_facts(song: Song, facts: dict[str, Any]) -> None:
    """Store the duration; take title and artist from the tags unless the person has named the song by now."""
    row = Song.objects.filter(pk=song.pk)
    row.update(duration=facts["duration"])
    unnamed = row.filter(title=tidy_title(song.filename), artist="")
    if facts["title"]:
        unnamed.update(title=facts["title"], artist=facts["artist"])


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
    for stem in stems:
        sizes[stem.name] += storage.store(stem.file, folder / f"{stem.name}.flac")
        default_storage.save(stem.spectrogram, ContentFile(overviews[stem.name].spectrogram()))
        stem.bytes_stored = sizes[stem.name]
    Stem.objects.bulk_update(stems, ["bytes_stored"])
    Song.objects.filter(pk=separation.song_id).update(outline=outline([overviews[name].peaks for name in names]))
    separation.finish(stage="", bytes_stored=sum(sizes.values()))
