"""An upload in pieces, which can be resumed after a dropped connection."""

import uuid
from datetime import timedelta

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import models, transaction
from django.db.models import F, Sum
from django.utils import timezone

from unbraid_web.songs import storage
from unbraid_web.songs.models.song import Song


class UploadQuerySet(models.QuerySet["Upload"]):
    """Which uploads."""

    def abandoned(self) -> "UploadQuerySet":
        """Uploads that did not move for two days."""
        return self.filter(moved_at__lt=timezone.now() - timedelta(days=2))

    def under_way(self) -> "UploadQuerySet":
        """Uploads that moved within the hour."""
        return self.filter(moved_at__gt=timezone.now() - timedelta(hours=1))

    def bytes_announced(self) -> int:
        """How much these uploads will take when they are complete."""
        return self.aggregate(total=Sum("size"))["total"] or 0

    def bytes_missing(self) -> int:
        """How much of these uploads is still to come."""
        return self.aggregate(total=Sum(F("size") - F("received")))["total"] or 0


class Upload(models.Model):
    """A file that arrives in pieces; after a dropped connection it can be resumed."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="uploads")
    filename = models.CharField(max_length=255)
    size = models.BigIntegerField()
    fingerprint = models.CharField(max_length=64, blank=True, help_text="tells files of one name and size apart")
    received = models.BigIntegerField(default=0)
    pieces = models.JSONField(default=list, help_text="names in the storage, in order")
    moved_at = models.DateTimeField(default=timezone.now)

    objects = UploadQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.filename}, {self.received} of {self.size} bytes"

    @property
    def folder(self) -> str:
        """Where the pieces lie in the storage."""
        return f"uploads/{self.id}"

    def add(self, piece: bytes) -> bool:
        """Append a piece; False if another request moved the upload meanwhile."""
        # The file is written first, under a name of its own: a row never counts bytes that are not there, and two
        # requests for the same place cannot spoil each other.
        name = default_storage.save(f"{self.folder}/{self.received:012d}-{uuid.uuid4().hex}", ContentFile(piece))
        moved = Upload.objects.filter(pk=self.pk, received=self.received).update(
            received=self.received + len(piece), pieces=[*self.pieces, name], moved_at=timezone.now()
        )
        self.refresh_from_db()
        return bool(moved)

    def become_song(self) -> Song | None:
        """Join the pieces into a song that takes over our id and waits for a worker; None if another was quicker."""
        folder_of_pieces = self.folder
        song = Song.new(self.owner, self.filename, self.size, self.id)
        with storage.work_space() as folder:
            whole = folder / "upload"
            storage.concatenate(self.pieces, whole)
            storage.store(song.upload, whole)
        with transaction.atomic():
            mine, _ = Upload.objects.filter(pk=self.pk).delete()
            if mine:
                song.save(force_insert=True)
                song.separate()
        storage.delete_tree(folder_of_pieces)
        return song if mine else None

    def delete_with_files(self) -> None:
        """Delete the upload with all its pieces."""
        folder = self.folder
        self.delete()
        storage.delete_tree(folder)
