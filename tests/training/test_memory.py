"""A training on Linux (glibc) keeps the memory that it frees, and gives it back before it forks."""

import subprocess
import sys

# In a process of its own: what the allocator is told lasts as long as the process.
SCRIPT = """
import numpy as np, resource
from pathlib import Path
from unbraid.training.memory import keep_freed, release_freed

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()

assert keep_freed()
before = resident()
np.ones(2**25)
kept = resident() - before
assert release_freed()
print(kept >> 20, resident() - before >> 20)
"""


def test_freed_memory_is_kept_until_it_is_released() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    kept, left = map(int, done.stdout.split())
    assert kept >= 250
    assert left < 16
