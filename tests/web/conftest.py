"""Fixtures of the website's tests: people, songs that were really separated, and a worker to do more."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

DATA = Path(tempfile.mkdtemp(prefix="unbraid-web-tests-"))
os.environ |= {
    "DJANGO_SETTINGS_MODULE": "unbraid_web.settings",
    "UNBRAID_DATA": str(DATA),
    "UNBRAID_SECRET_KEY": "only-for-tests-" + "0123456789abcdef" * 3,
    "UNBRAID_DEMO_SONG": str(DATA / "demo.flac"),
}

(DATA / "static").mkdir()

import django  # noqa: E402 # settings are read when Django is set up

django.setup()

from django.conf import settings  # noqa: E402
from django.core.cache import cache  # noqa: E402
from django.core.files.base import ContentFile  # noqa: E402
from django.core.files.storage import default_storage  # noqa: E402
from django.test import Client  # noqa: E402

from tests.conftest import write_song  # noqa: E402
from tests.tiny_models import write_mask_model  # noqa: E402
from unbraid_web.accounts.models import User  # noqa: E402
from unbraid_web.separations.jobs.job import Job  # noqa: E402
from unbraid_web.separations.jobs.queue import run_job  # noqa: E402
from unbraid_web.separations.models import Export, Separation, Stem  # noqa: E402
from unbraid_web.songs.models import Song  # noqa: E402

PASSWORD = "strings and hammers"


def pytest_xdist_setupnodes() -> None:
    """Have no process set up Django before it is here, where it gets a folder of its own."""
    del os.environ["DJANGO_SETTINGS_MODULE"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with files that take long: whoever runs the last one should not keep the others waiting."""
    long = {"web": 0, "browser": 1, "jobs": 2}  # folders: whole sites, databases and proxies; browsers; workers
    items.sort(key=lambda item: long.get(item.path.parent.name, len(long)))


def pytest_unconfigure() -> None:
    """Leave nothing behind."""
    shutil.rmtree(DATA, ignore_errors=True)


@pytest.fixture(scope="session")
def django_db_modify_db_settings() -> None:
    """Keep the test database in a file, so that workers in other processes see it."""
    database = settings.DATABASES["default"]
    if "sqlite3" in database["ENGINE"]:
        database["TEST"] = {**database.get("TEST", {}), "NAME": str(DATA / "test.sqlite3")}


