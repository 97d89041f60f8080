"""Logging in and out."""

from django.test import Client

from tests.web.conftest import PASSWORD, Person

URL = "/account/login/"


def test_goes_where_one_wanted_to_go(alice: Person, visitor: Client) -> None:
    answer = visitor.post(URL, {"username": "ALICE@example.org", "password": PASSWORD, "next": "/account/"})
    assert answer.headers["Location"] == "/account/"


def test_does_not_send_people_to_other_sites(alice: Person, visitor: Client) -> None:
    form_data = {"username": "alice@example.org", "password": PASSWORD, "next": "https://evil.example/"}
    assert visitor.post(URL, form_data).headers["Location"] == "/library/"


def test_is_throttled_and_the_right_password_does_not_help_then(alice: Person, visitor: Client) -> None:
    for _ in range(8):
        assert visitor.post(URL, {"username": "alice@example.org", "password": "wrong"}).status_code == 200
    answer = visitor.post(URL, {"username": "alice@example.org", "password": PASSWORD})
    assert "Too many attempts" in answer.content.decode()


def test_logging_out_needs_a_post(alice: Person) -> None:
    assert alice.client.get("/account/logout/").status_code == 405
    assert alice.client.post("/account/logout/").headers["Location"] == "/"
    assert alice.client.get("/library/").status_code == 302


def test_forms_need_their_token(alice: Person) -> None:
    strict = Client(enforce_csrf_checks=True)
    assert strict.post(URL, {"username": "alice@example.org", "password": PASSWORD}).status_code == 403


def test_a_page_whose_session_is_over_goes_to_the_form_as_a_whole(visitor: Client) -> None:
    here = "https://testserver/library/?q=blue&page=2"
    answer = visitor.get("/library/?q=blue", headers={"HX-Request": "true", "HX-Current-URL": here})
    assert not answer.content  # htmx would put it where the songs are
    assert answer.headers["HX-Redirect"] == f"{URL}?next=%2Flibrary%2F%3Fq%3Dblue%26page%3D2"
