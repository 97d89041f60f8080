"""A piece of background work, whose database row is the single source of truth about it.

    queued ──claim──▶ running ──▶ done
      ▲  ▲               │ ├────▶ failed      (a sentence says why; retry goes back to queued)
      │  └──release──────┤ └────▶ cancelled
      └───reclaim, when the heartbeat stopped

Every step is one conditional UPDATE. The worker that runs a job holds its `claim_token`, a random number: if the row
has another one, or none, the job was taken away, and the next heartbeat raises `ClaimLost`. So a task may be delivered
twice, a worker may die or wake up late, and still nothing happens twice.
"""

import logging
import os
import socket
import time
import uuid
from datetime import timedelta
from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, models, transaction
from django.db.models import F, Max, Min, Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.module_loading import import_string

from unbraid_web.separations.jobs.errors import ClaimLost, JobFailed
from unbraid_web.separations.jobs.heartbeat import Heartbeat
from unbraid_web.separations.jobs.queue import run_job
from unbraid_web.separations.jobs.shutdown import GracefulShutdown, ShutdownRequested
from unbraid_web.songs import storage

logger = logging.getLogger(__name__)
DISK_FULL = "The server has no room left. Your song is safe; please try again later."
PAUSE_SECONDS = 5.0  # before a worker goes on that found the storage away
OUR_FAULT = "Something went wrong on our end. We've logged it; please try again."


class State(models.TextChoices):
    """Where a job stands."""

    QUEUED = "queued", "Waiting"
    RUNNING = "running", "Running"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"
    EXPIRED = "expired", "Expired"


class JobQuerySet(models.QuerySet[Any]):
    """Which jobs."""

    def stale(self) -> Self:
        """Running according to the row, but without a recent heartbeat."""
        return self.filter(state=State.RUNNING, heartbeat__lt=_ago(settings.STALE_SECONDS))

    def in_turn(self) -> Self:
        """Waiting, the next to start first."""
        return self.filter(state=State.QUEUED).order_by("turn", "queued_at")

    def without_message(self) -> Self:
        """Waiting for so long that the message to the worker may be lost, the oldest first."""
        silent = Q(heartbeat=None) | Q(heartbeat__lt=_ago(settings.STALE_SECONDS))
        return self.filter(silent, state=State.QUEUED, queued_at__lt=_ago(settings.STALE_SECONDS)).order_by("queued_at")


def _ago(seconds: float) -> Any:
    return Now() - timedelta(seconds=seconds)  # the database's clock: those of two hosts may differ by more


