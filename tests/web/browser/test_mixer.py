"""What the mixer remembers and shares, how it is seen closer, and what the system's own buttons do."""

import urllib.request
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import soundfile
from selenium.webdriver import ActionChains, Chrome

from tests.web.browser.chromium import resize, save_to, visit_anew
from tests.web.browser.conftest import RATE, music
from tests.web.browser.test_journey import click, find, log_in, state, until
from tests.web.site import Site
from unbraid.audio import SongReader

MIXER = "document.querySelector('#mixer').mixer"
UMA = "uma@example.org"


@pytest.fixture
def demo(site: Site, page: Chrome) -> Chrome:
    """The page with the demo, as at the first visit."""
    visit_anew(page, site.url)
    strips(page)
    return page


def strips(page: Chrome) -> None:
    until(lambda: page.find_elements("css selector", ".strip"), "the strips")


def ask(page: Chrome, what: str) -> Any:
    """Ask the mixer for something."""
    return page.execute_script(f"return {MIXER}.{what}")


def test_a_song_is_as_it_was_left(demo: Chrome) -> None:
    click(demo, "[data-stem=bass] .solo")
    find(demo, "[data-do=speed]").send_keys("75")
    demo.execute_script(
        f"{MIXER}.strips[2].set({{volume: 0.5, pan: -0.3, muted: false, soloed: true}});"
        f"{MIXER}.setLoop({{from: 3, to: 7.5}}); {MIXER}.seek(5)"
    )
    left = ask(demo, "mix(5)")
    assert left == "bass=50_left30_solo&speed=75&loop=3.00-7.50&at=5.00"
    demo.refresh()
    strips(demo)
    assert ask(demo, f"mix(Math.round({MIXER}.engine.seconds))") == left
    assert ask(demo, "engine.gains.map(([gain]) => gain)") == [0, 0, 0.5, 0, 0]
    assert ask(demo, "engine.rate") == 0.75
    click(demo, "[data-do=reset]")
    demo.execute_script(f"{MIXER}.seek(0)")
    demo.refresh()
    strips(demo)
    assert ask(demo, "mix()") == ""
    assert demo.execute_script("return Object.keys(localStorage).filter((key) => key.startsWith('mix'))") == []


def test_one_tab_plays_at_a_time(site: Site, demo: Chrome, downloads: Path) -> None:
    click(demo, "[data-do=play]")
    until(lambda: state(demo)["playing"], "the music")
    first = demo.current_window_handle
    demo.switch_to.new_window("tab")
    try:
        demo.get(site.url)
        strips(demo)
        click(demo, "[data-do=play]")
        until(lambda: state(demo)["playing"], "the music here")
        second = demo.current_window_handle
        demo.switch_to.window(first)
        until(lambda: not state(demo)["playing"], "silence there")
        demo.switch_to.window(second)
        assert state(demo)["playing"]
    finally:
        demo.close()
        demo.switch_to.window(first)
        save_to(demo, downloads)


@pytest.mark.parametrize(
    ("name", "gains"),
    [
        ("Karaoke", [0, 1, 1, 1, 1]),
        ("A cappella", [1, 0, 0, 0, 0]),
        ("No drums", [1, 0, 1, 1, 1]),
        ("No bass", [1, 1, 0, 1, 1]),
        ("Vocals at 20%", [0.2, 1, 1, 1, 1]),
    ],
)
def test_a_preset_is_one_click_and_another_takes_it_back(demo: Chrome, name: str, gains: list[float]) -> None:
    click(demo, "[data-stem=piano] .mute")
    preset = demo.find_element("xpath", f"//button[.='{name}']")
    preset.click()
    assert ask(demo, "engine.gains.map(([gain]) => gain)") == gains
    assert demo.execute_script("return [...document.querySelectorAll('.presets [aria-pressed=true]')].length") == 1
    demo.refresh()
    strips(demo)
    preset = demo.find_element("xpath", f"//button[.='{name}']")
    assert preset.get_attribute("aria-pressed") == "true"
    preset.click()
    assert ask(demo, "engine.gains.map(([gain]) => gain)") == [1, 1, 1, 1, 1]


def test_presets_are_those_of_the_songs_stems(demo: Chrome) -> None:
    demo.execute_script(f"{MIXER}.strips.splice(1, 4); {MIXER}.applyFaders()")
    shown = [chip.text for chip in demo.find_elements("css selector", ".presets .chip") if chip.is_displayed()]
    assert shown == ["Karaoke", "A cappella", "Vocals at 20%"]


def test_whatever_the_address_says_is_a_mix_or_nothing(site: Site, page: Chrome) -> None:
    for wrong in ("vocals=loud&speed=fast&loop=9-2&at=x", "vocals=-5_999_left900&speed=1e9&loop=a-b", "=&=&%E0%A4%A"):
        visit_anew(page, f"{site.url}/#{wrong}")
        strips(page)
        gains = ask(page, "engine.gains.flat()")
        assert all(0 <= gain <= 1.5 for gain in gains)
        assert ask(page, "loop") is None
        assert 0.5 <= ask(page, "engine.rate") <= 1.5


