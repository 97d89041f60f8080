"""The private link."""

from typing import Any

from django.test import Client

from tests.web.conftest import Person, Refuses, body, only, whole_stem
from unbraid_web.songs.models import Song


def test_whoever_has_the_link_can_listen_until_it_is_withdrawn(alice: Person, done: Song, visitor: Client) -> None:
    separation = done.separations.get()
    alice.client.post(f"/songs/{done.pk}/share/")
    done.refresh_from_db()
    key = done.share_token
    page = visitor.get(f"/s/{key}/")
    assert done.title in page.content.decode()
    assert page.headers["X-Robots-Tag"] == "noindex"
    assert whole_stem(visitor, f"/separations/{separation.pk}/vocals.flac?key={key}")
    for name in ("manifest.json", "vocals/0.flac", "vocals.flac", "vocals.png", "progress/"):
        answer = visitor.get(f"/separations/{separation.pk}/{name}?key={key}")
        assert answer.status_code == 200
        assert body(answer)
        assert visitor.get(f"/separations/{separation.pk}/{name}").status_code == 404
    alice.client.post(f"/songs/{done.pk}/share/", {"withdraw": "1"})
    assert visitor.get(f"/s/{key}/").status_code == 404
    assert visitor.get(f"/separations/{separation.pk}/vocals/0.flac?key={key}").status_code == 404
    assert visitor.get(f"/separations/{separation.pk}/vocals/0.flac?key=None").status_code == 404


def test_the_link_shows_no_buttons_of_the_owner(alice: Person, done: Song, charlie: Person) -> None:
    done.share()
    page = charlie.client.get(f"/s/{done.share_token}/").content.decode()
    assert "Delete this song" not in page
    assert "rename" not in page
    assert "Shared with a private link." in page
    assert "Shared with" not in alice.client.get(f"/songs/{done.pk}/").content.decode()


def test_a_deleted_song_is_not_shared_any_more(alice: Person, done: Song, visitor: Client) -> None:
    done.share()
    done.trash()
    assert visitor.get(f"/s/{done.share_token}/").status_code == 404


def test_is_nobody_elses(done: Song, only_for_alice: Refuses) -> None:
    only_for_alice(f"/songs/{done.pk}/share/", "post", "get")


def test_a_visitor_is_not_told_to_delete_the_owners_songs(
    alice: Person, visitor: Client, done: Song, settings: Any
) -> None:
    settings.MAX_USER_BYTES = done.bytes_total + 1000
    alice.client.post(f"/songs/{done.pk}/share/")
    done.refresh_from_db()
    address, wanted = f"/separations/{only(done).pk}/exports/?key={done.share_token}", {"kind": "zip", "format": "wav"}
    told = {
        who: client.post(address, wanted, content_type="application/json").json()["error"]
        for who, client in (("owner", alice.client), ("visitor", visitor))
    }
    assert "Delete some songs first." in told["owner"]
    assert told["visitor"].startswith("There’s no room")
