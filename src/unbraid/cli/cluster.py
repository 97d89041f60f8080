"""A catalogue of songs spread over the workers of a Dask cluster, from and to any file system that fsspec knows.

Each worker loads the model once and separates one song at a time. A song counts as done when all its stems have their
names, which they only get when they are complete. So a song whose worker was lost is simply done by another one, a
restarted run continues where the last one stopped, and no stem is ever incomplete or made twice.
"""

import argparse
import logging
import posixpath
import re
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, islice
from pathlib import Path
from threading import Lock
from typing import Any

from unbraid.audio.formats import ENDINGS
from unbraid.cli import options
from unbraid.cli.extras import extra
from unbraid.cli.reporter import Outcome, Reporter, separated
from unbraid.cli.songs import PIPE, LeftOut, jobs_of
from unbraid.errors import InputError, OutputError, UnbraidError, UsageError
from unbraid.inference.shipped_models import find_model, shipped_models
from unbraid.separator import SeparationOptions, Separator
from unbraid.stem_folder import folder_name, stem_files

WINDOW = 1000  # songs on the cluster at a time, more than it has threads; each takes memory on both sides


@dataclass(frozen=True)
class Task:
    """One song for a worker: where it is, the folder for its stems, and the options."""

    song: str
    folder: str
    """Absolute path or URL."""
    model: str | None
    device: str
    precision: str
    options: SeparationOptions


@extra("cluster")
def run(args: argparse.Namespace, wanted: SeparationOptions) -> int:
    """Run `unbraid separate --dask SCHEDULER`: print a line for each song as it is done; return 1 if any failed."""
    import distributed

    if args.plot:
        raise UsageError("--plot does not work on a cluster: leave it out.")
    if not re.fullmatch(r"(\w+://)?[^/]+:\d+", args.dask):
        raise UsageError(f"{args.dask} is not a scheduler address; expected one like tcp://host:8786.")
    left_out = LeftOut([], [])
    tasks = tasks_of(args, wanted, left_out)
    first = list(islice(tasks, 1))  # unreadable songs are reported before a cluster is needed
    reporter = Reporter(songs=0, quiet=args.quiet, json_lines=args.json)
    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)  # its errors are reported here in sentences
    try:
        client = distributed.Client(args.dask, timeout="5s", set_as_default=False)
    except (OSError, ValueError) as error:
        raise UsageError(f"No Dask scheduler answers at {args.dask}.") from error
    with client:
        for outcome in outcomes(client, chain(first, tasks)):
            reporter.songs += 1
            reporter.report(outcome)
    reporter.left_out(left_out)
    reporter.summarise()
    return reporter.exit_code


def outcomes(client: Any, tasks: Iterator[Task]) -> Iterator[Outcome]:
    """Yield the outcome of each song as it is done; at most `WINDOW` songs are on the cluster.

    Raises:
        OutputError: The scheduler is gone.
    """
    import distributed

    songs: dict[str, str] = {}
    done = distributed.as_completed(loop=client.loop)

    def submit(task: Task) -> None:
        # The scheduler gives a song to another worker if one is lost, up to three times (`allowed-failures`).
        future = client.submit(separate_task, task, key=f"unbraid-{uuid.uuid4()}")
        songs[future.key] = task.song
        done.add(future)

    for task in islice(tasks, WINDOW):
        submit(task)
    for future in done:
        gone = OutputError(
            f"The Dask scheduler is gone, with {len(songs)} songs under way. Run the same command again: "
            "finished songs are skipped."
        )
        if future.status not in ("finished", "error"):
            raise gone
        try:
            outcome = future.result() if future.status == "finished" else _lost(songs[future.key], future)
        except OSError as error:  # it went down while the result was being sent
            raise gone from error
        del songs[future.key]
        yield outcome
        future.release()
        for task in islice(tasks, 1):
            submit(task)


