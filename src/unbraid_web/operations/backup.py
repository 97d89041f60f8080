"""Backups: a folder with every row as JSON lines and every stored file, for SQLite and PostgreSQL, disk and S3 alike.

The rows are read in one moment; the files are copied after them. Files never change under their name, so what the rows
speak of is there, but for songs that were deleted for good meanwhile. A second backup into the same folder copies what
is new, and takes away what is gone. Since the rows are not those of one database, a backup also moves a site from
SQLite to PostgreSQL, or from a disk to S3.
"""

import json
import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core import serializers
from django.core.management import call_command
from django.core.management.color import no_style
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, models, transaction
from django.db.migrations.recorder import MigrationRecorder

from unbraid_web.accounts.models import User
from unbraid_web.songs import storage
from unbraid_web.songs.models import Song

OURS = ("accounts", "songs", "separations", "api")
ALSO = ("auth.Group", "sessions.Session", "admin.LogEntry")
NOT_KEPT = ("separations.Worker",)
ROWS, FACTS, KEY, FILES = "rows.jsonl", "backup.json", "secret_key", "files"
ROWS_AT_ONCE = 500


class Exact(DjangoJSONEncoder):
    """Writes times to the microsecond."""

    def default(self, o: Any) -> Any:
        """Return what JSON can hold."""
        return o.isoformat() if isinstance(o, datetime) else super().default(o)


class CannotRestore(Exception):  # noqa: N818 # the message is a sentence
    """What is wrong with a backup, or with the site that it was to fill."""


def back_up(folder: Path) -> tuple[int, int]:
    """Write a backup, or bring one up to date; return the number of rows, and of files that were new.

    Args:
        folder: where to; only this user may read it
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    rows = write_rows(folder / f".{ROWS}")
    new = copy_files(folder / FILES)
    facts = {"made_at": datetime.now(UTC).isoformat(timespec="seconds"), "rows": rows, "migrations": applied()}
    (folder / f".{FACTS}").write_text(json.dumps(facts, indent=1) + "\n")
    if (key := settings.DATA / KEY).exists() and not os.environ.get("UNBRAID_SECRET_KEY"):
        shutil.copy2(key, folder / KEY)
    for name in (ROWS, FACTS):  # an interrupted backup leaves the one before as it was
        (folder / f".{name}").replace(folder / name)
    return rows, new


def write_rows(path: Path) -> int:
    """Write all rows, as they are at this moment, and return how many."""
    count = 0
    with open(path, "w", opener=only_for_us) as file, transaction.atomic():
        if connection.vendor == "postgresql" and not connection.savepoint_ids:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")  # one moment for all tables
        for model in kept_models():
            for row in model._base_manager.order_by("pk").iterator(ROWS_AT_ONCE):
                [line] = serializers.serialize("jsonl", [row], cls=Exact, use_natural_foreign_keys=True).splitlines()
                file.write(line + "\n")
                count += 1
    return count


def only_for_us(path: str, flags: int) -> int:
    """Open a file that only this user may read."""
    return os.open(path, flags, 0o600)


def kept_models() -> list[type[models.Model]]:
    """Return the models of a backup, each after those that it points to."""
    ours = [model for name in OURS for model in apps.get_app_config(name).get_models()]
    wanted = [model for model in ours if model._meta.label not in NOT_KEPT] + [apps.get_model(name) for name in ALSO]
    return [model for model in serializers.sort_dependencies([(None, wanted)], allow_cycles=True) if model in wanted]


def copy_files(folder: Path) -> int:
    """Make the folder hold what the storage holds; return how many files were new."""
    new, there = 0, set()
    for name in storage.names():
        target = folder / name
        there.add(target)
        if target.exists():
            continue
        part = target.with_name(f".{target.name}.part")
        part.parent.mkdir(parents=True, exist_ok=True)
        try:
            storage.concatenate([name], part)
        except FileNotFoundError:  # deleted just now
            part.unlink(missing_ok=True)
            continue
        part.replace(target)
        new += 1
    for path in folder.rglob("*"):
        if path.is_file() and path not in there:
            path.unlink()
    return new


def restore(folder: Path) -> tuple[int, int]:
    """Fill an empty site from a backup; return the number of rows and of files.

    Raises:
        CannotRestore: it is no backup, one of another version, or the site is not empty.
    """
    try:
        facts = json.loads((folder / FACTS).read_text())
    except (OSError, ValueError) as error:
        raise CannotRestore(f"{folder} is not a backup: {FACTS} cannot be read.") from error
    call_command("migrate", verbosity=0, interactive=False)
    if facts["migrations"] != applied():
        raise CannotRestore(
            f"This backup was made on {facts['made_at'][:10]} by another version. Install that version, restore, then "
            "install this one and run python -m unbraid_web prepare."
        )
    if User.objects.exists() or Song.objects.exclude(owner=None).exists():
        raise CannotRestore("This site already has accounts or songs. Restore into an empty UNBRAID_DATA and database.")
    for song in Song.objects.all():  # the demo song; the backup has its own
        song.delete_with_files()
    files = 0
    for path in sorted(
        path for path in (folder / FILES).rglob("*") if path.is_file() and not path.name.startswith(".")
    ):
        name = path.relative_to(folder / FILES).as_posix()
        with path.open("rb") as content:
            storage.replace(name, content)
        files += 1
    rows = read_rows(folder / ROWS)
    if (key := folder / KEY).exists() and not os.environ.get("UNBRAID_SECRET_KEY"):
        settings.DATA.mkdir(mode=0o750, parents=True, exist_ok=True)
        shutil.copy2(key, settings.DATA / KEY)
    return rows, files


def read_rows(path: Path) -> int:
    """Store the rows of a backup, all or none, and return how many."""
    count = 0
    with transaction.atomic(), path.open() as file:
        lines: Iterator[str] = iter(file)
        while some := list(islice(lines, ROWS_AT_ONCE)):
            for row in serializers.deserialize("jsonl", "".join(some)):
                row.save()
                count += 1
        with connection.cursor() as cursor:
            for statement in connection.ops.sequence_reset_sql(no_style(), kept_models()):
                cursor.execute(statement)
    return count


def applied() -> list[Any]:
    """Return the migrations of our apps that the database has."""
    recorder = MigrationRecorder(connection)
    return sorted([app, name] for app, name in recorder.applied_migrations() if app in OURS)
