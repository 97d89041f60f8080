"""Checks each part of the site; a part that is unwell is reported in one sentence with a remedy."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from unbraid_web.separations.models import Worker
from unbraid_web.songs import storage

ANSWER_SECONDS = 5.0  # storage that takes longer keeps people waiting too
KEPT_SECONDS = 10.0  # strangers may ask: so long the last answer counts


class CheckFailed(Exception):  # noqa: N818 # a finding
    """What is wrong with a part.

    Args:
        word: for monitoring, which strangers may read
        sentence: for whoever runs the site
        remedy: what to do
    """

    def __init__(self, word: str, sentence: str, remedy: str) -> None:
        super().__init__(sentence)
        self.word, self.remedy = word, remedy


class Timed:
    """A check that may hang: it runs in a thread of its own, and its result is cached for a moment."""

    def __init__(self, check: Callable[[], str], what: str) -> None:
        self._check, self._what = check, what
        self._lock = threading.Lock()
        self._answer: Future[str] | None = None
        self._asked = 0.0

    def __call__(self, seconds: float) -> str:
        """Return what the check returns, within so many seconds.

        Raises:
            CheckFailed: what the check raises, or that it does not answer.
        """
        with self._lock:
            is_old = time.monotonic() - self._asked > KEPT_SECONDS
            if self._answer is None or (self._answer.done() and is_old):
                self._answer, self._asked = Future(), time.monotonic()
                threading.Thread(target=self._run, args=(self._answer,), name=self._what, daemon=True).start()
            answer = self._answer
        try:
            return answer.result(seconds)
        except TimeoutError as error:
            sentence = f"The {self._what} does not answer within {seconds:.0f} seconds."
            raise CheckFailed(
                "no answer", sentence, "Check that it is running and that the network allows the connection."
            ) from error

    def _run(self, answer: "Future[str]") -> None:
        try:
            answer.set_result(self._check())
        except BaseException as error:  # handed to whoever waits
            answer.set_exception(error)


def database() -> str:
    """The database answers."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        sentence = f"The database does not answer: {first_line(error)}."
        raise CheckFailed("unreachable", sentence, "Check that it is running, and check DATABASE_URL.") from error
    return f"{connection.display_name} answers."


def migrations() -> str:
    """The tables match this version."""
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if missing:
        sentence = f"{len(missing)} migrations are not applied, {missing[0][0]} first."
        raise CheckFailed("missing", sentence, "Run python -m unbraid_web prepare.")
    return "The tables match this version."


def try_storage() -> str:
    """A file can be written, read and deleted."""
    try:
        storage.probe()
    except Exception as error:  # each kind of storage has errors of its own
        sentence = f"A small file cannot be written, read and deleted: {first_line(error)}."
        remedy = (
            f"Check the bucket {settings.S3_BUCKET} and the AWS_* variables."
            if settings.S3_BUCKET
            else f"Make sure that the user of this process may write to {settings.MEDIA_ROOT}."
        )
        raise CheckFailed("refuses", sentence, remedy) from error
    where = f"the bucket {settings.S3_BUCKET}" if settings.S3_BUCKET else settings.MEDIA_ROOT
    return f"A small file was written to {where}, read and deleted."


def disk() -> str:
    """There is free disk space beyond the reserve."""
    if not storage.has_room() or storage.room() < 0:
        sentence = "There is less room on the disk than UNBRAID_MIN_FREE_MB keeps free: uploads are refused."
        raise CheckFailed("full", sentence, "Make room, or move UNBRAID_DATA to a larger disk.")
    return f"{storage.room() / 1e9:.1f} GB are free beyond the reserve."


def ask_redis(url: str, what: str, setting: str, meanwhile: str) -> None:
    """Ask a Redis whether it is there.

    Raises:
        CheckFailed: it is not; what that means `meanwhile` is a sentence.
    """
    import redis

    try:
        with redis.Redis.from_url(url, socket_connect_timeout=2, socket_timeout=2) as client:
            client.ping()
    except Exception as error:
        sentence = f"The {what} does not answer: {first_line(error)}. {meanwhile}"
        raise CheckFailed("unreachable", sentence, f"Check that Redis is running, and check {setting}.") from error


def broker() -> str:
    """Redis, which delivers jobs to workers, answers."""
    url = str(settings.RQ_QUEUES["default"]["URL"])
    ask_redis(url, "broker", "UNBRAID_BROKER_URL", "Nothing is lost, but no song starts.")
    return "Redis delivers the jobs."


def cache() -> str:
    """Redis, which counts attempts, answers."""
    url = str(settings.CACHES["default"]["LOCATION"])
    ask_redis(url, "cache", "UNBRAID_CACHE_URL", "Each process counts attempts separately.")
    return "Redis counts attempts and calls."


def workers() -> str:
    """At least one worker is running."""
    alive = names_of(Worker.Role.WORKER)
    if not alive:
        raise CheckFailed("none", "No worker is running: songs wait.", "Start one with python -m unbraid_web work.")
    return f"{', '.join(alive)} {'is' if len(alive) == 1 else 'are'} running."


def housekeeper() -> str:
    """A housekeeper is running, which requeues the jobs of dead workers and deletes old files."""
    alive = names_of(Worker.Role.HOUSEKEEPER)
    if not alive:
        remedy = "Start one with python -m unbraid_web housekeep --every 15."
        raise CheckFailed("none", "No housekeeper is running: the songs of a worker that dies are stuck.", remedy)
    return f"{', '.join(alive)} is running."


def names_of(role: Worker.Role) -> list[str]:
    """Return the processes of that kind that are alive."""
    return list(Worker.objects.alive().filter(role=role).order_by("name").values_list("name", flat=True))


def silent() -> list[str]:
    """Return the processes that died within the last hour."""
    fallen = Worker.objects.exclude(pk__in=Worker.objects.alive().values("pk"))
    return list(fallen.order_by("name").values_list("name", flat=True))


def first_line(error: BaseException) -> str:
    """Return an error's text as part of a sentence."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")


storage_answers = Timed(try_storage, "storage")


def parts(storage_seconds: float | None = None) -> dict[str, Callable[[], str]]:
    """Return the checks of all parts that this site has, by name; storage may take so many seconds."""
    return {
        "database": database,
        "migrations": migrations,
        "storage": partial(storage_answers, storage_seconds or ANSWER_SECONDS),
        "disk": disk,
        **({"broker": broker} if settings.USES_BROKER else {}),
        **({"cache": cache} if settings.CACHES["default"].get("LOCATION") else {}),
        "workers": workers,
        "housekeeper": housekeeper,
    }
