"""Signing up."""

from django.test import Client

from tests.web.conftest import PASSWORD, Person
from unbraid_web.accounts.models import User

URL = "/account/sign-up/"


def test_makes_an_account_and_logs_in(visitor: Client) -> None:
    answer = visitor.post(URL, {"email": "Dora@Example.org", "password": PASSWORD})
    assert answer.headers["Location"] == "/library/"
    assert User.objects.get().email == "dora@example.org"
    assert visitor.get("/library/").status_code == 200


def test_an_address_is_one_account_however_it_is_written(alice: Person, visitor: Client) -> None:
    answer = visitor.post(URL, {"email": "ALICE@example.org", "password": PASSWORD})
    assert answer.status_code == 422
    assert "There is an account with this address already" in answer.content.decode()
    assert User.objects.count() == 1


def test_refuses_weak_passwords(visitor: Client) -> None:
    answer = visitor.post(URL, {"email": "dora@example.org", "password": "password"})
    assert "too common" in answer.content.decode()
    assert not User.objects.exists()


def test_counts_accounts_from_one_place(visitor: Client) -> None:
    for number in range(20):
        assert Client().post(URL, {"email": f"d{number}@example.org", "password": PASSWORD}).status_code == 302
    assert "Too many accounts" in visitor.post(URL, {"email": "e@example.org", "password": PASSWORD}).content.decode()


def test_who_is_in_goes_to_the_library(alice: Person) -> None:
    assert alice.client.get(URL).headers["Location"] == "/library/"
    assert alice.client.put(URL).status_code == 405
