"""Separates one second of noise in a process of its own, to see whether model and processor work.

One line of JSON on standard output tells which runtime it was and how long it took, or what went wrong.
"""

import argparse
import json
import time

import numpy as np

import unbraid
from unbraid.errors import UnbraidError

LOUDEST_REST = 1e-3


def trial(model: str | None, device: str) -> dict[str, object]:
    """Return what a separation of one second needed.

    Raises:
        UnbraidError: model or device cannot be used.
    """
    separator = unbraid.Separator(model, device=device)
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, (2, int(separator.sample_rate))).astype(np.float32)
    started = time.monotonic()
    stems = separator.separate_array(noise, separator.sample_rate)
    rest = float(np.abs(sum(stems.values()) - noise).max())
    if rest > LOUDEST_REST:
        return {"error": f"The stems do not add up to the song: {rest:.3f} is missing."}
    return {"runtime": separator.runtime, "seconds": time.monotonic() - started}


def main() -> None:
    """Run the trial and print its result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model")
    parser.add_argument("--device", default="auto")
    args = parser.parse_args()
    try:
        found = trial(args.model, args.device)
    except (UnbraidError, OSError, MemoryError) as error:
        found = {"error": str(error) or "There is not enough memory."}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
