"""A process that has separated can be forked."""

import os
import threading
import time

import pytest

from unbraid.inference.forks import SETTLING_SECONDS, PerProcess, native_call
from unbraid.inference.pipeline import run_ahead

pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")


@pytest.mark.parametrize("used", [True, False])
def test_a_forked_process_does_not_end_what_has_its_parents_threads(used: bool) -> None:
    """ONNX Runtime waits forever for threads that are not there."""

    class HasThreads:
        def __init__(self) -> None:
            self.process = os.getpid()

        def __del__(self) -> None:
            if os.getpid() != self.process:
                os._exit(1)

    shared = PerProcess(HasThreads)
    child = os.fork()
    if child == 0:
        if used and shared.get().process != os.getpid():
            os._exit(2)
        del shared
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert shared.get().process == os.getpid()


def fork() -> float:
    """Fork a child that makes a native call, and return when it was forked."""
    child = os.fork()
    if child == 0:
        with native_call():
            os._exit(0)
    forked = time.monotonic()
    assert os.waitpid(child, 0)[1] == 0
    return forked


def test_no_process_is_forked_while_a_library_with_threads_is_at_work() -> None:
    """A lock that is held then stays taken in the child."""
    begun, ended = threading.Event(), 0.0

    def work() -> None:
        nonlocal ended
        with native_call():
            begun.set()
            time.sleep(0.3)
            ended = time.monotonic()

    worker = threading.Thread(target=work)
    worker.start()
    begun.wait()
    forked = fork()
    worker.join()
    assert forked - ended >= SETTLING_SECONDS


def test_no_process_is_forked_while_a_stages_thread_ends() -> None:
    begun = time.monotonic()
    list(run_ahead(range(3), depth=1, name="numbers"))
    assert fork() - begun >= SETTLING_SECONDS
