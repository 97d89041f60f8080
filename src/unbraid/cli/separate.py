"""`unbraid separate`: a batch of songs, a progress bar, and a line for each song, for people or for programs."""

import argparse
import ctypes
import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from unbraid.audio.formats import bit_depth_of
from unbraid.cli.songs import PIPE, Job, find_jobs, is_done
from unbraid.errors import UnbraidError, UsageError
from unbraid.inference.stream import chosen_stems
from unbraid.separator import OnProgress, Progress, SeparatedSong, Separator

BAR = "{desc}  {percentage:3.0f}% {bar} {n:.0f} of {total:.0f} s, {postfix} {remaining} left"
BAR_OF_UNKNOWN_LENGTH = "{desc}  {n:.0f} s, {postfix}"


def separate_command(args: argparse.Namespace) -> int:
    """Separate all songs named; one that fails does not stop the others. Returns 1 if any did, else 0."""
    bit_depth_of(args.format, args.bit_depth)
    if args.dask:
        from unbraid.cli.cluster import cluster_command

        return cluster_command(args)
    jobs = find_jobs(args.songs, Path(args.out))
    share_memory_pools()
    separator = Separator(args.model, device=args.device, precision="fp32" if args.strict else "auto")
    wanted = args.stems.split(",") if args.stems is not None else None
    stems = chosen_stems(separator.sources, wanted, args.two_stems)
    say = _Voice(quiet=args.quiet, json_lines=args.json)
    say.about_runtime(separator.runtime)
    failed = 0
    for number, job in enumerate(jobs, 1):
        if args.skip_existing and is_done(job, stems, args.format):
            say.skipped(job, {stem: job.folder / f"{stem}.{args.format}" for stem in stems})
            continue
        begun = time.monotonic()
        try:
            with say.progress_bar(job, number, len(jobs)) as on_progress:
                song = separator.separate_file(
                    sys.stdin.buffer if job.song == PIPE else job.song,
                    job.out_dir,
                    name=job.name,
                    format=args.format,
                    bit_depth=args.bit_depth,
                    stems=wanted,
                    two_stems=args.two_stems,
                    mono=args.mono,
                    start=args.start,
                    duration=args.duration,
                    on_progress=on_progress,
                )
                if args.plot:
                    from unbraid.plot import plot_stems

                    plot_stems(song, job.folder / "stems.png")
        except UsageError:
            raise  # the same request would fail for every song
        except UnbraidError as error:
            failed += 1
            say.failed(job, str(error))
        else:
            say.separated(job, song, time.monotonic() - begun)
    if len(jobs) > 1:
        say.in_all(len(jobs), failed)
    return 1 if failed else 0


def share_memory_pools() -> None:
    """Let all threads share one memory pool of the C library, where it can: a tenth less memory at the same speed.

    Else glibc keeps a pool for each thread, and in each what was once freed there. Only for a process of our own.
    """
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).mallopt(-8, 1)  # M_ARENA_MAX


class _Voice:
    """What is said: for people on the terminal, as JSON lines for programs, or nothing but errors."""

    def __init__(self, *, quiet: bool, json_lines: bool) -> None:
        self._json = json_lines
        self._talks = not quiet and not json_lines

    def about_runtime(self, runtime: str) -> None:
        if self._talks:
            print(runtime, file=sys.stderr)

    def separated(self, job: Job, song: SeparatedSong, seconds: float) -> None:
        if self._json:
            facts: dict[str, Any] = {
                "seconds": song.seconds,
                "sample_rate": song.sample_rate,
                "channels": song.channels,
                "notes": song.notes,
            }
            self._print_json(job, stems=_texts(song.stems), **facts)
        elif self._talks:
            speed = song.seconds / seconds
            print(f"{_shown(job.folder)}: {', '.join(song.stems)}  ({song.seconds:.1f} s, {speed:.0f} × real time)")
            for note in song.notes:
                print(f"  note: {note}")

    def skipped(self, job: Job, stems: dict[str, Path]) -> None:
        if self._json:
            self._print_json(job, stems=_texts(stems), skipped=True)
        elif self._talks:
            print(f"{_shown(job.folder)}: is there already")

    def failed(self, job: Job, sentence: str) -> None:
        if self._json:
            self._print_json(job, error=sentence)
        print(f"unbraid: {sentence}", file=sys.stderr)

    def in_all(self, jobs: int, failed: int) -> None:
        if self._talks:
            print(f"{jobs - failed} of {jobs} songs are done" + (f", {failed} failed." if failed else "."))

    @contextmanager
    def progress_bar(self, job: Job, number: int, jobs: int) -> Iterator[OnProgress]:
        """Show a bar on a terminal while the block runs, and nothing elsewhere."""
        if not (self._talks and sys.stderr.isatty()):
            yield lambda progress: None
            return
        from tqdm import tqdm

        name = _shown(Path(job.song).name) if len(job.song) < 40 else job.name[:36] + " …"
        described = f"{name} ({number} of {jobs})" if jobs > 1 else name
        with tqdm(desc=described, leave=False, bar_format=BAR) as bar:
            begun = time.monotonic()

            def show(progress: Progress) -> None:
                bar.bar_format = BAR if progress.seconds_total else BAR_OF_UNKNOWN_LENGTH
                bar.total = max(progress.seconds_total or 0.0, progress.seconds_done)
                speed = progress.seconds_done / max(time.monotonic() - begun, 1e-3)
                bar.set_postfix_str(f"{speed:.0f} × real time", refresh=False)
                bar.update(progress.seconds_done - bar.n)

            yield show

    def _print_json(self, job: Job, **facts: Any) -> None:
        print(json.dumps({"song": job.song, **facts}), flush=True)


def _texts(stems: dict[str, Path]) -> dict[str, str]:
    return {stem: str(path) for stem, path in stems.items()}


def _shown(name: str | Path) -> str:
    return str(name) if str(name).isprintable() else repr(str(name))
