"""What may be uploaded: the limits, and a sentence when one is reached."""

from dataclasses import dataclass

from django.conf import settings

from unbraid_web.accounts.models import User
from unbraid_web.formatting import size as as_words
from unbraid_web.songs import storage
from unbraid_web.songs.models import Song, Upload

NO_ROOM = "The server has no room left at the moment. Try again later."


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
    """Count what the person stores, uploads on their way included."""
    on_the_way = Upload.objects.filter(owner=user).bytes_announced()
    return Quota(Song.objects.owned_by(user).bytes_stored() + on_the_way, user.max_bytes)


def refusal_reason(user: User, size: int) -> str:
    """Return why a file of `size` bytes cannot be taken, as a sentence; empty if it can."""
    if size <= 0:
        return "This file is empty."
    if size > settings.MAX_UPLOAD_BYTES:
        return (
            f"This file has {as_words(size)}; the most we take is {as_words(settings.MAX_UPLOAD_BYTES)}. "
            "Save it as FLAC or MP3 to make it smaller."
        )
    if size > (left := quota_of(user).left):
        return f"You have {as_words(left)} left and this file needs {as_words(size)}. Delete some songs first."
    if not storage.has_room(size):
        return NO_ROOM
    return ""
