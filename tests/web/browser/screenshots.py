"""Takes pictures of all pages and states, on a phone and a desktop: `python -m tests.web.browser.screenshots FOLDER`.

`--all` takes each in light and in dark; without, desktops are light and phones dark. `--model FILE.onnx` separates with
another model than the shipped one. Look at the pictures before you commit them.
"""

import argparse
import base64
import tempfile
import time
from pathlib import Path

import soundfile
from selenium.webdriver import Chrome

import unbraid_web
from tests.web.browser.chromium import open_chromium, resize, visit_anew
from tests.web.browser.conftest import RATE, music
from tests.web.browser.test_journey import click, find, log_in, see, until
from tests.web.site import Site

MORE = (("desktop", "dark"), ("phone", "light"))
SIZES = {"phone": (390, 844), "desktop": (1440, 900)}
PACKAGE = Path(unbraid_web.__file__).parent
DEMO = Path(__file__).resolve().parents[3] / "demo" / "lithium-demo.flac"
IN_THE_MIDST = (
    "from datetime import timedelta; from django.utils.timezone import now;"
    "from unbraid_web.separations.models import Separation;"
    "Separation.objects.filter(state='queued').update(state='running', stage='separating', fraction=0.42,"
    " separating_since=now() - timedelta(seconds=80), heartbeat=now() + timedelta(days=1))"
)
NAMES = ("Blue Door", "Nightjar", "Two Left Hands", "Paper Moon Radio", "Sundial")


class Album:
    """A folder of pictures of pages."""

    def __init__(self, page: Chrome, folder: Path) -> None:
        self.page, self.folder, self.size, self.kind = page, folder, "desktop", "desktop"

    def turn(self, size: str, scheme: str) -> None:
        """Become a phone or a desktop, light or dark."""
        self.size = size
        self.kind = f"{size}-{scheme}" if (size, scheme) in MORE else size
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
        (self.folder / f"{name}-{self.kind}.png").write_bytes(base64.b64decode(shot["data"]))

    def visit(self, url: str, name: str) -> None:
        """Go to a page and take it."""
        self.page.get(url)
        self.take(name)


def walk(site: Site, album: Album, songs: list[Path]) -> None:
    """Go through all pages as they stand now."""
    page = album.page
    visit_anew(page, site.url)
    until(lambda: page.find_elements("css selector", ".strip"), "the demo's stems")
    page.execute_script("document.querySelector('#mixer').mixer.seek(9)")
    album.take("welcome")
    for name in ("login", "sign-up", "reset"):
        album.visit(f"{site.url}/account/{name}/", name)
    for name in ("samples", "help", "privacy", "licence", "api", "nothing-here"):
        album.visit(f"{site.url}/{name}/", name)
    log_in(page, site, "empty@example.org")
    album.visit(f"{site.url}/library/", "library-empty")
    log_in(page, site)
    page.get(f"{site.url}/library/")
    album.take("library")
    for box in page.find_elements("css selector", ".song-select input")[1:3]:
        box.click()
    album.take("library-selected")
    click(page, ".selection [hx-post]")
    see(page, "2 songs were deleted.")
    click(page, ".recently-deleted summary")
    album.take("library-bin")
    click(page, ".undo button")
    see(page, f"{len(songs) + 2} songs")
    page.execute_script("window.fetch = () => new Promise(() => {})")
    find(page, "#files").send_keys("\n".join(map(str, songs)))
    album.take("library-uploading")
    page.execute_script("addEventListener('beforeunload', (event) => event.stopImmediatePropagation(), true)")
    album.visit(f"{site.url}/library/?q=zither", "library-no-match")
    page.get(f"{site.url}/library/?q=blue")
    click(page, ".song-link")
    until(lambda: page.find_elements("css selector", ".strip"), "the stems")
    click(page, "[data-stem=vocals] .mute")
    page.execute_script(
        "const {mixer} = document.querySelector('#mixer'); mixer.setLoop({from: 8, to: 13}); mixer.seek(10)"
    )
    album.take("song")
    click(page, "[data-do=spectrum]")
    album.take("song-spectrum")
    click(page, "#share button")
    link = find(page, "#link").get_attribute("value") or ""
    album.visit(link, "shared")
    page.get(f"{site.url}/library/?q=letter")
    click(page, ".song-link")
    album.take("song-failed")
    page.get(f"{site.url}/library/?q=waiting")
    click(page, ".song-link")
    album.take("song-separating")
    page.execute_cdp_cmd("Network.enable", {})
    for away in (True, False):
        conditions = {"offline": away, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
        page.execute_cdp_cmd("Network.emulateNetworkConditions", conditions)
        if away:
            see(page, "The server can’t be reached.")
            album.take("offline")
    for path in ("account/", "account/address/", "account/leave/", "api/tokens/"):
        album.visit(f"{site.url}/{path}", path.strip("/").replace("/", "-"))
    album.visit(f"{site.url}/admin/", "admin-login")
    album.visit((PACKAGE / "templates" / "500.html").as_uri(), "server-error")


def fill(site: Site, songs: list[Path], data: Path) -> str:
    """Separate the songs, one of which is none; return ana's token."""
    token = site.token("ana@example.org")
    site.token("empty@example.org")
    (data / "letter.mp3").write_text("Dear Ana, this is not music. " * 100)
    made = [site.api(token, "POST", "/api/v1/songs", file=file) for file in [*songs, data / "letter.mp3"]]
    for song in made:
        site.wait_for(token, f"/api/v1/songs/{song['id']}", ("done", "failed"))
    return token


def begin_another(site: Site, token: str, data: Path) -> None:
    """Have a song in the midst of its separation; the workers must be held."""
    soundfile.write(data / "Waiting Room.flac", music(6.0), RATE)
    site.api(token, "POST", "/api/v1/songs", file=data / "Waiting Room.flac")
    site.manage("shell", "--no-imports", "-c", IN_THE_MIDST)


def main() -> None:
    """Start the site, fill it, and walk through it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", default="")
    parser.add_argument("--all", action="store_true")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as work:
        data = Path(work)
        for number, name in enumerate(NAMES):
            soundfile.write(data / f"{name}.flac", music(24.0 - 3 * number, seed=number), RATE)
        site = Site(data, UNBRAID_MODEL=arguments.model, UNBRAID_DEMO_SONG=str(DEMO)).start()
        songs = [data / f"{name}.flac" for name in NAMES]
        page = open_chromium(data)
        album = Album(page, arguments.folder)
        try:
            token = fill(site, songs, data)
            with site.held_workers():
                begin_another(site, token, data)
                for size, scheme in (("desktop", "light"), ("phone", "dark"), *(MORE if arguments.all else ())):
                    album.turn(size, scheme)
                    walk(site, album, songs)
        finally:
            page.quit()
            site.stop()


if __name__ == "__main__":
    main()
