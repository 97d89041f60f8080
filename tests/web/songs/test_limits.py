"""What one person may store holds however it is filled, and the disk's reserve is not touched."""

import threading
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.files.storage import default_storage
from django.db import connection

from tests.web.conftest import PASSWORD, Person, only, work
from unbraid_web.accounts.models import User
from unbraid_web.separations.models import Export, Separation
from unbraid_web.separations.quota import request_export
from unbraid_web.songs import limits, storage
from unbraid_web.songs.models import Song, Upload
from unbraid_web.songs.views import uploads

pytestmark = pytest.mark.django_db


def stored(user: User) -> int:
    """Count all that lies there for a person, by looking at the files."""
    songs = Song.objects.filter(owner=user)
    folders = [f"songs/{song.pk}" for song in songs] + [f"separations/{song.separation.pk}" for song in songs]
    total, todo = 0, [folder for folder in folders if default_storage.exists(folder)]
    while todo:
        inner, files = default_storage.listdir(folder := todo.pop())
        total += sum(default_storage.size(f"{folder}/{name}") for name in files)
        todo += [f"{folder}/{name}" for name in inner]
    return total


def test_deleted_songs_give_way_to_new_ones_and_downloads_before_them(
    alice: Person, separation: Separation, settings: Any
) -> None:
    song = separation.song
    recipe = {"kind": "mix", "format": "wav", "stems": {"bass": [1.0, 0.0]}}
    export = Export.request(separation, recipe)
    Export.objects.filter(pk=export.pk).update(state="done", finished_at="2026-01-01T00:00Z", bytes_stored=2_000_000)
    song.trash()
    settings.MAX_USER_BYTES = song.bytes_total + 3_000_000
    limits.announce(alice.user, "small", 900_000)
    assert Export.objects.exists()
    limits.announce(alice.user, "larger", 1_000_000)
    assert not Export.objects.exists()
    assert Song.objects.filter(pk=song.pk).exists()
    limits.announce(alice.user, "last", 1_100_000 + 1)
    assert not Song.objects.filter(pk=song.pk).exists()
    assert stored(alice.user) == 0


def test_a_song_comes_back_only_where_there_is_room(alice: Person, done: Song, settings: Any) -> None:
    done.trash()
    settings.MAX_USER_BYTES = done.bytes_total - 1
    htmx = {"HX-Request": "true", "HX-Target": "songs"}
    for url, sent in ((f"/songs/{done.pk}/undo/", {}), ("/library/undo/", {"song": str(done.pk)})):
        assert "library-changed" in alice.client.post(url, sent, headers=htmx).headers["HX-Trigger"]
        assert "Delete other songs first." in alice.client.get("/library/", headers=htmx).content.decode()
        assert "Delete other songs first." in alice.client.post(url, sent, follow=True).content.decode()
    assert Song.objects.get(pk=done.pk).deleted_at
    settings.MAX_USER_BYTES = done.bytes_total
    assert alice.client.post(f"/songs/{done.pk}/undo/").headers["Location"] == f"/songs/{done.pk}/"


def test_downloads_that_are_not_there_yet_count_too(alice: Person, separation: Separation, settings: Any) -> None:
    recipes = [
        {"kind": "mix", "format": "wav", "stems": {name: [1.0, 0.0]}} for name in ("bass", "piano", "other", "drums")
    ]
    one = Export.expected_bytes(separation, recipes[0])
    settings.MAX_USER_BYTES = separation.song.bytes_total + 2 * one
    first, _ = request_export(separation, recipes[0]), request_export(separation, recipes[1])
    assert limits.quota_of(alice.user).left == 0
    with pytest.raises(ValidationError, match="Delete some songs first"):
        request_export(separation, recipes[2])
    first.cancel()
    third = request_export(separation, recipes[2])
    Export.objects.exclude(pk=third.pk).update(state="done", finished_at="2026-01-01T00:00Z")
    request_export(separation, recipes[3])  # finished ones give way
    assert set(Export.objects.values_list("state", flat=True)) == {"queued"}


