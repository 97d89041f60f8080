"""Loading a model must not change the stack that signal handlers run on."""

import subprocess
import sys


def test_a_separator_leaves_the_signal_stack_alone() -> None:
    code = (
        "from unbraid import Separator; from unbraid.inference.signal_stack import SignalStack\n"
        "def stack(): found = SignalStack.current(); return found.start, found.flags, found.size\n"
        "before = stack(); separator = Separator(); assert stack() == before, (before, stack())\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
