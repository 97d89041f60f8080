"""A heartbeat while a job runs, however long one block takes: only a worker that died or hangs falls silent."""

import logging
import os
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from django.conf import settings
from django.db import DatabaseError, connection

from unbraid_web.separations.jobs.errors import ClaimLost

logger = logging.getLogger(__name__)


class Heartbeat:
    """While entered, calls `beat` four times in the time after which a job counts as stale.

    A job that takes `JOB_SECONDS` counts as hung: its worker is ended, and its supervisor starts another one.
    """

    def __init__(self, beat: Callable[[], None]) -> None:
        self._beat = beat
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._keep_beating, name="heartbeat", daemon=True)

    def _keep_beating(self) -> None:
        deadline = time.monotonic() + settings.JOB_SECONDS
        try:
            while not self._ended.wait(settings.STALE_SECONDS / 4):
                if time.monotonic() > deadline:
                    logger.error("a job has not ended in %.1f hours: its worker hangs", settings.JOB_SECONDS / 3600)
                    os._exit(1)  # nothing less ends a thread that stands still
                try:
                    self._beat()
                except ClaimLost:
                    return  # the work itself notices at its next step
                except DatabaseError:
                    logger.warning("a heartbeat was missed", exc_info=True)
        finally:
            connection.close()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()
