"""Takes a picture of each page, on a phone and on a desktop: `python -m tests.web.browser.screenshots FOLDER`.

`--model FILE.onnx` separates with another model than the shipped one. Look at the pictures before you commit them.
"""

import argparse
import base64
import tempfile
import time
from pathlib import Path

import soundfile
from selenium.webdriver import Chrome

from tests.web.browser.chromium import open_chromium, resize
from tests.web.browser.conftest import RATE, music
from tests.web.browser.test_journey import click, find, log_in, see, until
from tests.web.site import Site

SIZES = {"phone": (390, 844), "desktop": (1440, 900)}
DEMO = Path(__file__).resolve().parents[3] / "demo" / "lithium-demo.flac"
NAMES = ("Blue Door", "Nightjar", "Two Left Hands", "Paper Moon Radio", "Sundial")


class Album:
    """A folder of pictures of pages."""

    def __init__(self, page: Chrome, folder: Path) -> None:
        self.page, self.folder, self.size = page, folder, "desktop"

    def turn(self, size: str, scheme: str) -> None:
        """Become a phone or a desktop, light or dark."""
        self.size = size
        resize(self.page, *SIZES[size])
        media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        self.page.execute_cdp_cmd("Emulation.setEmulatedMedia", media)

    def take(self, name: str) -> None:
        """Store the page as it looks now, in its whole length."""
        time.sleep(0.7)
        wide, visible = self.page.execute_script("return document.documentElement.scrollWidth"), SIZES[self.size][0]
        assert wide <= visible, f"{name} is {wide} pixels wide on a screen of {visible}"
        height = self.page.execute_script("return document.documentElement.scrollHeight")
        clip = {"x": 0, "y": 0, "width": visible, "height": min(height, 2600), "scale": 1}
        shot = self.page.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True, "clip": clip})
        (self.folder / f"{name}-{self.size}.png").write_bytes(base64.b64decode(shot["data"]))

    def visit(self, url: str, name: str) -> None:
        """Go to a page and take it."""
        self.page.get(url)
        self.take(name)


def walk(site: Site, album: Album, songs: list[Path]) -> None:
    """Go through all pages, desktop and light first, then phone and dark."""
    page = album.page
    for size, scheme in (("desktop", "light"), ("phone", "dark")):
        album.turn(size, scheme)
        page.delete_all_cookies()
        page.get(site.url)
        click(page, "[data-do=play]")
        until(lambda: page.execute_script("return document.querySelector('#mixer').mixer.engine?.seconds > 9"), "sound")
        click(page, "[data-do=play]")
        album.take("welcome")
        for name in ("login", "sign-up", "reset"):
            album.visit(f"{site.url}/account/{name}/", name)
        log_in(page, site)
        if size == "desktop":
            album.visit(f"{site.url}/library/", "library-empty")
            find(page, "#files").send_keys("\n".join(map(str, songs)))
            see(page, f"{len(songs)} songs")
        page.get(f"{site.url}/library/?q=blue")
        click(page, ".song-link")
        if size == "desktop":
            until(lambda: page.find_elements("css selector", ".strip"), "the first stems")
            album.take("song-separating")
        until(lambda: find(page, "#downloads").is_displayed(), "the end of the separation")
        page.execute_script("const {mixer} = document.querySelector('#mixer'); mixer.setLoop({from: 30, to: 48})")
        click(page, "[data-stem=vocals] .mute")
        page.execute_script("document.querySelector('#mixer').mixer.seek(36)")
        click(page, "[data-do=play]")
        until(lambda: page.execute_script("return document.querySelector('#mixer').mixer.engine.seconds > 37"), "sound")
        album.take("song")
        click(page, "[data-do=spectrum]")
        album.take("song-spectrum")
        click(page, "[data-do=play]")
        page.get(f"{site.url}/library/")
        until(lambda: not page.find_elements("css selector", ".badge.running"), "all songs")
        album.take("library")
        for path in ("account/", "account/leave/", "api/", "api/tokens/", "nothing-here/"):
            album.visit(f"{site.url}/{path}", path.strip("/").replace("/", "-"))


def main() -> None:
    """Start the site, fill it, and walk through it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", default="")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as work:
        data = Path(work)
        for number, name in enumerate(NAMES):
            soundfile.write(data / f"{name}.flac", music(90.0 - 10 * number, seed=number), RATE)
        site = Site(data, UNBRAID_MODEL=arguments.model, UNBRAID_DEMO_SONG=str(DEMO)).start()
        site.token("ana@example.org")
        page = open_chromium(data)
        try:
            walk(site, Album(page, arguments.folder), [data / f"{name}.flac" for name in NAMES])
        finally:
            page.quit()
            site.stop()


if __name__ == "__main__":
    main()
