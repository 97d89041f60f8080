"""The account page and its password."""

from django.test import Client

from tests.web.conftest import PASSWORD, Person
from unbraid_web.songs.models import Song

URL = "/account/"


def test_tells_how_much_is_stored(alice: Person, done: Song) -> None:
    assert "1 song, " in alice.client.get(URL).content.decode()


def test_changing_the_password_keeps_this_browser_in_and_others_out(alice: Person, visitor: Client) -> None:
    visitor.force_login(alice.user)
    change = {"old_password": PASSWORD, "new_password1": "hammers and strings", "new_password2": "hammers and strings"}
    assert alice.client.post(URL, change).status_code == 302
    assert alice.client.get(URL).status_code == 200
    assert visitor.get(URL).status_code == 302


def test_wants_the_old_password(alice: Person) -> None:
    change = {"old_password": "wrong", "new_password1": "hammers and strings", "new_password2": "hammers and strings"}
    assert alice.client.post(URL, change).status_code == 422


def test_is_for_people_with_an_account(visitor: Client, alice: Person) -> None:
    assert visitor.get(URL).headers["Location"] == "/account/login/?next=/account/"
    assert alice.client.delete(URL).status_code == 405
