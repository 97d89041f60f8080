"""Input of any shape is answered with a sentence, on SQLite and in what PostgreSQL would refuse as well."""

import json
from typing import Any

import pytest
from django.test import Client

from tests.web.conftest import Person, body, whole_stem
from unbraid_web.api.models import Token
from unbraid_web.inputs import one_line
from unbraid_web.separations.models import Separation
from unbraid_web.songs.models import Song


@pytest.mark.parametrize(
    "text",
    [
        '{"filename": "a.mp3", "size": Infinity}',
        '{"filename": "a.mp3", "size": 1e999}',
        '{"filename": "a.mp3", "size": NaN}',
        '{"filename": "a.mp3", "size": "12"}',
        '{"filename": "a.mp3", "size": true}',
        '{"filename": "\\ud800", "size": 3}',
        '{"filename": "\\u0000", "size": 3}',
        '{"filename": ["a"], "size": 3}',
        '["filename", "size"]',
        "[" * 100_000,
        "\ud800".encode("utf-8", "surrogatepass"),
    ],
)
def test_an_announcement_of_any_shape(alice: Person, text: Any) -> None:
    answer = alice.client.post("/uploads/", text, content_type="application/json")
    assert (answer.status_code, answer.json()) == (400, {"error": "Send the file's name, and its size in bytes."})


def test_what_no_database_takes_is_left_out_of_names(alice: Person) -> None:
    announced = {"filename": "my\0 so\ud800ng.m\0p3", "size": 3}
    url = alice.client.post("/uploads/", json.dumps(announced), content_type="application/json").json()["url"]
    headers = {"Upload-Offset": "0"}
    answer = alice.client.patch(url, b"abc", content_type="application/octet-stream", headers=headers)
    assert answer.status_code == 201
    song = Song.objects.get()
    assert (song.filename, song.upload.rpartition("/")[2]) == ("my song.mp3", "original.mp3")
    alice.client.post(f"/songs/{song.pk}/rename/", {"title": "Bl\0ue", "artist": "A\0na"})
    song.refresh_from_db()
    assert (song.title, song.artist) == ("Blue", "Ana")
    program = Client(headers={"Authorization": f"Bearer {Token.make(alice.user, 'test')[1]}"})
    renamed = program.patch(f"/api/v1/songs/{song.pk}", {"title": "R\0ed"}, content_type="application/json")
    assert renamed.json()["title"] == "Red"


def test_one_line_keeps_every_script() -> None:
    for text in ("Ärger im Élan", "می‌خواهم", "音楽 🎸", "👩‍🎤"):
        assert one_line(text) == text


@pytest.mark.parametrize(
    "url", ["/s/a%00b/", "/library/?q=%00", "/library/?deleted=%00", "/?key=%00", "/api/v1/songs?q=%00"]
)
def test_addresses_without_nul(alice: Person, url: str) -> None:
    assert alice.client.get(url).status_code == 400


def test_cookies_without_nul(visitor: Client) -> None:
    assert visitor.get("/", headers={"Cookie": 'sessionid="\\000aaaaaaaaaa"'}).status_code == 400


def test_a_search_of_thousands_of_words(alice: Person, done: Song) -> None:
    program = Client(headers={"Authorization": f"Bearer {Token.make(alice.user, 'test')[1]}"})
    words = "noise " * 2000
    assert program.get("/api/v1/songs", {"q": words}).json()["count"] == 1
    assert done.title in alice.client.get("/library/", {"q": words}).content.decode()


def test_a_range_of_thousands_of_digits(alice: Person, separation: Separation) -> None:
    url = f"/separations/{separation.pk}/vocals.flac"
    whole_stem(alice.client, url)
    for asked in ("9" * 5000 + "-", "0-" + "9" * 5000, "-" + "9" * 5000, "٣-٤"):
        answer = alice.client.get(url, headers={"Range": f"bytes={asked}"})
        assert answer.status_code == 200
        assert body(answer).startswith(b"fLaC")


def test_a_recipe_nested_without_end(alice: Person, separation: Separation) -> None:
    url = f"/separations/{separation.pk}/exports/"
    answer = alice.client.post(url, "[" * 100_000, content_type="application/json")
    assert (answer.status_code, answer.json()) == (422, {"error": "This isn't a valid recipe."})


