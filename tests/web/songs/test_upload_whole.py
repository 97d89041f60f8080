"""Uploading from a plain form, without scripts."""

from pathlib import Path
from typing import Any

from django.test import Client

from tests.web.conftest import Person
from unbraid_web.songs.models import Song

URL = "/uploads/whole/"


def test_takes_several_files(alice: Person, song_file: Path) -> None:
    with song_file.open("rb") as one, song_file.open("rb") as two:
        assert alice.client.post(URL, {"files": [one, two]}).headers["Location"] == "/library/"
    assert [song.separation.state for song in Song.objects.all()] == ["queued", "queued"]


def test_quotation_marks_in_a_name_stay(alice: Person, song_file: Path) -> None:
    """Browsers and curl percent-encode them, and nothing else; older programs put a backslash before them."""
    for number, name in enumerate(
        ("The %22Blue%22 one.wav", r"The \"Blue\" one.wav", "100%20 \N{MUSIC FLAT SIGN}.wav")
    ):
        head = f'--x\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n\r\n'
        content = head.encode() + song_file.read_bytes() + b"\r\n--x--\r\n"
        answer = alice.client.generic("POST", URL, content, "multipart/form-data; boundary=x")
        assert answer.headers["Location"] == "/library/"
        titles = list(Song.objects.order_by("created_at").values_list("title", flat=True))
        assert titles[number] == ('The "Blue" one', 'The "Blue" one', "100%20 ♭")[number]


def test_says_why_a_file_was_not_taken(alice: Person, song_file: Path, settings: Any) -> None:
    settings.MAX_UPLOAD_BYTES = 10
    with song_file.open("rb") as file:
        page = alice.client.post(URL, {"files": file}, follow=True).content.decode()
    assert "the limit is 10 bytes" in page
    assert not Song.objects.exists()


def test_is_for_people_with_an_account(visitor: Client, alice: Person) -> None:
    assert visitor.post(URL).status_code == 302
    assert alice.client.get(URL).status_code == 405
