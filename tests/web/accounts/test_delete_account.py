"""Leaving with everything."""

from django.core.files.storage import default_storage
from django.test import Client

from tests.web.conftest import PASSWORD, Person
from unbraid_web.accounts.models import User
from unbraid_web.separations.models import Separation
from unbraid_web.songs.models import Song, Upload

URL = "/account/leave/"


def test_deletes_the_account_its_songs_and_their_files(alice: Person, charlie: Person, done: Song) -> None:
    separation = done.separation
    assert separation
    upload = Upload.objects.create(owner=alice.user, filename="half.mp3", size=6)
    upload.add(b"abc")
    assert alice.client.post(URL, {"password": PASSWORD}).headers["Location"] == "/"
    assert not default_storage.exists(upload.folder)
    assert list(User.objects.all()) == [charlie.user]
    assert not Song.objects.exists()
    assert not Separation.objects.exists()
    assert not default_storage.exists(done.upload)
    assert not default_storage.exists(separation.folder)


def test_wants_the_password(alice: Person) -> None:
    assert alice.client.post(URL, {"password": "wrong"}).status_code == 422
    assert User.objects.exists()


def test_is_for_people_with_an_account(visitor: Client, alice: Person) -> None:
    assert visitor.post(URL).status_code == 302
    assert alice.client.put(URL).status_code == 405
