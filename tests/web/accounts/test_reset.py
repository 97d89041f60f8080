"""Resetting a forgotten password."""

import re
from typing import Any

from django.core import mail
from django.test import Client

from tests.web.conftest import Person

URL = "/account/reset/"


def test_the_mailed_link_sets_a_new_password_once(alice: Person, visitor: Client) -> None:
    visitor.post(URL, {"email": "alice@example.org"})
    link = re.search(r"http://localhost:8000(/\S+)", str(mail.outbox[0].body))
    assert link
    form = visitor.get(link[1], follow=True)
    form_data = {"new_password1": "hammers and strings", "new_password2": "hammers and strings"}
    assert visitor.post(form.request["PATH_INFO"], form_data).headers["Location"] == "/library/"
    alice.user.refresh_from_db()
    assert alice.user.check_password("hammers and strings")
    assert "This link no longer works" in Client().get(link[1], follow=True).content.decode()


def test_nobody_learns_who_has_an_account(alice: Person, visitor: Client) -> None:
    known = visitor.post(URL, {"email": "alice@example.org"})
    unknown = visitor.post(URL, {"email": "nobody@example.org"})
    assert known.headers["Location"] == unknown.headers["Location"]
    assert [message.to for message in mail.outbox] == [["alice@example.org"], ["nobody@example.org"]]
    assert "There is no account with this address." in str(mail.outbox[1].body)


def test_the_link_leads_to_this_site_whatever_host_was_asked_for(alice: Person, visitor: Client, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    visitor.post(URL, {"email": "alice@example.org"}, headers={"Host": "evil.example"})
    assert "evil.example" not in str(mail.outbox[0].body)


def test_mails_are_counted(alice: Person, visitor: Client) -> None:
    for number in range(35):
        visitor.post(URL, {"email": f"alice{number}@example.org"})
    assert len(mail.outbox) == 30


def test_nobody_waits_for_mail_that_the_site_cannot_send(visitor: Client, settings: Any) -> None:
    for sends, sentence in ((True, "We’ve sent you a link."), (False, "This site can’t send e-mail")):
        settings.CONFIRM_BY_MAIL = sends
        assert sentence in visitor.get(f"{URL}sent/").content.decode()
