"""A catalogue of songs spread over the workers of a Dask cluster, from and to any file system that fsspec knows.

Each worker loads the model once and does one song at a time. A song counts as done when all its stems have their
names, which they only get when they are complete; so a song whose worker was lost is simply done by another one, a
run that is started again goes on where the last one stopped, and no stem is ever half there or made twice.
"""

import argparse
import json
import posixpath
import re
import sys
import tempfile
import uuid
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from threading import Lock
from typing import Any

from unbraid.audio.formats import ENDINGS
from unbraid.cli.songs import find_jobs
from unbraid.errors import InputError, OutputError, UnbraidError, UsageError
from unbraid.inference.stream import chosen_stems
from unbraid.separator import Separator
from unbraid.stem_folder import folder_name


@dataclass(frozen=True)
class Task:
    """One song for a worker: where it is, the folder for its stems, and what was asked for."""

    song: str
    folder: str
    """Absolute path or URL."""
    model: str | None
    device: str
    precision: str
    format: str
    bit_depth: str | None
    stems: tuple[str, ...] | None
    two_stems: str | None
    mono: bool
    start: float
    duration: float | None


def cluster_command(args: argparse.Namespace) -> int:
    """Run `unbraid separate --dask SCHEDULER`: print a line for each song as it is done; return 1 if any failed."""
    if args.plot:
        raise UsageError("A cluster draws no pictures: leave out --plot.")
    try:
        distributed: Any = import_module("dask.distributed")
    except ModuleNotFoundError as error:
        raise UsageError("A cluster needs Dask: pip install 'unbraid[cluster]'.") from error
    if not re.fullmatch(r"(\w+://)?[^/]+:\d+", args.dask):
        raise UsageError(f"{args.dask} is no scheduler's address: it looks like tcp://host:8786.")
    tasks = find_tasks(args)
    try:
        client = distributed.Client(args.dask, timeout="5s", set_as_default=False)
    except (OSError, ValueError) as error:
        raise UsageError(f"There is no Dask scheduler that answers at {args.dask}.") from error
    failed = 0
    with client:
        # The scheduler gives a song to another worker if one is lost, up to three times (`allowed-failures`).
        futures = client.map(separate_task, tasks, key=[f"unbraid-{uuid.uuid4()}" for _ in tasks])
        songs = {future.key: task.song for future, task in zip(futures, tasks, strict=True)}
        for future in distributed.as_completed(futures, loop=client.loop):
            report = future.result() if future.status == "finished" else _lost(songs[future.key], future)
            failed += "error" in report
            _say(report, args)
            future.release()
    if not args.quiet and not args.json:
        print(f"{len(tasks) - failed} of {len(tasks)} songs are done" + (f", {failed} failed." if failed else "."))
    return 1 if failed else 0


def find_tasks(args: argparse.Namespace) -> list[Task]:
    """Return a task for each song, folders and URLs of folders searched through; raises InputError for an empty one."""
    local = [song for song in args.songs if "://" not in song]
    if "-" in local:
        raise UsageError("A cluster cannot read this machine's standard input.")
    out = args.out if "://" in args.out else str(Path(args.out).resolve())
    found = [(str(Path(job.song).resolve()), _joined(out, job.folder)) for job in find_jobs(local, Path("/"))]
    taken = {folder for _, folder in found}
    for url in args.songs:
        if "://" in url:
            for song, place in _songs_at(url):
                folder = posixpath.join(out, place, folder_name(posixpath.basename(song)))
                if folder in taken:
                    folder = posixpath.join(out, place, posixpath.basename(song))
                taken.add(folder)
                found.append((song, folder))
    return [
        Task(
            song,
            folder,
            model=args.model and str(Path(args.model).resolve()),
            device=args.device,
            precision="fp32" if args.strict else "auto",
            format=args.format,
            bit_depth=args.bit_depth,
            stems=None if args.stems is None else tuple(args.stems.split(",")),
            two_stems=args.two_stems,
            mono=args.mono,
            start=args.start,
            duration=args.duration,
        )
        for song, folder in found
    ]


