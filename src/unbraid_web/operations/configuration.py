"""Finds settings that contradict each other or are unsafe: each gets one sentence, and a remedy as its hint."""

import ipaddress
import os
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning  # noqa: A004

SHORTEST_SECRET = 32
SHORTEST_TOKEN = 16


def refusals(app_configs: Sequence[Any] | None = None, **_: Any) -> list[CheckMessage]:
    """Return the errors that keep every command of the site from starting."""
    return [Error(f"{sentence}", hint=remedy, id=f"unbraid.{name}") for name, sentence, remedy in impossible()]


def warnings(app_configs: Sequence[Any] | None = None, **_: Any) -> list[CheckMessage]:
    """Return the warnings: settings that work, but not as most people would want."""
    return [Warning(f"{sentence}", hint=remedy, id=f"unbraid.{name}") for name, sentence, remedy in doubtful()]


def impossible() -> Iterator[tuple[str, str, str]]:
    """Yield a name, a sentence and a remedy for each combination that must not start."""
    url = urlsplit(settings.SITE_URL)
    proxy_is_named = bool(os.environ.get("UNBRAID_PROXY"))
    if url.scheme not in ("http", "https") or not url.hostname or url.query or url.fragment:
        yield (
            "url",
            f"UNBRAID_URL is {settings.SITE_URL}, which no browser can open.",
            "Write it like https://stems.example.org, or https://example.org/stems for a path of its own.",
        )
    if settings.DEBUG and not is_private(url.hostname or ""):
        yield (
            "debug",
            "UNBRAID_DEBUG shows settings and tracebacks to every visitor.",
            "Set it only where UNBRAID_URL is this machine.",
        )
    if settings.BEHIND_TLS and not proxy_is_named:
        yield (
            "proxy",
            "UNBRAID_URL is https and UNBRAID_PROXY is not set, so every page would redirect to itself for ever.",
            "Set UNBRAID_PROXY=1 for a proxy on this machine, otherwise to its address; "
            "0 if your own WSGI server handles TLS.",
        )
    if len(settings.SECRET_KEY) < SHORTEST_SECRET:
        yield (
            "secret",
            f"UNBRAID_SECRET_KEY has {len(settings.SECRET_KEY)} characters and can be guessed.",
            "Use 50 random ones (openssl rand -base64 40), or unset it and one is made and kept in UNBRAID_DATA.",
        )
    if settings.S3_BUCKET and not uses_sqlite() and not os.environ.get("UNBRAID_SECRET_KEY"):
        yield (
            "secret_of_each",
            "UNBRAID_SECRET_KEY is not set: hosts without a shared folder would refuse each other's sessions.",
            "Set it to the same 50 random characters on every host (openssl rand -base64 40).",
        )
    if settings.METRICS_TOKEN and len(settings.METRICS_TOKEN) < SHORTEST_TOKEN:
        yield (
            "metrics",
            f"UNBRAID_METRICS_TOKEN has {len(settings.METRICS_TOKEN)} characters and can be guessed.",
            "Use 32 random ones: openssl rand -hex 16.",
        )


def doubtful() -> Iterator[tuple[str, str, str]]:
    """Yield a name, a sentence and a remedy for each combination to think about."""
    url = urlsplit(settings.SITE_URL)
    if not settings.BEHIND_TLS and not is_private(url.hostname or ""):
        yield (
            "http",
            f"{settings.SITE_URL} is not encrypted: passwords can be read in transit.",
            "Put nginx or Caddy in front, and set UNBRAID_URL to the https address.",
        )
    if settings.TRUSTED_PROXY == "*":
        yield (
            "anybody",
            "UNBRAID_PROXY=* trusts any client to state its own address.",
            "Make sure that only the proxy can reach this port.",
        )
    if settings.USES_BROKER and not os.environ.get("UNBRAID_CACHE_URL"):
        yield (
            "cache",
            "UNBRAID_CACHE_URL is not set: each web process counts log-in attempts separately.",
            "Set it to a database of the same Redis, such as redis://localhost/1.",
        )
    if settings.S3_BUCKET and not settings.S3_ORIGIN:
        yield (
            "origin",
            "UNBRAID_S3_ORIGIN is not set: browsers may not fetch stems from the bucket.",
            "Set it to the bucket's origin as browsers see it, such as https://name.s3.amazonaws.com.",
        )
    if settings.S3_BUCKET and uses_sqlite():
        yield (
            "sqlite",
            "Files are in S3 and the database is SQLite: workers on other hosts cannot reach it.",
            "Set DATABASE_URL to PostgreSQL before a second host joins.",
        )
    if settings.BEHIND_TLS and not settings.CONFIRM_BY_MAIL:
        yield (
            "mail",
            "EMAIL_HOST is not set: addresses are not confirmed, and password-reset links only go to the log.",
            "Set EMAIL_HOST and the other EMAIL_* variables.",
        )


def uses_sqlite() -> bool:
    """Whether the database is a file."""
    return "sqlite3" in settings.DATABASES["default"]["ENGINE"]


def is_private(host: str) -> bool:
    """Whether a host is this machine, or one of a home's or an office's own network."""
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return host == "localhost" or host.endswith((".localhost", ".local", ".lan", ".home.arpa", ".internal"))
