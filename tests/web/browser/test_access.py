"""Everybody can use the pages: axe-core finds nothing against WCAG 2.2 AA, and the keyboard alone is enough."""

from pathlib import Path
from typing import Any

import pytest
import soundfile
from selenium.webdriver import ActionChains, Chrome, Keys

from tests.web.browser.chromium import resize, visit_anew
from tests.web.browser.conftest import RATE, music
from tests.web.browser.test_journey import click, find, log_in, see, state, until
from tests.web.site import Site

AXE = (Path(__file__).parent / "axe-core-4.14.1.min.js").read_text()
RULES = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
RULES_OF_COLOURS = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}
LOOK = """
const [runOnly, done] = arguments;
const changing = document.getAnimations().filter((animation) => animation instanceof CSSTransition);
Promise.allSettled(changing.map(({ finished }) => finished))
  .then(() => axe.run(document, { runOnly, resultTypes: ["violations"] }))
  .then(({ violations }) => done(
    violations.flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`)),
  ));
"""
BEATS = [number / 2 for number in range(32)]
ANALYSIS = {"tempo": 120, "beats": BEATS, "downbeats": BEATS[::4], "key": "A minor"}
EVE = "eve@example.org"


@pytest.fixture(scope="module")
def song(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A song of eve's that was separated; there is one that failed, too."""
    folder = tmp_path_factory.mktemp("eve")
    soundfile.write(folder / "Low Tide.flac", music(16.0, seed=3), RATE)
    (folder / "letter.mp3").write_text("not music")
    token = site.token(EVE)
    site.api(token, "POST", "/api/v1/songs", file=folder / "letter.mp3")
    made = site.api(token, "POST", "/api/v1/songs", file=folder / "Low Tide.flac")
    return site.wait_for(token, f"/api/v1/songs/{made['id']}")


class Inspector:
    """Looks at one page after the other and gathers what is wrong."""

    def __init__(self, page: Chrome, width: int) -> None:
        self.page, self.width, self.wrong = page, width, list[str]()

    def look(self, where: str) -> None:
        self.page.execute_script(AXE)
        for scheme, rules in (("dark", RULES_OF_COLOURS), ("light", RULES)):
            media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
            self.page.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
            self.wrong += [f"{where}, {scheme}: {what}" for what in self.page.execute_async_script(LOOK, rules)]
        wide = self.page.execute_script("return document.documentElement.scrollWidth")
        if wide > self.width:
            self.wrong.append(f"{where}: {wide} pixels wide on a screen of {self.width}")

    def visit(self, url: str) -> None:
        self.page.get(url)
        self.look(url)


def strips(page: Chrome) -> Any:
    return until(lambda: page.find_elements("css selector", ".strip"), "the strips")


@pytest.mark.parametrize("width", [320, 1440])
def test_no_page_keeps_anybody_out(site: Site, page: Chrome, song: Any, width: int) -> None:
    inspector = Inspector(page, width)
    resize(page, width, 800)
    visit_anew(page, site.url)
    strips(page)
    inspector.look("welcome")
    for path in ("sign-up", "login", "reset", "reset/sent", "reset/used/up"):
        inspector.visit(f"{site.url}/account/{path}/")
    page.get(f"{site.url}/account/login/")
    click(page, "main button")
    inspector.look("a login without anything")
    log_in(page, site, EVE)
    for path in (
        "help/",
        "privacy/",
        "licence/",
        "samples/",
        "account/",
        "account/address/",
        "account/leave/",
        "api/",
        "api/tokens/",
        "nothing/",
        "library/?q=nothing",
        "library/",
    ):
        inspector.visit(f"{site.url}/{path}")
    click(page, f"#song-{song['id']} [aria-label^=Rename]")
    find(page, ".song .rename")
    click(page, ".song-select")
    inspector.look("library, renaming and selecting")
    page.get(f"{site.url}/library/?q=letter")
    click(page, ".song-link")
    see(page, "This file is not a sound file that can be read")
    inspector.look("a failed song")
    page.get(f"{site.url}/songs/{song['id']}/")
    strips(page)
    inspector.look("song")
    click(page, "[data-stem=vocals] .mute")
    click(page, "[data-stem=bass] .solo")
    click(page, "[data-mix='vocals=20']")
    click(page, "[data-do=original]")
    click(page, "[data-do=closer]")
    page.execute_script("document.querySelector('#mixer').mixer.practice.update(arguments[0])", ANALYSIS)
    click(page, "[data-do=click]")
    click(page, "[data-do=count-in]")
    click(page, "[data-do=loop]")
    click(page, "[data-do=spectrum]")
    click(page, ".keys summary")
    click(page, "[aria-label=Rename]")
    find(page, ".rename")
    inspector.look("song, all open")
    resize(page, 1440, 900)
    assert not inspector.wrong, "\n".join(inspector.wrong)


def focus(page: Chrome) -> str:
    """What has the focus, as a screen reader names it."""
    name = page.execute_script(
        "const {activeElement: e} = document; return e.getAttribute('aria-label') ?? e.textContent.trim()"
    )
    return str(name)


def test_the_mixer_needs_no_mouse(site: Site, page: Chrome, song: Any) -> None:
    visit_anew(page, site.url)
    log_in(page, site, EVE)
    page.get(f"{site.url}/songs/{song['id']}/")
    strips(page)
    passed, pressed = list[str](), ActionChains(page)

    def walk_to(name: str) -> None:
        for _ in range(60):
            pressed.send_keys(Keys.TAB).perform()
            passed.append(focus(page))
            if passed[-1] == name:
                return
        raise AssertionError(f"{name} is not among {passed}")

    walk_to("Play")
    pressed.send_keys(Keys.SPACE).perform()
    until(lambda: state(page)["playing"] and state(page)["position"] > 0, "the sound")
    pressed.send_keys(Keys.SPACE).perform()
    until(lambda: not state(page)["playing"], "the pause")
    page.execute_script("document.querySelector('#mixer').mixer.practice.update(arguments[0])", ANALYSIS)
    walk_to("Click")
    pressed.send_keys(Keys.SPACE).perform()
    walk_to("Volume of the click")
    pressed.send_keys(Keys.ARROW_RIGHT).perform()
    clicking = page.execute_script("return document.querySelector('#mixer').mixer.engine.click")
    assert clicking == {"on": True, "volume": 1.01}
    walk_to("Snap to bars")
    pressed.send_keys(Keys.SPACE).perform()  # loops are as free as the position now
    walk_to("Position")
    pressed.send_keys(Keys.HOME, Keys.ARROW_RIGHT, Keys.ARROW_UP).perform()
    until(lambda: 10 <= state(page)["position"] / RATE < 14, "ten seconds on")
    walk_to("Mute vocals")
    pressed.send_keys(Keys.SPACE).perform()  # here the space bar presses the button, as everywhere
    assert find(page, "[data-stem=vocals] .mute").get_attribute("aria-pressed") == "true"
    assert not state(page)["playing"]
    walk_to("Volume of vocals")
    pressed.send_keys(Keys.ARROW_LEFT).perform()
    assert find(page, "[data-stem=vocals] .volume").get_attribute("aria-valuetext") == "99%"
    walk_to("Solo drums")
    pressed.send_keys(Keys.ENTER).perform()
    gains = page.execute_script("return document.querySelector('#mixer').mixer.engine.gains.map(([left]) => left)")
    assert gains == [0, 1, 0, 0, 0]
    pressed.send_keys("[").perform()
    until(lambda: page.execute_script("return document.querySelector('#mixer').mixer.loop !== null"), "the loop")
    walk_to("Keyboard shortcuts")
    pressed.send_keys(Keys.ENTER).perform()
    walk_to("Format of the mix")
    assert {f"Mute {stem}" for stem in ("vocals", "drums", "bass", "piano", "other")} <= set(passed)


def test_single_keys_can_be_kept_to_the_mixer(site: Site, page: Chrome, song: Any) -> None:
    visit_anew(page, site.url)
    log_in(page, site, EVE)
    page.get(f"{site.url}/songs/{song['id']}/")
    strips(page)
    muted = "return document.querySelector('[data-stem=vocals] .mute').getAttribute('aria-pressed')"
    click(page, ".keys summary")
    click(page, "[data-do=keys]")
    page.get(page.current_url)  # it is remembered
    strips(page)
    ActionChains(page).send_keys("1").perform()
    assert page.execute_script(muted) == "false"
    find(page, "[data-stem=drums] .solo").send_keys("1")
    assert page.execute_script(muted) == "true"


def test_an_opened_form_closes_with_escape_and_gives_the_focus_back(site: Site, page: Chrome, song: Any) -> None:
    log_in(page, site, EVE)
    click(page, f"#song-{song['id']} [aria-label^=Rename]")
    until(lambda: page.switch_to.active_element.get_attribute("name") == "title", "the focus in the form")
    page.switch_to.active_element.send_keys(Keys.ESCAPE)
    until(lambda: focus(page).startswith("Rename"), "the focus on the button")
    click(page, f"#song-{song['id']} [aria-label^=Rename]")
    until(lambda: page.switch_to.active_element.get_attribute("name") == "title", "the focus in the form")
    page.switch_to.active_element.send_keys(Keys.END, "s", Keys.ENTER)
    until(lambda: focus(page).startswith("Rename Low Tides"), "the focus on the button")
    page.get(f"{site.url}/songs/{song['id']}/")
    strips(page)
    click(page, "#heading [aria-label=Rename]")
    until(lambda: page.switch_to.active_element.get_attribute("name") == "title", "the focus in the form")
    page.switch_to.active_element.send_keys(Keys.ESCAPE)
    until(lambda: focus(page) == "Rename", "the focus on the button")
    click(page, "#share button")
    until(lambda: page.switch_to.active_element.get_attribute("id") == "link", "the focus on the link")
    click(page, "#share form button")
    until(lambda: "Create a private link" in focus(page), "the focus on the button")
