"""Counts attempts in the cache and says when there were too many of them."""

from dataclasses import dataclass

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str:
    """Return the visitor's address; the proxy's word counts only where a proxy is known to stand in front."""
    if settings.TRUSTED_PROXY and (forwarded := request.headers.get("X-Forwarded-For")):
        return forwarded.rsplit(",", 1)[-1].strip()  # the last one was written by our own proxy
    return str(request.META.get("REMOTE_ADDR", ""))


@dataclass(frozen=True)
class Throttle:
    """At most `limit` attempts of one kind from one place in `seconds`."""

    name: str
    limit: int
    seconds: int

    def _key(self, who: str) -> str:
        return f"throttle:{self.name}:{who}"

    def is_exhausted(self, who: str) -> bool:
        """Whether `who` has to wait."""
        return int(cache.get(self._key(who), 0)) >= self.limit

    def record(self, who: str) -> None:
        """Note one attempt by `who`."""
        if not cache.add(self._key(who), 1, self.seconds):
            try:
                cache.incr(self._key(who))
            except ValueError:  # it ran out between the two calls
                cache.set(self._key(who), 1, self.seconds)

    def reset(self, who: str) -> None:
        """Start counting anew for `who`."""
        cache.delete(self._key(who))


LOGIN_BY_ADDRESS = Throttle("login-address", limit=30, seconds=15 * 60)
LOGIN_BY_ACCOUNT = Throttle("login-account", limit=8, seconds=15 * 60)
SIGN_UP = Throttle("sign-up", limit=20, seconds=60 * 60)
PASSWORD_RESET = Throttle("reset", limit=8, seconds=60 * 60)