def test_a_song_that_comes_back_takes_the_room_of_finished_downloads(
    alice: Person, separation: Separation, settings: Any
) -> None:
    recipe = {"kind": "mix", "format": "wav", "stems": {"bass": [1.0, 0.0]}}
    Export.request(separation, recipe)
    Export.objects.update(state="done", finished_at="2026-01-01T00:00Z")
    settings.MAX_USER_BYTES = separation.song.bytes_total
    separation.song.trash()
    limits.restore(alice.user, separation.song)
    assert not Export.objects.exists()


def test_stems_that_would_exceed_the_quota_are_not_made(alice: Person, waiting: Song, settings: Any) -> None:
    settings.MAX_USER_BYTES = waiting.upload_bytes + 1_000_000
    work(only(waiting))
    failed = Separation.objects.get()
    assert failed.state == "failed"
    assert "Delete some songs, then try again." in failed.error
    assert Song.objects.get().bytes_total == waiting.upload_bytes
    settings.MAX_USER_BYTES = 10**9
    failed.retry()
    work(only(waiting))
    assert Separation.objects.get().state == "done"
    assert Song.objects.get().bytes_total <= stored(alice.user) < 1.1 * Song.objects.get().bytes_total  # and pictures


def test_downloads_count(alice: Person, separation: Separation, settings: Any) -> None:
    settings.MAX_USER_BYTES = separation.song.bytes_total + 1000
    url, wanted = f"/separations/{separation.pk}/exports/", {"kind": "zip", "format": "wav"}
    answer = alice.client.post(url, wanted, content_type="application/json")
    assert answer.status_code == 422
    assert answer.json()["error"].startswith("This download needs")
    page = alice.client.get(f"/separations/{separation.pk}/bass.flac")
    assert page.status_code == 422
    assert "This download needs" in page.content.decode()
    assert not Export.objects.exists()


def test_downloads_leave_the_reserve_alone(alice: Person, separation: Separation, settings: Any) -> None:
    settings.MIN_FREE_BYTES = 10**18
    url, wanted = f"/separations/{separation.pk}/exports/", {"kind": "zip", "format": "wav"}
    answer = alice.client.post(url, wanted, content_type="application/json")
    assert (answer.status_code, answer.json()) == (422, {"error": limits.NO_ROOM})


def test_what_others_have_announced_is_not_room(alice: Person, charlie: Person, settings: Any) -> None:
    free = storage.room()
    settings.MAX_USER_BYTES = settings.MAX_UPLOAD_BYTES = 10**15
    limits.announce(charlie.user, "large", free - 10**9)
    with pytest.raises(ValidationError, match="no room left"):
        limits.announce(alice.user, "large", 2 * 10**9)


@pytest.mark.django_db(transaction=True)
def test_requests_at_the_same_moment_do_not_slip_by(settings: Any) -> None:
    user = User.objects.create_user("alice@example.org", PASSWORD)
    settings.MAX_USER_BYTES = 500

    def announce(number: int) -> None:
        try:
            limits.announce(user, str(number), 100)
        except ValidationError:
            pass
        finally:
            connection.close()

    threads = [threading.Thread(target=announce, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Upload.objects.bytes_announced() == 500


def test_an_upload_comes_in_few_pieces(alice: Person) -> None:
    least = uploads.MIN_PIECE
    announced = {"filename": "a.mp3", "size": least + 5}
    url = alice.client.post("/uploads/", announced, content_type="application/json").json()["url"]

    def send(offset: int, size: int) -> int:
        headers = {"Upload-Offset": str(offset)}
        return alice.client.patch(
            url, bytes(size), content_type="application/octet-stream", headers=headers
        ).status_code

    assert send(0, 1) == 413
    assert send(0, least) == 200
    assert send(least, 5) == 201


def test_a_file_that_is_being_stored_holds_its_room(
    alice: Person, settings: Any, monkeypatch: pytest.MonkeyPatch, song_file: Any
) -> None:
    seen = []
    save = type(default_storage._wrapped)._save  # type: ignore[attr-defined]

    def looking(*arguments: Any) -> Any:
        seen.append(limits.quota_of(alice.user).used)
        return save(*arguments)

    monkeypatch.setattr(type(default_storage._wrapped), "_save", looking)  # type: ignore[attr-defined]
    with song_file.open("rb") as file:
        alice.client.post("/uploads/whole/", {"files": file})
    size = song_file.stat().st_size
    assert seen == [size]
    assert limits.quota_of(alice.user).used == size
