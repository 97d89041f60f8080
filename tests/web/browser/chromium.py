"""Debian's Chromium for the tests, installed if it is missing and we may, else asked for in a sentence."""

import fcntl
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from tests.web.site import PATIENCE

HEADLESS_SHELL = "/usr/lib/chromium/chromium-headless-shell"
"""The program itself: the command of that name is a script, and its browser would go on when chromedriver ends it."""
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-dev-shm-usage --hide-scrollbars "
    "--autoplay-policy=no-user-gesture-required"
)


def need(*programs: str, packages: str) -> None:
    """See that the programs are there.

    Raises:
        RuntimeError: they are not, and cannot be installed from here.
    """
    if all(map(shutil.which, programs)):
        return
    if os.geteuid() == 0 and shutil.which("apt-get"):
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        with Path(tempfile.gettempdir(), "unbraid-tests-install.lock").open("w") as turn:
            fcntl.flock(turn, fcntl.LOCK_EX)  # the tests run in several processes, and apt-get in one
            subprocess.run(["apt-get", "update"], env=environment, **quiet)  # type: ignore[call-overload]
            subprocess.run(["apt-get", "install", "-y", *packages.split()], env=environment, **quiet)  # type: ignore[call-overload]
    if not all(map(shutil.which, programs)):
        raise RuntimeError(
            f"These tests need {', '.join(programs)}: run `apt-get install -y {packages}` and try again."
        )


def open_chromium(downloads: Path) -> webdriver.Chrome:
    """Start a browser with an empty profile, which saves what it downloads to the given folder.

    It is Chromium without the window around the page, which saves a quarter of the processor time.
    """
    need(HEADLESS_SHELL, "chromedriver", packages="chromium-headless-shell chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = HEADLESS_SHELL
    for flag in FLAGS.split():
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    save_to(driver, downloads)
    driver.set_script_timeout(PATIENCE)
    resize(driver, 1440, 900)
    return driver


def save_to(driver: webdriver.Chrome, downloads: Path) -> None:
    """Have downloads saved in this folder; the browser forgets it when a tab is closed."""
    driver.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(downloads)})


def resize(driver: webdriver.Chrome, width: int, height: int) -> None:
    """Give the page exactly this size; below 700 pixels it is a phone's."""
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 700}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)


def visit_anew(driver: webdriver.Chrome, url: str) -> None:
    """Open a page as somebody who was never there: no cookies, nothing remembered."""
    driver.get(f"{'/'.join(url.split('/')[:3])}/account/login/")  # the page that is left remembers how it was left
    driver.execute_script("localStorage.clear()")
    driver.delete_all_cookies()
    driver.get(url)
