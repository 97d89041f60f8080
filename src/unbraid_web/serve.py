"""Serves the whole site with one command: prepares the database, runs web server and background processes."""

import contextlib
import errno
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import webbrowser
from collections.abc import Iterator

logger = logging.getLogger(__name__)
STOP_SECONDS = 20.0


def main(port: int = 8000, open_browser: bool = True, host: str = "127.0.0.1") -> None:
    """Run the site until Ctrl+C; it keeps everything in one folder (`UNBRAID_DATA`).

    Args:
        port: where to listen.
        open_browser: whether to open the first page.
        host: address to listen on; with 0.0.0.0, phones and laptops on the same network can use the site.

    Raises:
        SystemExit: after a sentence, if the port is taken or the settings cannot be used.
    """
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "unbraid_web.settings")
    check_port(host, port)
    at_home = f"http://localhost:{port}"
    os.environ.setdefault("UNBRAID_URL", at_home)
    if neighbours := network_address(host):
        os.environ.setdefault("UNBRAID_HOSTS", neighbours)
    prepare()
    from unbraid_web.web_server import make_server
    from unbraid_web.wsgi import application

    address = os.environ["UNBRAID_URL"]
    server = make_server(application, host, port)
    for number in (signal.SIGINT, signal.SIGTERM):  # a script's background jobs start with Ctrl+C's signal ignored
        signal.signal(number, signal.default_int_handler)
    with background():
        elsewhere = f", and at http://{neighbours}:{port} on your network" if neighbours else ""
        print(f"unbraid is at {address}{elsewhere}  (Ctrl+C stops it)", flush=True)
        if open_browser:
            threading.Timer(0.5, webbrowser.open, [address]).start()
        try:
            server.run()
        except (KeyboardInterrupt, SystemExit):
            pass
        finally:
            server.close()


def check_port(host: str, port: int) -> None:
    """Exit with a sentence that names a free port if this one is taken, before the database is migrated."""
    refusal = why_not(host, port)
    if refusal is None:
        return
    if refusal.errno not in (errno.EADDRINUSE, errno.EACCES):
        sys.exit(f"unbraid: This machine cannot listen on {host}: {str(refusal.strerror).lower()}. Check --host.")
    free = next((other for other in range(port + 1, min(port + 100, 65536)) if not why_not(host, other)), None)
    advice = f"choose another one, for example --port {free}" if free else "choose another one with --port"
    problem = "is taken" if refusal.errno == errno.EADDRINUSE else "is reserved for the system"
    sys.exit(f"unbraid: Port {port} {problem}: {advice}.")


def why_not(host: str, port: int) -> OSError | None:
    """Return why a server cannot listen there; None if it can."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((host, port))
        except OSError as error:
            return error
    return None


def network_address(host: str) -> str:
    """Return this machine's address on the local network; empty if it only listens locally or has no network."""
    if host != "0.0.0.0":
        return "" if host in ("127.0.0.1", "localhost", "::1") else host
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe, contextlib.suppress(OSError):
        probe.connect(("192.0.2.1", 9))  # sends nothing: it only asks which way a packet would leave
        return str(probe.getsockname()[0])
    return ""


def prepare() -> None:
    """Bring database and static files up to date in a process of its own: settings read afterwards see the result.

    Raises:
        SystemExit: it failed; that process has printed why.
    """
    if code := subprocess.run([sys.executable, "-m", "unbraid_web", "prepare"]).returncode:
        sys.exit(code)


@contextlib.contextmanager
def background() -> Iterator[None]:
    """Keep a worker and the housekeeper running beside this process; one that dies is restarted."""
    from django.conf import settings

    commands = [["work"], ["housekeep", f"--every={settings.HOUSEKEEPING_SECONDS}"]]
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
