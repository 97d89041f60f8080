"""What a page shows and plays as its song waits, is separated, is stopped, or is nobody's any more."""

from typing import Any

import pytest
import soundfile
from selenium.webdriver import Chrome

from tests.web.browser.conftest import RATE, music
from tests.web.browser.test_journey import click, find, log_in, see, state, until
from tests.web.site import Site

IDA = "ida@example.org"
CHANGE = """
from django.utils import timezone
from unbraid_web.separations.models import Separation
Separation.objects.filter(song_id={song!r}).update(heartbeat=timezone.now(), queued_at=timezone.now(), {fields})
"""


@pytest.fixture(scope="module")
def song(site: Site, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The id of a song of ida's that was separated."""
    path = tmp_path_factory.mktemp("ida") / "Night Train.flac"
    soundfile.write(path, music(8.0, seed=5), RATE)
    token = site.token(IDA)
    made = site.api(token, "POST", "/api/v1/songs", file=path)
    site.wait_for(token, f"/api/v1/songs/{made['id']}")
    return str(made["id"])


@pytest.fixture
def change(site: Site, song: str) -> Any:
    """Sets fields of the song's separation, as a worker or the lack of one would."""
    return lambda fields: site.manage("shell", "--no-imports", "-c", CHANGE.format(song=song, fields=fields))


def test_what_needs_stems_is_off_until_there_are_some(site: Site, page: Chrome, song: str, change: Any) -> None:
    change("state='queued', segments=0, frames=0")
    log_in(page, site, IDA)
    page.get(f"{site.url}/songs/{song}/")
    needs_stems = "return [...document.querySelectorAll('[data-mix], [data-do=loop], [data-do=original]')]"
    assert page.execute_script(f"{needs_stems}.every((control) => control.disabled)")
    change("state='done', segments=2, frames=8 * 44100")
    until(lambda: page.find_elements("css selector", ".strip"), "the stems")
    assert page.execute_script(f"{needs_stems}.every((control) => !control.disabled)")


def test_who_is_logged_out_meanwhile_is_told(site: Site, page: Chrome, song: str) -> None:
    log_in(page, site, IDA)
    page.get(f"{site.url}/library/")
    find(page, f"#song-{song}")
    page.delete_cookie("unbraid_session" if page.get_cookie("unbraid_session") else "sessionid")
    click(page, "[aria-label='Delete Night Train']")
    see(page, "You’ve been logged out. Log in again, then reload this page.")


def test_the_music_ends_with_what_is_stopped(site: Site, page: Chrome, song: str, change: Any) -> None:
    log_in(page, site, IDA)
    change("state='running', stage='separating', fraction=0.5, claim_token='11111111-2222-3333-4444-555555555555'")
    page.get(f"{site.url}/songs/{song}/")
    until(lambda: page.find_elements("css selector", ".strip"), "the stems")
    click(page, "[data-do=play]")
    until(lambda: state(page)["playing"], "the music")
    click(page, "#progress button")
    see(page, "Stopped.")
    until(lambda: not state(page)["playing"], "silence")
    assert not find(page, "#mixer").is_displayed()


def test_without_javascript_nothing_is_offered_that_needs_it(site: Site, page: Chrome) -> None:
    page.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        page.get(site.url)
        see(page, "The mixer needs JavaScript.")
        assert not find(page, "[data-do=play]").is_displayed()
        assert not find(page, "[data-kind=zip]").is_displayed()
        stems = page.find_elements("css selector", "#downloads noscript a")
        assert len(stems) == 5
        assert all(stem.is_displayed() for stem in stems)
    finally:
        page.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
