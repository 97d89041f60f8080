"""The whole site as people run it: a process of its own, on a free port, with a folder of its own."""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

PATIENCE = 240.0  # seconds; only a test that fails waits that long, however busy the machine is


def free_port() -> int:
    """Return a port that nobody uses at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Site:
    """The site, running or not; its folder stays when it stops."""

    def __init__(self, data: Path, **settings: str) -> None:
        self.data, self.port = data, free_port()
        self.url = f"http://localhost:{self.port}"
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("UNBRAID_", "DATABASE_"))}
        self.environment = kept | {
            "DJANGO_SETTINGS_MODULE": "unbraid_web.settings",
            "UNBRAID_DATA": str(data),
            "UNBRAID_URL": self.url,
            "UNBRAID_MIN_FREE_MB": "1",
            "UNBRAID_STALE_SECONDS": "5",
            "UNBRAID_HOUSEKEEPING_SECONDS": "2",
            "UNBRAID_API_RATE": "10000/m",
            **settings,
        }
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> "Site":
        """Start and wait until it answers."""
        code = f"from unbraid_web import serve; serve.main(port={self.port}, open_browser=False)"
        with (self.data / "site.log").open("ab") as log:
            # its signal ignored, as in the background jobs of a script: Ctrl+C has to stop it there too
            command = ["env", "--ignore-signal=INT", sys.executable, "-c", code]
            self.process = subprocess.Popen(
                command, env=self.environment, stdout=log, stderr=log, start_new_session=True
            )
        end = time.monotonic() + PATIENCE
        while True:
            try:
                urllib.request.urlopen(f"{self.url}/healthz", timeout=5).close()
                return self
            except urllib.error.HTTPError:
                return self  # it answers; its worker may still be on the way
            except OSError:
                assert self.process.poll() is None and time.monotonic() < end, self.log()
                time.sleep(0.1)

    def stop(self) -> None:
        """Ask it to stop, as Ctrl+C does, and wait."""
        if self.process is not None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(PATIENCE)
            self.process = None

    def log(self) -> str:
        """Return the last lines that it wrote."""
        return (self.data / "site.log").read_text()[-3000:]

    def manage(self, *command: str) -> str:
        """Run a management command on the site's data."""
        run = [sys.executable, "-m", "django", *command]
        return subprocess.run(run, env=self.environment, check=True, capture_output=True, text=True).stdout

    def workers(self) -> list[int]:
        """Return the process ids of the site's workers."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                command = (folder / "cmdline").read_bytes().split(b"\0")
                mine = f"UNBRAID_DATA={self.data}".encode() in (folder / "environ").read_bytes().split(b"\0")
            except OSError:
                continue
            if mine and b"work" in command:
                found.append(int(folder.name))
        return found

    @contextmanager
    def held_workers(self) -> Iterator[Callable[[], None]]:
        """Stop the workers, but none in the midst of writing, which locks the database; yield what lets them go on."""
        end = time.monotonic() + PATIENCE
        while not (workers := self.workers()):  # they start after the pages
            assert time.monotonic() < end, self.log()
            time.sleep(0.1)

        def send(number: signal.Signals) -> None:
            for worker in workers:
                os.kill(worker, number)

        while True:
            send(signal.SIGSTOP)
            try:
                with closing(sqlite3.connect(self.data / "site.sqlite3", timeout=0.2, isolation_level=None)) as probe:
                    probe.execute("BEGIN IMMEDIATE")
                break
            except sqlite3.OperationalError:
                send(signal.SIGCONT)
                assert time.monotonic() < end, "the database is locked all the time"
                time.sleep(0.1)
        try:
            yield lambda: send(signal.SIGCONT)
        finally:
            send(signal.SIGCONT)

    def token(self, email: str) -> str:
        """Make an account with an API token."""
        code = (
            "from unbraid_web.accounts.models import User; from unbraid_web.api.models import Token;"
            f"print(Token.make(User.objects.create_user('{email}', 'strings and hammers'), 'test')[1])"
        )
        return self.manage("shell", "--no-imports", "-c", code).strip()

    def api(self, token: str, method: str, path: str, body: Any = None, file: Path | None = None) -> Any:
        """Call the API; return the decoded answer, or bytes if it is no JSON."""
        headers = {"Authorization": f"Bearer {token}"}
        data = None
        if file is not None:
            edge = "edge-of-a-part"
            head = f'--{edge}\r\nContent-Disposition: form-data; name="file"; filename="{file.name}"\r\n\r\n'
            data = head.encode() + file.read_bytes() + f"\r\n--{edge}--\r\n".encode()
            headers["Content-Type"] = f"multipart/form-data; boundary={edge}"
        elif body is not None:
            data, headers["Content-Type"] = json.dumps(body).encode(), "application/json"
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        with self._answer(request) as answer:
            content = answer.read()
            return json.loads(content) if content and "json" in answer.headers["Content-Type"] else content

    def _answer(self, request: urllib.request.Request) -> Any:
        """Ask, and ask again as long as the answer names a time for that."""
        end = time.monotonic() + PATIENCE
        while True:
            try:
                return urllib.request.urlopen(request, timeout=60)
            except urllib.error.HTTPError as error:
                if not error.headers["Retry-After"] or time.monotonic() > end:
                    raise
                error.close()
                time.sleep(0.1)

    def wait_for(self, token: str, path: str, states: tuple[str, ...] = ("done",)) -> Any:
        """Ask again and again until the state is one of those."""
        end = time.monotonic() + PATIENCE
        while (facts := self.api(token, "GET", path))["state"] not in states:
            assert facts["state"] != "failed", facts
            assert time.monotonic() < end, self.log()
            time.sleep(0.1)
        return facts
