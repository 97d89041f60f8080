"""Feed the decoder damaged files, nightly: no crash, no hang, no traceback, and no song that is shifted in silence.

    python benchmarks/fuzz_decoder.py --files 5000 --seed 1

Small songs are made in every container that we can write. Half of the files have one wound in the sound: their end is
cut off, a part is overwritten or a part is gone. What is decoded of them is compared with the song before:

    refused   an InputError says why
    note      the song is read, and what is wrong with it is said
    same      nothing can be heard of it
    changed   other samples at some place, which nothing in the file gives away
    wrong     sound comes earlier or later than it did, or is missing at the end, and nobody says so

The other half are mutated all over (bytes flipped, cut out, repeated, overwritten, a field set to an extreme) and may
be read or refused. A file that is wrong, crashes the process, raises something else or takes longer than the limit is
kept in the folder `--keep` and makes the exit code 1.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Any

import av
import numpy as np

from unbraid.audio import Audio, SongReader
from unbraid.errors import InputError

RATE, SECONDS = 48_000, 3
SECONDS_A_FILE = 60
EXTREMES = (b"\x00", b"\xff", b"\x7f\xff\xff\xff", b"\x80\x00\x00\x00", b"\xff\xff\xff\xff", b"\x00\x00\x00\x00")
CODECS = {
    "wav": "pcm_s16le", "w64": "pcm_s16le", "aiff": "pcm_s16be", "au": "pcm_s16be", "caf": "pcm_s16le",
    "flac": "flac", "mp3": "libmp3lame", "mp2": "mp2", "adts": "aac", "ac3": "ac3", "eac3": "eac3", "ogg": "flac",
    "opus": "libopus", "matroska": "flac", "webm": "libopus", "mp4": "aac", "ipod": "alac", "asf": "wmav2",
    "avi": "mp2", "flv": "libmp3lame", "mpegts": "mp2", "tta": "tta", "wv": "wavpack",
}  # fmt: skip


def main() -> int:
    """Run the rounds in child processes and return 1 if a file did harm."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=5000, help="how many damaged files")
    parser.add_argument("--seed", type=int, default=0, help="the same seed makes the same files")
    parser.add_argument("--keep", type=Path, default=Path("fuzz"), help="where files that did harm are kept")
    parser.add_argument("--child", nargs=3, metavar=("SONGS", "FIRST", "LAST"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        return read_many(Path(args.child[0]), int(args.child[1]), int(args.child[2]), args.seed)
    verdicts: Counter[str] = Counter()
    harm = 0
    with tempfile.TemporaryDirectory() as folder:
        write_songs(Path(folder))
        first = 0
        while first < args.files:
            last = min(first + 200, args.files)
            child = [sys.executable, __file__, "--seed", str(args.seed), "--child", folder, str(first), str(last)]
            ran = subprocess.run(child, capture_output=True, text=True)
            lines = [line.split() for line in ran.stdout.splitlines()]
            verdicts.update(verdict for _, *rest in lines for verdict in rest)
            bad = [int(number) for number, *rest in lines if rest == ["wrong"]]
            first = last
            if ran.returncode:
                bad.append(int(lines[-1][0]) if lines else first)
                first = bad[-1] + 1
                print(f"exit code {ran.returncode}\n{ran.stderr[-1500:]}", flush=True)
            for number in bad:
                args.keep.mkdir(exist_ok=True)
                name, _, content = damaged(Path(folder), number, args.seed)
                kept = args.keep / f"seed-{args.seed}-file-{number}-{name}"
                kept.write_bytes(content)
                print(f"{kept} did harm", flush=True)
            harm += len(bad)
            print(f"{first} of {args.files} files, {harm} did harm: {dict(verdicts)}", flush=True)
    return 1 if harm else 0


def read_many(songs: Path, first: int, last: int, seed: int) -> int:
    """Read the damaged files `first` … `last` − 1, printing the number of each before and the verdict after."""
    signal.signal(signal.SIGALRM, _too_long)
    path = songs / f"{os.getpid()}.damaged"
    for number in range(first, last):
        print(number, end=" ", flush=True)
        name, wounded, content = damaged(songs, number, seed)
        path.write_bytes(content)
        signal.alarm(SECONDS_A_FILE)
        try:
            with SongReader(path, duration=30.0) as song:
                blocks = list(song)
            samples = np.concatenate(blocks, axis=1) if blocks else np.zeros((2, 0), np.float32)
            assert np.isfinite(samples).all()
            verdict = "read"
            if wounded:
                verdict = "note" if song.notes else compared(samples, np.load(songs / f"{name}.npy"))
        except InputError as error:
            assert str(error).endswith(".")
            verdict = "refused"
        finally:
            signal.alarm(0)
        print(verdict, flush=True)
    path.unlink()
    return 0


def compared(found: Audio, whole: Audio) -> str:
    """Return what has become of a song of which nothing is said."""
    if found.shape == whole.shape and np.array_equal(found, whole):
        return "same"
    if found.shape[0] != whole.shape[0] or found.shape[1] < whole.shape[1] - RATE // 20:
        return "wrong"
    for start in range(0, found.shape[1] - RATE // 4, RATE // 4):
        piece = found[0, start : start + RATE // 4]
        size = 1 << (2 * max(found.shape[1], whole.shape[1])).bit_length()
        likeness = np.fft.irfft(np.fft.rfft(whole[0], size) * np.conj(np.fft.rfft(piece, size)))
        at = int(np.argmax(likeness))
        if at != start and likeness[at] > 0.5 * float(np.square(piece).sum()) > 1.0:
            return "wrong"
    return "changed"


def damaged(songs: Path, number: int, seed: int) -> tuple[str, bool, bytes]:
    """Return the song of which this file is made, whether it has but one wound, and its bytes."""
    chance = random.Random(seed * 1_000_003 + number)
    song = chance.choice(sorted(songs.glob("*.song")))
    content = bytearray(song.read_bytes())
    if chance.random() < 0.5:
        return song.stem, True, _wounded(content, chance)
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
            return song.stem, False, b"\x00"
    return song.stem, False, bytes(content)


def _wounded(content: bytearray, chance: random.Random) -> bytes:
    """Cut, overwrite or take out a part behind the headers."""
    at = chance.randrange(len(content) // 50, len(content))
    end = min(len(content), at + chance.randrange(1, len(content) // 3))
    kind = chance.randrange(4)
    if kind == 0:
        return bytes(content[:at])
    if kind == 1:
        return bytes(content[:at] + content[end:])
    content[at:end] = bytes(end - at) if kind == 2 else chance.randbytes(end - at)
    return bytes(content)


def write_songs(folder: Path) -> None:
    """Write a few seconds of noise, which is like itself at one place only, in every container, and as we read it."""
    sound = np.random.default_rng(0).uniform(-0.5, 0.5, (2, RATE * SECONDS)).astype(np.float32)
    for container, codec in CODECS.items():
        path = folder / f"{container}.song"
        options = {"page_duration": "200000"} if container in ("ogg", "opus") else {}
        with av.open(path, "w", format=container, options=options) as file:
            stream: Any = file.add_stream(codec, rate=RATE, layout="stereo")
            if codec in ("wmav2", "ac3", "eac3", "mp2"):
                stream.bit_rate = 128_000
            frame = av.AudioFrame.from_ndarray(sound, format="fltp", layout="stereo")
            frame.sample_rate, frame.pts = RATE, 0
            file.mux(stream.encode(frame))
            file.mux(stream.encode(None))
        with SongReader(path) as song:
            np.save(folder / f"{container}.npy", np.concatenate(list(song), axis=1))


def _too_long(number: int, frame: FrameType | None) -> None:
    raise TimeoutError(f"a file took longer than {SECONDS_A_FILE} s")


if __name__ == "__main__":
    sys.exit(main())
