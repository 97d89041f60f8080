"""What a musician does, from the first visit on, in a real browser on the real site."""

import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import soundfile
from selenium.common.exceptions import WebDriverException
from selenium.webdriver import ActionChains, Chrome, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

from tests.web.browser.chromium import visit_anew
from tests.web.browser.conftest import RATE, music
from tests.web.site import PATIENCE, Site


def until(condition: Callable[[], Any], what: str) -> Any:
    """Wait until the condition holds and return what it gave; pages that change meanwhile are asked again."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            if found := condition():
                return found
        except WebDriverException:  # not there yet, or the page is changing
            pass
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.05)


def find(page: Chrome, selector: str) -> WebElement:
    found: WebElement = until(lambda: page.find_element(By.CSS_SELECTOR, selector), selector)
    return found


def see(page: Chrome, text: str) -> None:
    until(lambda: text in page.find_element(By.TAG_NAME, "body").text, text)


def click(page: Chrome, selector: str) -> None:
    def clicked() -> bool:
        element = page.find_element(By.CSS_SELECTOR, selector)
        page.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)
        element.click()
        return True

    until(clicked, selector)  # what is found may be replaced before it is clicked


def state(page: Chrome) -> Any:
    return page.execute_script("return document.querySelector('#mixer').mixer.engine?.state ?? {position: 0}")


def log_in(page: Chrome, site: Site, email: str = "ana@example.org") -> None:
    page.delete_all_cookies()
    page.get(f"{site.url}/account/login/")
    find(page, "#id_username").send_keys(email)
    find(page, "#id_password").send_keys("strings and hammers")
    click(page, "main button")
    see(page, "Library")


@pytest.fixture(scope="module")
def songs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two songs and something that is none."""
    folder = tmp_path_factory.mktemp("songs")
    soundfile.write(folder / "01 - Blue Door.flac", music(24.0, seed=1), RATE)
    soundfile.write(folder / "Short One.wav", music(3.0, seed=2), RATE)
    (folder / "letter.mp3").write_text("Dear Ana, this is not music. " * 100)
    return [folder / name for name in ("01 - Blue Door.flac", "Short One.wav", "letter.mp3")]


def test_1_a_visitor_plays_the_demo(site: Site, page: Chrome) -> None:
    visit_anew(page, site.url)  # whoever another test left logged in
    see(page, "Take a song apart.")
    click(page, "[data-do=play]")
    until(lambda: state(page)["position"] > 2 * RATE, "two seconds of the demo")
    assert find(page, "[data-do=play]").get_attribute("aria-label") == "Pause"
    click(page, "[data-do=play]")
    until(lambda: not state(page)["playing"], "the pause")


def test_2_signs_up_and_uploads(site: Site, page: Chrome, songs: list[Path]) -> None:
    page.get(site.url)
    click(page, "a[href='/account/sign-up/'].small")
    find(page, "#id_email").send_keys("ana@example.org")
    find(page, "#id_password").send_keys("strings and hammers")
    click(page, "main button")
    see(page, "You can log in now.")
    find(page, "#id_password").send_keys("strings and hammers")
    click(page, "main button")
    see(page, "Your library is empty.")
    find(page, "#files").send_keys("\n".join(map(str, songs)))
    see(page, "3 songs")
    see(page, "Blue Door")


def test_2_songs_that_arrive_together_are_all_listed(page: Chrome, songs: list[Path]) -> None:
    page.execute_script("""
        window.asked = [];
        document.addEventListener("htmx:beforeSend", (event) => { window.asked.push(event.detail.xhr); });
        document.addEventListener("htmx:afterSwap", (event) => { window.shown = event.detail.xhr; });
        const facts = { url: "/nowhere/", received: 0, piece: 2 ** 21, song: 1 };
        window.fetch = async () => { return { ok: true, status: 200, json: async () => facts }; };
    """)
    find(page, "#files").send_keys("\n".join(map(str, songs[:2])))
    until(lambda: page.execute_script("return window.asked.length") >= 2, "two lists asked for")
    until(lambda: page.execute_script("return window.shown === window.asked.at(-1)"), "the last list on the page")


