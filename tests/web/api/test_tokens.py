"""The pages about the API."""

import re
from datetime import timedelta
from typing import Any

from django.test import Client
from django.utils import timezone

from tests.web.conftest import PASSWORD, Person
from unbraid_web.api.models import Scope, Token
from unbraid_web.songs.models import Song

URL = "/api/tokens/"


def test_a_token_is_shown_once_and_works_until_revoked(alice: Person) -> None:
    made = alice.client.post(URL, {"name": "laptop", "scope": "write"})
    assert made.headers["Location"] == URL  # to load the page again makes no second token
    page = alice.client.get(URL).content.decode()
    secret = re.search(r'value="(unb_[^"]+)"', page)
    assert secret
    assert secret[1] not in alice.client.get(URL).content.decode()
    assert not Token.objects.filter(hashed=secret[1]).exists()
    headers = {"Authorization": f"Bearer {secret[1]}"}
    assert Client().get("/api/v1/songs", headers=headers).status_code == 200
    alice.client.post(f"{URL}{Token.objects.get().pk}/revoke/")
    assert Client().get("/api/v1/songs", headers=headers).status_code == 401


def bearer(secret: str) -> Client:
    return Client(headers={"Authorization": f"Bearer {secret}"})


def test_one_that_may_only_read_changes_nothing(alice: Person, done: Song) -> None:
    reader = bearer(Token.make(alice.user, "reader", Scope.READ)[1])
    assert reader.get(f"/api/v1/songs/{done.pk}").status_code == 200
    for method, path in (("delete", ""), ("post", "/retry"), ("put", "/share"), ("patch", "")):
        answer = getattr(reader, method)(f"/api/v1/songs/{done.pk}{path}")
        assert (answer.status_code, answer.json()) == (
            403,
            {"error": "This token may only read. Create one that may write."},
        )


def test_ends_when_it_expires(alice: Person) -> None:
    alice.client.post(URL, {"name": "short", "scope": "read", "days": "30"})
    token = Token.objects.get()
    assert token.scope == Scope.READ
    assert timedelta(days=29) < token.expires_at - timezone.now() < timedelta(days=31) if token.expires_at else False
    _, secret = Token.make(alice.user, "over", expires_at=timezone.now() - timedelta(seconds=1))
    assert bearer(secret).get("/api/v1/songs").status_code == 401
    assert "expired" in alice.client.get(URL).content.decode()


def test_ends_with_the_password_that_it_was_made_under(alice: Person) -> None:
    program = bearer(Token.make(alice.user, "test")[1])
    alice.user.first_name = "Alice"
    alice.user.save()
    assert program.get("/api/v1/songs").status_code == 200
    change = {"old_password": PASSWORD, "new_password1": "hammers and strings", "new_password2": "hammers and strings"}
    assert alice.client.post("/account/", change).status_code == 302
    assert program.get("/api/v1/songs").status_code == 401


def test_outlives_a_better_hash_of_the_same_password(alice: Person, visitor: Client, settings: Any) -> None:
    program = bearer(Token.make(alice.user, "test")[1])
    hasher = "django.contrib.auth.hashers.PBKDF2PasswordHasher"
    settings.PASSWORD_HASHERS = [hasher, *settings.PASSWORD_HASHERS]
    visitor.post("/account/login/", {"username": "alice@example.org", "password": PASSWORD})
    alice.user.refresh_from_db()
    assert alice.user.password.startswith("pbkdf2")
    assert program.get("/api/v1/songs").status_code == 200


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
    assert (
        "You already have 20 tokens" in alice.client.post(URL, {"name": "one more", "scope": "read"}).content.decode()
    )


def test_everybody_may_read_about_the_api(visitor: Client) -> None:
    assert "curl" in visitor.get("/api/").content.decode()
    assert visitor.post("/api/").status_code == 405
