"""The library as a person uses it: many uploads, forms that stay open, several songs at once."""

from pathlib import Path

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.keys import Keys

from tests.web.browser.chromium import resize
from tests.web.browser.test_journey import click, find, log_in, see, until
from tests.web.site import Site

MIRA = "mira@example.org"
FILL = (
    "from unbraid_web.accounts.models import User; from unbraid_web.songs.models import Song, Upload;"
    "from unbraid_web.separations.models import Separation;"
    f"mira = User.objects.get(email='{MIRA}');"
    "names = [f'Song {n}.mp3' for n in range(5)] + ['A Long and Winding Title of a Song Nobody Heard Yet.mp3'];"
    "songs = Song.objects.bulk_create(Song.new(mira, name, 1) for name in names);"
    "Separation.objects.bulk_create(Separation(song=song, state='done') for song in songs);"
    "Upload.objects.create(owner=mira, filename='half.wav', size=10**6)"
)


@pytest.fixture(scope="module", autouse=True)
def _songs(site: Site) -> None:
    site.token(MIRA)
    site.manage("shell", "--no-imports", "-c", FILL)


def test_a_form_that_is_open_and_what_is_selected_outlast_new_songs(site: Site, page: Chrome, tmp_path: Path) -> None:
    log_in(page, site, MIRA)
    page.get(f"{site.url}/library/?sort=title")
    click(page, "[aria-label='Rename Song 1']")
    find(page, ".rename [name=title]").send_keys(Keys.END, " as I call it")
    click(page, "[aria-label='Select Song 3']")
    files = [tmp_path / f"New {n}.mp3" for n in range(3)]
    for file in files:
        file.write_text(f"not music: {file.name}")
    page.execute_script("""
        window.totals = [];
        new MutationObserver(() => totals.push(document.querySelector('#upload-total span').textContent))
          .observe(document.querySelector('#upload-total'), { subtree: true, childList: true });
    """)
    find(page, "#files").send_keys("\n".join(map(str, files)))
    see(page, "9 songs")
    assert "Uploading 2 of 3" in page.execute_script("return totals")
    assert find(page, ".rename [name=title]").get_attribute("value") == "Song 1 as I call it"
    see(page, "1 song selected")
    click(page, ".rename button")
    until(lambda: page.find_elements("css selector", "[aria-label='Select Song 1 as I call it']"), "the new name")


def test_a_selection_outlasts_searching_until_it_is_cleared(site: Site, page: Chrome) -> None:
    log_in(page, site, MIRA)
    page.get(f"{site.url}/library/?sort=title")
    click(page, "[aria-label='Select Song 0']")
    find(page, "#q").send_keys("winding")
    see(page, "1 song matches")
    see(page, "1 song selected")
    click(page, "[data-select-all]")
    see(page, "2 songs selected")
    chosen = "return new FormData(document.querySelector('#selection')).getAll('song').length"
    assert page.execute_script(chosen) == 2
    click(page, "[data-clear]")
    until(lambda: not find(page, "#selection").is_displayed(), "the end of the selection")


def test_a_song_that_goes_is_no_longer_counted_and_selected(site: Site, page: Chrome) -> None:
    log_in(page, site, MIRA)
    page.get(f"{site.url}/library/?q=song&sort=title")
    count = int(find(page, "#count").text.split()[0])
    click(page, "[aria-label='Select Song 2']")
    click(page, "[aria-label='Select Song 4']")
    click(page, "[aria-label='Delete Song 4']")
    see(page, f"{count - 1} songs match")
    see(page, "1 song selected")
    click(page, "[aria-label='Undo deleting Song 4']")
    see(page, f"{count} songs match")


