"""Checks everything that the site needs, and says what is wrong and how to fix it."""

import json
import logging
import smtplib
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from itertools import chain

from django.conf import settings
from django.core.mail import get_connection
from django.db import DatabaseError, connection
from django.urls import reverse

from unbraid_web.operations import checks, configuration
from unbraid_web.operations.checks import CheckFailed, first_line

TRIAL_SECONDS = 300
STORAGE_SECONDS = 60.0  # longer than S3's own limits: what they raise says more
CLOCK_SECONDS = 5.0
NOT_YET_STARTED = ("workers", "housekeeper")


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True)
class Finding:
    """A finding about one part."""

    level: Level
    part: str
    sentence: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.level:<5} {self.part:<12} {self.sentence} {self.remedy}".rstrip()


def examine() -> Iterator[Finding]:
    """Yield the findings about each part, the settings first."""
    logging.disable()  # what anybody logs is said here in sentences
    try:
        yield from settings_in_use()
        yield from parts_in_use()
    finally:
        logging.disable(logging.NOTSET)


def parts_in_use() -> Iterator[Finding]:
    """Yield the results of the checks of the parts; without a database, some cannot run."""
    later: dict[str, Callable[[], str]] = {"clock": clock, "mail": mail, "address": address, "separation": separation}
    has_database = True
    for name, check in chain(checks.parts(STORAGE_SECONDS).items(), later.items()):
        if not has_database and name in ("migrations", "clock", *NOT_YET_STARTED):
            continue
        found = look(name, check)
        has_database = has_database and (name not in ("database", "migrations") or found.level is Level.OK)
        yield found


def settings_in_use() -> Iterator[Finding]:
    """Yield the results of the checks of the settings."""
    wrong = [Finding(Level.FAIL, "settings", sentence, remedy) for _, sentence, remedy in configuration.impossible()]
    odd = [Finding(Level.WARN, "settings", sentence, remedy) for _, sentence, remedy in configuration.doubtful()]
    yield from wrong + odd or [Finding(Level.OK, "settings", f"The site is {settings.SITE_URL}.")]


def look(part: str, check: Callable[[], str]) -> Finding:
    """Run a check and return its finding."""
    try:
        return Finding(Level.OK, part, check())
    except CheckWarning as doubt:
        return Finding(Level.WARN, part, str(doubt), doubt.remedy)
    except CheckFailed as error:
        level = Level.WARN if part in NOT_YET_STARTED else Level.FAIL
        return Finding(level, part, str(error), error.remedy)
    except DatabaseError as error:
        return Finding(Level.FAIL, part, f"The database refuses: {first_line(error)}.", "Check its log.")


class CheckWarning(Exception):  # noqa: N818 # a finding
    """A warning: something works, but not as most people would want; a sentence and a remedy."""

    def __init__(self, sentence: str, remedy: str) -> None:
        super().__init__(sentence)
        self.remedy = remedy


def clock() -> str:
    """This machine's clock agrees with the database's."""
    if connection.vendor == "sqlite":
        return "The database uses this machine's clock."
    with connection.cursor() as cursor:
        cursor.execute("SELECT CURRENT_TIMESTAMP")
        theirs: datetime = cursor.fetchone()[0]
    apart = abs((datetime.now(UTC) - theirs).total_seconds())
    if apart > CLOCK_SECONDS:
        raise CheckWarning(
            f"This machine's clock and the database's are {apart:.0f} seconds apart.", "Run an NTP client."
        )
    return "This machine's clock agrees with the database's."


def mail() -> str:
    """The mail server accepts our name and password."""
    if not settings.CONFIRM_BY_MAIL:
        return "Mails are printed on standard error, since EMAIL_HOST is not set."
    try:
        with get_connection():
            pass
    except (OSError, smtplib.SMTPException) as error:
        sentence = f"{settings.EMAIL_HOST} does not accept mail from us: {first_line(error)}."
        raise CheckFailed(
            "refuses", sentence, "Check EMAIL_HOST, EMAIL_PORT, EMAIL_HOST_USER and EMAIL_HOST_PASSWORD."
        ) from error
    return f"{settings.EMAIL_HOST} accepts mail from us."


def address() -> str:
    """The site's address leads to the site, with the right scheme."""
    url = settings.ORIGIN + reverse(settings.LOGIN_URL)
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            answer.read()
    except urllib.error.HTTPError as error:
        error.close()
        if error.code in range(300, 400):
            remedy = "The proxy has to send X-Forwarded-Proto, and UNBRAID_PROXY must be its address."
            raise CheckFailed("redirects", f"{url} redirects to itself.", remedy) from error
        remedy = "See that the proxy passes on the Host header, and that its name is in UNBRAID_URL or UNBRAID_HOSTS."
        raise CheckFailed("refuses", f"{url} answers {error.code}.", remedy) from error
    except OSError as error:
        reason = getattr(error, "reason", error)
        if isinstance(reason, ssl.SSLError):
            raise CheckWarning(
                f"This machine does not trust the certificate of {url}.", "Check that it is the right one."
            ) from error
        raise CheckWarning(
            f"Nothing answers at {url}: {first_line(reason)}.", "Start the site, then ask again."
        ) from error
    return f"{url} answers."


def separation() -> str:
    """The model can separate one second of noise."""
    model = [f"--model={settings.MODEL}"] if settings.MODEL else []
    program = "unbraid_web.separations.work.trial"
    command = [sys.executable, "-m", program, f"--device={settings.DEVICE}", *model]
    started, remedy = (
        time.monotonic(),
        "Check UNBRAID_MODEL and UNBRAID_DEVICE, and that 1 GB of memory is free.",
    )
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=TRIAL_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise CheckFailed("slow", f"One second of noise took more than {TRIAL_SECONDS} seconds.", remedy) from error
    if run.returncode:
        last = (run.stderr.strip().splitlines() or [f"it ended with {run.returncode}"])[-1]
        raise CheckFailed("ended", f"The model cannot be run: {last}.", remedy)
    found = json.loads(run.stdout.splitlines()[-1])
    if "error" in found:
        raise CheckFailed("fails", found["error"], remedy)
    whole = time.monotonic() - started
    return f"One second of noise took {found['seconds']:.1f} s, {whole:.1f} s with loading: {found['runtime']}."
