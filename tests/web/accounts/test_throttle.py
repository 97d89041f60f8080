"""Passwords cannot be guessed, and nobody can lock the owner out."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core.cache.backends.locmem import LocMemCache
from django.test import Client

from tests.web.conftest import PASSWORD, Person
from tests.web.site import free_port
from unbraid_web.accounts import throttle
from unbraid_web.accounts.throttle import Throttle
from unbraid_web.cache import RedisOrMemory

LOGIN, LEAVE, CHANGE = "/account/login/", "/account/leave/", "/account/"
TOO_MANY = "Too many attempts"


def login(client: Client, password: str, address: str = "192.0.2.1", account: str = "alice@example.org") -> bool:
    client.post(LOGIN, {"username": account, "password": password}, REMOTE_ADDR=address)
    return "_auth_user_id" in client.session


def test_nobody_elsewhere_locks_the_owner_out(alice: Person) -> None:
    for number in range(20):
        login(Client(), "wrong", f"198.51.{number % 2}.{number}")
    assert not login(Client(), PASSWORD, "198.51.0.200")  # the network that tried too often
    assert login(Client(), PASSWORD, "192.0.2.1")


def test_nobody_in_the_same_house_locks_a_known_browser_out(alice: Person) -> None:
    mine = Client()
    assert login(mine, PASSWORD)
    mine.post("/account/logout/")
    for account in ("alice@example.org", "nobody@example.org"):
        for _ in range(20):
            login(Client(), "wrong", account=account)
    assert not login(Client(), PASSWORD)
    assert login(mine, PASSWORD)


def test_a_known_browser_has_few_tries_too(alice: Person) -> None:
    mine = Client()
    login(mine, PASSWORD)
    mine.post("/account/logout/")
    for _ in range(8):
        login(mine, "wrong")
    assert not login(mine, PASSWORD)


def test_a_browser_is_known_for_its_own_account_alone(alice: Person, charlie: Person) -> None:
    login(charlie.client, PASSWORD, account="charlie@example.org")
    charlie.client.post("/account/logout/")
    for _ in range(8):
        login(Client(), "wrong")
    assert not login(charlie.client, PASSWORD)


def test_many_networks_together_have_their_limit(alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttle, "PASSWORD_BY_ACCOUNT", Throttle("few", limit=12, seconds=60))
    for number in range(12):
        login(Client(), "wrong", f"10.0.{number}.1")
    assert not login(Client(), PASSWORD, "10.0.200.1")


def test_an_ipv6_network_is_one_place(alice: Person) -> None:
    for number in range(8):
        login(Client(), "wrong", f"2001:db8:0:{number}::1")
    assert not login(Client(), PASSWORD, "2001:db8:0:ffff::1")
    assert login(Client(), PASSWORD, "2001:db8:1::1")


def test_the_right_password_is_not_counted(alice: Person) -> None:
    for _ in range(40):
        assert login(Client(), PASSWORD)


Try = Callable[[Person], Any]
TRIES: dict[str, Try] = {
    "leaving": lambda who: who.client.post(LEAVE, {"password": "wrong"}),
    "changing": lambda who: who.client.post(
        CHANGE, {"old_password": "wrong", "new_password1": "a long new one", "new_password2": "a long new one"}
    ),
    "logging in": lambda who: Client().post(LOGIN, {"username": "alice@example.org", "password": "wrong"}),
}


@pytest.mark.parametrize("kind", TRIES)
def test_every_page_that_takes_a_password_counts(alice: Person, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    checked = []
    check = type(alice.user).check_password

    def counting(self: Any, password: str) -> bool:
        checked.append(password)
        return check(self, password)

    monkeypatch.setattr(type(alice.user), "check_password", counting)
    answers = [TRIES[kind](alice).content.decode() for _ in range(20)]
    assert len(checked) == 8  # no password is hashed beyond the limit
    assert TOO_MANY in answers[-1]


def test_the_admin_pages_have_no_form_of_their_own(alice: Person, visitor: Client) -> None:
    answer = visitor.get("/admin/login/", {"next": "/admin/songs/"})
    assert answer.headers["Location"] == "/account/login/?next=/admin/songs/"
    assert visitor.post("/admin/login/", {"username": "alice@example.org", "password": PASSWORD}).status_code == 302
    assert "_auth_user_id" not in visitor.session
    assert alice.client.get("/admin/", follow=True).status_code == 403


def test_attempts_at_the_same_moment_are_all_counted() -> None:
    eight = Throttle("test", limit=8, seconds=60)
    with ThreadPoolExecutor(20) as pool:
        admitted = list(pool.map(lambda _: eight.admits("one"), range(60)))
    assert sum(admitted) == 8


def test_while_redis_is_away_each_process_counts_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    away = RedisOrMemory(f"redis://localhost:{free_port()}", {})
    monkeypatch.setattr("unbraid_web.accounts.throttle.cache", away)
    three = Throttle("away", limit=3, seconds=60)
    assert [three.admits("one") for _ in range(5)] == [True, True, True, False, False]
    three.reset("one")
    assert three.admits("one")
    assert away.get("nothing", "else") == "else"
    assert isinstance(away.memory, LocMemCache)