def test_the_private_link_carries_the_mix(site: Site, page: Chrome, tmp_path: Any) -> None:
    soundfile.write(tmp_path / "Slow Ferry.wav", music(3.0, seed=8), RATE)
    token = site.token(UMA)
    song = site.api(token, "POST", "/api/v1/songs", file=tmp_path / "Slow Ferry.wav")
    site.wait_for(token, f"/api/v1/songs/{song['id']}")
    log_in(page, site, UMA)
    page.get(f"{site.url}/songs/{song['id']}/")
    strips(page)
    click(page, "[data-mix='vocals=mute']")
    click(page, "#share button")
    link = until(lambda: find(page, "#link").get_attribute("value"), "the link") or ""
    assert link.endswith("#vocals=mute")
    click(page, "[data-mix='drums=mute']")
    assert (find(page, "#link").get_attribute("value") or "").endswith("#drums=mute")
    visit_anew(page, link)
    strips(page)
    assert ask(page, "mix()") == "vocals=mute"
    assert "#" not in page.current_url
    click(page, "[data-stem=bass] .mute")
    page.refresh()  # from now on, the guest's own changes count
    strips(page)
    assert ask(page, "mix()") == "vocals=mute&bass=mute"
    original = find(page, "a[href*='/original/']").get_attribute("href") or ""
    with urllib.request.urlopen(original) as answer:
        assert answer.read() == (tmp_path / "Slow Ferry.wav").read_bytes()
        assert 'filename="Slow Ferry.wav"' in answer.headers["Content-Disposition"]


def test_another_mix_in_the_address_is_taken_over(demo: Chrome) -> None:
    """As when a second private link to the same song is pasted into its tab."""
    demo.execute_script("location.hash = 'bass=mute&speed=75'")
    until(lambda: ask(demo, "mix()") == "bass=mute&speed=75", "the mix")
    assert demo.execute_script("return location.hash") == ""
    assert not demo.find_elements("css selector", "[data-mix]:disabled, [data-do=loop]:disabled")


def test_the_original_is_heard_beside_the_mix_until_a_fader_moves(demo: Chrome) -> None:
    click(demo, "[data-mix='vocals=20']")
    demo.execute_script("document.activeElement.blur()")
    ActionChains(demo).send_keys("o").perform()
    assert find(demo, "[data-do=original]").get_attribute("aria-pressed") == "true"
    assert ask(demo, "engine.gains.flat()") == [1] * 10
    assert ask(demo, "recipe().stems.vocals.gain") == 0.2  # which a download takes
    click(demo, "[data-stem=drums] .mute")
    assert find(demo, "[data-do=original]").get_attribute("aria-pressed") == "false"
    assert ask(demo, "engine.gains.map(([gain]) => gain)") == [0.2, 0, 1, 1, 1]


def test_the_waveforms_are_seen_closer(demo: Chrome) -> None:
    shown = "return [mixer.view.start, mixer.view.length]".replace("mixer", MIXER)
    assert demo.execute_script(shown) == [0, 16]
    demo.execute_script(f"{MIXER}.seek(4)")
    click(demo, "[data-do=closer]")
    assert demo.execute_script(shown) == [2, 8]  # the position stays where it was on the page
    assert not find(demo, "[data-do=closer]").is_enabled()
    wave = find(demo, "[data-stem=piano] .wave")
    ActionChains(demo).move_to_element(wave).click().perform()
    assert abs(ask(demo, "engine.seconds") - 6) < 0.1
    demo.execute_script("document.activeElement.blur()")
    ActionChains(demo).send_keys("0").perform()
    assert demo.execute_script(shown) == [0, 16]
    box = wave.rect
    wheel = {"type": "mouseWheel", "x": box["x"] + box["width"] / 2, "y": box["y"] + 20, "deltaX": 0, "deltaY": -80}
    scrolled = demo.execute_script("return scrollY")
    demo.execute_cdp_cmd("Input.dispatchMouseEvent", {**wheel, "y": wheel["y"] - scrolled, "modifiers": 2})
    until(lambda: demo.execute_script(shown)[1] < 16, "the wheel")
    demo.execute_script(f"{MIXER}.view.show(8, 8); {MIXER}.seek(1); {MIXER}.engine.play()")
    until(lambda: demo.execute_script(shown)[0] < 2, "the page to be turned to where the music is")
    click(demo, "[data-do=reset]")
    assert demo.execute_script(shown) == [0, 16]