class Job(models.Model):
    """What all background work has in common."""

    # The function that does the work, called with the job and a `GracefulShutdown`. It is named, not imported: only
    # workers load the library and its runtimes, and web processes stay light.
    handler: ClassVar[str]
    owner_path: ClassVar[str]  # from the job to the person who waits for it

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    fraction = models.FloatField(default=0.0)
    error = models.TextField(blank=True, help_text="a sentence for the person who waits")
    final = models.BooleanField(default=False, db_default=False, help_text="it failed, and would fail again")
    claim_token = models.UUIDField(null=True, editable=False)
    worker = models.CharField(max_length=120, blank=True)
    heartbeat = models.DateTimeField(null=True)
    attempt = models.PositiveSmallIntegerField(default=0)
    turn = models.PositiveBigIntegerField(default=0, help_text="the round in which it comes: one of each person's")
    created_at = models.DateTimeField(default=timezone.now)
    queued_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    objects = JobQuerySet.as_manager()

    class Meta:
        """Shared by all jobs; no table of its own."""

        abstract = True
        indexes = (models.Index(fields=["state", "queued_at"], name="%(class)s_queue"),)

    def clean_up(self) -> None:
        """Remove the remains of an unfinished attempt."""

    @property
    def is_active(self) -> bool:
        """Whether there is something to wait for."""
        return self.state in (State.QUEUED, State.RUNNING)

    @property
    def is_cancelled(self) -> bool:
        """Whether the person stopped it."""
        return self.state == State.CANCELLED

    @property
    def can_retry(self) -> bool:
        """Whether the person may ask for it again."""
        return self.state in (State.FAILED, State.CANCELLED, State.EXPIRED)

    @property
    def queue_position(self) -> int:
        """1 for the next one to start."""
        earlier = Q(turn__lt=self.turn) | Q(turn=self.turn, queued_at__lt=self.queued_at)
        return int(type(self).objects.filter(earlier, state=State.QUEUED).count()) + 1

    def enqueue(self) -> None:
        """Queue the job after its owner's other jobs, but before the second jobs of everybody else."""
        self.turn = self._next_turn()
        type(self).objects.filter(pk=self.pk).update(turn=self.turn)
        self.send_message()

    def _next_turn(self) -> int:
        """Return the current round, or the one after the owner's last.

        This is start-time fair queueing (Goyal, Vin & Cheng 1996), with each job counted as one.
        """
        others = type(self).objects.exclude(pk=self.pk)
        now = others.filter(state=State.RUNNING).aggregate(turn=Max("turn"))["turn"]
        if now is None:
            now = others.filter(state=State.QUEUED).aggregate(turn=Min("turn"))["turn"] or 0
        owner = type(self).objects.filter(pk=self.pk).values_list(self.owner_path, flat=True).get()
        own = others.filter(state__in=[State.QUEUED, State.RUNNING], **{self.owner_path: owner})
        last = own.aggregate(turn=Max("turn"))["turn"]
        return int(now if last is None else max(now, last + 1))

    def send_message(self) -> None:
        """Tell a worker that there is work, once the row is committed. Telling twice is harmless.

        A message that is lost because the broker is unreachable is sent again by the housekeeper.
        """
        transaction.on_commit(lambda: run_job.enqueue(self._meta.label, str(self.pk)), robust=True)

    def perform(self) -> None:
        """Do the work of a claimed job and record in the row how it ended, whatever happens."""
        facts = {"job": self._meta.model_name, "id": str(self.pk), "attempt": self.attempt}
        logger.info("job started", extra=facts)
        try:
            with GracefulShutdown() as shutdown, Heartbeat(self.beat):
                self.clean_up()
                import_string(self.handler)(self, shutdown)
            logger.info("job done", extra=facts)
        except ClaimLost:
            logger.info("job taken away", extra=facts)
        except ShutdownRequested:
            logger.info("job released", extra=facts)
            self.release()
        except JobFailed as error:
            logger.info("job failed", extra=facts | {"sentence": str(error)})
            self.fail(str(error), final=error.final)
        except (OperationalError, InterfaceError):  # not the song's fault: the database is away
            logger.exception("job released", extra=facts)
            if not connection.is_usable():
                connection.close()
            self.release()  # if that fails too, the heartbeat has stopped, and the job is taken back
        except Exception as error:
            if storage.is_away(error):
                logger.exception("job released", extra=facts)
                self.release()
                time.sleep(PAUSE_SECONDS)
            else:
                logger.exception("job failed", extra=facts)
                self.fail(DISK_FULL if storage.is_full(error) else OUR_FAULT)

    def claim(self) -> bool:
        """Claim the job for this worker; False if it is not waiting (any more)."""
        token = uuid.uuid4()
        name = f"{socket.gethostname()}:{os.getpid()}"
        return self._change(
            [State.QUEUED],
            state=State.RUNNING, claim_token=token, worker=name, heartbeat=Now(), started_at=Now(),
            fraction=0.0, error="", attempt=F("attempt") + 1,
        )  # fmt: skip

    def beat(self, **fields: Any) -> None:
        """Record a heartbeat and the progress.

        Raises:
            ClaimLost: the job is not ours any more.
        """
        mine = type(self).objects.filter(pk=self.pk, claim_token=self.claim_token, state=State.RUNNING)
        if not mine.update(heartbeat=Now(), **fields):
            raise ClaimLost
        for name, value in fields.items():
            setattr(self, name, value)

    def finish(self, **fields: Any) -> None:
        """Record that the work is done.

        Raises:
            ClaimLost: the job is not ours any more.
        """
        self.beat(state=State.DONE, fraction=1.0, finished_at=timezone.now(), claim_token=None, error="", **fields)

    def fail(self, sentence: str, *, final: bool = False) -> None:
        """Record why the work cannot be done, now or ever (`final`), unless the job is no longer ours."""
        mine = type(self).objects.filter(pk=self.pk, claim_token=self.claim_token, state=State.RUNNING)
        fields = {"error": sentence, "final": final, "finished_at": timezone.now(), "claim_token": None}
        if mine.update(state=State.FAILED, **fields):
            self.refresh_from_db()
            self.clean_up()

    def release(self) -> None:
        """Return unfinished work to its place in the queue; being asked to stop does not count as an attempt."""
        mine = type(self).objects.filter(pk=self.pk, claim_token=self.claim_token, state=State.RUNNING)
        if mine.update(state=State.QUEUED, claim_token=None, attempt=F("attempt") - 1, fraction=0.0, heartbeat=Now()):
            self.refresh_from_db()
            self.send_message()

    def reclaim(self) -> bool:
        """Take the job back from a worker that fell silent, or give up after too many attempts."""
        silent = type(self).objects.filter(
            pk=self.pk, claim_token=self.claim_token, state=State.RUNNING, heartbeat__lte=self.heartbeat
        )
        if self.attempt >= settings.MAX_ATTEMPTS:
            sentence = (
                f"This failed {self.attempt} times, and we don't know why. Try again later, or with another file."
            )
            given_up = silent.update(state=State.FAILED, error=sentence, finished_at=timezone.now(), claim_token=None)
            if given_up:
                self.refresh_from_db()
                self.clean_up()
            return bool(given_up)
        if not silent.update(state=State.QUEUED, claim_token=None, fraction=0.0, heartbeat=Now()):
            return False
        self.refresh_from_db()
        self.send_message()
        return True

    def remind(self) -> None:
        """Send again a job that has waited long, in case the first message was lost."""
        type(self).objects.filter(pk=self.pk, state=State.QUEUED).update(heartbeat=Now())
        self.send_message()

    def cancel(self) -> bool:
        """Stop the job; a running worker notices at its next heartbeat."""
        cancelled = self._change(
            [State.QUEUED, State.RUNNING], state=State.CANCELLED, claim_token=None, finished_at=timezone.now(), error=""
        )
        if cancelled:
            self.clean_up()
        return cancelled

    def retry(self) -> bool:
        """Queue a job that ended without a result again."""
        again = self._change(
            [State.FAILED, State.CANCELLED, State.EXPIRED],
            state=State.QUEUED, attempt=0, fraction=0.0, error="", final=False,
            queued_at=timezone.now(), heartbeat=None, finished_at=None,
        )  # fmt: skip
        if again:
            self.enqueue()
        return again

    def _change(self, states: list[State], **fields: Any) -> bool:
        """Change the row if it is in one of the states, and read it again."""
        changed = type(self).objects.filter(pk=self.pk, state__in=states).update(**fields)
        self.refresh_from_db()
        return bool(changed)