def test_a_selected_song_that_was_deleted_elsewhere_is_no_longer_selected(site: Site, page: Chrome) -> None:
    log_in(page, site, MIRA)
    page.get(f"{site.url}/library/?q=song&sort=title")
    for number in (0, 2):
        click(page, f"[aria-label='Select Song {number}']")
    request = (
        "return fetch(arguments[0], { method: 'POST', headers: { 'X-CSRFToken': arguments[1] } }).then(() => true)"
    )
    token = find(page, "#selection [name=csrfmiddlewaretoken]").get_attribute("value")
    assert page.execute_script(request, find(page, "[aria-label='Delete Song 0']").get_attribute("hx-post"), token)
    click(page, ".selection [hx-post]")
    see(page, "2 songs were deleted.")
    until(lambda: not find(page, "#selection").is_displayed(), "the end of the selection")
    click(page, ".undo button")
    until(lambda: page.find_elements("css selector", "[aria-label='Select Song 0']"), "the song")


@pytest.mark.parametrize("width", [390, 1440])
def test_the_selection_never_covers_what_has_the_focus(site: Site, page: Chrome, width: int) -> None:
    log_in(page, site, MIRA)
    resize(page, width, 400)
    page.get(f"{site.url}/library/?sort=title")
    page.execute_script("[...document.querySelectorAll('.song-select input')].at(-1).click(); scrollTo(0, 1e6)")
    covered = """
        const bar = document.querySelector(".selection").getBoundingClientRect();
        return [...document.querySelectorAll(".song button, .song a, .song input")].reverse().filter((each) => {
            each.focus();
            const { top, bottom } = each.getBoundingClientRect();
            return top < bar.bottom && bottom > bar.top;
        }).map((each) => each.ariaLabel ?? each.className)"""
    assert page.execute_script("return getComputedStyle(document.querySelector('.selection')).position") == "sticky"
    assert page.execute_script(covered) == []
    resize(page, 1440, 900)


def test_a_new_song_that_the_list_does_not_show_can_be_opened(site: Site, page: Chrome, tmp_path: Path) -> None:
    log_in(page, site, MIRA)
    page.get(f"{site.url}/library/?q=winding&sort=title")
    (tmp_path / "Out of Sight.mp3").write_text("not music either")
    find(page, "#files").send_keys(str(tmp_path / "Out of Sight.mp3"))
    see(page, "Added to your library")
    click(page, ".upload [aria-label='Dismiss']")
    until(lambda: not page.find_elements("css selector", ".upload-name a"), "the line to go")


def test_focus_goes_to_the_new_list(site: Site, page: Chrome) -> None:
    log_in(page, site, MIRA)
    page.get(f"{site.url}/library/?q=song&sort=title")
    click(page, "[aria-label='Select Song 0']")
    click(page, ".selection [hx-post]")
    see(page, "The song was deleted.")
    click(page, ".undo button")
    until(lambda: page.find_elements("css selector", "[aria-label='Select Song 0']"), "the song")
    until(lambda: page.switch_to.active_element.get_attribute("id") == "count", "the focus")


def test_several_songs_go_and_come_back(site: Site, page: Chrome) -> None:
    log_in(page, site, MIRA)
    page.get(f"{site.url}/library/?q=song&sort=title")
    before = [title.text for title in page.find_elements("css selector", ".song-title")]
    for number in (0, 2):
        click(page, f"[aria-label='Select Song {number}']")
    see(page, "2 songs selected")
    click(page, ".selection [hx-post]")
    see(page, "2 songs were deleted.")
    click(page, ".undo button")
    until(lambda: [e.text for e in page.find_elements("css selector", ".song-title")] == before, "all songs")


def test_an_upload_that_was_interrupted_can_be_discarded(site: Site, page: Chrome) -> None:
    log_in(page, site, MIRA)
    page.get(f"{site.url}/library/")
    used = find(page, "#quota").text
    click(page, "[aria-label='Discard half.wav']")
    until(lambda: not page.find_elements("css selector", ".unfinished li"), "the upload to go")
    until(lambda: find(page, "#quota").text != used, "the room")
    assert not find(page, ".unfinished").is_displayed()


def test_titles_are_never_cut(site: Site, page: Chrome) -> None:
    log_in(page, site, MIRA)
    page.get(f"{site.url}/library/")
    find(page, ".song-title")
    assert not page.execute_script(
        "return [...document.querySelectorAll('.song-title, .song-details')]"
        ".filter((e) => e.scrollWidth > e.clientWidth ||"
        " getComputedStyle(e).textOverflow === 'ellipsis').map((e) => e.textContent)"
    )
