"""Feed the decoder mutated files, nightly: no crash, no hang, no traceback, whatever the bytes.

    python benchmarks/fuzz_decoder.py --files 3000 --seed 1

Small songs are made in every format that we write; each round damages one of them (bytes flipped, cut out, repeated,
overwritten, or a field set to an extreme) and reads it in a process of its own that reads many. A file may be read,
or refused with an InputError; anything else, a crash of the process and a file that takes longer than the limit
included, is kept in the folder `--keep` and makes the exit code 1.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from types import FrameType

import av
import numpy as np

from unbraid.audio import StemWriter, read
from unbraid.errors import InputError

RATE = 22_050
SECONDS_A_FILE = 20
EXTREMES = (b"\x00", b"\xff", b"\x7f\xff\xff\xff", b"\x80\x00\x00\x00", b"\xff\xff\xff\xff", b"\x00\x00\x00\x00")
CONTAINERS = {
    "caf": "pcm_s16le",
    "aiff": "pcm_s16be",
    "matroska": "flac",
    "asf": "wmav2",
    "adts": "aac",
    "au": "pcm_mulaw",
}


def main() -> int:
    """Run the rounds in child processes and return 1 if a file did harm."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=3000, help="how many mutated files")
    parser.add_argument("--seed", type=int, default=0, help="the same seed makes the same files")
    parser.add_argument("--keep", type=Path, default=Path("fuzz"), help="where files that did harm are kept")
    parser.add_argument("--child", nargs=3, metavar=("SEEDS", "FIRST", "LAST"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        return read_many(Path(args.child[0]), int(args.child[1]), int(args.child[2]), args.seed)
    harm = 0
    with tempfile.TemporaryDirectory() as folder:
        write_seeds(Path(folder))
        first = 0
        while first < args.files:
            last = min(first + 200, args.files)
            child = [sys.executable, __file__, "--seed", str(args.seed), "--child", folder, str(first), str(last)]
            ran = subprocess.run(child, capture_output=True, text=True)
            seen = [int(line) for line in ran.stdout.split()]
            if ran.returncode == 0:
                first = last
                print(f"{first} of {args.files} files, {harm} did harm", flush=True)
                continue
            harm += 1
            number = seen[-1] if seen else first
            args.keep.mkdir(exist_ok=True)
            kept = args.keep / f"seed-{args.seed}-file-{number}"
            kept.write_bytes(mutated(Path(folder), number, args.seed))
            print(f"{kept}: exit code {ran.returncode}\n{ran.stderr[-1500:]}", flush=True)
            first = number + 1
    return 1 if harm else 0


def read_many(seeds: Path, first: int, last: int, seed: int) -> int:
    """Read the mutated files `first` … `last` − 1, printing the number of each before it is read."""
    signal.signal(signal.SIGALRM, _too_long)
    path = seeds / f"{os.getpid()}.mutated"
    for number in range(first, last):
        print(number, flush=True)
        path.write_bytes(mutated(seeds, number, seed))
        signal.alarm(SECONDS_A_FILE)
        try:
            samples, _ = read(path, duration=30.0)
            assert np.isfinite(samples).all()
        except InputError as error:
            assert str(error).endswith(".")
        finally:
            signal.alarm(0)
    path.unlink()
    return 0


def mutated(seeds: Path, number: int, seed: int) -> bytes:
    """Return the file of this number: one of the seeds with one to eight kinds of damage."""
    chance = random.Random(seed * 1_000_003 + number)
    content = bytearray(chance.choice(sorted(seeds.glob("*.seed"))).read_bytes())
    for _ in range(chance.randint(1, 8)):
        # Half of the damage hits the header, where it does the most.
        at = chance.randrange(min(512, len(content)) if chance.random() < 0.5 else len(content))
        size = chance.randint(1, 64)
        kind = chance.randrange(5)
        if kind == 0:
            content[at] ^= 1 << chance.randrange(8)
        elif kind == 1:
            content[at : at + size] = chance.randbytes(size)
        elif kind == 2:
            del content[at : at + size * 16]
        elif kind == 3:
            content[at:at] = content[at : at + size * 16]
        else:
            extreme = chance.choice(EXTREMES)
            content[at : at + len(extreme)] = extreme
        if not content:
            return b"\x00"
    return bytes(content)


def write_seeds(folder: Path) -> None:
    """Write a short song in every format that we write, and in a few more."""
    time = np.arange(RATE) / RATE
    sound = np.stack([np.sin(2 * np.pi * hertz * time) * 0.3 for hertz in (220.0, 331.0)]).astype(np.float32)
    for name in ("wav", "flac", "mp3", "m4a", "ogg", "opus"):
        writer = StemWriter(folder / f"{name}.seed", name, sample_rate=RATE, channels=2, tags={"title": "seed"})
        writer.write(sound)
        writer.finish()
    for container, codec in CONTAINERS.items():
        with av.open(folder / f"{container}.seed", "w", format=container) as file:
            stream = file.add_stream(codec, rate=RATE, layout="stereo")
            assert isinstance(stream, av.AudioStream)
            stream.bit_rate = 64_000
            frame = av.AudioFrame.from_ndarray(sound, format="fltp", layout="stereo")
            frame.sample_rate, frame.pts = RATE, 0
            file.mux(stream.encode(frame))
            file.mux(stream.encode(None))


def _too_long(number: int, frame: FrameType | None) -> None:
    raise TimeoutError(f"a file took longer than {SECONDS_A_FILE} s")


if __name__ == "__main__":
    sys.exit(main())
