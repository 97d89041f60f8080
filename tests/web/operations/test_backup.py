"""A backup holds everything, an empty site gets it back, and nobody's songs are overwritten."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from tests.web.conftest import PASSWORD, Person
from unbraid_web.accounts.models import User
from unbraid_web.api.models import Token
from unbraid_web.operations.backup import kept_models
from unbraid_web.separations.models import Export, Worker
from unbraid_web.songs.models import Song


def rows() -> dict[str, Any]:
    return {model._meta.label: list(model._base_manager.order_by("pk").values()) for model in kept_models()}


def files() -> dict[str, bytes]:
    root = Path(default_storage.path(""))
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def lose_everything() -> None:
    for model in reversed(kept_models()):
        model._base_manager.all().delete()
    shutil.rmtree(default_storage.path(""))


def test_what_is_lost_comes_back(alice: Person, charlie: Person, done: Song, demo: Song, tmp_path: Path) -> None:
    Token.make(alice.user, "phone")
    Export.request(done.separation, {"kind": "mix", "format": "flac", "stems": {"vocals": [1.0, 0.0]}})
    Worker(name="here:1").beat()
    before, kept = rows(), files()
    assert kept and all(
        before[model] for model in ("accounts.User", "separations.Stem", "api.Token", "sessions.Session")
    )
    call_command("backup", str(tmp_path / "backup"), verbosity=0)
    lose_everything()
    call_command("restore", str(tmp_path / "backup"), verbosity=0)
    assert rows() == before
    assert files() == kept
    assert alice.client.get(f"/songs/{done.pk}/").status_code == 200  # the session too
    assert User.objects.create_user("new@example.org", PASSWORD).pk > max(alice.user.pk, charlie.user.pk)
    assert Token.make(charlie.user, "after")[0].pk


def test_every_table_is_kept_or_named_as_one_that_is_not(db: None) -> None:
    kept = {model._meta.label for model in kept_models()}
    left = {model._meta.label for model in apps.get_models()} - kept
    made_by_migrations_or_brief = {"auth.Permission", "contenttypes.ContentType", "separations.Worker"}
    assert {label for label in left if not label.startswith("django_tasks")} == made_by_migrations_or_brief


def test_a_second_backup_copies_what_is_new_and_forgets_what_is_gone(
    done: Song, demo: Song, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "backup"
    call_command("backup", str(folder))
    call_command("backup", str(folder))
    assert capsys.readouterr().out.endswith(" 0 new files\n")
    demo.delete_with_files()
    call_command("backup", str(folder))
    there = {str(path.relative_to(folder / "files")) for path in (folder / "files").rglob("*") if path.is_file()}
    assert there == set(files())
    assert not {path.stat().st_mode & 0o077 for path in (folder, folder / "rows.jsonl")} - {0}


def test_a_site_with_people_and_a_backup_of_another_version_are_refused(alice: Person, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="is not a backup"):
        call_command("restore", str(tmp_path))
    call_command("backup", str(tmp_path / "backup"), verbosity=0)
    with pytest.raises(CommandError, match="already has accounts or songs"):
        call_command("restore", str(tmp_path / "backup"))
    assert User.objects.get() == alice.user
    MigrationRecorder(connection).record_applied("songs", "9999_of_tomorrow")
    with pytest.raises(CommandError, match="by another version"):
        call_command("restore", str(tmp_path / "backup"))


def test_storage_is_told_by_person(done: Song, charlie: Person, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("storage")
    first, second = capsys.readouterr().out.splitlines()
    assert first.split()[-4:-1] == ["0%", "1", "songs"] and first.endswith("alice@example.org")
    assert second.split()[:3] == ["0", "bytes", "0%"] and second.endswith("charlie@example.org")
