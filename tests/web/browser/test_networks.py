"""Bad networks: the connection goes, the server restarts, somebody logs out elsewhere, and the page finds its way."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import soundfile
from selenium.webdriver import Chrome

from tests.web.browser.chromium import visit_anew
from tests.web.browser.conftest import RATE, music
from tests.web.browser.proxy import Proxy
from tests.web.browser.test_journey import click, find, log_in, see, state, until
from tests.web.site import Site

NINA = "nina@example.org"
NOTE = "The server can’t be reached. Trying again"


@pytest.fixture(scope="module")
def token(site: Site) -> str:
    return site.token(NINA)


@pytest.fixture
def page(browser: Chrome) -> Chrome:
    """The browser, whose console may complain: here requests fail."""
    return browser


@pytest.fixture
def held(site: Site) -> Iterator[Any]:
    """Keep the workers from working until the given function is called."""
    with site.held_workers() as release:
        yield release


@pytest.fixture
def song(site: Site, token: str, tmp_path: Path) -> Any:
    soundfile.write(tmp_path / "Far Shore.wav", music(3.0, seed=9), RATE)
    return site.api(token, "POST", "/api/v1/songs", file=tmp_path / "Far Shore.wav")


def offline(page: Chrome, away: bool) -> None:
    conditions = {"offline": away, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    page.execute_cdp_cmd("Network.enable", {})
    page.execute_cdp_cmd("Network.emulateNetworkConditions", conditions)


def notes(page: Chrome) -> list[str]:
    script = "return [...document.querySelectorAll('.messages p')].map((p) => p.textContent)"
    found: list[str] = page.execute_script(script)
    return found


def requests(page: Chrome) -> int:
    count: int = page.execute_script("return performance.getEntriesByType('resource').length")
    return count


def test_a_separation_that_starts_anew_leaves_the_mixer_as_it_is(site: Site, page: Chrome) -> None:
    visit_anew(page, site.url)
    find(page, "[data-stem=drums] .mute").click()
    page.execute_script("const {mixer} = document.querySelector('#mixer'); mixer.seek(2); mixer.toggle()")
    until(lambda: state(page)["position"] > 2.5 * RATE, "the demo")
    page.execute_script("""
        const {mixer} = document.querySelector('#mixer');
        window.whole = mixer.manifest;
        const run = whole.run + 1;
        mixer.load({...whole, run, state: 'queued', complete: false, frames: 0, segments: 0, stems: []});
    """)
    until(lambda: state(page)["waiting"], "the music to wait")
    at = state(page)["position"]
    page.execute_script("document.querySelector('#mixer').mixer.load({...whole, run: whole.run + 1})")
    until(lambda: at + RATE / 2 < state(page)["position"] < at + 8 * RATE, "the music to go on where it was")
    assert state(page)["playing"]
    assert find(page, "[data-stem=drums] .mute").get_attribute("aria-pressed") == "true"


def test_music_goes_on_after_a_lost_connection(site: Site, page: Chrome, proxy: Proxy) -> None:
    visit_anew(page, proxy.url)
    until(lambda: page.find_elements("css selector", ".strip"), "the strips")
    proxy.away = "/vocals/"
    page.execute_script("document.querySelector('#mixer').mixer.engine.seek(9)")
    find(page, "[data-do=play]").click()
    see(page, "Part of this song couldn’t be loaded.")
    proxy.away = "nothing"
    until(lambda: state(page)["position"] > 9.5 * RATE, "the music")
    assert not find(page, "[data-show=error]").is_displayed()


@pytest.mark.parametrize("where", ["song", "library"])
def test_live_parts_outlast_a_lost_connection(
    site: Site, page: Chrome, proxy: Proxy, held: Any, song: Any, where: str
) -> None:
    log_in(page, site, NINA)
    page.get(f"{proxy.url}/songs/{song['id']}/" if where == "song" else f"{proxy.url}/library/")
    see(page, "Waiting")
    offline(page, True)
    see(page, NOTE)
    offline(page, False)
    until(lambda: not notes(page), "the connection")
    proxy.away = "/"
    see(page, NOTE)
    assert len(notes(page)) == 1
    held()
    proxy.away = "nothing"
    until(lambda: not notes(page), "the server")
    until(lambda: "Waiting" not in find(page, "main").text, "the end of the separation")
    if where == "song":
        until(lambda: find(page, "#downloads").is_displayed(), "the downloads")
    else:
        until(lambda: not page.find_elements("css selector", ".badge"), "the card of a song that is done")


@pytest.mark.parametrize("where", ["song", "library"])
def test_logged_out_elsewhere_is_said_once(site: Site, page: Chrome, held: Any, song: Any, where: str) -> None:
    log_in(page, site, NINA)
    page.get(f"{site.url}/songs/{song['id']}/" if where == "song" else f"{site.url}/library/")
    see(page, "Waiting")
    page.delete_cookie("sessionid")
    see(page, "You’ve been logged out.")
    until(lambda: settled(page), "quiet")
    assert len(notes(page)) == 1


def test_a_page_outlasts_a_login_in_another_tab(site: Site, page: Chrome, song: Any, tmp_path: Path) -> None:
    log_in(page, site, NINA)
    page.get(f"{site.url}/library/?q=far")
    page.add_cookie({"name": "csrftoken", "value": "n" * 32})  # as after every login
    (tmp_path / "Farther.mp3").write_text("not music")
    find(page, "#files").send_keys(str(tmp_path / "Farther.mp3"))
    find(page, "[aria-label='Delete Farther']")
    click(page, f"#song-{song['id']} [aria-label^=Rename]")
    click(page, ".rename button")
    until(lambda: page.find_elements("css selector", f"#song-{song['id']} .song-link"), "the card")
    click(page, "[aria-label='Delete Farther']")
    see(page, "“Farther” was deleted.")
    assert not notes(page)


def settled(page: Chrome) -> bool:
    """Whether nothing was asked for during twice the time between two questions."""
    before = requests(page)
    page.execute_async_script("setTimeout(arguments[0], 4000)")
    return requests(page) == before


@pytest.mark.usefixtures("token")
def test_two_files_of_one_name_and_size_are_two_songs(site: Site, page: Chrome, tmp_path: Path) -> None:
    log_in(page, site, NINA)
    page.get(f"{site.url}/library/?q=twin")
    files = []
    for number, folder in enumerate(("first", "second")):
        (tmp_path / folder).mkdir()
        files.append(tmp_path / folder / "Twin.wav")
        soundfile.write(files[-1], music(1.0, seed=number), RATE)
        os.utime(files[-1], (1, 1))  # of the same time, too
    find(page, "#files").send_keys("\n".join(map(str, files)))
    see(page, "2 songs")


def test_reset_puts_back_everything(site: Site, page: Chrome) -> None:
    visit_anew(page, site.url)
    click(page, "[data-stem=drums] .mute")
    find(page, "[data-do=speed]").send_keys("50")
    click(page, "[data-do=loop]")
    click(page, "[data-do=reset]")
    mixer = "document.querySelector('#mixer').mixer"
    assert page.execute_script(f"return [{mixer}.engine.rate, {mixer}.loop, {mixer}.engine.gains[1]]") == [
        1,
        None,
        [1, 1],
    ]
