"""Bad networks: the connection goes, the server restarts, somebody logs out elsewhere, and the page finds its way."""

import os
import signal
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import soundfile
from selenium.webdriver import Chrome

from tests.web.browser.chromium import visit_anew
from tests.web.browser.conftest import RATE, music
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
    workers = site.workers()

    def release() -> None:
        for worker in workers:
            os.kill(worker, signal.SIGCONT)

    for worker in workers:
        os.kill(worker, signal.SIGSTOP)
    yield release
    release()


@pytest.fixture
def song(site: Site, token: str, tmp_path: Path) -> Any:
    soundfile.write(tmp_path / "Far Shore.wav", music(3.0, seed=9), RATE)
    return site.api(token, "POST", "/api/v1/songs", file=tmp_path / "Far Shore.wav")


class Proxy(ThreadingHTTPServer):
    """A proxy in front of the site, which tells with 502 that the server is away for addresses with `away` in them."""

    def __init__(self, site: Site) -> None:
        self.site, self.away = site, "nothing"
        super().__init__(("127.0.0.1", 0), ProxyRequest)
        self.url = f"http://localhost:{self.server_port}"


class ProxyRequest(BaseHTTPRequestHandler):
    """One request on its way to the site."""

    server: Proxy

    def do_GET(self) -> None:
        if self.server.away in self.path:
            self.send_error(502)
            return
        headers = {name: value for name, value in self.headers.items() if name.lower() != "accept-encoding"}
        request = urllib.request.Request(self.server.site.url + self.path, headers=headers)
        try:
            answer = urllib.request.urlopen(request, timeout=60)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            body = answer.read()
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            if name.lower() not in ("content-length", "connection", "transfer-encoding", "date", "server"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def proxy(site: Site) -> Iterator[Proxy]:
    with Proxy(site) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


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


def settled(page: Chrome) -> bool:
    """Whether nothing was asked for during twice the time between two questions."""
    before = requests(page)
    page.execute_async_script("setTimeout(arguments[0], 4000)")
    return requests(page) == before


@pytest.fixture(scope="module")
def pages(site: Site, token: str) -> None:
    """More songs in the library than one page takes."""
    site.manage(
        "shell",
        "--no-imports",
        "-c",
        "from unbraid_web.accounts.models import User; from unbraid_web.songs.models import Song;"
        "from unbraid_web.separations.models import Separation;"
        f"nina = User.objects.get(email='{NINA}');"
        "songs = Song.objects.bulk_create(Song.new(nina, f'Page {n}.mp3', 1) for n in range(30));"
        "Separation.objects.bulk_create(Separation(song=song, state='done') for song in songs)",
    )


@pytest.mark.usefixtures("pages")
@pytest.mark.parametrize("what", ["search", "sort", "page"])
def test_a_session_that_is_over_leads_to_the_login_page(site: Site, page: Chrome, what: str) -> None:
    log_in(page, site, NINA)
    page.get(f"{site.url}/library/")
    page.delete_cookie("sessionid")
    if what == "search":
        find(page, "#q").send_keys("blue")
    elif what == "sort":
        find(page, "#sort").send_keys("Title")
    else:
        click(page, ".pagination a")
    until(lambda: "/account/login/?next=" in page.current_url, "the login page")
    assert len(page.find_elements("css selector", "header")) == 1


@pytest.mark.usefixtures("pages")
def test_everything_works_after_paging_and_going_back(site: Site, page: Chrome, tmp_path: Path) -> None:
    log_in(page, site, NINA)
    page.get(f"{site.url}/library/")
    click(page, ".pagination a")
    see(page, "Page 2 of 2")
    page.back()
    see(page, "Page 1 of 2")
    before = page.execute_script("return document.documentElement.dataset.theme")
    click(page, "#theme")
    assert page.execute_script("return document.documentElement.dataset.theme") != before
    (tmp_path / "Back Again.mp3").write_text("not music")
    find(page, "#files").send_keys(str(tmp_path / "Back Again.mp3"))
    see(page, "Back Again")
    page.forward()
    see(page, "Page 2 of 2")


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


@pytest.mark.usefixtures("pages")
def test_a_song_comes_back_from_the_bin_into_the_list(site: Site, page: Chrome) -> None:
    log_in(page, site, NINA)
    page.get(f"{site.url}/library/")
    before = find(page, ".count").text
    click(page, "[aria-label^=Delete]")
    until(lambda: page.find_elements("css selector", ".song.deleted"), "the bin")
    page.get(f"{site.url}/library/")
    click(page, ".recently-deleted summary")
    click(page, ".recently-deleted button")
    until(lambda: not page.find_elements("css selector", ".recently-deleted"), "the bin to go")
    assert find(page, ".count").text == before


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
