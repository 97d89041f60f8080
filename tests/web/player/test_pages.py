"""The pages with the mixer."""

from typing import Any

from django.test import Client

from tests.web.conftest import Person, Refuses
from unbraid_web.separations.models import Separation
from unbraid_web.songs.models import Song


def test_everybody_is_welcomed_with_the_demo_in_the_mixer(visitor: Client, demo: Song) -> None:
    page = visitor.get("/").content.decode()
    assert 'id="mixer"' in page
    assert f"/separations/{demo.separations.get().pk}/manifest.json" in page
    assert visitor.post("/").status_code == 405


def test_without_a_demo_the_welcome_stands_alone(visitor: Client) -> None:
    page = visitor.get("/")
    assert page.status_code == 200
    assert 'id="mixer"' not in page.content.decode()


def test_ones_own_song(alice: Person, charlie: Person, visitor: Client, done: Song) -> None:
    url = f"/songs/{done.pk}/"
    assert "Delete this song" in alice.client.get(url).content.decode()
    assert charlie.client.get(url).status_code == 404
    assert visitor.get(url).headers["Location"] == f"/account/login/?next={url}"
    assert alice.client.post(url).status_code == 405
    page = alice.client.get(url).content.decode()
    assert "Create a private link" in page
    assert "You can undo this for up to 60 minutes." in page


def test_a_song_that_waits_has_its_page_too(alice: Person, waiting: Song) -> None:
    page = alice.client.get(f"/songs/{waiting.pk}/").content.decode()
    assert "You’re next." in page
    assert page.count('class="skeleton"') == 5  # where the strips will be
    assert "hidden" in page[page.index('id="downloads"') :][:80]


def test_where_stems_expire_the_page_says_when(alice: Person, done: Song, settings: Any) -> None:
    assert "are kept until" not in alice.client.get(f"/songs/{done.pk}/").content.decode()
    settings.STEM_DAYS = 30
    assert "are kept until" in alice.client.get(f"/songs/{done.pk}/").content.decode()


def test_there_is_no_mixer_for_what_failed(alice: Person, waiting: Song) -> None:
    waiting.separations.update(state="failed", error="This is no music.")
    page = alice.client.get(f"/songs/{waiting.pk}/").content.decode()
    assert "This is no music." in page
    assert "hidden" in page[page.index('id="mixer"') :][:80]
    assert "Create a private link" not in page  # to what?
    waiting.share()
    assert "Turn off the link" in alice.client.get(f"/songs/{waiting.pk}/").content.decode()


def test_an_unknown_link_is_not_found(visitor: Client, done: Song) -> None:
    assert visitor.get("/s/guess/").status_code == 404


def test_the_manifest_tells_all_that_the_mixer_needs(alice: Person, separation: Separation) -> None:
    facts = alice.client.get(f"/separations/{separation.pk}/manifest.json").json()
    assert facts["complete"]
    assert (facts["sampleRate"], facts["segmentFrames"], facts["segments"]) == (44_100, 220_500, 3)
    assert facts["frames"] == (12 * 44_100)
    assert (facts["title"], facts["artist"]) == ("some noise", "")
    assert [stem["name"] for stem in facts["stems"]] == ["vocals", "drums", "bass", "piano", "other"]
    assert all(0 < stem["presence"] <= 1 for stem in facts["stems"])
    assert len(facts["stems"][0]["peaks"]) == 12 * 20 / 3 * 4  # one byte a step, in base64


def test_the_security_policy_allows_nothing_inline(visitor: Client, demo: Song) -> None:
    answer = visitor.get("/")
    policy = answer.headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "script-src 'self'" in policy
    page = answer.content.decode()
    assert " style=" not in page
    assert "<style" not in page
    assert " onclick" not in page


def test_the_theme_is_remembered(visitor: Client, demo: Song) -> None:
    visitor.cookies["unbraid_theme"] = "dark"
    assert 'data-theme="dark"' in visitor.get("/").content.decode()
    visitor.cookies["unbraid_theme"] = '"><script>'
    assert "data-theme" not in visitor.get("/").content.decode()


def test_others_do_not_get_the_manifest(separation: Separation, only_for_alice: Refuses) -> None:
    only_for_alice(f"/separations/{separation.pk}/manifest.json", "get", "post")


def test_errors_are_pages_too(visitor: Client, settings: Any) -> None:
    answer = visitor.get("/nothing/here/")
    assert answer.status_code == 404
    assert "Page not found" in answer.content.decode()
