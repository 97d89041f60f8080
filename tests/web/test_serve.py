"""The site as somebody starts it at home: in a terminal, beside other programs, for the phone too."""

import os
import pty
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from tests.conftest import write_song
from tests.web.site import PATIENCE, Site, free_port
from unbraid_web import serve

START = [sys.executable, "-m", "unbraid", "web", "--no-browser"]


def test_a_taken_port_is_one_sentence_that_names_a_free_one() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        run = subprocess.run([*START, "--port", str(port)], capture_output=True, text=True)
    assert run.returncode == 1
    assert run.stdout == ""
    assert (named := re.fullmatch(rf"unbraid: Port {port} is taken: .* --port (\d+)\.\n", run.stderr))
    assert serve.why_not("127.0.0.1", int(named[1])) is None


def test_a_host_that_is_not_this_machine_and_a_folder_that_cannot_be_made_are_sentences(tmp_path: Path) -> None:
    run = subprocess.run([*START, "--host", "203.0.113.9"], capture_output=True, text=True)
    assert run.stderr.startswith("unbraid: This machine cannot listen on 203.0.113.9: ")
    (tmp_path / "file").touch()
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("UNBRAID_", "DATABASE_"))}
    settings = kept | {"UNBRAID_DATA": str(tmp_path / "file" / "data")}
    run = subprocess.run([*START, "--port", str(free_port())], capture_output=True, text=True, env=settings)
    assert run.stderr.startswith(f"unbraid: The data folder {tmp_path}/file/data cannot be made: ")
    assert run.stderr.count("\n") == 1


@pytest.mark.parametrize(("host", "reaches"), [("127.0.0.1", False), ("localhost", False), ("192.0.2.7", True)])
def test_neighbours_get_an_address_only_if_they_can_come_in(host: str, reaches: bool) -> None:
    assert bool(serve.network_address(host)) is reaches


def test_in_a_terminal_it_speaks_in_sentences_and_ctrl_c_ends_it_quietly(tmp_path: Path, tiny_model: Path) -> None:
    song = write_song(tmp_path / "demo.flac", seconds=6)
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("UNBRAID_", "DATABASE_"))}
    given = {"UNBRAID_DATA": str(tmp_path / "data"), "UNBRAID_MODEL": str(tiny_model), "UNBRAID_DEMO_SONG": str(song)}
    terminal, inside = pty.openpty()
    site = subprocess.Popen(
        [*START, "--port", str(free_port())], env=kept | given, stdin=inside, stdout=inside, stderr=inside,
        start_new_session=True,
    )  # fmt: skip
    os.close(inside)
    said, end = b"", time.monotonic() + PATIENCE
    try:
        while b"job done" not in said:
            assert time.monotonic() < end, said
            said += os.read(terminal, 4096)
        site.send_signal(signal.SIGINT)
        site.wait(PATIENCE)
        while True:
            try:
                said += os.read(terminal, 4096)
            except OSError:  # the last program has closed the terminal
                break
    finally:
        if site.poll() is None:
            site.kill()
        os.close(terminal)
    assert b"unbraid is at http://localhost:" in said
    assert b"{" not in said, said
    assert not {b"Traceback", b"Fatal"} & set(re.findall(rb"\w+", said)), said


def test_a_web_server_that_others_prepared_serves_static_files_by_their_hashes(tmp_path: Path) -> None:
    """As in compose.scale.yaml, where `prepare` has run in another container, with a disk of its own."""
    site = Site(tmp_path, UNBRAID_DEMO_SONG="none")
    site.manage("migrate")
    command = [sys.executable, "-m", "unbraid_web", "serve", "--port", str(site.port)]
    server = subprocess.Popen(command, env=site.environment, stdout=subprocess.PIPE, text=True)
    assert server.stdout
    try:
        assert "serving at" in server.stdout.readline()
        with urllib.request.urlopen(f"{site.url}/account/login/") as page:
            sheets = re.findall(r'href="(/static/[\w/]+\.[0-9a-f]{12}\.css)"', page.read().decode())
        assert sheets
        for sheet in sheets:
            with urllib.request.urlopen(f"{site.url}{sheet}") as answer:
                assert "immutable" in answer.headers["Cache-Control"]
    finally:
        server.terminate()
        server.communicate(timeout=PATIENCE)
    assert server.returncode == 0
