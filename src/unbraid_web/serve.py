"""Serves the whole site from one command: database made ready, web server, worker, housekeeping, the page opened."""

import contextlib
import logging
import os
import signal
import subprocess
import sys
import threading
import time
import webbrowser
from collections.abc import Iterator

logger = logging.getLogger(__name__)
STOP_SECONDS = 20.0


def main(port: int = 8000, open_browser: bool = True, host: str = "127.0.0.1") -> None:
    """Run the site until Ctrl+C; everything it keeps lies in one folder (`UNBRAID_DATA`)."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "unbraid_web.settings")
    os.environ.setdefault("UNBRAID_URL", f"http://localhost:{port}")
    prepare()
    from unbraid_web.web_server import make_server
    from unbraid_web.wsgi import application

    address = os.environ["UNBRAID_URL"]
    server = make_server(application, host, port)
    for number in (signal.SIGINT, signal.SIGTERM):  # a script's background jobs start with Ctrl+C's signal ignored
        signal.signal(number, signal.default_int_handler)
    with background():
        print(f"unbraid is at {address}  (Ctrl+C stops it)", flush=True)
        if open_browser:
            threading.Timer(0.5, webbrowser.open, [address]).start()
        try:
            server.run()
        except (KeyboardInterrupt, SystemExit):
            pass
        finally:
            server.close()


def prepare() -> None:
    """Bring database and static files up to date in a process of its own: settings read afterwards see the result."""
    subprocess.run([sys.executable, "-m", "django", "prepare"], check=True)


@contextlib.contextmanager
def background() -> Iterator[None]:
    """Keep a worker and the housekeeper running beside this process; a worker that dies is started again."""
    commands = [["work"], ["housekeep", f"--every={os.environ.get('UNBRAID_HOUSEKEEPING_SECONDS', '15')}"]]
    ending = threading.Event()
    threads = [threading.Thread(target=keep_running, args=(command, ending), daemon=True) for command in commands]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        ending.set()
        for thread in threads:
            thread.join(STOP_SECONDS + 5)


def keep_running(command: list[str], ending: threading.Event) -> None:
    """Run a management command as a child, again and again until `ending`; then ask it to stop, and wait."""
    pause = 1.0
    while not ending.is_set():
        started = time.monotonic()
        run = [sys.executable, "-m", "django", *command, "--exit-with-parent"]
        child = subprocess.Popen(run, stdin=subprocess.PIPE, start_new_session=True)
        while child.poll() is None and not ending.wait(0.2):
            pass
        if child.poll() is None:
            child.terminate()
            try:
                child.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                child.kill()  # its work is taken back at the next start
                child.wait()
        elif not ending.is_set():
            logger.error("%s ended with %s and is started again", command[0], child.returncode)
            pause = 1.0 if time.monotonic() - started > 60 else min(60.0, pause * 2)
            ending.wait(pause)
