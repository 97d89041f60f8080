"""The pages about the API."""

import re

from django.test import Client

from tests.web.conftest import Person
from unbraid_web.api.models import Token

URL = "/api/tokens/"


def test_a_token_is_shown_once_and_works_until_revoked(alice: Person) -> None:
    page = alice.client.post(URL, {"name": "laptop"}).content.decode()
    secret = re.search(r'value="(unb_[^"]+)"', page)
    assert secret
    assert secret[1] not in alice.client.get(URL).content.decode()
    assert not Token.objects.filter(hashed=secret[1]).exists()
    headers = {"Authorization": f"Bearer {secret[1]}"}
    assert Client().get("/api/v1/songs", headers=headers).status_code == 200
    alice.client.post(f"{URL}{Token.objects.get().pk}/revoke/")
    assert Client().get("/api/v1/songs", headers=headers).status_code == 401


def test_are_nobody_elses(alice: Person, charlie: Person, visitor: Client) -> None:
    token, _ = Token.make(alice.user, "mine")
    assert charlie.client.post(f"{URL}{token.pk}/revoke/").status_code == 404
    assert "mine" not in charlie.client.get(URL).content.decode()
    assert visitor.get(URL).status_code == 302
    assert visitor.post(f"{URL}{token.pk}/revoke/").status_code == 302
    assert alice.client.get(f"{URL}{token.pk}/revoke/").status_code == 405
    assert alice.client.put(URL).status_code == 405


def test_there_are_not_too_many(alice: Person) -> None:
    for number in range(20):
        Token.make(alice.user, str(number))
    assert "You have 20 tokens already" in alice.client.post(URL, {"name": "one more"}).content.decode()


def test_everybody_may_read_about_the_api(visitor: Client) -> None:
    assert "curl" in visitor.get("/api/").content.decode()
    assert visitor.post("/api/").status_code == 405
