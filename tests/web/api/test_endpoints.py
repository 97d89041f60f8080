"""The REST API."""

from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from tests.web.conftest import Person, body, whole_stem, work
from unbraid_web.api.models import Token
from unbraid_web.separations.models import Export, Separation
from unbraid_web.songs.models import Song


class Program:
    """A program with a token."""

    def __init__(self, secret: str) -> None:
        self.client = Client(headers={"Authorization": f"Bearer {secret}"})

    def __call__(self, method: str, path: str, data: Any = None, **more: Any) -> Any:
        send = {"data": data, "content_type": "application/json"} if data is not None else {}
        return getattr(self.client, method)(f"/api/v1{path}", **send, **more)


@pytest.fixture
def program(alice: Person) -> Program:
    return Program(Token.make(alice.user, "test")[1])


def test_a_song_from_upload_to_stem(program: Program, song_file: Path) -> None:
    with song_file.open("rb") as file:
        made = program.client.post("/api/v1/songs", {"file": file})
    assert made.status_code == 201
    song = made.json()
    assert (song["title"], song["state"], song["queue_position"]) == ("some noise", "queued", 1)
    work(Separation.objects.get())
    song = program("get", f"/songs/{song['id']}").json()
    assert (song["state"], song["fraction"]) == ("done", 1.0)
    assert [stem["name"] for stem in song["stems"]] == ["vocals", "drums", "bass", "piano", "other"]
    early = program.client.get(song["stems"][0]["file"])
    assert (early.status_code, early.headers["Retry-After"]) == (503, "1")
    assert whole_stem(program.client, song["stems"][0]["file"]).startswith(b"fLaC")


def test_list_search_rename_share_delete(program: Program, done: Song, visitor: Client) -> None:
    assert program("get", "/songs?q=noise").json()["count"] == 1
    assert program("get", "/songs?q=silence").json()["count"] == 0
    assert program("patch", f"/songs/{done.pk}", {"title": "Blue"}).json()["title"] == "Blue"
    refused = program("patch", f"/songs/{done.pk}", {"title": " "})
    assert (refused.status_code, refused.json()) == (422, {"error": "A song needs a title."})
    link = program("put", f"/songs/{done.pk}/share").json()["share_path"]
    assert visitor.get(link).status_code == 200
    assert program("delete", f"/songs/{done.pk}/share").json()["share_path"] is None
    assert visitor.get(link).status_code == 404
    assert program("delete", f"/songs/{done.pk}").status_code == 204
    assert program("get", f"/songs/{done.pk}").status_code == 404
    assert program("post", f"/songs/{done.pk}/restore").json()["state"] == "done"
    assert program("get", f"/songs/{done.pk}").status_code == 200
    assert program("post", f"/songs/{done.pk}/restore").status_code == 404  # it is not deleted


def test_cancel_and_retry(program: Program, waiting: Song) -> None:
    assert program("post", f"/songs/{waiting.pk}/cancel").json()["state"] == "cancelled"
    assert program("post", f"/songs/{waiting.pk}/retry").json()["state"] == "queued"


def test_an_export(program: Program, done: Song) -> None:
    wanted = {"kind": "mix", "format": "mp3", "stems": {"vocals": {"gain": 0.5, "pan": -1}}}
    export = program("post", f"/songs/{done.pk}/exports", wanted).json()
    assert export["state"] == "queued"
    work(Export.objects.get(pk=export["id"]))
    export = program("get", f"/exports/{export['id']}").json()
    assert export["state"] == "done"
    assert len(body(program.client.get(export["file"]))) > 100_000
    answer = program("post", f"/songs/{done.pk}/exports", {"kind": "stem", "format": "wav"})
    assert (answer.status_code, answer.json()) == (422, {"error": "Name the one stem you want."})


def test_a_token_opens_ones_own_songs_only(program: Program, charlie: Person, done: Song) -> None:
    other = Program(Token.make(charlie.user, "test")[1])
    for method, path in (
        ("get", ""), ("delete", ""), ("post", "/retry"), ("post", "/cancel"), ("put", "/share"),
        ("delete", "/share"), ("get", "/stems/bass.flac"),
    ):  # fmt: skip
        assert other(method, f"/songs/{done.pk}{path}").status_code == 404
    assert other("patch", f"/songs/{done.pk}", {"title": "x"}).status_code == 404
    assert other("get", "/songs").json()["count"] == 0


def test_without_a_token_there_is_nothing(alice: Person, visitor: Client, done: Song) -> None:
    for client in (visitor, alice.client, Program("unb_guess").client):
        assert client.get("/api/v1/songs").status_code == 401
        assert client.get(f"/api/v1/songs/{done.pk}").status_code == 401


def test_the_rate_is_limited(program: Program) -> None:
    answers = [program("get", "/songs").status_code for _ in range(121)]
    assert answers == [200] * 120 + [429]


def test_the_description_names_every_endpoint(visitor: Client) -> None:
    paths = visitor.get("/api/v1/openapi.json").json()["paths"]
    assert "/api/v1/songs/{song_id}/exports" in paths
    assert visitor.get("/api/v1/docs").status_code == 200
