"""Nothing is sent and nothing is written but what was asked for, with every runtime installed.

Each script runs with an empty home and an empty temporary folder. On Linux the kernel kills it as soon as it, one of
its threads or a library of theirs opens a socket to the Internet, which a look-up of a name begins with.
"""

import ctypes
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.conftest import write_song
from tests.training.stems import write_stems
from unbraid.inference.model import ModelFacts

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


def run_alone(folder: Path, *scripts: str) -> list[tuple[int, set[str]]]:
    """Run scripts without the Internet, all at once, and return for each what `run_one_alone` does."""
    with ThreadPoolExecutor(len(scripts)) as pool:
        return list(pool.map(run_one_alone, [folder / str(number) for number in range(len(scripts))], scripts))


def run_one_alone(folder: Path, script: str) -> tuple[int, set[str]]:
    """Run a script; return its exit code and what it wrote to its home and temporary folder."""
    places = {name: folder / name.lower() for name in ("HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME")}
    for place in places.values():
        place.mkdir(parents=True)
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


def test_the_watch_sees_what_telemetry_does(tmp_path: Path) -> None:
    scripts = "import onnxruntime\n", "import socket; socket.getaddrinfo('example.org', 80)\n"
    assert [code == -signal.SIGSYS or bool(written) for code, written in run_alone(tmp_path, *scripts)] == [True, True]


WITHOUT_OPENVINO = (
    "found = runtimes.find_spec\nruntimes.find_spec = lambda name: None if name == 'openvino' else found(name)\n"
)


def test_separating_says_nothing_to_anyone(mask_model: Path, tmp_path: Path) -> None:
    song = write_song(tmp_path / "song.wav", seconds=0.3)
    scripts = [
        "import sys\n"
        "from unbraid.cli import main\n"
        "from unbraid.inference import runtimes\n"
        f"{patch}"
        f"assert main(['separate', {str(song)!r}, '--model', {str(mask_model)!r}]) == 0\n"
        f"assert ('openvino' in sys.modules) is {not patch}\n"
        for patch in ("", WITHOUT_OPENVINO)
    ]
    assert run_alone(tmp_path, *scripts) == [(0, set()), (0, set())]


def test_from_stems_to_a_model_file_nothing_is_said_to_anyone(tmp_path: Path) -> None:
    songs, run, model = tmp_path / "songs", tmp_path / "run", tmp_path / "tiny.onnx"
    write_stems(songs / "one", {"vocals": 0.3, "drums": 0.3, "bass": 0.3})
    script = (
        "import contextlib, io\n"
        "from tests.training.tiny_networks import WAVE, tiny\n"
        "from unbraid.cli import main\n"
        "from unbraid.training.presets import PRESETS\n"
        "PRESETS['tiny'] = tiny(WAVE, 'l1+stft')\n"
        f"run, songs, model = {str(run)!r}, {str(songs)!r}, {str(model)!r}\n"
        "budget = ['--steps', '2', '--batch', '1']\n"
        "with contextlib.redirect_stdout(io.StringIO()) as said:\n"
        "    assert main(['train', 'tiny', '--data', songs, '--valid', songs, '--out', run, *budget]) == 0\n"
        "assert 'unbraid export' in said.getvalue()\n"
        "assert main(['export', f'{run}/checkpoint.pt', '-o', model, '--int8', songs]) == 0\n"
        "assert main(['info', '--model', model]) == 0\n"
    )
    assert run_alone(tmp_path, script) == [(0, set())]
    history = json.loads((run / "history.json").read_text())
    assert history[-1]["gain"].keys() == {"vocals", "drums", "bass"}
    assert ModelFacts.read(model).preset == "tiny"
