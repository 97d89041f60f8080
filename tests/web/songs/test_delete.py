"""Deleting a song and bringing it back."""

from datetime import timedelta

from django.core.files.storage import default_storage
from django.utils import timezone

from tests.web.conftest import Person, Refuses
from unbraid_web.separations import housekeeping
from unbraid_web.songs.models import Song


def test_can_be_undone(alice: Person, done: Song) -> None:
    answer = alice.client.post(f"/songs/{done.pk}/delete/", follow=True)
    assert "The song was deleted" in answer.content.decode()
    assert alice.client.get(f"/songs/{done.pk}/").status_code == 404
    assert alice.client.post(f"/songs/{done.pk}/undo/").headers["Location"] == f"/songs/{done.pk}/"
    assert alice.client.get(f"/songs/{done.pk}/").status_code == 200


def test_a_song_that_waited_waits_again(alice: Person, waiting: Song) -> None:
    alice.client.post(f"/songs/{waiting.pk}/delete/")
    assert waiting.separations.get().state == "cancelled"
    alice.client.post(f"/songs/{waiting.pk}/undo/")
    assert waiting.separations.get().state == "queued"


def test_in_the_library_it_leaves_a_line_to_undo(alice: Person, done: Song) -> None:
    htmx = {"HX-Request": "true", "HX-Target": f"song-{done.pk}"}
    assert "Undo" in alice.client.post(f"/songs/{done.pk}/delete/", headers=htmx).content.decode()
    assert "song-link" in alice.client.post(f"/songs/{done.pk}/undo/", headers=htmx).content.decode()


def test_it_can_be_undone_later_from_the_library(alice: Person, charlie: Person, done: Song) -> None:
    alice.client.post(f"/songs/{done.pk}/delete/")
    page = alice.client.get("/library/").content.decode()
    assert "Recently deleted (1)" in page
    assert f"/songs/{done.pk}/undo/" in page
    assert "Recently deleted" not in charlie.client.get("/library/").content.decode()


def test_after_a_while_it_is_gone_with_its_files(alice: Person, done: Song) -> None:
    folder = done.separations.get().folder
    alice.client.post(f"/songs/{done.pk}/delete/")
    assert housekeeping.delete_for_good() == 0
    Song.objects.update(deleted_at=timezone.now() - timedelta(hours=2))
    assert housekeeping.delete_for_good() == 1
    assert not Song.objects.exists()
    assert not default_storage.exists(done.upload)
    assert not default_storage.exists(folder)


def test_is_nobody_elses(alice: Person, done: Song, only_for_alice: Refuses) -> None:
    only_for_alice(f"/songs/{done.pk}/delete/", "post", "get")
    done.trash()
    only_for_alice(f"/songs/{done.pk}/undo/", "post", "get")