def separate_task(task: Task) -> dict[str, Any]:
    """Separate one song on a worker and return its report: `song`, `stems`, … or `song` and `error`."""
    try:
        with _one_at_a_time:
            separator = _separator(task.model, task.device, task.precision)
            return {"song": task.song, **_separated(separator, task)}
    except UnbraidError as error:
        return {"song": task.song, "error": str(error)}


_one_at_a_time = Lock()  # the model keeps all processors of a worker busy; a second song would only take memory


@lru_cache(maxsize=1)
def _separator(model: str | None, device: str, precision: str) -> Separator:
    return Separator(model, device=device, precision=precision)


def _separated(separator: Separator, task: Task) -> dict[str, Any]:
    import fsspec

    stems = chosen_stems(separator.sources, task.stems, task.two_stems)
    wanted = {stem: posixpath.join(task.folder, f"{stem}.{task.format}") for stem in stems}
    try:
        files, folder = fsspec.url_to_fs(task.folder)
        files.invalidate_cache()  # another worker may have written there since this one last looked
        paths = {stem: posixpath.join(folder, f"{stem}.{task.format}") for stem in stems}
        if all(files.exists(path) for path in paths.values()):
            return {"stems": wanted, "skipped": True}
        with tempfile.TemporaryDirectory(prefix="unbraid-") as here:
            song = _fetched(task.song, Path(here))
            done = separator.separate_file(
                song,
                Path(here) / "stems",
                name="song",
                format=task.format,
                bit_depth=task.bit_depth,
                stems=task.stems,
                two_stems=task.two_stems,
                mono=task.mono,
                start=task.start,
                duration=task.duration,
            )
            files.makedirs(folder, exist_ok=True)
            for left in files.glob(posixpath.join(folder, ".*.part")):  # by a worker that was lost with this song
                files.rm_file(left)
            token = uuid.uuid4().hex[:8]
            for stem, path in paths.items():
                part = posixpath.join(folder, f".{stem}.{token}.part")
                files.put_file(str(done.stems[stem]), part)
                files.mv(part, path)
    except (OSError, ImportError, ValueError) as error:
        raise OutputError(f"The stems of {task.song} cannot be written to {task.folder}: {error}.") from error
    return {
        "stems": wanted,
        "seconds": done.seconds,
        "sample_rate": done.sample_rate,
        "channels": done.channels,
        "notes": done.notes,
    }


def _fetched(song: str, folder: Path) -> Path:
    """Return the song as a file on this worker."""
    if "://" not in song:
        return Path(song)
    import fsspec

    local = folder / "song"
    try:
        files, path = fsspec.url_to_fs(song)
        files.get_file(path, str(local))
    except (OSError, ImportError, ValueError) as error:
        raise InputError(f"{song} cannot be fetched: {error}.") from error
    return local


def _songs_at(url: str) -> list[tuple[str, str]]:
    """Return the URLs of the songs at a URL, and for each the folder that mirrors its place below that URL."""
    import fsspec

    try:
        files, root = fsspec.url_to_fs(url)
        if not files.isdir(root):
            return [(url, "")]
        below = [path for path in sorted(files.find(root)) if posixpath.splitext(path)[1].lower() in ENDINGS]
    except (OSError, ImportError, ValueError) as error:
        raise InputError(f"{url} cannot be read: {error}.") from error
    if not below:
        raise InputError(f"There is no song at {url}.")
    return [(files.unstrip_protocol(path), posixpath.relpath(posixpath.dirname(path), root)) for path in below]


def _joined(out: str, folder: Path) -> str:
    return posixpath.join(out, *folder.parts[1:])


def _lost(song: str, future: Any) -> dict[str, Any]:
    error = future.exception()
    return {"song": song, "error": f"{song} failed on the cluster: {type(error).__name__}: {error}."}


def _say(report: dict[str, Any], args: argparse.Namespace) -> None:
    if args.json:
        print(json.dumps(report), flush=True)
    if "error" in report:
        print(f"unbraid: {report['error']}", file=sys.stderr)
    elif not args.quiet and not args.json:
        folder = posixpath.dirname(next(iter(report["stems"].values())))
        print(f"{folder}: " + ("is there already" if report.get("skipped") else ", ".join(report["stems"])), flush=True)
