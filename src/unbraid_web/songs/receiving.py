"""Turns a complete file, from a form or from a program, into a song."""

from typing import Any

from django.core.exceptions import ValidationError
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction

from unbraid_web.accounts.models import User
from unbraid_web.inputs import one_line
from unbraid_web.songs import storage
from unbraid_web.songs.limits import NO_ROOM, announce
from unbraid_web.songs.models import Song


def receive_file(owner: User, file: UploadedFile[Any]) -> Song:
    """Store the file as a song and put it in line.

    Raises:
        ValidationError: with a sentence, if it cannot be accepted.
    """
    size = file.size or 0
    name = (file.name or "").replace("%22", '"')  # as HTML forms, and curl, write a quotation mark in a file's name
    upload = announce(owner, (one_line(name) or "song")[-255:], size)  # holds the room meanwhile
    song = Song.new(owner, upload.filename, size, upload.pk)
    try:
        default_storage.save(song.upload, file)
    except BaseException as error:
        upload.delete_with_files()
        storage.delete_tree(f"songs/{song.pk}")
        if storage.is_full(error):
            raise ValidationError(NO_ROOM) from error
        raise
    with transaction.atomic():
        upload.delete()
        song.save(force_insert=True)
        song.separate()
    return song
