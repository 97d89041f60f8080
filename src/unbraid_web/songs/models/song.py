"""An uploaded song: where it is kept, who may hear it, and how it is deleted."""

import re
import secrets
import uuid
from datetime import timedelta
from pathlib import PurePath
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import Sum
from django.db.models.expressions import OrderBy
from django.utils import timezone

from unbraid_web.folding import FoldedField, fold
from unbraid_web.inputs import one_line
from unbraid_web.songs import storage

if TYPE_CHECKING:
    from unbraid_web.accounts.models import User
    from unbraid_web.separations.models import Separation

MAX_NAME = 200  # letters in a title, or in an artist's name


class SongQuerySet(models.QuerySet["Song"]):
    """Which songs."""

    def kept(self) -> "SongQuerySet":
        """Songs that nobody has deleted."""
        return self.filter(deleted_at=None)

    def owned_by(self, user: "User") -> "SongQuerySet":
        """The songs in a person's library; deleted ones are not in it."""
        return self.kept().filter(owner=user)

    def deleted_by(self, user: "User") -> "SongQuerySet":
        """Songs that the person deleted and can still bring back, the latest first."""
        return self.filter(owner=user, deleted_at__isnull=False).order_by("-deleted_at")

    def demo(self) -> "SongQuerySet":
        """The song that everybody may play: it belongs to nobody."""
        return self.kept().filter(owner=None)

    def with_separations(self) -> "SongQuerySet":
        """Fetch the separations of all these songs in one more query, not one a song."""
        return self.prefetch_related("separations")

    def matching(self, words: str) -> "SongQuerySet":
        """Songs in whose title, artist or file name all the words occur; what is beyond 100 characters is no search."""
        songs = self
        for word in fold(one_line(words[:100])).split():
            songs = songs.filter(search_text__contains=word)
        return songs

    def sorted_by(self, order: str) -> "SongQuerySet":
        """Sort for the library; an unknown order means newest first."""
        return self.order_by(*SORTS.get(order, SORTS["newest"])[1], "id")

    def beyond_undo(self) -> "SongQuerySet":
        """Deleted songs that nobody can bring back any more."""
        return self.filter(deleted_at__lt=timezone.now() - timedelta(seconds=settings.UNDO_SECONDS))

    def bytes_stored(self) -> int:
        """How much room these songs take with their stems, in bytes."""
        return self.aggregate(total=Sum("bytes_total"))["total"] or 0


SORTS: dict[str, tuple[str, list[str | OrderBy]]] = {
    "newest": ("Newest first", ["-created_at"]),
    "oldest": ("Oldest first", ["created_at"]),
    "title": ("Title", ["sort_title"]),
    "longest": ("Longest first", [models.F("duration").desc(nulls_last=True)]),
}


