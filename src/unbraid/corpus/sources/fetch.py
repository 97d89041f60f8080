"""Fetches missing sources from their origins: each is verified, and complete or absent."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

from unbraid.corpus.archives import unpack_tar
from unbraid.corpus.sources import records
from unbraid.corpus.sources.folders import MaterialFolders
from unbraid.corpus.sources.origins import DebianPackage, Download, Generated, NpmPackage, Origin, Repository
from unbraid.corpus.sources.prepare import PREPARATIONS
from unbraid.corpus.sources.source import Source
from unbraid.errors import CorpusError

HOST = "https://github.com"
SECONDS = 3600.0  # that a program may take, so that a dead connection ends
STALLED = 60.0  # s without an answer


def fetch_all(material: MaterialFolders, on_progress: Callable[[Source], None] | None = None) -> list[str]:
    """Fetch every source that is not complete here; return what went wrong, as sentences. A failure stops no others."""
    failures = []
    for source in records.sources():
        if not source.can_be_fetched or is_whole(source, material):
            continue
        if on_progress:
            on_progress(source)
        try:
            fetch(source, material)
        except CorpusError as error:
            failures.append(str(error))
    return failures


def is_whole(source: Source, material: MaterialFolders) -> bool:
    """Return whether all files of the source are on this machine."""
    if source.recordings and not source.prepare:
        wanted = [source.wanted(recording, material) for recording in source.recordings]
        return all(files and all(map(Path.exists, files)) for files in wanted)
    place = source.place(material)
    return all(next(place.glob(pattern), None) for pattern in source.files)


def fetch(source: Source, material: MaterialFolders, host: str = HOST) -> None:
    """Download a source into the folder for fetched material, replacing an incomplete copy.

    Args:
        source: what to fetch.
        material: the folders; files are written under another name and then renamed.
        host: the host of repositories.

    Raises:
        CorpusError: it cannot be fetched, or does not match its record.
    """
    material.target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=material.target, prefix=".fetching-") as aside:
        files = Path(aside) / "files"
        try:
            for number, origin in enumerate(source.origin):
                _bring(origin, source, files, Path(aside) / str(number), host)
        except CorpusError as error:
            raise CorpusError(f"{source.name} could not be fetched. {error}") from error
        if source.prepare:
            prepared = Path(aside) / "prepared"
            PREPARATIONS[source.prepare](source, files, prepared)
            files = prepared
        package = next((origin.debian for origin in source.origin if isinstance(origin, DebianPackage)), None)
        target = material.target / (f"packages/{package}" if package else source.name)
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists():
            shutil.rmtree(target)
        files.replace(target)


def _bring(origin: Origin, source: Source, files: Path, aside: Path, host: str) -> None:
    """Put the files of one origin into `files`; `aside` is a scratch folder."""
    files.mkdir(exist_ok=True)
    aside.mkdir()
    match origin:
        case Repository():
            paths = origin.paths or tuple(file for recording in source.recordings for file in recording.files)
            _clone(origin, paths, files, aside, f"{host}/{origin.repository}")
        case DebianPackage():
            _unpack_debian(origin, files, aside)
        case NpmPackage():
            _unpack_npm(origin, files, aside)
        case Download():
            _download(origin, files, aside)
        case Generated():
            raise CorpusError(f"It was {origin}: songs can be made without it.")


def _clone(origin: Repository, paths: tuple[str, ...], files: Path, aside: Path, address: str) -> None:
    """Check the paths out of a clone that holds no other files."""
    anchored = "".join(f"/{path}\n" for path in paths)
    _run("git", "init", "--quiet", ".", cwd=aside)
    _run("git", "remote", "add", "origin", address, cwd=aside)
    _run("git", "sparse-checkout", "set", "--no-cone", "--stdin", cwd=aside, stdin=anchored)
    _run("git", "fetch", "--quiet", "--depth=1", "--filter=blob:none", "origin", origin.commit, cwd=aside)
    _run("git", "-c", "advice.detachedHead=false", "checkout", "--quiet", origin.commit, cwd=aside)
    shutil.rmtree(aside / ".git")
    for path in paths:
        if next(aside.glob(path), None) is None:
            raise CorpusError(f"{address} has no {path} at {origin.commit}: correct the record.")
    for file in list(_files(aside)) if origin.flat else list(aside.iterdir()):
        file.replace(files / file.name)


def _unpack_debian(origin: DebianPackage, files: Path, aside: Path) -> None:
    """Unpack the `/usr/share` of a package, and the archive in it if one is named."""
    if origin.installed:
        raise CorpusError(f"{origin.debian} is a program: install it with `apt install {origin.debian}`.")
    _run("apt-get", "download", "--quiet", origin.debian, cwd=aside)
    for package in aside.glob("*.deb"):
        _run("dpkg-deb", "--extract", str(package), "unpacked", cwd=aside)
    for path in list((aside / "unpacked/usr/share").iterdir()):
        path.replace(files / path.name)
    if origin.unpack:
        archive = files / origin.unpack
        _unzip(archive, archive.parent)
        archive.unlink()


def _unpack_npm(origin: NpmPackage, files: Path, aside: Path) -> None:
    """Unpack a package into a folder of its name, without running any of its code."""
    (packed,) = json.loads(_run("npm", "pack", origin.npm, "--json", "--ignore-scripts", cwd=aside))
    if packed["integrity"] != origin.integrity:
        raise CorpusError(f"npm's {origin.npm} is not what the record says: {packed['integrity']}.")
    (archive,) = aside.glob("*.tgz")
    unpack_tar(archive, files / packed["name"].rpartition("/")[2])


def _download(origin: Download, files: Path, aside: Path) -> None:
    """Download a file, and unpack it if it is a zip archive."""
    target = aside / Path(urlsplit(origin.url).path).name
    digest = hashlib.sha256()
    try:
        with urllib.request.urlopen(origin.url, timeout=STALLED) as answer, target.open("wb") as file:
            while block := answer.read(2**20):
                digest.update(block)
                file.write(block)
    except (urllib.error.URLError, OSError) as error:
        raise CorpusError(f"{origin.url} does not answer ({error}): try again later.") from error
    if digest.hexdigest() != origin.sha256:
        raise CorpusError(f"{origin.url} is not what the record says: its SHA-256 is {digest.hexdigest()}.")
    if zipfile.is_zipfile(target):
        _unzip(target, files)
    else:
        target.replace(files / target.name)


def _unzip(archive: Path, folder: Path) -> None:
    with zipfile.ZipFile(archive) as content:
        content.extractall(folder)


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def _run(*command: str, cwd: Path, stdin: str = "") -> str:
    """Return a program's output; raises CorpusError with the last line of its messages if it fails."""
    try:
        run = subprocess.run(
            command,
            cwd=cwd,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
            env={**os.environ, "GIT_TERMINAL_PROMPT": "0"},
        )
    except FileNotFoundError as error:
        raise CorpusError(f"{command[0]} is missing: install it.") from error
    except subprocess.TimeoutExpired as error:
        raise CorpusError(f"{command[0]} took longer than {SECONDS / 60:.0f} minutes: try again later.") from error
    if run.returncode:
        why = (run.stderr.strip() or run.stdout.strip()).rpartition("\n")[2]
        raise CorpusError(f"{command[0]} says: {why}")
    return run.stdout