def tasks_of(args: argparse.Namespace, wanted: SeparationOptions, left_out: LeftOut) -> Iterator[Task]:
    """Yield a task for each song as it is found; folders and URLs of folders are searched recursively."""
    local = [song for song in args.songs if "://" not in song]
    if PIPE in local:
        raise UsageError("A cluster cannot read this machine's standard input.")
    out = args.out if "://" in args.out else str(Path(args.out).resolve())
    # the name of a shipped model stays a name: each worker has its own file
    model = args.model if args.model in (None, *shipped_models()) else str(find_model(args.model).resolve())
    taken = set()
    for song, folder in _places(args.songs, local, out, left_out):
        if folder in taken:
            folder = posixpath.join(posixpath.dirname(folder), posixpath.basename(song))
        taken.add(folder)
        yield Task(song, folder, model, args.device, options.precision(args), wanted)


def _places(songs: list[str], local: list[str], out: str, left_out: LeftOut) -> Iterator[tuple[str, str]]:
    """Yield each song and the folder for its stems, this machine's songs first."""
    for job in jobs_of(local, Path("/"), left_out):
        yield str(Path(job.song).resolve()), posixpath.join(out, *job.folder.parts[1:])
    for url in songs:
        if "://" in url:
            for song, place in _songs_at(url, left_out):
                yield song, posixpath.join(out, place, folder_name(posixpath.basename(song)))


def separate_task(task: Task) -> Outcome:
    """Separate one song on a worker and return its outcome."""
    try:
        with _one_at_a_time:
            return _separate(_separator(task.model, task.device, task.precision), task)
    except UnbraidError as error:
        return {"song": task.song, "error": str(error)}


_one_at_a_time = Lock()  # the model keeps all processors of a worker busy; a second song would only take memory


@lru_cache(maxsize=1)
def _separator(model: str | None, device: str, precision: str) -> Separator:
    return Separator(model, device=device, precision=precision)


def _separate(separator: Separator, task: Task) -> Outcome:
    import fsspec

    stems = task.options.stems_of(separator.sources)
    names = stem_files(posixpath.basename(task.folder), stems, task.options.format)
    wanted = {stem: posixpath.join(task.folder, name) for stem, name in names.items()}
    try:
        files, folder = fsspec.url_to_fs(task.folder)
        files.invalidate_cache()  # another worker may have written there since this one last looked
        paths = {stem: posixpath.join(folder, name) for stem, name in names.items()}
        if all(files.exists(path) for path in paths.values()):
            return {"song": task.song, "stems": wanted, "skipped": True}
        with tempfile.TemporaryDirectory(prefix="unbraid-") as here:
            song = _fetched(task.song, Path(here))
            done = separator.separate_file(song, Path(here) / "stems", task.options, name="song")
            files.makedirs(folder, exist_ok=True)
            for left in files.glob(posixpath.join(folder, ".*.part")):  # by a worker that was lost with this song
                files.rm_file(left)
            token = uuid.uuid4().hex[:8]
            for path, local in {paths[stem]: done.stems[stem] for stem in stems}.items():
                part = posixpath.join(folder, f".{posixpath.basename(path)}.{token}.part")
                files.put_file(str(local), part)
                files.mv(part, path)
    except (OSError, ImportError, ValueError) as error:
        raise OutputError(f"The stems of {task.song} cannot be written to {task.folder}: {error}.") from error
    return {**separated(task.song, done), "stems": wanted}


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


def _songs_at(url: str, left_out: LeftOut) -> Iterator[tuple[str, str]]:
    """Yield the URLs of the songs at a URL, and for each the folder that mirrors its place below that URL."""
    import fsspec

    count = 0
    try:
        files, root = fsspec.url_to_fs(url)
        if not files.isdir(root):
            yield url, ""
            return
        for place, _, names in files.walk(root, on_error="raise"):  # one folder at a time: a catalogue may be huge
            for name in sorted(names):
                path = posixpath.join(place, name)
                if posixpath.splitext(name)[1].lower() in ENDINGS:
                    count += 1
                    yield files.unstrip_protocol(path), posixpath.relpath(place, root)
                elif name:
                    left_out.files.append(path)
    except (OSError, ImportError, ValueError) as error:
        raise InputError(f"{url} cannot be read: {error}.") from error
    if not count:
        left_out.failures.append((url, f"There is no song at {url}."))


def _lost(song: str, future: Any) -> Outcome:
    error = future.exception()
    return {"song": song, "error": f"{song} failed on the cluster: {type(error).__name__}: {error}."}