class Song(models.Model):
    """One uploaded song; its file is kept so that it can be separated again."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="songs",
        help_text="empty: the demo",
    )
    title = models.CharField(max_length=MAX_NAME)
    artist = models.CharField(max_length=MAX_NAME, blank=True)
    filename = models.CharField(max_length=255)
    upload = models.CharField(max_length=255, help_text="the file's name in the storage")
    upload_bytes = models.BigIntegerField()
    bytes_total = models.BigIntegerField(help_text="with stems, in bytes")
    duration = models.FloatField(null=True, help_text="in seconds, known once decoded")
    outline = models.JSONField(default=list, help_text="64 loudness steps (0-255) for the cover")
    created_at = models.DateTimeField(default=timezone.now)
    deleted_at = models.DateTimeField(null=True, blank=True)
    share_token = models.CharField(max_length=43, null=True, blank=True, unique=True)
    search_text = FoldedField("title", "artist", "filename", max_length=2000)
    sort_title = FoldedField("title", max_length=100)

    objects = SongQuerySet.as_manager()

    class Meta:
        """The orders in which libraries are read."""

        indexes = (
            models.Index(fields=["owner", "deleted_at", "-created_at"]),
            models.Index(fields=["owner", "deleted_at", "sort_title"], name="song_by_title"),
            models.Index(
                fields=["owner", "deleted_at", "bytes_total"]
            ),  # what is stored, added up from the index alone
        )

    def __str__(self) -> str:
        return self.title

    @classmethod
    def new(cls, owner: "User | None", filename: str, size: int, pk: uuid.UUID | None = None) -> "Song":
        """Return an unsaved song titled after its file."""
        name = one_line(PurePath(filename.replace("\\", "/")).name)[-255:] or "song"
        song = cls(
            id=pk or uuid.uuid4(),
            owner=owner,
            filename=name,
            title=tidy_title(name),
            upload_bytes=size,
            bytes_total=size,
        )
        song.upload = f"songs/{song.id}/original{PurePath(name).suffix.lower()[:10]}"
        return song

    @property
    def separation(self) -> "Separation":
        """The latest separation, which every song has from its upload on; see `with_separations` for many songs."""
        latest: Separation = max(self.separations.all(), key=lambda separation: separation.created_at)
        return latest

    @property
    def hue(self) -> int:
        """The cover's colour, in degrees; always the same for the same song."""
        return self.id.int % 360

    def share(self) -> None:
        """Let everybody who has the link listen."""
        if not self.share_token:
            self.share_token = secrets.token_urlsafe(24)
            self.save(update_fields=["share_token"])

    def unshare(self) -> None:
        """Turn off the link."""
        self.share_token = None
        self.save(update_fields=["share_token"])

    def separate(self) -> None:
        """Put the song in line for a worker."""
        self.separations.create().enqueue()

    def rename(self, title: str, artist: str) -> None:
        """Change title and artist.

        Raises:
            ValidationError: with a sentence.
        """
        title, artist = one_line(title), one_line(artist)
        if not title:
            raise ValidationError("A song needs a title.")
        if max(len(title), len(artist)) > MAX_NAME:
            raise ValidationError(f"That is too long: {MAX_NAME} characters at most.")
        self.title, self.artist = title, artist
        self.save(update_fields=["title", "artist", "search_text", "sort_title"])

    def take_tags(self, title: str, artist: str) -> None:
        """Take title and artist from the file's tags, unless the person has already renamed the song."""
        title, artist = one_line(title)[:MAX_NAME], one_line(artist)[:MAX_NAME]
        unnamed = Song.objects.filter(pk=self.pk, title=tidy_title(self.filename), artist="")
        with transaction.atomic():
            for song in unnamed.select_for_update() if title else ():
                song.rename(title, artist)

    def trash(self) -> None:
        """Take the song out of the library and stop its separation; it can come back for a while."""
        self.deleted_at = timezone.now()
        self.save(update_fields=["deleted_at"])
        self.separation.cancel()

    def restore(self) -> None:
        """Bring the song back, and its place in line if it had one."""
        self.deleted_at = None
        self.save(update_fields=["deleted_at"])
        if self.separation.is_cancelled:
            self.separation.retry()

    def delete_with_files(self) -> None:
        """Delete the song for good; the rows go first, since a file without a row is swept later."""
        prefixes = [f"songs/{self.id}", *(f"separations/{separation.id}" for separation in self.separations.all())]
        self.delete()
        for prefix in prefixes:
            storage.delete_tree(prefix)

    def count_bytes(self) -> None:
        """Add up the storage of the song and its stems."""
        stems = self.separations.aggregate(total=Sum("bytes_stored"))["total"] or 0
        Song.objects.filter(pk=self.pk).update(bytes_total=self.upload_bytes + stems)


TRACK_NUMBER = re.compile(r"^(\d{1,3}\s*[-.]\s*|0\d\s+)(?=\S)")  # "03 - ", "7. ", "01 ", but not "99 Luftballons"


def tidy_title(filename: str) -> str:
    """Return `01_my_song.mp3` as `my song`: what a person would call it."""
    stem = PurePath(filename).stem.replace("_", " ").strip()
    if " " not in stem:
        stem = stem.replace("-", " ").strip()
    return TRACK_NUMBER.sub("", stem)[:MAX_NAME] or "Untitled"
