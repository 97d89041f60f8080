"""A Dask cluster on this machine: a scheduler and workers, each a process of its own as on a cluster of machines."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType

PATIENCE = 120.0


class DaskCluster(AbstractContextManager["DaskCluster"]):
    """Workers that compute one task at a time, and their scheduler; all are killed in the end.

    Args:
        folder: for what they keep
        environment: of each process
        workers: how many
    """

    def __init__(self, folder: Path, environment: dict[str, str], workers: int = 2) -> None:
        self._folder, self._environment, self._count = folder, environment, workers
        self._processes: list[subprocess.Popen[bytes]] = []
        self.start()

    def start(self) -> None:
        """Start everybody, who then waits for work; who is still there from before is killed."""
        self.kill()
        file = self._folder / "scheduler.json"
        file.unlink(missing_ok=True)
        found = ["--scheduler-file", str(file), "--no-dashboard"]
        worker = ["dask_worker", *found, "--no-nanny", "--nthreads", "1", "--local-directory", str(self._folder)]
        for command in (["dask_scheduler", *found, "--port", "0"], *[worker] * self._count):
            module = ["-m", f"distributed.cli.{command[0]}", *command[1:]]
            self._processes.append(self._run(module))
        wait_until(lambda: file.exists() and file.read_text().endswith("}"))
        self.address: str = json.loads(file.read_text())["address"]

    def _run(self, arguments: list[str]) -> subprocess.Popen[bytes]:
        nobody = subprocess.DEVNULL
        command = [sys.executable, "-W", "ignore", *arguments]
        return subprocess.Popen(command, cwd=self._folder, env=self._environment, stdout=nobody, stderr=nobody)

    @property
    def scheduler(self) -> subprocess.Popen[bytes]:
        """The one whom everybody asks."""
        return self._processes[0]

    @property
    def workers(self) -> list[subprocess.Popen[bytes]]:
        """Those who do the work."""
        return self._processes[1:]

    def kill(self) -> None:
        """Kill everybody without a warning."""
        for process in self._processes:
            process.kill()
            process.wait(PATIENCE)
        self._processes = []

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()


def wait_until(condition: Callable[[], object]) -> None:
    """Wait until something holds.

    Raises:
        TimeoutError: It never does.
    """
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError
        time.sleep(0.02)