def test_two_fingers_zoom(demo: Chrome) -> None:
    resize(demo, 390, 844)
    demo.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": True, "maxTouchPoints": 2})
    wave = find(demo, "[data-stem=drums] .wave")
    demo.execute_script("arguments[0].scrollIntoView({block: 'center'})", wave)
    y = demo.execute_script("return arguments[0].getBoundingClientRect().top + 20", wave)

    def touch(kind: str, *xs: int) -> None:
        points = [{"x": x, "y": y, "id": number} for number, x in enumerate(xs)]
        demo.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", 150, 250)
    touch("touchMove", 125, 275)
    until(lambda: ask(demo, "view.length") < 11, "the pinch")
    touch("touchEnd")
    demo.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": False})
    resize(demo, 1440, 900)


@pytest.mark.parametrize("part", [".wave", ".volume", ".pan", ".seek"])
def test_a_finger_that_scrolls_the_page_moves_nothing_in_it(demo: Chrome, part: str) -> None:
    resize(demo, 390, 600)
    demo.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": True, "maxTouchPoints": 1})
    target = find(demo, part)
    demo.execute_script("arguments[0].scrollIntoView({block: 'center'})", target)
    x, y = demo.execute_script(
        "const box = arguments[0].getBoundingClientRect(); return [box.left + box.width / 3, box.top + box.height / 2]",
        target,
    )
    before = demo.execute_script(f"return [scrollY, {MIXER}.mix({MIXER}.engine.seconds)]")
    demo.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    for step in range(1, 9):
        point = {"x": x + step, "y": y - 20 * step}
        demo.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [point]})
    demo.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    until(lambda: demo.execute_script("return scrollY") > before[0] + 50, "the page to scroll")
    assert ask(demo, f"mix({MIXER}.engine.seconds)") == before[1]
    demo.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": False})
    resize(demo, 1440, 900)


def test_everything_is_painted_anew_when_the_system_turns_dark(demo: Chrome) -> None:
    def turn(scheme: str) -> None:
        media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        demo.execute_cdp_cmd("Emulation.setEmulatedMedia", media)

    def pictures() -> list[str]:
        script = "return ['.ruler', '.wave'].map((part) => document.querySelector(`${part} canvas`).toDataURL())"
        return list(demo.execute_script(script))

    turn("light")
    demo.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")
    light = pictures()
    turn("dark")
    until(lambda: not set(light) & set(pictures()), "other colours")
    demo.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_the_systems_buttons_work_the_mixer(site: Site, page: Chrome) -> None:
    stub = """
        window.handlers = {};
        const session = navigator.mediaSession, set = session.setActionHandler.bind(session);
        session.setActionHandler = (action, handler) => { window.handlers[action] = handler; set(action, handler); };
        session.setPositionState = (state) => { window.told = state; };
        navigator.audioSession = { type: "auto" };
        const play = Audio.prototype.play;
        Audio.prototype.play = function () { window.silence = this; return play.call(this); };
    """
    script = page.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": stub})
    visit_anew(page, site.url)
    page.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", script)
    strips(page)
    assert page.execute_script("return navigator.audioSession.type") == "playback"  # an iPhone's silent switch
    page.execute_script("handlers.play()")
    until(lambda: state(page)["playing"] and page.execute_script("return !window.silence.paused"), "the music")
    session = "return [navigator.mediaSession.playbackState, navigator.mediaSession.metadata.title]"
    assert page.execute_script(session) == ["playing", see_title(page)]
    page.execute_script("handlers.seekto({ seekTime: 9 })")
    until(lambda: page.execute_script("return window.told.position") >= 9, "the place on the lock screen")
    page.execute_script("handlers.pause()")
    until(lambda: not state(page)["playing"] and page.execute_script("return window.silence.paused"), "the pause")
    page.execute_script("handlers.seekto({ seekTime: 9 }); handlers.seekbackward({})")
    assert abs(ask(page, "engine.seconds") - 4) < 0.1
    assert page.execute_script("return [told.duration, told.playbackRate]") == [16, 1]


def see_title(page: Chrome) -> str:
    return find(page, ".song-heading h3").text


def test_stems_and_a_file_for_djs_are_a_click_away(demo: Chrome, downloads: Path) -> None:
    until(lambda: find(demo, "#downloads").is_displayed(), "the downloads")
    rows = {"stem": ("* - bass.wav", 1), "dj": ("*.stem.mp4", 5)}
    for kind, (pattern, tracks) in rows.items():
        menus = demo.find_elements("css selector", f"[data-kind={kind}] select")
        for menu, choice in zip(menus, ("bass", "WAV"), strict=False):
            menu.send_keys(choice)
        click(demo, f"[data-kind={kind}] button")
        path = until(partial(saved, downloads, pattern), pattern)
        assert find(demo, f"[data-kind={kind}] output a").text == path.name
        for number in range(tracks):
            with SongReader(path, track=number + 1) as track:
                assert sum(block.shape[1] for block in track) == 16 * RATE


def saved(folder: Path, pattern: str) -> Path | None:
    return next(folder.glob(pattern), None)
