"""The stems of several songs in one zip."""

import html
import io
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest
import soundfile
from django.test import Client

from tests.web.conftest import Person, body, put, put_separated, work
from unbraid_web.separations.models import Export
from unbraid_web.songs.models import Song

URL = "/library/download/"


@pytest.fixture
def two(done: Song, alice: Person, song_file: Path) -> list[Song]:
    """Two songs of one name, both separated."""
    return [done, put_separated(alice.user, song_file)]


def ask(who: Client, songs: list[Song], kind: str = "flac") -> Any:
    return who.post(URL, {"song": [str(song.pk) for song in songs], "format": kind})


def test_songs_come_in_one_zip_each_in_a_folder_of_its_own(alice: Person, two: list[Song]) -> None:
    address = ask(alice.client, two).headers["Location"]
    waiting = alice.client.get(address)
    assert waiting.status_code == 202
    assert "0 of 2 songs ready" in waiting.content.decode()
    for export in Export.objects.all():
        work(export)
    answer = alice.client.get(address)
    assert answer.streaming
    assert 'filename="unbraid - 2 songs (flac).zip"' in answer.headers["Content-Disposition"]
    assert "still running" in alice.client.get(address).content.decode()
    with zipfile.ZipFile(io.BytesIO(body(answer))) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        with archive.open("some noise (2)/bass.flac") as stem:
            assert soundfile.info(io.BytesIO(stem.read())).duration == 12
    assert len(names) == 12
    assert {name.split("/")[0] for name in names} == {"some noise", "some noise (2)"}
    assert not body(alice.client.head(address))  # it begins, and is given up
    assert body(alice.client.get(address))


def test_the_page_that_waited_says_that_the_download_has_begun(alice: Person, done: Song, song_file: Path) -> None:
    waiting = put(alice.user, song_file)
    address = ask(alice.client, [done, waiting]).headers["Location"]
    page = alice.client.get(address).content.decode()
    assert "0 of 1 song ready" in page
    assert f"Not included, because it has no stems yet: “{waiting.title}”." in page
    work(Export.objects.get())
    page = alice.client.get(refreshed(page)).content.decode()
    assert "Your download has started" in page
    assert f"“{waiting.title}”" in page
    assert alice.client.get(refreshed(page)).headers["Content-Type"] == "application/zip"
    assert "Your download has started" in alice.client.get(address).content.decode()  # there is something to say first


def refreshed(page: str) -> str:
    """The address that a page goes on to."""
    found = re.search(r'http-equiv="refresh" content="\d+; url=([^"]+)"', page)
    assert found
    return html.unescape(found[1])


def test_only_ones_own_songs_that_have_stems(alice: Person, charlie: Person, visitor: Client, done: Song) -> None:
    assert ask(visitor, [done]).headers["Location"].startswith("/account/login/")
    for who, songs in ((charlie.client, [done]), (alice.client, [])):
        page = who.post(URL, {"song": [song.pk for song in songs] + ["x"], "format": "flac"}, follow=True)
        assert "None of these songs has stems yet." in page.content.decode()
    assert not Export.objects.exists()
    address = ask(alice.client, [done]).headers["Location"]
    work(Export.objects.get())
    assert charlie.client.get(address).status_code == 302
    assert alice.client.get(address).status_code == 200
    assert alice.client.put(URL).status_code == 405


def test_what_cannot_be_rendered_is_a_sentence(alice: Person, done: Song, settings: Any) -> None:
    assert "Ask for a kind" in alice.client.post(URL, {"song": done.pk, "format": "doc"}, follow=True).content.decode()
    address = ask(alice.client, [done]).headers["Location"]
    Export.objects.update(state="failed")
    assert alice.client.get(address).status_code == 422
    settings.MAX_USER_BYTES = done.bytes_total + 1000
    page = alice.client.post(URL, {"song": done.pk, "format": "wav"}, follow=True).content.decode()
    assert "This download needs up to" in page
