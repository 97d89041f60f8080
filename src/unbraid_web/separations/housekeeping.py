"""Regular chores: requeues lost jobs, drops expired stems, deletes orphaned files."""

import logging
from collections.abc import Iterable, Iterator
from datetime import timedelta
from itertools import islice
from uuid import UUID

from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.db.models import Model
from django.utils import timezone

from unbraid_web.separations.jobs.job import State
from unbraid_web.separations.jobs.queue import messages_waiting
from unbraid_web.separations.models import Export, Separation, Worker
from unbraid_web.songs import storage
from unbraid_web.songs.models import Song, Upload

logger = logging.getLogger(__name__)
EXPORT_LIFE = timedelta(days=1)
ORPHAN_LIFE = timedelta(hours=1)
WORKER_LIFE = timedelta(hours=1)  # so long /healthz names one that fell silent
ROWS_AT_ONCE = 500
JOB_MODELS = (Separation, Export)


def run_due(with_sweep: bool = True) -> dict[str, int]:
    """Do everything that is due; return how much of each was done. Any number of hosts may do this at once.

    Args:
        with_sweep: also look for orphaned files; this lists the whole storage, so once an hour is enough.
    """
    done = {"reclaimed": reclaim(), "expired": expire(), "deleted": delete_for_good()}
    if with_sweep:
        done["swept"] = sweep()
    if any(done.values()):
        logger.info("housekeeping", extra=done)
    return done


def reclaim() -> int:
    """Requeue the jobs of silent workers, and resend lost messages."""
    count = sum(bool(job.reclaim()) for kind in JOB_MODELS for job in kind.objects.stale())
    # A job whose message is still in the queue needs no second one, however long it waits.
    lost = sum(kind.objects.filter(state=State.QUEUED).count() for kind in JOB_MODELS) - messages_waiting()
    waiting = [job for kind in JOB_MODELS for job in kind.objects.without_message()]
    for job in waiting[: max(0, lost)]:
        job.remind()
    return count


def expire() -> int:
    """Drop old stems and old exports."""
    count = 0
    Worker.objects.filter(seen_at__lt=timezone.now() - WORKER_LIFE).delete()
    for separation in Separation.objects.expired():
        separation.expire()
        count += 1
    for export in Export.objects.filter(state=State.DONE, finished_at__lt=timezone.now() - EXPORT_LIFE):
        export.delete_with_files()
        count += 1
    return count


def delete_for_good() -> int:
    """Delete songs that can no longer be brought back, and abandoned uploads."""
    count = 0
    for song in Song.objects.beyond_undo():
        song.delete_with_files()
        count += 1
    for upload in Upload.objects.abandoned():
        upload.delete_with_files()
        count += 1
    return count


def sweep() -> int:
    """Delete folders in the storage whose row is gone, and the remains of killed workers in the work folder."""
    count = storage.sweep_work_folder()
    for kind, rows in (("songs", Song), ("separations", Separation), ("uploads", Upload)):
        for folder in orphans(kind, rows):
            # A file is there before its row: only what has rested for a while belongs to nobody.
            changed = storage.last_change(folder)
            if changed is None or timezone.now() - changed > ORPHAN_LIFE:
                storage.delete_tree(folder)
                count += 1
    return count


def orphans(kind: str, rows: type[Model]) -> Iterator[str]:
    """Yield the folders below `kind` in the storage that have no row."""
    found = {pk: f"{kind}/{folder}" for folder in folders_in(kind) if (pk := as_uuid(folder))}
    for some in batched(found, ROWS_AT_ONCE):
        known = set(rows._default_manager.filter(pk__in=some).values_list("pk", flat=True))
        yield from (found[pk] for pk in some if pk not in known)


def batched(ids: Iterable[UUID], size: int) -> Iterator[list[UUID]]:
    """Yield the ids in lists of at most `size`."""
    rest = iter(ids)
    while some := list(islice(rest, size)):
        yield some


def folders_in(kind: str) -> list[str]:
    """Return the folders below `kind` in the storage."""
    try:
        return default_storage.listdir(kind)[0]
    except FileNotFoundError:
        return []


def as_uuid(name: str) -> UUID | None:
    """Return the name as the id that it should be."""
    try:
        return UUID(name)
    except ValueError:
        return None


def prune() -> None:
    """Delete expired sessions and old messages of the database queue."""
    call_command("clearsessions")
    if not settings.USES_BROKER:
        call_command("prune_db_task_results", min_age_days=1, verbosity=0)


def ensure_demo() -> Song | None:
    """Put the demo song in line if it is not there yet; None where no demo song was shipped."""
    found = Song.objects.demo().first()
    if found or not settings.DEMO_SONG.exists():
        return found
    song = Song.new(None, settings.DEMO_SONG.name, settings.DEMO_SONG.stat().st_size)
    song.title, song.artist = "Lithium", "ichbinsoftware"
    with settings.DEMO_SONG.open("rb") as file:
        default_storage.save(song.upload, File(file))
    song.save(force_insert=True)
    song.separate()
    return song
