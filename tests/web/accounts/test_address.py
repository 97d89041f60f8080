"""Changing the address of an account."""

import re
from typing import Any

import pytest
from django.core import mail
from django.test import Client

from tests.web.conftest import PASSWORD, Person
from unbraid_web.accounts.models import User

URL = "/account/address/"
NEW = {"email": "Alice@New.example.org", "password": PASSWORD}


@pytest.fixture
def by_mail(settings: Any) -> None:
    settings.CONFIRM_BY_MAIL = True


def link() -> str:
    """The address in the last mail, without the host."""
    found = re.search(r"http://[^/]+(/\S+)", str(mail.outbox[-1].body).replace("http://localhost:8000 ", ""))
    assert found
    return found[1]


def test_without_mail_it_changes_at_once_and_the_password_stays(alice: Person, visitor: Client) -> None:
    assert alice.client.post(URL, NEW).headers["Location"] == "/account/"
    assert "alice@new.example.org" in alice.client.get("/account/").content.decode()
    known = {"username": "alice@new.example.org", "password": PASSWORD}
    assert visitor.post("/account/login/", known).status_code == 302


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"password": "something else"}, "Wrong password."),
        ({"email": "alice@example.org"}, "This is your address already."),
        ({"email": "charlie@example.org"}, "This address can’t be used."),
        ({"email": "nonsense"}, "Enter a valid"),
    ],
)
def test_what_is_wrong_is_said(alice: Person, charlie: Person, wrong: dict[str, str], sentence: str) -> None:
    answer = alice.client.post(URL, NEW | wrong)
    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert User.objects.filter(email="alice@example.org").exists()


@pytest.mark.usefixtures("by_mail")
def test_with_mail_the_new_address_is_confirmed_first(alice: Person, visitor: Client) -> None:
    assert alice.client.post(URL, NEW).headers["Location"] == "/account/address/sent/"
    assert mail.outbox[-1].to == ["alice@new.example.org"]
    address = link()
    assert "alice@new.example.org" in visitor.get(address).content.decode()  # to look at it changes nothing
    assert User.objects.filter(email="alice@example.org").exists()
    assert visitor.post(address).status_code == 302
    assert User.objects.get().email == "alice@new.example.org"
    assert mail.outbox[-1].to == ["alice@example.org"]
    assert visitor.post(address).status_code == 410
    assert visitor.get(f"{URL}nonsense/").status_code == 410


@pytest.mark.usefixtures("by_mail")
def test_a_new_password_makes_the_link_worthless(alice: Person, visitor: Client) -> None:
    alice.client.post(URL, NEW)
    alice.user.set_password("another sentence")
    alice.user.save()
    assert visitor.post(link()).status_code == 410


@pytest.mark.usefixtures("by_mail")
def test_nobody_learns_who_has_an_account(alice: Person, charlie: Person) -> None:
    answer = alice.client.post(URL, NEW | {"email": "charlie@example.org"})
    assert answer.headers["Location"] == "/account/address/sent/"
    assert "already an account" in str(mail.outbox[-1].body)
    assert "/account/address/" not in str(mail.outbox[-1].body)


def test_is_for_people_with_an_account(visitor: Client, alice: Person) -> None:
    assert visitor.get(URL).headers["Location"].startswith("/account/login/")
    assert alice.client.get(URL).status_code == 200
    assert alice.client.put(URL).status_code == 405
