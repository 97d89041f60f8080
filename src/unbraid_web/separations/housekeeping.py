"""What has to be done now and then: silent jobs taken back, expired stems dropped, orphaned files swept."""

import logging
import time
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.utils import timezone

from unbraid_web.separations.jobs.job import State
from unbraid_web.separations.models import Export, Separation
from unbraid_web.songs import storage
from unbraid_web.songs.models import Song, Upload

logger = logging.getLogger(__name__)
EXPORT_LIFE = timedelta(days=1)
WORK_LIFE = 24 * 3600


def run_due() -> dict[str, int]:
    """Do everything that is due; return how much of each was done. Any number of hosts may do this at once."""
    done = {
        "reclaimed": reclaim(),
        "expired": expire(),
        "deleted": delete_for_good(),
        "swept": sweep(),
    }
    if any(done.values()):
        logger.info("housekeeping", extra=done)
    return done


def reclaim() -> int:
    """Put jobs of silent workers back in line, and remind workers of jobs that wait for long."""
    count = 0
    for kind in (Separation, Export):
        count += sum(job.reclaim() for job in kind.objects.stale())
        for job in kind.objects.forgotten():
            job.remind()
    return count


def expire() -> int:
    """Drop old stems and old exports."""
    count = 0
    for separation in Separation.objects.expired():
        separation.expire()
        count += 1
    for export in Export.objects.filter(state=State.DONE, finished_at__lt=timezone.now() - EXPORT_LIFE):
        folder = export.folder
        export.delete()
        storage.delete_tree(folder)
        count += 1
    return count


def delete_for_good() -> int:
    """Delete songs that nobody can bring back any more, and uploads that nobody goes on with."""
    count = 0
    for song in Song.objects.beyond_undo():
        song.delete_with_files()
        count += 1
    for upload in Upload.objects.abandoned():
        upload.delete_with_files()
        count += 1
    return count


def sweep() -> int:
    """Delete folders in the storage whose row is gone, and what killed workers left in the work folder."""
    count = 0
    for kind, rows in (("songs", Song), ("separations", Separation), ("uploads", Upload)):
        for folder in folders_in(kind):
            if (pk := as_uuid(folder)) and not rows.objects.filter(pk=pk).exists() and is_old(f"{kind}/{folder}"):
                storage.delete_tree(f"{kind}/{folder}")
                count += 1
    for path in storage.work_folder().iterdir():
        if path.stat().st_mtime < time.time() - WORK_LIFE:
            storage.remove_local(path)
            count += 1
    return count


def is_old(prefix: str) -> bool:
    """Whether a local folder is an hour old: a row may follow its file by a moment."""
    if settings.S3_BUCKET:
        return True  # there a song's row is written within the request that wrote the file
    path = Path(default_storage.path(prefix))
    return path.exists() and path.stat().st_mtime < time.time() - 3600


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


def prune_messages() -> None:
    """Forget old messages of the database queue."""
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