def test_3_watches_the_progress_and_listens_meanwhile(site: Site, page: Chrome) -> None:
    page.get(f"{site.url}/library/?q=door")
    click(page, ".song-link")
    until(lambda: state(page)["position"] >= 0 and page.find_elements(By.CSS_SELECTOR, ".strip"), "the first stems")
    click(page, "[data-do=play]")
    until(lambda: state(page)["position"] > RATE, "a second of sound")
    until(lambda: find(page, "#downloads").is_displayed(), "the end of the separation")
    until(lambda: page.find_element(By.CSS_SELECTOR, ".song-heading .dim").text[:4] == "0:24", "the length")
    assert [strip.text for strip in page.find_elements(By.CSS_SELECTOR, ".strip-name")] == [
        "Vocals", "Drums", "Bass", "Piano", "Other",
    ]  # fmt: skip


def test_4_works_the_mixer_with_mouse_and_keys(site: Site, page: Chrome) -> None:
    keys = ActionChains(page)
    page.execute_script("document.querySelector('#mixer').mixer.engine.pause(); document.activeElement.blur()")
    until(lambda: not state(page)["playing"], "the pause")
    gains = "return document.querySelector('#mixer').mixer.engine.gains.map(([left]) => left)"
    click(page, "[data-stem=drums] .mute")
    assert page.execute_script(gains) == [1, 0, 1, 1, 1]
    keys.send_keys("2").key_down(Keys.SHIFT).send_keys("3").key_up(Keys.SHIFT).perform()
    assert page.execute_script(gains) == [0, 0, 1, 0, 0]
    assert find(page, "[data-stem=bass] .solo").get_attribute("aria-pressed") == "true"
    click(page, "[data-do=reset]")
    assert page.execute_script(gains) == [1, 1, 1, 1, 1]
    wave = find(page, "[data-stem=piano] .wave")
    ActionChains(page).move_to_element_with_offset(wave, int(wave.size["width"] * 0.25), 0).click().perform()
    until(lambda: 17.5 < state(page)["position"] / RATE < 20, "the place that was clicked")
    page.execute_script("document.activeElement.blur()")
    ActionChains(page).send_keys(Keys.HOME).perform()
    until(lambda: state(page)["position"] / RATE < 2, "the start")
    ruler = find(page, ".ruler")
    width = ruler.size["width"]
    drag = ActionChains(page).key_down(Keys.ALT)  # free of the bars
    drag.move_to_element_with_offset(ruler, round(-0.25 * width), 0).click_and_hold()
    drag.move_by_offset(round(width / 24), 0).release().key_up(Keys.ALT).perform()
    loop = page.execute_script("return document.querySelector('#mixer').mixer.loop")
    assert (round(loop["from"]), round(loop["to"])) == (6, 7)
    page.execute_script("const {mixer} = document.querySelector('#mixer'); mixer.seek(6.2); mixer.engine.play()")
    until(lambda: state(page)["position"] / RATE > 6.6, "the loop's middle")
    until(lambda: state(page)["position"] / RATE < 6.5, "the loop's beginning again")
    find(page, "[data-do=speed]").send_keys("50")
    click(page, "[data-do=spectrum]")
    until(lambda: "spectral" in (find(page, "#mixer").get_attribute("class") or ""), "the spectrum")
    click(page, "[data-do=loop]")
    page.execute_script("document.activeElement.blur()")
    ActionChains(page).send_keys(Keys.SPACE).perform()
    until(lambda: not state(page)["playing"], "the pause")