@pytest.fixture(autouse=True)
def _fresh(settings: Any, tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Iterator[None]:
    """Quick passwords, our own model, and counters that start at zero."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.MODEL = str(tiny_model)
    settings.MIN_FREE_BYTES = 10**6
    cache.clear()
    yield
    for name in ("media/songs", "media/separations", "media/uploads", "work"):
        shutil.rmtree(DATA / name, ignore_errors=True)
    (DATA / "work").mkdir(exist_ok=True)  # uploads begin there


@pytest.fixture(scope="session")
def tiny_model() -> Path:
    """A real model file, small and random."""
    return write_mask_model(DATA / "tiny.onnx")


@pytest.fixture(scope="session")
def song_file() -> Path:
    """Twelve seconds of noise: three segments, the last one shorter."""
    return write_song(DATA / "01_some noise.flac", seconds=12.0)


@dataclass
class Person:
    """Somebody with an account, and their browser."""

    user: User
    client: Client


def person(email: str) -> Person:
    """Sign somebody up and in."""
    user = User.objects.create_user(email, PASSWORD)
    client = Client()
    client.force_login(user)
    return Person(user, client)


@pytest.fixture
def alice(db: None) -> Person:
    """The owner."""
    return person("alice@example.org")


@pytest.fixture
def charlie(db: None) -> Person:
    """Somebody else."""
    return person("charlie@example.org")


@pytest.fixture
def visitor(db: None) -> Client:
    """Nobody in particular."""
    return Client()


def put(owner: User | None, path: Path) -> Song:
    """Store a file as a song, with a separation that waits."""
    song = Song.new(owner, path.name, path.stat().st_size)
    default_storage.save(song.upload, ContentFile(path.read_bytes()))
    song.save(force_insert=True)
    Separation.objects.create(song=song)
    return song


def only(song: Song) -> Separation:
    """Return the song's separation as it stands in the database."""
    return Separation.objects.get(song=song)


def work(job: Job) -> None:
    """Do what a worker does when the message about this job reaches it."""
    run_job.call(job._meta.label, str(job.pk))


@pytest.fixture
def waiting(alice: Person, song_file: Path) -> Song:
    """A song of alice's that waits in line."""
    return put(alice.user, song_file)


_DONE: dict[str, Any] = {}


def _separate_once(song: Song) -> None:
    """Run the real task the first time; afterwards lay down what it left, under the new song's ids."""
    separation = song.separation
    kept = DATA / "separated"
    if not _DONE:
        work(separation)
        separation.refresh_from_db()
        assert separation.state == "done", separation.error
        shutil.copytree(default_storage.path(separation.run_folder), kept)
        song.refresh_from_db()
        names = ("state", "fraction", "run", "sample_rate", "channels", "frames", "segment_frames", "segments")
        more = ("headroom", "compressed", "peak", "bytes_stored", "finished_at")
        _DONE["separation"] = {name: getattr(separation, name) for name in (*names, *more)}
        stems = ("name", "position", "peaks", "presence", "bytes_stored")
        _DONE["stems"] = [{name: getattr(stem, name) for name in stems} for stem in separation.stems.all()]
        _DONE["song"] = {name: getattr(song, name) for name in ("duration", "outline", "bytes_total")}
        return
    Separation.objects.filter(pk=separation.pk).update(**_DONE["separation"])
    Song.objects.filter(pk=song.pk).update(**_DONE["song"])
    separation.refresh_from_db()
    Stem.objects.bulk_create(Stem(separation=separation, **fields) for fields in _DONE["stems"])
    shutil.copytree(kept, default_storage.path(separation.run_folder))
    song.refresh_from_db()


@pytest.fixture
def done(waiting: Song) -> Song:
    """A song of alice's that was separated."""
    _separate_once(waiting)
    return Song.objects.get(pk=waiting.pk)


def put_separated(owner: User | None, path: Path) -> Song:
    """Store a file as a song that was separated."""
    song = put(owner, path)
    _separate_once(song)
    return Song.objects.get(pk=song.pk)


@pytest.fixture
def demo(db: None, song_file: Path) -> Song:
    """The song of nobody that everybody may hear."""
    return put_separated(None, song_file)


@pytest.fixture
def separation(done: Song) -> Separation:
    """The separation of alice's song."""
    return done.separation


def stored(name: str) -> bytes:
    """Read a file from the storage."""
    with default_storage.open(name) as file:
        return bytes(file.read())


def whole_stem(client: Client, url: str) -> bytes:
    """Ask for a stem, do what the worker does, and fetch it."""
    answer = client.get(url)
    if answer.status_code in (202, 503):
        work(Export.objects.get(state="queued"))
        answer = client.get(url)
    assert answer.status_code == 200
    return body(answer)


def body(answer: Any) -> bytes:
    """Read an answer to its end, also when it is a file (which is closed then)."""
    return b"".join(answer.streaming_content) if answer.streaming else bytes(answer.content)


Refuses = Callable[..., None]


@pytest.fixture
def only_for_alice(alice: Person, charlie: Person, visitor: Client) -> Refuses:
    """Check that a view does not exist for others and refuses other methods.

    The check takes the address, the method that works, and the methods that must not.
    """

    def check(url: str, method: str, *bad: str, login: bool = False, data: Any = None) -> None:
        send = {"data": data, "content_type": "application/json"} if data is not None else {}
        assert getattr(charlie.client, method)(url, **send).status_code == 404
        answer = getattr(visitor, method)(url, **send)
        if login:
            assert answer.status_code == 302
            assert answer.headers["Location"].startswith("/account/login/")
        else:
            assert answer.status_code == 404
        for other in bad:
            assert getattr(alice.client, other)(url).status_code == 405

    return check
