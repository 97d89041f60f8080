"""Uploading in pieces."""

import errno
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.test import Client

from tests.web.conftest import Person, stored
from unbraid_web.songs.models import Song, Upload

URL = "/uploads/"


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unbraid_web.songs.views.uploads.MIN_PIECE", 1)


def begin(who: Client, name: str, size: int) -> Any:
    return who.post(URL, {"filename": name, "size": size}, content_type="application/json")


def send(who: Client, url: str, offset: int, piece: bytes) -> Any:
    headers = {"Upload-Offset": str(offset)}
    return who.patch(url, piece, content_type="application/octet-stream", headers=headers)


def test_pieces_become_the_file(alice: Person, song_file: Path) -> None:
    data = song_file.read_bytes()
    url = begin(alice.client, song_file.name, len(data)).json()["url"]
    for start in range(0, len(data), 500_000):
        answer = send(alice.client, url, start, data[start : start + 500_000])
    song = Song.objects.get()
    assert answer.status_code == 201
    assert answer.json()["song"] == f"/songs/{song.pk}/"
    assert song.title == "some noise"
    assert stored(song.upload) == data
    assert song.separation.state == "queued"
    assert not Upload.objects.exists()
    assert not default_storage.exists(url.strip("/"))


def test_goes_on_where_the_connection_broke(alice: Person) -> None:
    url = begin(alice.client, "a.mp3", 6).json()["url"]
    send(alice.client, url, 0, b"abc")
    # The answer to this piece was lost: it comes again, and the server says where to go on.
    again = send(alice.client, url, 0, b"abc")
    assert (again.status_code, again.json()) == (409, {"received": 3})
    assert alice.client.get(url).json() == {"received": 3}
    # The page was closed: the same file announced again is the same upload.
    assert begin(alice.client, "a.mp3", 6).json() == {"url": url, "received": 3, "piece": 8 * 2**20}
    assert send(alice.client, url, 3, b"def").status_code == 201
    assert stored(Song.objects.get().upload) == b"abcdef"


def test_another_file_of_the_same_name_and_size_does_not_go_on_with_the_first(alice: Person) -> None:
    def announce(fingerprint: str) -> Any:
        facts = {"filename": "a.mp3", "size": 6, "fingerprint": fingerprint}
        return alice.client.post(URL, facts, content_type="application/json").json()

    first = announce("made at ten")
    send(alice.client, first["url"], 0, b"abc")
    second = announce("made at eleven")
    assert second["received"] == 0
    assert announce("made at ten") == {**first, "received": 3}
    send(alice.client, second["url"], 0, b"uvwxyz")
    send(alice.client, first["url"], 3, b"def")
    assert sorted(stored(song.upload) for song in Song.objects.all()) == [b"abcdef", b"uvwxyz"]


def test_two_requests_for_one_place_do_not_mix(alice: Person) -> None:
    url = begin(alice.client, "a.mp3", 6).json()["url"]
    late = Upload.objects.get()
    send(alice.client, url, 0, b"abc")
    assert not late.add(b"xyz")
    assert send(alice.client, url, 3, b"def").status_code == 201
    assert stored(Song.objects.get().upload) == b"abcdef"


@pytest.mark.parametrize("piece", [b"", b"1234567"])
def test_pieces_have_their_measure(alice: Person, piece: bytes) -> None:
    url = begin(alice.client, "a.mp3", 6).json()["url"]
    assert send(alice.client, url, 0, piece).status_code == 413


def test_limits_are_told_before_anything_is_sent(alice: Person, settings: Any) -> None:
    settings.MAX_UPLOAD_BYTES = 1000
    assert "the limit is 1.0 kB" in begin(alice.client, "a.wav", 1001).json()["error"]
    settings.MAX_USER_BYTES = 900
    begin(alice.client, "a.wav", 500)
    answer = begin(alice.client, "b.wav", 500)
    assert answer.status_code == 422
    assert answer.json()["error"].startswith("This file needs 500 bytes, but you have 400 bytes left.")


def test_a_full_disk_is_a_sentence_and_what_was_sent_is_kept(
    alice: Person, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = begin(alice.client, "a.mp3", 6).json()["url"]
    send(alice.client, url, 0, b"abc")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(type(default_storage._wrapped), "_save", full)  # type: ignore[attr-defined]
        answer = send(alice.client, url, 3, b"def")
    assert answer.status_code == 507
    assert "no room left" in answer.json()["error"]
    settings.MIN_FREE_BYTES = 10**18
    assert send(alice.client, url, 3, b"def").status_code == 507
    settings.MIN_FREE_BYTES = 0
    assert send(alice.client, url, 3, b"def").status_code == 201


def test_a_disk_that_is_full_at_the_very_end_costs_no_piece(alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    url = begin(alice.client, "a.mp3", 3).json()["url"]

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("unbraid_web.songs.storage.concatenate", full)
        assert send(alice.client, url, 0, b"abc").status_code == 507
    assert begin(alice.client, "a.mp3", 3).json()["received"] == 3
    assert send(alice.client, url, 3, b"").status_code == 201
    assert stored(Song.objects.get().upload) == b"abc"


def test_the_last_piece_may_come_twice(alice: Person, charlie: Person) -> None:
    url = begin(alice.client, "a.mp3", 3).json()["url"]
    answers = [send(alice.client, url, 0, b"abc") for _ in range(2)]  # the first answer was lost
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json() == {"song": f"/songs/{Song.objects.get().pk}/"}
    assert Song.objects.get().separations.count() == 1
    assert send(charlie.client, url, 0, b"abc").status_code == 404


def test_can_be_dropped(alice: Person) -> None:
    url = begin(alice.client, "a.mp3", 6).json()["url"]
    send(alice.client, url, 0, b"abc")
    assert alice.client.delete(url).status_code == 204
    assert not Upload.objects.exists()
    assert not default_storage.exists(url.strip("/"))


def test_is_nobody_elses(alice: Person, charlie: Person, visitor: Client) -> None:
    url = begin(alice.client, "a.mp3", 6).json()["url"]
    assert send(charlie.client, url, 0, b"abc").status_code == 404
    assert charlie.client.get(url).status_code == 404
    assert charlie.client.delete(url).status_code == 404
    assert send(visitor, url, 0, b"abc").status_code == 401
    assert begin(visitor, "a.mp3", 6).status_code == 401
    assert alice.client.get(URL).status_code == 405
    assert alice.client.post(url).status_code == 405
    assert alice.client.post(URL, "nonsense", content_type="application/json").status_code == 400
