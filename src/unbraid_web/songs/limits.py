"""What may be uploaded: the limits, and a sentence when one is reached."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet, Sum

from unbraid_web.accounts.models import User
from unbraid_web.formatting import size as as_words
from unbraid_web.songs import storage
from unbraid_web.songs.models import Song, Upload

NO_ROOM = "The server has no room left at the moment. Please try again later."


@dataclass(frozen=True)
class Quota:
    """How much a person stores and may store, in bytes."""

    used: int
    limit: int

    @property
    def left(self) -> int:
        """How much still fits."""
        return max(0, self.limit - self.used)

    @property
    def fraction(self) -> float:
        """0 empty to 1 full."""
        return min(1.0, self.used / self.limit) if self.limit else 1.0


def quota_of(user: User) -> Quota:
    """Count what the person stores, including uploads, stems and downloads that are still in progress.

    Finished downloads and the bin are not counted, because they are deleted when room is needed: see `make_room`.
    """
    on_the_way = Upload.objects.filter(owner=user).bytes_announced()
    on_the_way += bytes_of(exports_of(user).filter(state__in=["queued", "running"]))
    return Quota(Song.objects.owned_by(user).bytes_stored() + on_the_way, user.max_bytes)


def exports_of(user: User) -> QuerySet[Any]:
    """Return the downloads that were rendered from the person's songs, whoever asked for them."""
    return apps.get_model("separations", "Export").objects.filter(separation__song__owner=user)


def bytes_of(exports: QuerySet[Any]) -> int:
    """How much room downloads take."""
    return exports.aggregate(total=Sum("bytes_stored"))["total"] or 0


@contextlib.contextmanager
def one_at_a_time(user: User) -> Iterator[None]:
    """Let only one request or job count what the person stores and add to it, so that none slips by."""
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        yield


def make_room(user: User) -> None:
    """Delete what exceeds the quota and may go: rendered downloads first, then songs in the bin, the oldest first."""
    finished = exports_of(user).filter(state="done")
    deleted = Song.objects.filter(owner=user, deleted_at__isnull=False)
    excess = quota_of(user).used - user.max_bytes + deleted.bytes_stored() + bytes_of(finished)
    for kind, size in (
        (finished.order_by("finished_at"), "bytes_stored"),
        (deleted.order_by("deleted_at"), "bytes_total"),
    ):
        for thing in kind if excess > 0 else ():
            excess -= getattr(thing, size)
            thing.delete_with_files()
            if excess <= 0:
                return


def announce(user: User, filename: str, size: int, fingerprint: str = "") -> Upload:
    """Reserve the room for an incoming file.

    Raises:
        ValidationError: with a sentence, if the file cannot be accepted.
    """
    with one_at_a_time(user):
        if reason := refusal_reason(user, size):
            raise ValidationError(reason)
        upload = Upload.objects.create(owner=user, filename=filename, size=size, fingerprint=fingerprint)
    make_room(user)
    return upload


def check_waiting(user: User) -> None:
    """Check that the person does not have too many songs in the queue.

    Raises:
        ValidationError: there are too many.
    """
    waiting = Song.objects.owned_by(user).filter(separations__state__in=["queued", "running"]).count()
    if waiting + Upload.objects.filter(owner=user).count() >= settings.MAX_WAITING:
        raise ValidationError(f"You already have {settings.MAX_WAITING} songs waiting. Add more once some are done.")


def restore(user: User, song: Song) -> None:
    """Bring a song back from the bin.

    Raises:
        ValidationError: there is no room for it any more.
    """
    with one_at_a_time(user):
        if song.bytes_total > (left := quota_of(user).left):
            raise ValidationError(
                f"This song needs {as_words(song.bytes_total)}, but you have {as_words(left)} left. "
                "Delete other songs first."
            )
        if song.separation.is_cancelled:
            check_waiting(user)
        song.restore()
    make_room(user)


def refusal_reason(user: User, size: int) -> str:
    """Return why a file of `size` bytes cannot be taken, as a sentence; empty if it can."""
    if size <= 0:
        return "This file is empty."
    if size > settings.MAX_UPLOAD_BYTES:
        return (
            f"This file is {as_words(size)}; the limit is {as_words(settings.MAX_UPLOAD_BYTES)}. "
            "Save it as FLAC or MP3 to make it smaller."
        )
    if size > (left := quota_of(user).left):
        return f"This file needs {as_words(size)}, but you have {as_words(left)} left. Delete some songs first."
    if not storage.has_room(size + Upload.objects.under_way().bytes_missing()):
        return NO_ROOM
    try:
        check_waiting(user)
    except ValidationError as error:
        return str(error.messages[0])
    return ""
