"""The library page."""

import json
import re

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tests.web.conftest import Person
from unbraid_web.accounts.models import User
from unbraid_web.separations.models import Separation
from unbraid_web.songs import limits
from unbraid_web.songs.models import Song

URL = "/library/"


def add(owner: User, *names: str) -> None:
    songs = Song.objects.bulk_create(Song.new(owner, name, 1000) for name in names)
    Separation.objects.bulk_create(Separation(song=song, state="done") for song in songs)


def test_shows_ones_own_songs_and_nobody_elses(alice: Person, charlie: Person, done: Song) -> None:
    assert done.title in alice.client.get(URL).content.decode()
    assert done.title not in charlie.client.get(URL).content.decode()


def test_search_finds_all_words_in_any_order(alice: Person) -> None:
    add(alice.user, "blue in green.mp3", "green door.mp3", "blue bossa.mp3")
    found = alice.client.get(URL, {"q": "green BLUE"}).content.decode()
    assert "blue in green" in found
    assert "green door" not in found
    assert "No songs match “red”" in alice.client.get(URL, {"q": "red"}).content.decode()


@pytest.mark.parametrize(
    ("title", "words"),
    [
        ("Élan vital", "elan"), ("Ärger", "ÄRGER"), ("ärger", "arger"), ("Straße", "strasse"), ("Ночь", "НОЧЬ"),
        ("Ёлка", "елка"), ("ΟΔΟΣ", "οδός"), ("Łódź", "lodz"), ("Mø", "mo"), ("İstanbul", "istanbul"),
        ("ﬁne", "FINE"), ("가을", "가을"),
        ("مُحَمَّد", "محمد"), ("שָׁלוֹם", "שלום"), ("100% real", "100%"), ("a_b", "a b"),
    ],
)  # fmt: skip
def test_search_knows_neither_case_nor_accents(alice: Person, title: str, words: str) -> None:
    add(alice.user, "another.mp3", f"{title}.mp3")
    found = Song.objects.owned_by(alice.user).matching(words)
    assert [song.filename for song in found] == [f"{title}.mp3"]
    assert not Song.objects.owned_by(alice.user).matching("%").exclude(filename__contains="%").exists()


def test_a_new_name_is_found_and_the_old_one_is_not(alice: Person, done: Song) -> None:
    done.rename("Über den Wolken", "Ana")
    songs = Song.objects.owned_by(alice.user)
    assert songs.matching("UBER ana").exists()
    done.take_tags("Tagged", "Somebody")  # too late: the person has named it
    assert not songs.matching("tagged").exists()


def test_titles_are_sorted_as_people_read_them(alice: Person) -> None:
    add(alice.user, "zebra.mp3", "Über.mp3", "Apfel.mp3", "Ähre.mp3", "élan.mp3", "Fuß.mp3")
    titles = [song.title for song in Song.objects.owned_by(alice.user).sorted_by("title")]
    assert titles == ["Ähre", "Apfel", "élan", "Fuß", "Über", "zebra"]


def test_sorts(alice: Person) -> None:
    add(alice.user, "b.mp3", "A.mp3", "c.mp3")
    page = alice.client.get(URL, {"sort": "title"}).content.decode()
    places = [page.index(f'song-title">{title}<') for title in ("A", "b", "c")]
    assert places == sorted(places)
    assert alice.client.get(URL, {"sort": "nonsense"}).status_code == 200


