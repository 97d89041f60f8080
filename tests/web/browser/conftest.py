"""A running site and a real browser."""

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from selenium import webdriver

from tests.web.browser.chromium import open_chromium
from tests.web.browser.proxy import Proxy
from tests.web.site import Site

RATE = 44_100
FORGET_THE_BEATS = """
import time
from unbraid_web.separations.models import Separation
for _ in range(900):
    if Separation.objects.filter(state="done").update(analysis=None):
        break
    time.sleep(0.1)
"""  # loops are where they are put: tests that need beats bring their own
EXPECTED = (
    "status of 4",
    "Status Error Code 4",
    "htmx:sendAbort",
    "htmx:afterRequest",
)  # refused, or asked again before the answer came


def music(seconds: float, seed: int = 0) -> np.ndarray:
    """Something with notes and pauses, `(samples, 2)`, so that pictures of it look like music."""
    generator = np.random.default_rng(seed)
    at = np.arange(round(seconds * RATE)) / RATE
    total = np.zeros((at.size, 2))
    for pitch, length in ((55, 2.0), (220, 0.5), (440, 0.25), (1760, 0.125)):
        phase = (at % length) / length
        note = np.sin(2 * np.pi * pitch * (1 + np.floor(at / length) % 4 / 4) * at) * np.exp(-5 * phase)
        total += note[:, None] * generator.uniform(0.1, 0.25, 2)
    return total + generator.normal(0, 0.01, total.shape) * (np.sin(at) > 0)[:, None]


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Iterator[Site]:
    """The site with its demo song, as on the first start."""
    data = tmp_path_factory.mktemp("site")
    soundfile.write(data / "demo.flac", music(16.0), RATE)
    found = Site(data, UNBRAID_MODEL=str(tiny_model), UNBRAID_DEMO_SONG=str(data / "demo.flac"))
    found.start()
    found.manage("shell", "--no-imports", "-c", FORGET_THE_BEATS)
    yield found
    found.stop()


@pytest.fixture
def proxy(site: Site) -> Iterator[Proxy]:
    """A bad network in front of the site."""
    with Proxy(site) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture(scope="session")
def downloads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the browser saves files."""
    return tmp_path_factory.mktemp("downloads")


@pytest.fixture(scope="session")
def browser(downloads: Path) -> Iterator[webdriver.Chrome]:
    """One browser for all tests."""
    driver = open_chromium(downloads)
    yield driver
    driver.quit()


@pytest.fixture
def page(browser: webdriver.Chrome) -> Iterator[webdriver.Chrome]:
    """The browser; afterwards its console must not have complained, of the security policy least of all."""
    browser.get_log("browser")  # type: ignore[no-untyped-call]
    yield browser
    complaints = [
        entry["message"]
        for entry in browser.get_log("browser")  # type: ignore[no-untyped-call]
        if entry["level"] == "SEVERE" and not any(expected in entry["message"] for expected in EXPECTED)
    ]
    assert not complaints
