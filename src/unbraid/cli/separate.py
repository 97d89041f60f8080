"""`unbraid separate`: songs into stems, one after the other, on this machine or on a cluster."""

import argparse
import ctypes
import sys
import time
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from unbraid.audio.formats import FORMATS
from unbraid.cli import options
from unbraid.cli.extras import require
from unbraid.cli.reporter import Outcome, Reporter, separated
from unbraid.errors import InputError, UnbraidError, UsageError, os_error_sentence

if TYPE_CHECKING:
    from unbraid.cli.songs import Job
    from unbraid.separator import SeparationOptions


def add_parser(commands: Any) -> None:
    """Add the command and its options."""
    parser = commands.add_parser(
        "separate", help="split songs into stems", description="Split songs into stems, one file each."
    )
    parser.add_argument(
        "songs", nargs="+", metavar="SONG", help="a sound or video file, a folder of them, or - for standard input"
    )
    parser.add_argument(
        "-o", "--out", type=options.name, default="stems", metavar="DIR", help="write to DIR/SONG/STEM (default: stems)"
    )
    add_separation_options(parser)
    parser.add_argument(
        "--skip-existing",
        action="store_true",
        help="skip songs whose stems all exist, as long as what is to be separated",
    )
    parser.add_argument("--plot", action="store_true", help="also draw the stems, to DIR/SONG/stems.png")
    parser.add_argument(
        "--dask", metavar="SCHEDULER", help="use the workers of a Dask cluster; songs and DIR may be URLs like s3://…"
    )
    options.add_model(parser)
    parser.add_argument("--quiet", "-q", action="store_true", help="print errors only")
    options.add_json(parser, "one JSON object per song, each on its own line")
    parser.set_defaults(run=run)


def add_separation_options(parser: argparse.ArgumentParser) -> None:
    """Add an option for each field of `SeparationOptions`, under the field's name."""
    parser.add_argument("--stems", metavar="NAME,...", help="write only these stems, for example vocals,drums")
    parser.add_argument("--two-stems", metavar="NAME", help="write this stem and the accompaniment, all the rest")
    parser.add_argument(
        "--format",
        choices=tuple(FORMATS),
        default="wav",
        help="format of the stems (default: wav); stem is one .stem.mp4 for DJs, with the song and its stems",
    )
    parser.add_argument(
        "--bit-depth",
        choices=("16", "24", "32f"),
        help="bits per sample: 32f by default in wav, where the stems then add up to the song; 24 in flac",
    )
    parser.add_argument(
        "--tempo-and-key-tags", action="store_true", help="write the tempo and key found into the stems' tags"
    )
    parser.add_argument("--mono", action="store_true", help="mix the song down to one channel first")
    parser.add_argument(
        "--start", type=options.seconds, default=0.0, metavar="TIME", help="start here: seconds, or 1:30"
    )
    parser.add_argument(
        "--duration", type=options.seconds, metavar="TIME", help="separate only this much: seconds, or 1:30"
    )
    parser.add_argument("--track", type=options.whole, metavar="N", help="which of several sound tracks, from 1")


def separation_options(args: argparse.Namespace) -> "SeparationOptions":
    """Return the options that `add_separation_options` has parsed."""
    from unbraid.separator import SeparationOptions

    return SeparationOptions(**{field.name: getattr(args, field.name) for field in fields(SeparationOptions)})


def run(args: argparse.Namespace) -> int:
    """Separate all songs; one that fails does not stop the others. Return 1 if any failed, else 0."""
    wanted = separation_options(args)
    if args.dask:
        from unbraid.cli import cluster

        return cluster.run(args, wanted)
    if args.plot:
        if FORMATS[wanted.format].tracks > 1:
            raise UsageError("--plot needs one file for each stem: choose another format.")
        require("plot", "matplotlib")
    from unbraid.cli.songs import find_jobs

    reporter = Reporter(quiet=args.quiet, json_lines=args.json)
    jobs, left_out = find_jobs(args.songs, Path(args.out), reporter.searching)
    reporter.songs = len(jobs)
    reporter.left_out(left_out)
    if jobs:
        _separate_all(jobs, wanted, args, reporter)
    reporter.summarise()
    return reporter.exit_code


def share_memory_pools() -> None:
    """Let all threads share one memory pool of the C library, if possible: a tenth less memory at the same speed.

    By default glibc keeps a pool for each thread, and with it the memory freed there. Only for a process of our own.
    """
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).mallopt(-8, 1)  # M_ARENA_MAX


def _separate_all(jobs: list["Job"], wanted: "SeparationOptions", args: argparse.Namespace, reporter: Reporter) -> None:
    from unbraid.cli.songs import is_as_long, is_done
    from unbraid.stem_folder import stem_files

    share_memory_pools()
    separator = options.separator(args)
    stems = wanted.stems_of(separator.sources)
    reporter.introduce(separator.runtime)
    for job in jobs:
        if (
            args.skip_existing
            and is_done(job, stems, wanted.format)
            and (job.is_pipe or is_as_long(job, stems, wanted))
        ):
            paths = {stem: str(job.folder / name) for stem, name in stem_files(job.name, stems, wanted.format).items()}
            reporter.report({"song": job.song, "stems": paths, "skipped": True})
            continue
        begun = time.monotonic()
        exit_code = 0
        outcome: Outcome
        try:
            with reporter.progress_bar(job.song) as on_progress:
                song = separator.separate_file(
                    _source(job), job.out_dir, wanted, name=job.name, on_progress=on_progress
                )
                if args.plot:
                    from unbraid.plot import plot_stems

                    plot_stems(song, job.folder / "stems.png")
            outcome = separated(job.song, song)
        except UnbraidError as error:
            outcome, exit_code = {"song": job.song, "error": str(error)}, error.exit_code
        except OSError as error:
            outcome, exit_code = {"song": job.song, "error": os_error_sentence(error)}, 1
        reporter.report(outcome, seconds=time.monotonic() - begun, exit_code=exit_code)


def _source(job: "Job") -> str | IO[bytes]:
    if not job.is_pipe:
        return job.song
    if sys.stdin is None:
        raise InputError("There is no song on standard input: it is closed.")
    return sys.stdin.buffer