def test_takes_as_many_queries_for_ten_thousand_songs_as_for_one_page(
    alice: Person, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    add(alice.user, *(f"song {number:05d}.mp3" for number in range(10_000)))
    with django_assert_max_num_queries(10):
        page = alice.client.get(URL, {"q": "song", "page": "400"}).content.decode()
    assert "Page 400 of 417" in page
    assert page.count('class="song"') == 24


def test_htmx_gets_the_list_alone(alice: Person, done: Song) -> None:
    part = alice.client.get(URL, headers={"HX-Request": "true", "HX-Target": "songs"}).content.decode()
    assert part.lstrip().startswith('<section id="songs"')
    assert done.title in part


def titles(page: str) -> list[str]:
    return re.findall(r'song-title">([^<]*)<', page)


def count(page: str) -> list[str]:
    return re.findall(r"(\d+) songs?<", page)


def test_several_songs_are_deleted_and_brought_back_where_they_were(alice: Person, charlie: Person) -> None:
    add(alice.user, *(f"{letter}.mp3" for letter in "abcde"))
    add(charlie.user, "foreign.mp3")
    chosen = [str(song.pk) for song in Song.objects.exclude(title__in=["a", "e"]).filter(owner=alice.user)]
    sent = {"song": [*chosen, str(Song.objects.get(owner=charlie.user).pk), "nonsense"]}
    htmx = {"HX-Request": "true", "HX-Target": "songs"}
    before = alice.client.get(URL, {"sort": "title"}, headers=htmx).content.decode()
    told = json.loads(alice.client.post(f"{URL}delete/", sent, headers=htmx).headers["HX-Trigger"])
    assert set(told["library-changed"]["deleted"]) == set(chosen)
    part = alice.client.get(URL, {"deleted": chosen}, headers=htmx).content.decode()
    assert "3 songs were deleted." in part
    assert 'hx-swap-oob="true"' in part  # how much is used
    assert Song.objects.kept().count() == 3  # charlie's is among them
    for _ in range(2):  # a second click changes nothing
        assert "library-changed" in alice.client.post(f"{URL}undo/", sent, headers=htmx).headers["HX-Trigger"]
        part = alice.client.get(URL, {"deleted": chosen, "sort": "title"}, headers=htmx).content.decode()
        assert [titles(part), count(part)] == [titles(before), count(before)]
        assert "were deleted" not in part
    address = alice.client.post(f"{URL}delete/", {"song": chosen[:1]}).headers["Location"]
    assert address == f"{URL}?deleted={chosen[0]}"
    assert "The song was deleted." in alice.client.get(address).content.decode()
    assert alice.client.get(f"{URL}delete/").status_code == alice.client.get(f"{URL}undo/").status_code == 405


def test_after_undo_going_back_offers_no_second_one(alice: Person, done: Song) -> None:
    address = alice.client.post(f"/songs/{done.pk}/delete/").headers["Location"]
    undo = {"song": str(done.pk)}
    assert "The song was deleted." in alice.client.get(address).content.decode()
    assert alice.client.post(f"{URL}undo/", undo, follow=True).status_code == 200
    page = alice.client.get(address)
    assert "The song was deleted." not in page.content.decode()
    assert "no-store" in page.headers["Cache-Control"]  # so that going back asks again
    assert alice.client.post(f"{URL}undo/", undo, follow=True).status_code == 200


def test_a_failed_song_says_why_and_what_helps(alice: Person, waiting: Song) -> None:
    Separation.objects.update(state="failed", error="This file is empty.")
    page = alice.client.get(URL).content.decode()
    assert "This file is empty." in page
    assert "Choose another file" in page
    htmx = {"HX-Request": "true", "HX-Target": f"song-{waiting.pk}"}
    card = alice.client.post(f"/separations/{waiting.separation.pk}/retry/", headers=htmx).content.decode()
    assert card.lstrip().startswith(f'<li class="song" id="song-{waiting.pk}"')
    assert "Waiting" in card
    assert "This file is empty." not in card


def test_unfinished_uploads_can_be_seen_and_dropped(alice: Person, charlie: Person) -> None:
    upload = limits.announce(alice.user, "half.wav", 1000)
    page = alice.client.get(URL).content.decode()
    assert "half.wav" in page
    assert "0 bytes of 1.0 kB" in page
    url = f"/uploads/{upload.pk}/drop/"
    assert charlie.client.post(url).status_code == 404
    assert alice.client.get(url).status_code == 405
    assert "library-changed" in alice.client.post(url, headers={"HX-Request": "true"}).headers["HX-Trigger"]
    assert limits.quota_of(alice.user).used == 0
    assert "half.wav" not in alice.client.get(URL).content.decode()


def test_strange_titles_are_shown_as_text(alice: Person) -> None:
    add(alice.user, "<script>alert(1)</script>.mp3")
    page = alice.client.get(URL).content.decode()
    assert "<script>alert" not in page
    assert "script&gt;" in page


def test_is_for_people_with_an_account(visitor: Client, alice: Person) -> None:
    assert visitor.get(URL).headers["Location"] == "/account/login/?next=/library/"
    assert alice.client.post(URL).status_code == 405
