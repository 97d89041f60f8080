"""Tempo, beats and key of a song: wherever it is shown."""

from typing import Any

import pytest

from tests.web.conftest import Person
from unbraid_web.api.models import Token
from unbraid_web.separations.models import Separation

FOUND: dict[str, Any] = {"tempo": 123.6, "beats": [0.5, 0.99, 1.47, 1.96], "downbeats": [0.5], "key": "E♭ major"}
NO_BEAT: dict[str, Any] = {"tempo": None, "beats": [], "downbeats": [], "key": "A minor"}
NEITHER: dict[str, Any] = {"tempo": None, "beats": [], "downbeats": [], "key": None}


@pytest.mark.parametrize(
    ("analysis", "line"),
    [(FOUND, " · 124 BPM · E♭ major"), (NO_BEAT, " · A minor"), (NEITHER, ""), (None, "")],
)
def test_the_song_its_card_the_mixer_and_programs_are_told(
    alice: Person, separation: Separation, analysis: dict[str, Any] | None, line: str
) -> None:
    Separation.objects.update(analysis=analysis)
    song = separation.song_id
    assert f"0:12{line}</p>" in alice.client.get(f"/songs/{song}/").content.decode()
    assert f"0:12{line} · <time" in alice.client.get(f"/songs/{song}/card/").content.decode()
    assert alice.client.get(f"/separations/{separation.pk}/manifest.json").json()["analysis"] == analysis
    token = Token.make(alice.user, "test")[1]
    answer = alice.client.get(f"/api/v1/songs/{song}", headers={"Authorization": f"Bearer {token}"})
    assert answer.json()["analysis"] == analysis


def test_what_was_found_goes_with_the_stems(separation: Separation) -> None:
    Separation.objects.update(analysis=FOUND)
    separation.refresh_from_db()
    separation.clean_up()
    assert separation.analysis is None
