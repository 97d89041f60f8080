"""Storage limits for the stems of a song and for rendered downloads."""

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction

from unbraid_web.formatting import size as as_words
from unbraid_web.separations.jobs.errors import JobFailed
from unbraid_web.separations.jobs.job import State
from unbraid_web.separations.models import Export, Separation
from unbraid_web.songs import storage
from unbraid_web.songs.limits import NO_ROOM, make_room, one_at_a_time, quota_of

STEM_BYTES_PER_SECOND = 440_000  # five stems of music as FLAC, and as Opus


def take_room_for_stems(separation: Separation, seconds: float) -> None:
    """Reserve room for the stems by an estimate, which their real size replaces when they are stored.

    Raises:
        JobFailed: they would exceed the quota of the song's owner.
    """
    owner, expected = separation.song.owner, int(seconds * STEM_BYTES_PER_SECOND)
    if owner is None:
        return
    with one_at_a_time(owner):
        if expected > (left := quota_of(owner).left):
            raise JobFailed(
                f"This song's stems need about {as_words(expected)}, but you have {as_words(left)} left. "
                "Delete some songs, then try again."
            )
        separation.beat(bytes_stored=expected)
        separation.song.count_bytes()
    make_room(owner)


def request_export(separation: Separation, recipe: dict[str, Any], *, is_visitor: bool = False) -> Export:
    """Return the export for this recipe, queued if it is new.

    Args:
        separation: of whose stems it is made.
        recipe: what is to be made of them.
        is_visitor: whether somebody asks who has only the private link, and cannot make room.

    Raises:
        ValidationError: with a sentence, if there is no room for it.
    """
    there = separation.exports.filter(
        key=Export.key_of(separation, recipe), state__in=[State.QUEUED, State.RUNNING, State.DONE]
    )
    found: Export | None = there.first()
    if found:
        return found
    owner = separation.song.owner
    with one_at_a_time(owner) if owner else transaction.atomic():
        check_export(separation, recipe, is_visitor)
        export = Export.request(separation, recipe)
    if owner:
        make_room(owner)
    return export


def check_export(separation: Separation, recipe: dict[str, Any], is_visitor: bool = False) -> None:
    """Check that a download can be rendered.

    Raises:
        ValidationError: with a sentence.
    """
    owner, expected = separation.song.owner, Export.expected_bytes(separation, recipe)
    waiting = Export.objects.filter(separation__song__owner=owner, state__in=[State.QUEUED, State.RUNNING])
    if waiting.count() >= settings.MAX_WAITING:
        raise ValidationError(f"{settings.MAX_WAITING} downloads are already waiting. Try again once some are done.")
    # While it is rendered it lies on the disk twice: as it grows, and where it is served from.
    if not storage.has_room(2 * expected):
        raise ValidationError(NO_ROOM)
    if owner and expected > (left := quota_of(owner).left):
        raise ValidationError(
            "There’s no room to prepare this download. Ask whoever shared the song with you to free some space."
            if is_visitor
            else f"This download needs up to {as_words(expected)}, but you have {as_words(left)} left. "
            "Delete some songs first."
        )
