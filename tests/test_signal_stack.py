"""Loading a model must not change the stack that signal handlers run on."""

import subprocess
import sys
from pathlib import Path


def test_a_separator_leaves_the_signal_stack_alone(mask_model: Path) -> None:
    code = (
        "import sys; from unbraid import Separator; from unbraid.signal_stack import SignalStack\n"
        "def stack(): found = SignalStack.current(); return found.start, found.flags, found.size\n"
        "before = stack(); Separator(sys.argv[1]); assert stack() == before, (before, stack())\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(mask_model)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