def test_what_becomes_an_address_is_known_before(alice: Person, charlie: Person, done: Song) -> None:
    """A parameter names no other address than the one it is for."""
    done.trash()
    for deleted in ("../account/logout/?x=", str(alice.user.pk), "0" * 32):
        assert "The song was deleted" not in alice.client.get("/library/", {"deleted": deleted}).content.decode()
    assert f'name="song" value="{done.pk}"' in alice.client.get(f"/library/?deleted={done.pk}").content.decode()
    assert "The song was deleted" not in charlie.client.get(f"/library/?deleted={done.pk}").content.decode()
    done.restore()
    separation, strange = done.separations.get(), "x&amp=#%22/../"
    rename = alice.client.get(f"/songs/{done.pk}/rename/?in=card&{strange}", headers={"HX-Request": "true"})
    manifest = alice.client.get(f"/separations/{separation.pk}/manifest.json", {"key": strange})
    wanted = {"kind": "mix", "format": "mp3"}
    export = alice.client.post(
        f"/separations/{separation.pk}/exports/?key=x%26amp", wanted, content_type="application/json"
    )
    Separation.objects.update(state="queued")
    progress = alice.client.get(f"/separations/{separation.pk}/progress/", {"key": strange})
    library = alice.client.get("/library/", {"sort": strange, "page": strange})
    for answer in (rename, manifest, export, progress, library):
        assert answer.status_code in (200, 202)
        assert "x&amp" not in answer.content.decode()
        assert "x%26amp" not in answer.content.decode()


@pytest.mark.parametrize(
    ("method", "path", "data", "status"),
    [
        ("get", "/nothing", None, 404),
        ("get", "/songs/0/stems", None, 404),
        ("get", "/songs/00000000-0000-0000-0000-000000000000", None, 404),
        ("put", "/songs", {}, 405),
        ("get", "/songs?size=many", None, 422),
        ("post", "/songs", {}, 422),
        ("get", "/songs?q=%00", None, 400),
        ("patch", "/songs/00000000-0000-0000-0000-000000000000", "[", 400),
    ],
)
def test_programs_get_every_error_as_a_sentence(alice: Person, method: str, path: str, data: Any, status: int) -> None:
    program = Client(headers={"Authorization": f"Bearer {Token.make(alice.user, 'test')[1]}"})
    send = {"data": data, "content_type": "application/json"} if data is not None else {}
    answer = getattr(program, method)(f"/api/v1{path}", **send)
    assert answer.status_code == status
    assert list(answer.json()) == ["error"]
    assert answer.json()["error"].endswith(".")


def test_a_fault_of_ours_is_a_sentence_for_programs_too(alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    def fault(*_: object) -> None:
        raise RuntimeError("a fault")

    monkeypatch.setattr("unbraid_web.api.endpoints.Paginator", fault)
    program = Client(raise_request_exception=False)
    headers = {"Authorization": f"Bearer {Token.make(alice.user, 'test')[1]}"}
    answer = program.get("/api/v1/songs", headers=headers)
    assert answer.status_code == 500
    assert "on our end" in answer.json()["error"]


def test_what_was_made_for_one_person_is_kept_by_no_cache(alice: Person, visitor: Client, done: Song) -> None:
    for url in ("/library/", "/account/", "/", f"/songs/{done.pk}/", "/account/leave/", "/api/tokens/"):
        assert "no-store" in alice.client.get(url).headers["Cache-Control"], url
    headers = {"Authorization": f"Bearer {Token.make(alice.user, 'test')[1]}"}
    assert "no-store" in visitor.get(f"/api/v1/songs/{done.pk}", headers=headers).headers["Cache-Control"]


FORMS = {
    "no parts": ("multipart/form-data; boundary=x", b"9" * 5000),
    "no boundary": ("multipart/form-data", b"a=b"),
    "half a part": ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\n"),
    "another encoding": ("application/x-www-form-urlencoded; charset=latin-1", b"a=b"),
    "no encoding": ("application/x-www-form-urlencoded; charset=nonsense", b"a=%ff"),
    "many fields": ("application/x-www-form-urlencoded", b"a=b&" * 2000),
}


URLS = ["/nothing/", "/songs/x/delete/", "/account/login/", "/s/%00/", "/uploads/whole/", "/api/v1/songs"]


@pytest.mark.parametrize("url", URLS)
@pytest.mark.parametrize("form", FORMS)
def test_a_form_that_cannot_be_read(alice: Person, form: str, url: str) -> None:
    content_type, sent = FORMS[form]
    strict = Client(enforce_csrf_checks=True, headers={"X-CSRFToken": "c" * 32})
    strict.force_login(alice.user)
    strict.cookies["csrftoken"] = "c" * 32
    assert strict.generic("POST", url, sent, content_type=content_type).status_code < 500
