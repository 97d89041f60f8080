"""PostgreSQL and Redis from Debian's packages, started for a test on free ports and thrown away after it."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.web.browser.chromium import need
from tests.web.site import free_port


def binaries() -> Path:
    """Return the folder of the newest PostgreSQL; Debian keeps it off the PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        need("pg_ctlcluster", packages="postgresql")
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent


@contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """Run a PostgreSQL server in the folder and yield the address of an empty database."""
    programs, port, data = binaries(), free_port(), folder / "postgres"
    as_user: list[str] = []
    data.mkdir()
    if os.geteuid() == 0:  # the server refuses to run as root
        shutil.chown(data, "postgres")
        for parent in data.parents:
            if parent.stat().st_uid == 0 and parent != Path("/") and parent.is_relative_to("/tmp"):
                parent.chmod(parent.stat().st_mode | 0o011)
        as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
    quiet = {"check": True, "stdout": subprocess.DEVNULL}
    initdb = [str(programs / "initdb"), "-D", str(data), "-U", "unbraid", "-A", "trust", "--no-sync", "-E", "UTF8"]
    subprocess.run([*as_user, *initdb], **quiet)  # type: ignore[call-overload]
    serve = [str(programs / "postgres"), "-D", str(data), "-p", str(port), "-k", str(data), "-F"]
    with (folder / "postgres.log").open("ab") as log:
        server = subprocess.Popen([*as_user, *serve], stdout=log, stderr=log)
    try:
        ready = [str(programs / "pg_isready"), "-h", "localhost", "-p", str(port), "-q"]
        wait(lambda: subprocess.run(ready).returncode == 0, folder / "postgres.log")
        create = [str(programs / "createdb"), "-h", "localhost", "-p", str(port), "-U", "unbraid", "site"]
        subprocess.run(create, check=True)
        yield f"postgres://unbraid@localhost:{port}/site"
    finally:
        server.terminate()
        server.wait()


@contextmanager
def redis(folder: Path) -> Iterator[str]:
    """Run a Redis server in the folder and yield its address."""
    need("redis-server", "redis-cli", packages="redis-server")
    port = free_port()
    command = ["redis-server", "--port", str(port), "--dir", str(folder), "--save", "", "--appendonly", "no"]
    with (folder / "redis.log").open("ab") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        ping = ["redis-cli", "-p", str(port), "ping"]
        wait(lambda: b"PONG" in subprocess.run(ping, capture_output=True).stdout, folder / "redis.log")
        yield f"redis://localhost:{port}"
    finally:
        server.terminate()
        server.wait()


def wait(ready: Callable[[], bool], log: Path) -> None:
    """Wait until the server answers."""
    end = time.monotonic() + 60
    while not ready():
        assert time.monotonic() < end, log.read_text()
        time.sleep(0.1)
