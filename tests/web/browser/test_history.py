"""The library's list shows what the address says: after paging, going back and forward, and whatever comes late."""

from pathlib import Path

import pytest
from selenium.webdriver import Chrome

from tests.web.browser.proxy import Proxy
from tests.web.browser.test_journey import click, find, log_in, see, until
from tests.web.site import Site

OLGA = "olga@example.org"
FILL = (
    "from unbraid_web.accounts.models import User; from unbraid_web.songs.models import Song;"
    "from unbraid_web.separations.models import Separation;"
    f"olga = User.objects.get(email='{OLGA}');"
    "songs = Song.objects.bulk_create(Song.new(olga, f'Page {n}.mp3', 1) for n in range(30));"
    "Separation.objects.bulk_create(Separation(song=song, state='done') for song in songs)"
)
CHANGED = "document.querySelector('#upload').dispatchEvent(new Event('library-changed', { bubbles: true }))"


@pytest.fixture(scope="module", autouse=True)
def _pages(site: Site) -> None:
    """More songs in the library than one page takes."""
    site.token(OLGA)
    site.manage("shell", "--no-imports", "-c", FILL)


def settle(page: Chrome) -> None:
    """Wait until what was sent to the browser by now has been shown."""
    page.execute_async_script("fetch('/healthz').then(() => setTimeout(arguments[0], 300))")


@pytest.mark.parametrize("what", ["search", "sort", "page"])
def test_a_session_that_is_over_leads_to_the_login_page(site: Site, page: Chrome, what: str) -> None:
    log_in(page, site, OLGA)
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


def test_everything_works_after_paging_and_going_back(site: Site, page: Chrome, tmp_path: Path) -> None:
    log_in(page, site, OLGA)
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
    see(page, "31 songs")
    page.forward()
    see(page, "Page 2 of 2")


def test_a_list_that_comes_late_does_not_replace_the_one_asked_for_since(
    site: Site, page: Chrome, proxy: Proxy
) -> None:
    log_in(page, site, OLGA)
    page.get(f"{proxy.url}/library/")
    click(page, ".pagination a")
    see(page, "Page 2 of 2")
    page.back()
    see(page, "Page 1 of 2")
    late = proxy.keep_next("/library/")
    page.execute_script(CHANGED)  # as when an upload ends
    late.wait()
    page.forward()
    see(page, "Page 2 of 2")
    late.release()
    settle(page)
    see(page, "Page 2 of 2")
    late = proxy.keep_next("/library/")
    page.back()
    late.wait()
    page.forward()
    settle(page)
    late.release()
    settle(page)
    assert "Page 2 of 2" in find(page, ".pagination").text
    assert "page=2" in page.current_url


def test_a_click_counts_while_the_list_is_asked_for(site: Site, page: Chrome, proxy: Proxy) -> None:
    log_in(page, site, OLGA)
    page.get(f"{proxy.url}/library/")
    late = proxy.keep_next("/library/")
    page.execute_script(CHANGED)
    late.wait()
    click(page, ".pagination a")
    late.release()
    see(page, "Page 2 of 2")
    settle(page)
    assert "Page 2 of 2" in find(page, ".pagination").text


def test_an_upload_that_ends_leaves_the_page_where_it_is(site: Site, page: Chrome) -> None:
    log_in(page, site, OLGA)
    page.get(f"{site.url}/library/?sort=title")
    click(page, ".pagination a")
    see(page, "Page 2 of 2")
    address = page.current_url
    page.execute_script("window.asked = 0; addEventListener('htmx:afterSwap', () => { window.asked += 1; })")
    page.execute_script(CHANGED)
    until(lambda: page.execute_script("return window.asked"), "the list")
    assert "Page 2 of 2" in find(page, ".pagination").text
    assert page.current_url == address


def test_going_back_takes_the_search_back_too(site: Site, page: Chrome) -> None:
    log_in(page, site, OLGA)
    page.get(f"{site.url}/library/?q=page&sort=title")
    click(page, ".pagination a")
    see(page, "Page 2 of 2")
    find(page, "#q").send_keys(" 1")
    see(page, "12 songs match “page 1”")
    page.back()
    see(page, "30 songs match “page”")
    field = find(page, "#q")
    assert field.get_property("value") == "page"
    assert find(page, "#sort").get_property("value") == "title"


def test_a_song_comes_back_from_the_bin_into_the_list(site: Site, page: Chrome) -> None:
    log_in(page, site, OLGA)
    page.get(f"{site.url}/library/")
    before = find(page, ".count").text
    click(page, "[aria-label^=Delete]")
    until(lambda: page.find_elements("css selector", ".song.deleted"), "the bin")
    page.get(f"{site.url}/library/")
    click(page, ".recently-deleted summary")
    click(page, ".recently-deleted button")
    until(lambda: not page.find_elements("css selector", ".recently-deleted"), "the bin to go")
    assert find(page, ".count").text == before
