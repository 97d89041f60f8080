"""Takes a complete file, from a form or from a program, and makes it a song."""

from typing import Any

from django.core.exceptions import ValidationError
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction

from unbraid_web.accounts.models import User
from unbraid_web.songs import storage
from unbraid_web.songs.limits import NO_ROOM, refusal_reason
from unbraid_web.songs.models import Song


def receive_file(owner: User, file: UploadedFile[Any]) -> Song:
    """Store the file as a song and put it in line.

    Raises:
        ValidationError: with a sentence, when it cannot be taken.
    """
    size = file.size or 0
    if reason := refusal_reason(owner, size):
        raise ValidationError(reason)
    song = Song.new(owner, file.name or "song", size)
    try:
        default_storage.save(song.upload, file)
    except OSError as error:
        storage.delete_tree(f"songs/{song.pk}")
        if storage.is_full(error):
            raise ValidationError(NO_ROOM) from error
        raise
    with transaction.atomic():
        song.save(force_insert=True)
        song.separate()
    return song
