"""Counts attempts in the cache and says when there were too many of them.

A password may be tried a few times for one account from one network, so nobody elsewhere can lock its owner out; and a
browser that has been logged in before has a count of its own, so nobody in the same house can either.
"""

import hashlib
import ipaddress
import secrets
from dataclasses import dataclass

from django.conf import settings
from django.core import signing
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponseBase

BROWSER_COOKIE, BROWSER_SALT, BROWSER_SECONDS = "unbraid_browser", "known-browser", 365 * 24 * 3600


def client_address(request: HttpRequest) -> str:
    """Return the visitor's address; the proxy's word counts only where a proxy is known to stand in front."""
    if settings.TRUSTED_PROXY and (forwarded := request.headers.get("X-Forwarded-For")):
        return forwarded.rsplit(",", 1)[-1].strip()  # the last one was written by our own proxy
    return str(request.META.get("REMOTE_ADDR", ""))


def network(address: str, v4: int, v6: int) -> str:
    """Return the network with that many bits that the address is in; anything else is returned as it is."""
    try:
        bits = v4 if ipaddress.ip_address(address).version == 4 else v6
        return str(ipaddress.ip_network(f"{address}/{bits}", strict=False))
    except ValueError:
        return address


def client_place(request: HttpRequest) -> str:
    """Return the part of an address that belongs to one visitor: an IPv4 address, or 64 bits of an IPv6 address."""
    return network(client_address(request), 32, 64)


@dataclass(frozen=True)
class Throttle:
    """At most `limit` attempts of one kind from one place in `seconds`."""

    name: str
    limit: int
    seconds: int

    def _key(self, who: str) -> str:
        return f"throttle:{self.name}:{hashlib.sha256(who.encode(errors='replace')).hexdigest()}"

    def admits(self, who: str) -> bool:
        """Count one more attempt by `who` and say whether it is within the limit: counted first, so none slips by."""
        if cache.add(self._key(who), 1, self.seconds):
            return True
        try:
            return int(cache.incr(self._key(who))) <= self.limit
        except ValueError:  # it ran out between the two calls
            cache.set(self._key(who), 1, self.seconds)
            return True

    def take_back(self, who: str) -> None:
        """Count one attempt less: it was a good one."""
        try:
            cache.decr(self._key(who))
        except ValueError:  # it ran out meanwhile
            return

    def reset(self, who: str) -> None:
        """Start counting anew for `who`."""
        cache.delete(self._key(who))


PASSWORD_BY_PLACE = Throttle("password-place", limit=30, seconds=15 * 60)
PASSWORD_BY_NETWORK = Throttle("password-network", limit=8, seconds=15 * 60)
PASSWORD_BY_BROWSER = Throttle("password-browser", limit=8, seconds=15 * 60)
PASSWORD_BY_ACCOUNT = Throttle("password-account", limit=100, seconds=60 * 60)
SIGN_UP = Throttle("sign-up", limit=100, seconds=60 * 60)  # a class signs up in one lesson, from one address
PASSWORD_RESET = Throttle("reset", limit=30, seconds=60 * 60)
MAIL_TO = Throttle("mail", limit=5, seconds=60 * 60)


def known_browser(request: HttpRequest, account: str) -> str:
    """Return the number of the browser if this account was logged in with it before, else nothing."""
    try:
        number, owner = signing.loads(
            request.COOKIES.get(BROWSER_COOKIE, ""), salt=BROWSER_SALT, max_age=BROWSER_SECONDS
        )
    except (signing.BadSignature, ValueError):
        return ""
    return str(number) if owner == account else ""


def remember_browser(answer: HttpResponseBase, account: str) -> None:
    """Remember this browser as one that has logged in to the account."""
    answer.set_cookie(
        BROWSER_COOKIE,
        signing.dumps([secrets.token_hex(8), account], salt=BROWSER_SALT),
        max_age=BROWSER_SECONDS,
        path=settings.SESSION_COOKIE_PATH,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _network_key(request: HttpRequest, account: str) -> str:
    return f"{account} {network(client_address(request), 24, 48)}"


def count_password(request: HttpRequest, account: str) -> None:
    """Count one try of a password, before it is hashed.

    Raises:
        ValidationError: there were too many.
    """
    if browser := known_browser(request, account):
        admitted = PASSWORD_BY_BROWSER.admits(browser)
    else:
        counts = [
            PASSWORD_BY_PLACE.admits(client_place(request)),
            PASSWORD_BY_NETWORK.admits(_network_key(request, account)),
            PASSWORD_BY_ACCOUNT.admits(account),
        ]
        admitted = all(counts)
    if not admitted:
        raise ValidationError("Too many attempts. Wait 15 minutes, or reset your password.")


def forgive_password(request: HttpRequest, account: str) -> None:
    """Forget the tries before the right password."""
    if browser := known_browser(request, account):
        PASSWORD_BY_BROWSER.reset(browser)
    else:
        PASSWORD_BY_PLACE.take_back(client_place(request))
        PASSWORD_BY_NETWORK.reset(_network_key(request, account))
        PASSWORD_BY_ACCOUNT.take_back(account)
