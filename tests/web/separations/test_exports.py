"""Downloads that are rendered: other formats, zips, mixes."""

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from tests.web.conftest import Person, Refuses, body, work
from unbraid_web.separations.models import Export, Separation


def ask(alice: Person, separation: Separation, **wanted: Any) -> Any:
    return alice.client.post(f"/separations/{separation.pk}/exports/", wanted, content_type="application/json")


def rendered(alice: Person, separation: Separation, **wanted: Any) -> bytes:
    asked = ask(alice, separation, **wanted)
    assert asked.status_code == 202, asked.content
    work(Export.objects.get(pk=asked.json()["id"]))
    found = alice.client.get(asked.json()["status"]).json()
    assert (found["state"], found["error"]) == ("done", "")
    answer = alice.client.get(found["file"])
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=")
    return body(answer)


def samples(data: bytes) -> Any:
    return soundfile.read(io.BytesIO(data))[0]


def test_a_mix_with_all_faders_up_is_the_song(alice: Person, separation: Separation, song_file: Path) -> None:
    mixed = samples(rendered(alice, separation, kind="mix", format="wav"))
    assert np.abs(mixed - soundfile.read(song_file)[0]).max() < 4 / 32768


def test_gain_and_pan_of_each_stem(alice: Person, separation: Separation) -> None:
    faders = {"vocals": {"gain": 0.5, "pan": -1}, "bass": {"gain": 0.25, "pan": 0.5}, "drums": {"gain": 0}}
    mixed = samples(rendered(alice, separation, kind="mix", format="flac", stems=faders))
    vocals, bass = (
        samples(body(alice.client.get(f"/separations/{separation.pk}/{name}.flac"))) for name in ("vocals", "bass")
    )
    expected = vocals * [0.5, 0.0] + bass * [0.125, 0.25]
    assert np.abs(mixed - expected).max() < 1 / 32768


def test_a_mix_too_loud_is_turned_down_and_not_clipped(alice: Person, separation: Separation, song_file: Path) -> None:
    loud = {stem.name: {"gain": 2.0} for stem in separation.stems.all()}
    mixed = samples(rendered(alice, separation, kind="mix", format="wav", stems=loud)).ravel()
    song = soundfile.read(song_file)[0].ravel()
    assert np.abs(mixed).max() <= 1
    assert np.corrcoef(mixed, song)[0, 1] > 0.99999


@pytest.mark.parametrize("kind", ["wav", "flac", "mp3"])
def test_all_stems_as_zip(alice: Person, separation: Separation, kind: str) -> None:
    with zipfile.ZipFile(io.BytesIO(rendered(alice, separation, kind="zip", format=kind))) as archive:
        assert archive.testzip() is None
        names = [f"some_noise/{stem.name}.{kind}" for stem in separation.stems.all()]
        assert archive.namelist() == names
        for name in names:
            with soundfile.SoundFile(io.BytesIO(archive.read(name))) as file:
                assert file.channels == 2
                assert abs(file.frames - separation.frames) <= (0 if kind != "mp3" else 2304)


def test_the_same_wish_is_rendered_once(alice: Person, separation: Separation) -> None:
    first = ask(alice, separation, kind="mix", format="mp3", stems={"bass": {"gain": 1}}).json()
    again = ask(alice, separation, kind="mix", format="mp3", stems={"bass": {"gain": 1.0, "pan": 0}}).json()
    other = ask(alice, separation, kind="mix", format="mp3", stems={"bass": {"gain": 0.9}}).json()
    assert first["id"] == again["id"] != other["id"]


@pytest.mark.parametrize(
    "wanted",
    [
        {},
        {"kind": "mix", "format": "exe"},
        {"kind": "mix", "format": "wav", "stems": {"kazoo": {}}},
        {"kind": "mix", "format": "wav", "stems": {"bass": {"gain": 3}}},
        {"kind": "mix", "format": "wav", "stems": {"bass": {"gain": "loud"}}},
        {"kind": "mix", "format": "wav", "stems": {"bass": {"pan": 1e999}}},
        {"kind": "mix", "format": "wav", "stems": {"bass": {"gain": 0}}},
        {"kind": "stem", "format": "wav"},
        {"kind": ["mix"], "format": "wav"},
    ],
)
def test_nonsense_is_answered_with_a_sentence(alice: Person, separation: Separation, wanted: Any) -> None:
    answer = ask(alice, separation, **wanted)
    assert answer.status_code == 422
    assert answer.json()["error"].endswith(".")
    assert not Export.objects.exists()


def test_waits_for_the_song(alice: Person, separation: Separation) -> None:
    Separation.objects.update(state="running")
    assert ask(alice, separation, kind="zip", format="wav").status_code == 409


def test_are_nobody_elses(alice: Person, separation: Separation, only_for_alice: Refuses) -> None:
    wanted = {"kind": "mix", "format": "mp3"}
    only_for_alice(f"/separations/{separation.pk}/exports/", "post", "get", data=wanted)
    export = ask(alice, separation, **wanted).json()["id"]
    only_for_alice(f"/exports/{export}/", "get", "post")
    assert alice.client.get(f"/exports/{export}/file/").status_code == 404  # not rendered yet
    Export.objects.update(state="done")
    only_for_alice(f"/exports/{export}/file/", "get", "post")
