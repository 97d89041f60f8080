"""The library page."""

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tests.web.conftest import Person
from unbraid_web.accounts.models import User
from unbraid_web.separations.models import Separation
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


def test_strange_titles_are_shown_as_text(alice: Person) -> None:
    add(alice.user, "<script>alert(1)</script>.mp3")
    page = alice.client.get(URL).content.decode()
    assert "<script>alert" not in page
    assert "script&gt;" in page


def test_is_for_people_with_an_account(visitor: Client, alice: Person) -> None:
    assert visitor.get(URL).headers["Location"] == "/account/login/?next=/library/"
    assert alice.client.post(URL).status_code == 405
