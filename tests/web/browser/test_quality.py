"""Slow lines: the mixer takes compressed segments by itself, fetches nothing that is silent, and does not stall."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver import Chrome

from tests.web.browser.chromium import visit_anew
from tests.web.browser.conftest import RATE
from tests.web.browser.test_journey import click, find, state, until
from tests.web.site import Site

MIXER = "document.querySelector('#mixer').mixer"


@pytest.fixture
def narrow(page: Chrome) -> Iterator[Chrome]:
    """The browser on a line of 1 Mbit/s."""
    line = {"offline": False, "latency": 40, "downloadThroughput": 125_000, "uploadThroughput": 125_000}
    page.execute_cdp_cmd("Network.enable", {})
    page.execute_cdp_cmd("Network.emulateNetworkConditions", line)
    yield page
    open_line = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    page.execute_cdp_cmd("Network.emulateNetworkConditions", open_line)


def fetched(page: Chrome) -> list[str]:
    """The stem and form of each segment that was asked for, as in `vocals.opus`."""
    script = "return performance.getEntriesByType('resource').map(({name}) => new URL(name).pathname)"
    paths = [Path(path) for path in page.execute_script(script) if path.startswith("/separations/")]
    return [path.parent.name + path.suffix for path in paths if path.suffix in (".opus", ".flac")]


def test_a_slow_line_gets_what_it_can_carry(site: Site, narrow: Chrome) -> None:
    visit_anew(narrow, site.url)
    until(lambda: narrow.find_elements("css selector", ".strip"), "the strips")
    click(narrow, "[data-do=play]")
    until(lambda: state(narrow)["position"] > 6 * RATE, "six seconds, over a segment border")
    assert find(narrow, "[data-do=quality]").get_property("value") == "smaller"
    assert narrow.execute_script(f"return {MIXER}.engine.automatic") is True
    sizes = """
        const files = performance.getEntriesByType("resource").filter(({ name }) => name.endsWith("/0.opus"));
        return files.map(({ encodedBodySize }) => encodedBodySize);
    """
    bits = [8 * size for size in narrow.execute_script(sizes)]
    assert len(bits) == 5
    assert sum(bits) / 5 < 0.5 * 1_000_000  # for each second: half of the line, so that it gets ahead of the music


def test_what_is_silent_is_not_fetched_and_joins_when_it_is_wanted(site: Site, page: Chrome) -> None:
    visit_anew(page, site.url)
    until(lambda: page.find_elements("css selector", ".strip"), "the strips")
    find(page, "[data-do=quality]").send_keys("Smaller")
    click(page, "[data-stem=drums] .solo")
    click(page, "[data-do=play]")
    until(lambda: state(page)["position"] > RATE, "the drums")
    assert set(fetched(page)) == {"drums.opus"}
    click(page, "[data-stem=bass] .solo")
    until(lambda: "bass.opus" in fetched(page), "the bass")
    until(lambda: page.execute_script(f"return {MIXER}.engine.joining.size") == 0, "the bass to be heard")
    assert set(fetched(page)) == {"drums.opus", "bass.opus"}
    find(page, "[data-do=quality]").send_keys("Lossless")
    until(lambda: {"drums.flac", "bass.flac"} <= set(fetched(page)), "the lossless segments")
    page.refresh()
    until(lambda: page.find_elements("css selector", ".strip"), "the strips")
    assert find(page, "[data-do=quality]").get_property("value") == "lossless"  # the choice is remembered


def test_songs_without_compressed_segments_are_lossless_on_any_line(site: Site, page: Chrome) -> None:
    visit_anew(page, site.url)
    until(lambda: page.find_elements("css selector", ".strip"), "the strips")
    page.execute_script(f"{MIXER}.engine.setQuality(true); {MIXER}.load({{...{MIXER}.manifest, compressed: null}})")
    assert not find(page, "[data-do=quality]").is_displayed()
    click(page, "[data-do=play]")
    until(lambda: state(page)["position"] > RATE, "the song")
    assert {name.rpartition(".")[2] for name in fetched(page)} == {"flac"}


def test_a_browser_that_cannot_decode_opus_gets_lossless_segments(site: Site, page: Chrome) -> None:
    visit_anew(page, site.url)
    until(lambda: page.find_elements("css selector", ".strip"), "the strips")
    page.execute_script("""
        const decode = BaseAudioContext.prototype.decodeAudioData;
        BaseAudioContext.prototype.decodeAudioData = function (data) {
            const isOgg = new Uint8Array(data)[0] === 79;
            return isOgg ? Promise.reject(new DOMException("no Opus here", "EncodingError")) : decode.call(this, data);
        };
    """)
    page.execute_script(f"{MIXER}.engine.setQuality(true)")
    click(page, "[data-do=play]")
    until(lambda: state(page)["position"] > RATE, "the song")
    assert find(page, "[data-do=quality]").get_property("value") == "lossless"
