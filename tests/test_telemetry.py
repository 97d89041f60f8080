"""Nothing is sent and nothing is written but what was asked for, with every runtime installed.

Each script runs with an empty home and an empty temporary folder. On Linux the kernel kills it as soon as it, one of
its threads or a library of theirs opens a socket to the Internet, which a look-up of a name begins with.
"""

import ctypes
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.conftest import write_song
from tests.training.stems import write_stems

ROOT = Path(__file__).parents[1]
SOCKET_CALLS = {"x86_64": 41, "aarch64": 198}
CACHES = ("MPLCONFIGDIR", "TORCHINDUCTOR_CACHE_DIR")  # fonts and compiled code, which stay on this machine
WAIT = "import time; time.sleep(3)\n"  # telemetry takes its time


class Filter(ctypes.Structure):
    """`struct sock_filter` of Linux: one instruction for the kernel's judge of system calls."""

    _fields_ = (("code", ctypes.c_ushort), ("jt", ctypes.c_ubyte), ("jf", ctypes.c_ubyte), ("k", ctypes.c_uint))


class Program(ctypes.Structure):
    """`struct sock_fprog`."""

    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.POINTER(Filter)))


def forbid_internet() -> None:
    """Have the kernel kill this process, with SIGSYS, if it opens an Internet socket."""
    load, equals, give = 0x20, 0x15, 0x06
    allow, kill = 0x7FFF0000, 0x80000000
    instructions = (Filter * 7)(
        Filter(load, 0, 0, 0),  # which call
        Filter(equals, 0, 4, SOCKET_CALLS[platform.machine()]),
        Filter(load, 0, 0, 16),  # its first argument: the family
        Filter(equals, 1, 0, 2),  # AF_INET
        Filter(equals, 0, 1, 10),  # AF_INET6
        Filter(give, 0, 0, kill),
        Filter(give, 0, 0, allow),
    )
    libc = ctypes.CDLL(None, use_errno=True)
    no_new_privileges, seccomp = 38, 22
    assert libc.prctl(no_new_privileges, 1, 0, 0, 0) == 0
    assert libc.prctl(seccomp, 2, ctypes.byref(Program(len(instructions), instructions)), 0, 0) == 0


def run_alone(script: str, folder: Path) -> tuple[int, set[str]]:
    """Run a script without the Internet; return its exit code and what it wrote to its home and temporary folder."""
    places = {name: folder / name.lower() for name in ("HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME")}
    for place in places.values():
        place.mkdir()
    # Processes of a training meet at a socket in the temporary folder, whose path must be short.
    places["TMPDIR"] = temporary = Path(tempfile.mkdtemp(prefix="unbraid-"))
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "src")])}
    environment |= dict.fromkeys(CACHES, str(folder / "caches"))
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script + WAIT],
        env=environment | {name: str(place) for name, place in places.items()},
        cwd=folder,
        preexec_fn=forbid_internet if sys.platform == "linux" else None,
        timeout=240,
    )
    written = {str(path) for place in places.values() for path in place.rglob("*")}
    shutil.rmtree(temporary)
    return ran.returncode, written


@pytest.mark.parametrize("script", ["import onnxruntime\n", "import socket; socket.getaddrinfo('example.org', 80)\n"])
def test_the_watch_sees_what_telemetry_does(script: str, tmp_path: Path) -> None:
    code, written = run_alone(script, tmp_path)
    assert code == -signal.SIGSYS or written


WITHOUT_OPENVINO = (
    "found = runtimes.find_spec\nruntimes.find_spec = lambda name: None if name == 'openvino' else found(name)\n"
)


@pytest.mark.parametrize("patch", ["", WITHOUT_OPENVINO], ids=["OpenVINO", "ONNX Runtime"])
def test_separating_says_nothing_to_anyone(mask_model: Path, tmp_path: Path, patch: str) -> None:
    song = write_song(tmp_path / "song.wav", seconds=0.3)
    script = (
        "from unbraid.cli import main\n"
        "from unbraid.inference import runtimes\n"
        f"{patch}"
        f"assert main(['separate', {str(song)!r}, '--model', {str(mask_model)!r}]) == 0\n"
    )
    assert run_alone(script, tmp_path) == (0, set())


def test_training_and_exporting_say_nothing_to_anyone(tmp_path: Path) -> None:
    write_stems(tmp_path / "songs" / "one", {"vocals": 0.3, "drums": 0.3, "bass": 0.3})
    script = (
        "import os; os.environ['TORCHDYNAMO_DISABLE'] = '1'\n"  # compiling takes long
        "from tests.training.tiny_networks import WAVE, tiny\n"
        "from unbraid.cli import main\n"
        "from unbraid.training.presets import PRESETS\n"
        "PRESETS['tiny'] = tiny(WAVE, 'l1+stft')\n"
        "songs = ['--data', 'songs', '--valid', 'songs']\n"
        "assert main(['train', 'tiny', *songs, '--steps', '1', '--batch', '1', '--out', 'run']) == 0\n"
        "assert main(['export', 'run/checkpoint.pt', '-o', 'tiny.onnx', '--int8', 'songs']) == 0\n"
        "assert main(['info', '--model', 'tiny.onnx']) == 0\n"
    )
    assert run_alone(script, tmp_path) == (0, set())