def test_5_downloads_stems_and_a_mix(page: Chrome, downloads: Path) -> None:
    click(page, "[data-kind=stem] button")
    stem = downloads / "Blue Door - vocals.flac"
    until(lambda: stem.exists(), "the stem")
    assert soundfile.info(stem).frames == 24 * RATE
    click(page, "[data-stem=vocals] .mute")
    click(page, "[data-kind=mix] button")
    mix = downloads / "Blue Door - without vocals, 50% speed.mp3"
    until(lambda: mix.exists(), "the mix")
    assert abs(soundfile.info(mix).duration - 48) < 0.1  # as it was heard last
    click(page, "[data-kind=zip] button")
    everything = downloads / "Blue Door - stems (wav).zip"
    until(lambda: everything.exists(), "the zip")
    with zipfile.ZipFile(everything) as archive:
        assert archive.namelist()[-1].endswith("/Blue Door.rpp")
        assert len(archive.namelist()) == 6


def test_6_renames_shares_and_withdraws(site: Site, page: Chrome) -> None:
    click(page, "[aria-label=Rename]")
    title = find(page, ".rename [name=title]")
    title.clear()
    title.send_keys("Red Door")
    click(page, ".rename button")
    until(lambda: page.find_element(By.CSS_SELECTOR, "h1").text == "Red Door", "the new title")
    click(page, "#share button")
    link = find(page, "#link").get_attribute("value") or ""
    home = page.current_url
    cookies = page.get_cookies()
    page.delete_all_cookies()
    page.get(link)
    see(page, "Take your own songs apart")
    click(page, "[data-do=play]")
    until(lambda: state(page)["position"] > RATE, "the shared song")
    page.get(home)
    see(page, "Log in")
    for cookie in cookies:
        page.add_cookie(cookie)
    page.get(home)
    click(page, "#share .secondary")
    see(page, "Only you can hear this song.")
    page.get(link)
    see(page, "Page not found")


def test_7_what_is_not_music_says_so(site: Site, page: Chrome) -> None:
    log_in(page, site)
    click(page, "a[href='/library/']")
    until(lambda: page.find_elements(By.CSS_SELECTOR, ".badge.bad"), "the failure")
    find(page, "#q").send_keys("letter")
    see(page, "1 song matches “letter”")
    click(page, ".song-link")
    see(page, "This file is not a sound file that can be read")
    assert "Try again" not in page.find_element(By.TAG_NAME, "body").text  # it would fail again


def test_8_finds_everything_again_after_a_restart(site: Site, page: Chrome) -> None:
    site.stop()
    site.start()
    page.get(f"{site.url}/library/")  # still logged in
    see(page, "Red Door")
    click(page, "[aria-label='Delete letter']")
    see(page, "“letter” was deleted.")
    click(page, ".song.deleted button")
    see(page, "Failed")
    click(page, "[aria-label='Delete letter']")
    see(page, "“letter” was deleted.")
    page.get(f"{site.url}/library/?sort=title")
    see(page, "2 songs")
    page.get(f"{site.url}/library/?q=red")
    click(page, ".song-link")
    click(page, "[data-do=play]")
    until(lambda: state(page)["position"] > RATE, "the song, a day later")
    click(page, "#delete")
    see(page, "The song was deleted.")


def test_9_logs_out_and_leaves(site: Site, page: Chrome) -> None:
    page.get(f"{site.url}/account/")
    click(page, "form[action='/account/logout/'] button")
    see(page, "Take a song apart.")
    log_in(page, site)
    page.get(f"{site.url}/account/leave/")
    find(page, "#id_password").send_keys("strings and hammers")
    click(page, ".danger")
    see(page, "Your account and all your songs were deleted.")


def test_light_or_dark_is_remembered_for_this_site_alone(site: Site, page: Chrome) -> None:
    visit_anew(page, site.url)
    page.execute_script("document.querySelector('.brand').href = '/stems/'")  # as where the site has a path of its own
    click(page, "#theme")
    [cookie] = [
        cookie
        for cookie in page.execute_cdp_cmd("Storage.getCookies", {})["cookies"]
        if cookie["name"].endswith("theme")
    ]
    assert (cookie["name"], cookie["path"]) == ("unbraid_theme", "/stems/")


def test_the_worker_leaves_with_a_site_that_is_killed(site: Site) -> None:
    until(site.workers, "the worker")
    assert site.process
    site.process.kill()
    site.process.wait()
    try:
        until(lambda: not site.workers(), "the worker to leave")
    finally:
        site.start()
