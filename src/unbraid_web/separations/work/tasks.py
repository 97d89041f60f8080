"""The work for each kind of job: separate a song, render a download."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict
from functools import cache
from typing import Any

import numpy as np
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone
from numpy.typing import NDArray

import unbraid
from unbraid.analysis import Analyser
from unbraid.audio.formats import gain_against_clipping
from unbraid.audio.overview import Overview
from unbraid.errors import UnbraidError
from unbraid_web.separations.compressed import LEAD_SECONDS, SEGMENT_SECONDS
from unbraid_web.separations.jobs.errors import JobFailed
from unbraid_web.separations.jobs.shutdown import GracefulShutdown
from unbraid_web.separations.models import Export, Separation, Stem
from unbraid_web.separations.quota import take_room_for_stems
from unbraid_web.separations.work.overview import outline, peaks_of, presence_of, spectrogram_of, stem_overview
from unbraid_web.separations.work.render import render_recipe
from unbraid_web.separations.work.sandbox import decoded
from unbraid_web.separations.work.segments import (
    HEADROOM,
    as_flac,
    as_opus,
    on_the_steps,
    segments_of,
    step_of,
)
from unbraid_web.songs import storage
from unbraid_web.songs.models import Song


@cache
def separator() -> unbraid.Separator:
    """The separator with its model, loaded once for each worker process."""
    return unbraid.Separator(settings.MODEL, device=settings.DEVICE)


def render(export: Export, shutdown: GracefulShutdown) -> None:
    """Render into a temporary file, then move it to where it is served from."""
    with storage.work_space() as folder:
        for fraction in render_recipe(export, folder):
            shutdown.check()
            storage.need_room()
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
        take_room_for_stems(separation, facts["duration"])
        separation.beat(
            stage=Separation.Stage.SEPARATING, separating_since=timezone.now(), fraction=0.0, notes=facts["notes"]
        )
        try:
            with separator().stream(mixture) as stream:
                store_stems(separation, stream, facts, shutdown)
        except UnbraidError as error:
            raise JobFailed(str(error)) from error
        on_error.pop_all()
    song.count_bytes()


def note_facts(song: Song, facts: dict[str, Any]) -> None:
    """Store the file's length, title and artist."""
    Song.objects.filter(pk=song.pk).update(duration=facts["duration"])
    song.take_tags(facts["title"], facts["artist"])


def store_stems(separation: Separation, stream: Any, facts: dict[str, Any], shutdown: GracefulShutdown) -> None:
    """Store segments and overviews of all stems; after each segment the row says what can be played."""
    rate, names = int(stream.sample_rate), list(stream.sources)
    length, context = SEGMENT_SECONDS * rate, round(LEAD_SECONDS * rate)
    step = step_of(facts["bit_depth"])
    level = np.float32(gain_against_clipping(facts["peak"]))  # files of floating numbers may go beyond full scale
    stems = Stem.objects.bulk_create(
        Stem(separation=separation, name=name, position=position) for position, name in enumerate(names)
    )
    separation.beat(
        sample_rate=rate, channels=int(stream.channels), segment_frames=length, headroom=HEADROOM, compressed=True
    )
    overviews = [stem_overview(rate) for _ in stems]
    analyser = Analyser(rate)
    peak = 0.0

    def store(stem: Stem, overview: Overview, samples: NDArray[np.float32], around: NDArray[np.float32]) -> None:
        number = separation.segments
        files = {stem.segment(number): as_flac(samples, rate), stem.compressed(number): as_opus(around, rate)}
        for name, data in files.items():
            default_storage.save(name, ContentFile(data))
            stem.bytes_stored += len(data)
        overview.add(samples)
        stem.peaks, stem.presence = peaks_of(overview), presence_of(overview)

    with ThreadPoolExecutor(2) as pool:
        for around, kept in segments_of(stream, names, length, context):
            shutdown.check()
            storage.need_room()
            around = around * level
            rounded = on_the_steps(around[..., context : context + kept], step)
            peak = max(peak, float(np.abs(rounded).max()))
            list(pool.map(store, stems, overviews, rounded, around))
            analyser.add(dict(zip(names, rounded, strict=True)))
            Stem.objects.bulk_update(stems, ["peaks", "presence", "bytes_stored"])
            frames = separation.frames + kept
            separation.beat(
                frames=frames,
                segments=separation.segments + 1,
                fraction=min(0.99, frames / rate / facts["duration"]),
            )
    for stem, overview in zip(stems, overviews, strict=True):
        overview.finish()
        stem.peaks, stem.presence = peaks_of(overview), presence_of(overview)
        default_storage.save(stem.spectrogram, ContentFile(spectrogram_of(overview)))
    Stem.objects.bulk_update(stems, ["peaks", "presence"])
    Song.objects.filter(pk=separation.song_id).update(outline=outline([bytes(stem.peaks) for stem in stems]))
    found = analyser.finish()
    separation.finish(
        stage="",
        peak=peak,
        bytes_stored=sum(stem.bytes_stored for stem in stems),
        analysis=found and asdict(found),
    )
