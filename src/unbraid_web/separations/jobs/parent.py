"""Makes a child process exit when its parent is gone, for whatever reason: their pipe breaks."""

import os
import signal
import threading


def exit_with_parent() -> None:
    """Stop this process, as SIGTERM does, as soon as standard input ends."""

    def watch() -> None:
        # Not sys.stdin: a thread that waits in it aborts the interpreter at its exit.
        while os.read(0, 4096):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="parent", daemon=True).start()
