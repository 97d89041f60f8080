"""Renaming a song."""

from tests.web.conftest import Person, Refuses
from unbraid_web.songs.models import Song


def test_changes_title_and_artist(alice: Person, done: Song) -> None:
    url = f"/songs/{done.pk}/rename/"
    assert alice.client.post(url, {"title": " Blue ", "artist": "Ana"}).headers["Location"] == f"/songs/{done.pk}/"
    done.refresh_from_db()
    assert (done.title, done.artist) == ("Blue", "Ana")
    part = alice.client.post(url, {"title": "Red", "artist": ""}, headers={"HX-Request": "true"}).content.decode()
    assert "<h1>Red</h1>" in part
    assert "<html" not in part


def test_in_the_library_the_form_stands_in_the_card(alice: Person, done: Song) -> None:
    url, htmx = f"/songs/{done.pk}/rename/?in=card", {"HX-Request": "true"}
    form = alice.client.get(url, headers=htmx).content.decode()
    assert form.lstrip().startswith(f'<li class="song" id="song-{done.pk}"')
    assert f'hx-post="{url}"' in form
    assert "A song needs a title" in alice.client.post(url, {"title": ""}, headers=htmx).content.decode()
    card = alice.client.post(url, {"title": "Blue"}, headers=htmx).content.decode()
    assert '<span class="song-title">Blue</span>' in card


def test_a_song_needs_a_title(alice: Person, done: Song) -> None:
    answer = alice.client.post(f"/songs/{done.pk}/rename/", {"title": " "})
    assert answer.status_code == 422
    assert "A song needs a title" in answer.content.decode()


def test_is_nobody_elses(done: Song, only_for_alice: Refuses) -> None:
    only_for_alice(f"/songs/{done.pk}/rename/", "get", "put", "delete")
    only_for_alice(f"/songs/{done.pk}/rename/", "post")
