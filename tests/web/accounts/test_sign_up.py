"""Signing up: with an address that is confirmed by mail, or without where no mail can be sent."""

import re
from typing import Any

import pytest
from django.core import mail
from django.test import Client

from tests.web.conftest import PASSWORD, Person
from unbraid_web.accounts import views
from unbraid_web.accounts.models import User
from unbraid_web.accounts.throttle import Throttle

URL = "/account/sign-up/"


@pytest.fixture
def by_mail(settings: Any) -> None:
    settings.CONFIRM_BY_MAIL = True


def link() -> str:
    found = re.search(r"http://localhost:8000(/account/\S+)", str(mail.outbox[-1].body))
    assert found
    return found[1]


def test_makes_an_account_that_can_log_in(visitor: Client) -> None:
    answer = visitor.post(URL, {"email": "Dora@Example.org", "password": PASSWORD}, follow=True)
    assert "You can log in now." in answer.content.decode()
    assert 'value="dora@example.org"' in answer.content.decode()
    assert User.objects.get().email == "dora@example.org"
    visitor.post("/account/login/", {"username": "dora@example.org", "password": PASSWORD})
    assert visitor.get("/library/").status_code == 200


def seen(answer: Any) -> tuple[int, str, str]:
    """Return all that a visitor can tell two answers apart by, but for the address that was typed."""
    page = re.sub(
        r'(csrfmiddlewaretoken" value="|X-CSRFToken": "|username" value=")[\w@.-]+', "", answer.content.decode()
    )
    return answer.status_code, str(answer.redirect_chain), page


def test_an_address_that_is_taken_gets_the_same_answer(alice: Person) -> None:
    for address in ("ALICE@example.org", "alice@example.org"):
        known = Client().post(URL, {"email": address, "password": "another long one"}, follow=True)
        new = Client().post(URL, {"email": f"not-{address}", "password": "another long one"}, follow=True)
        assert seen(known) == seen(new)
    alice.user.refresh_from_db()
    assert alice.user.check_password(PASSWORD)
    assert User.objects.count() == 2


def test_by_mail_an_address_that_is_taken_gets_the_same_answer(alice: Person, by_mail: None) -> None:
    known = Client().post(URL, {"email": "alice@example.org"}, follow=True)
    assert "You already have an account." in str(mail.outbox[-1].body)
    new = Client().post(URL, {"email": "dora@example.org"}, follow=True)
    assert seen(known) == seen(new)
    assert [message.to for message in mail.outbox] == [["alice@example.org"], ["dora@example.org"]]
    assert User.objects.count() == 1


def test_by_mail_the_account_is_made_once_the_link_was_opened(visitor: Client, by_mail: None) -> None:
    visitor.post(URL, {"email": "Dora@example.org"})
    assert not User.objects.exists()
    url = link()
    assert "too common" in visitor.post(url, {"password": "password"}).content.decode()
    assert visitor.post(url, {"password": PASSWORD}).headers["Location"] == "/library/"
    assert visitor.get("/library/").status_code == 200
    assert User.objects.get().email == "dora@example.org"
    assert Client().post(url, {"password": "taken over by me"}).status_code == 410
    assert Client().get(f"{URL}a-token-that-is-none/").status_code == 410


def test_nobody_gets_many_mails(visitor: Client, by_mail: None) -> None:
    for _ in range(9):
        visitor.post(URL, {"email": "dora@example.org"})
        visitor.post("/account/reset/", {"email": "dora@example.org"})
    assert len(mail.outbox) == 5


def test_a_mail_server_that_is_away_is_no_error_page(visitor: Client, by_mail: None, settings: Any) -> None:
    settings.EMAIL_BACKEND, settings.EMAIL_HOST, settings.EMAIL_PORT = (
        "django.core.mail.backends.smtp.EmailBackend", "localhost", 1,
    )  # fmt: skip
    assert visitor.post(URL, {"email": "dora@example.org"}).headers["Location"] == f"{URL}sent/"
    assert visitor.post("/account/reset/", {"email": "dora@example.org"}).status_code == 302


def test_refuses_weak_passwords(visitor: Client) -> None:
    answer = visitor.post(URL, {"email": "dora@example.org", "password": "password"})
    assert "too common" in answer.content.decode()
    assert not User.objects.exists()


def test_counts_attempts_from_one_place(visitor: Client, alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those for addresses that are taken too: each costs the server a hash."""
    monkeypatch.setattr(views, "SIGN_UP", Throttle("few", limit=5, seconds=60))
    for _ in range(5):
        assert Client().post(URL, {"email": "alice@example.org", "password": PASSWORD}).status_code == 302
    assert "Too many accounts" in visitor.post(URL, {"email": "e@example.org", "password": PASSWORD}).content.decode()
    assert User.objects.count() == 1


def test_who_is_in_goes_to_the_library(alice: Person) -> None:
    assert alice.client.get(URL).headers["Location"] == "/library/"
    assert alice.client.put(URL).status_code == 405
