"""Mail about an account. Every address gets one, known or not, so that no response reveals who has an account."""

import logging
import smtplib
from typing import Any

from django.conf import settings
from django.contrib.auth.tokens import default_token_generator
from django.core import signing
from django.core.mail import send_mail
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from unbraid_web.accounts.models import User
from unbraid_web.accounts.throttle import MAIL_TO

logger = logging.getLogger(__name__)
SIGN_UP_SALT, ADDRESS_SALT, SIGN_UP_SECONDS = "sign-up", "address", 3 * 24 * 3600


def mail_sign_up(email: str) -> None:
    """Mail a link that creates the account, or say that there is one already."""
    token = signing.dumps(email, salt=SIGN_UP_SALT)
    known = User.objects.filter(email=email).exists()
    _mail(email, "Your unbraid account", "accounts/sign_up_mail.txt", known=known, link=_link("confirm", token))


def confirmed_address(token: str) -> str:
    """Return the address that this token was mailed to; empty if the token is invalid or too old."""
    try:
        return str(signing.loads(token, salt=SIGN_UP_SALT, max_age=SIGN_UP_SECONDS))
    except signing.BadSignature:
        return ""


def mail_new_address(user: User, email: str) -> None:
    """Mail a link that changes the account's address to this one, or the news that it has an account already."""
    token = signing.dumps([user.pk, user.email, email, _password_mark(user)], salt=ADDRESS_SALT)
    known = User.objects.filter(email=email).exists()
    link = _link("confirm_address", token)
    _mail(email, "Confirm your new e-mail address", "accounts/address_mail.txt", known=known, link=link)


def address_change(token: str) -> tuple[User, str] | None:
    """Return whose address this token changes, and to which; None if it was used, or is too old or invalid.

    A new password or a new address invalidates it.
    """
    try:
        pk, old, new, mark = signing.loads(token, salt=ADDRESS_SALT, max_age=SIGN_UP_SECONDS)
    except (signing.BadSignature, ValueError):
        return None
    user = User.objects.filter(pk=pk, email=old, is_active=True).first()
    return (user, new) if user and _password_mark(user) == mark else None


def mail_address_changed(old: str, new: str) -> None:
    """Tell the old address, in case it was not its owner who changed it."""
    _mail(old, "Your unbraid address was changed", "accounts/address_changed_mail.txt", new=new)


def _password_mark(user: User) -> str:
    return user.get_session_auth_hash()[:16]


def mail_reset(email: str) -> None:
    """Mail a link that sets a new password, or the news that there is no account."""
    user, link = User.objects.filter(email=email, is_active=True).first(), ""
    if user:
        link = _link(
            "reset_confirm", urlsafe_base64_encode(force_bytes(user.pk)), default_token_generator.make_token(user)
        )
    _mail(email, "Reset your unbraid password", "accounts/reset_mail.txt", link=link)


def _link(name: str, *parts: str) -> str:
    """Return an address of this site; it does not come from the request, which may lie about the host."""
    return settings.ORIGIN + reverse(f"accounts:{name}", args=parts)


def _mail(email: str, subject: str, template: str, **context: Any) -> None:
    if not MAIL_TO.admits(email):
        return
    context |= {"email": email, "site": settings.SITE_URL, "sign_up": _link("sign_up"), "login": _link("login")}
    try:
        send_mail(subject, render_to_string(template, context), None, [email])
    except (OSError, smtplib.SMTPException):
        logger.exception("mail could not be sent")
