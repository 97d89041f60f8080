"""The large installation while everything around it fails: PostgreSQL, Redis and S3 with three workers.

    python -m benchmarks.faults [--songs 40] [--workers 3] [--only storage]

Starts the services on free ports, a web server, a housekeeper and workers, and sends songs through the API, a share of
them under each fault. Processes are started again when they end, as systemd does; those that nobody killed count as
died. In the end each stored song is compared with the sum of its stems, and the storage with the database. Prints a
table in Markdown, and ends with 1 if a song was lost, doubled or left, or anybody saw a 500.
"""

import argparse
import contextlib
import io
import json
import logging
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3  # type: ignore[import-untyped]
import numpy as np
import psycopg
import soundfile
from moto.server import ThreadedMotoServer
from tests.conftest import write_song
from tests.tiny_models import write_mask_model
from tests.web.doors import Door
from tests.web.services import postgres, redis
from tests.web.site import free_port

BUCKET, SONG_SECONDS, STALE_SECONDS = "stems", 20.0, 60
PATIENCE = 1800.0
STEMS, HEADROOM = 5, 8.0

SWEEP = (  # as every hour, but without waiting until what has no row is old enough
    "from datetime import timedelta; from unbraid_web.separations import housekeeping;"
    "housekeeping.ORPHAN_LIFE = timedelta(0); housekeeping.sweep()"
)


@dataclass
class Row:
    """What became of the songs of one fault."""

    fault: str
    songs: list[str] = field(default_factory=list)
    states: Counter[str] = field(default_factory=Counter)
    attempts: int = 0
    seconds: float = 0.0
    died: int = 0
    answers: Counter[int] = field(default_factory=Counter)

    def __str__(self) -> str:
        waits = ", ".join(f"{count} × {code or 'no answer'}" for code, count in sorted(self.answers.items())) or "none"
        cells = [self.fault, len(self.songs), self.states["done"], self.attempts]
        cells += [f"{self.seconds:.0f} s", self.died, waits]
        return f"| {' | '.join(map(str, cells))} |"


class Fleet:
    """The processes of the site, each started again when it ends."""

    def __init__(self, environment: dict[str, str], folder: Path, workers: int) -> None:
        self.environment, self.folder, self.died = environment, folder, 0
        self.port = free_port()
        commands = [["serve", "--port", str(self.port)], ["housekeep", "--every", "5"], *[["work"]] * workers]
        self._ending, self._killed = threading.Event(), set[int]()
        self._running: dict[int, subprocess.Popen[bytes]] = {}
        self._threads = [threading.Thread(target=self._keep, args=(n, command)) for n, command in enumerate(commands)]

    def start(self) -> None:
        """Prepare the database, and start everybody."""
        self.manage("prepare")
        for thread in self._threads:
            thread.start()

    def manage(self, *command: str) -> str:
        """Run a management command."""
        run = [sys.executable, "-m", "unbraid_web", *command]
        return subprocess.run(run, env=self.environment, check=True, capture_output=True, text=True).stdout

    def _keep(self, number: int, command: list[str]) -> None:
        while not self._ending.is_set():
            with (self.folder / f"{number}-{command[0]}.log").open("ab") as log:
                run = [sys.executable, "-m", "unbraid_web", *command]
                process = subprocess.Popen(run, env=self.environment, stdout=log, stderr=log)
            self._running[number] = process
            process.wait()
            if process.pid not in self._killed and not self._ending.is_set():
                self.died += 1
            self._ending.wait(1.0)

    def kill(self, number: int) -> None:
        """Kill one without a warning."""
        process = self._running[number]
        self._killed.add(process.pid)
        process.kill()

    def stop(self) -> None:
        """Ask everybody to leave."""
        self._ending.set()
        for process in self._running.values():
            process.send_signal(signal.SIGTERM)
        for thread in self._threads:
            thread.join(60)


class Lab:
    """Everything that can fail, and somebody who uploads."""

    def __init__(self, folder: Path, stack: ExitStack, workers: int) -> None:
        self.database_url = stack.enter_context(postgres(folder))
        broker = urlsplit(stack.enter_context(redis(folder)))
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        server.start()
        stack.callback(server.stop)
        host, port = server.get_host_and_port()
        database = urlsplit(self.database_url)
        assert broker.port and database.port
        self.redis_port = broker.port
        self.doors = {
            "database": Door("localhost", database.port),
            "broker": Door("localhost", broker.port),
            "storage": Door(host, port),
        }
        keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}
        os.environ |= keys
        self.s3 = boto3.client("s3", endpoint_url=f"http://{host}:{port}")
        self.s3.create_bucket(Bucket=BUCKET)
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("UNBRAID_", "DATABASE_"))}
        environment = kept | {
            "UNBRAID_DATA": str(folder / "data"),
            "UNBRAID_SECRET_KEY": "only for this benchmark, " * 3,
            "UNBRAID_MODEL": str(write_mask_model(folder / "tiny.onnx")),
            "UNBRAID_DEMO_SONG": "none",
            "UNBRAID_STALE_SECONDS": str(STALE_SECONDS),
            "UNBRAID_API_RATE": "100000/m",
            "UNBRAID_MAX_WAITING": "10000",
            "UNBRAID_MIN_FREE_MB": "1",
            "UNBRAID_S3_BUCKET": BUCKET,
            "AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{self.doors['storage'].port}",
            "DATABASE_URL": f"postgres://unbraid@127.0.0.1:{self.doors['database'].port}/site",
            "UNBRAID_BROKER_URL": f"redis://127.0.0.1:{self.doors['broker'].port}/0",
            "UNBRAID_CACHE_URL": f"redis://127.0.0.1:{self.doors['broker'].port}/1",
        }
        self.fleet = Fleet(environment, folder, workers)
        self.file = write_song(folder / "a song.flac", seconds=SONG_SECONDS)
        self.workers, self.token = workers, ""

    def open_site(self) -> None:
        """Start, and make an account."""
        self.fleet.start()
        code = (
            "from unbraid_web.accounts.models import User; from unbraid_web.api.models import Token;"
            "print(Token.make(User.objects.create_user('lab@example.org', 'strings and hammers'), 'lab')[1])"
        )
        self.token = self.fleet.manage("shell", "--no-imports", "-c", code).strip()

    def ask(self, method: str, path: str, answers: Counter[int], body: bytes | None = None, kind: str = "") -> Any:
        """Ask until somebody answers that it is done; count every answer that was not."""
        headers = {"Authorization": f"Bearer {self.token}", **({"Content-Type": kind} if kind else {})}
        end = time.monotonic() + PATIENCE
        while True:
            request = urllib.request.Request(f"http://127.0.0.1:{self.fleet.port}{path}", body, headers, method=method)
            try:
                with urllib.request.urlopen(request, timeout=120) as answer:
                    return json.load(answer)
            except urllib.error.HTTPError as error:
                answers[error.code] += 1
                error.close()
            except OSError:
                answers[0] += 1  # nobody there: the web server was killed
            assert time.monotonic() < end, f"{path} was never answered: {answers}"
            time.sleep(1)

    def upload(self, row: Row) -> None:
        """Send one song."""
        edge = "edge-of-a-part"
        head = f'--{edge}\r\nContent-Disposition: form-data; name="file"; filename="a song.flac"\r\n\r\n'
        body = head.encode() + self.file.read_bytes() + f"\r\n--{edge}--\r\n".encode()
        kind = f"multipart/form-data; boundary={edge}"
        row.songs.append(self.ask("POST", "/api/v1/songs", row.answers, body, kind)["id"])

    def try_fault(self, name: str, fault: Callable[["Lab"], None], songs: int) -> Row:
        """Upload songs, half of them before the fault and half while it lasts; wait for all."""
        row, died = Row(name), self.fleet.died
        for _ in range((songs + 1) // 2):
            self.upload(row)
        started = threading.Thread(target=fault, args=(self,))
        started.start()
        for _ in range(songs // 2):
            self.upload(row)
        started.join()
        began = time.monotonic()
        for song in row.songs:
            while True:
                found = self.ask("GET", f"/api/v1/songs/{song}", row.answers)
                if found["state"] not in ("queued", "running") or time.monotonic() - began > PATIENCE:
                    break
                time.sleep(0.5)
            row.states[found["state"]] += 1
        row.seconds, row.died = time.monotonic() - began, self.fleet.died - died
        with psycopg.connect(self.database_url) as database:
            query = "SELECT max(attempt) FROM separations_separation WHERE song_id = ANY(%s::uuid[])"
            most = database.execute(query, [row.songs]).fetchone()
        row.attempts = most[0] if most else 0
        return row


def pause(door: str, way: Door.Way, seconds: float) -> Callable[[Lab], None]:
    """Return a fault: one of the services behaves so for a while."""

    def fault(lab: Lab) -> None:
        lab.doors[door].way = way
        time.sleep(seconds)
        lab.doors[door].way = Door.Way.OPEN

    return fault


def kill_workers(lab: Lab) -> None:
    """Kill each worker, one after the other."""
    for number in range(lab.workers):
        time.sleep(4)
        lab.fleet.kill(2 + number)


def kill_web(lab: Lab) -> None:
    """Kill the web server, and then the housekeeper."""
    for number in (0, 1):
        time.sleep(2)
        lab.fleet.kill(number)


def lose_broker(lab: Lab) -> None:
    """Let Redis be away for a minute, and come back empty."""
    lab.doors["broker"].way = Door.Way.SHUT
    subprocess.run(["redis-cli", "-p", str(lab.redis_port), "flushall"], check=True, stdout=subprocess.DEVNULL)
    time.sleep(60)
    lab.doors["broker"].way = Door.Way.OPEN


FAULTS: dict[str, Callable[[Lab], None]] = {
    "none": lambda lab: None,
    "each worker killed (-9)": kill_workers,
    "web server and housekeeper killed (-9)": kill_web,
    "broker away for 60 s, comes back empty": lose_broker,
    "database away for 10 s, all connections cut": pause("database", Door.Way.SHUT, 10),
    "storage refuses for 20 s": pause("storage", Door.Way.SHUT, 20),
    "storage hangs for 30 s": pause("storage", Door.Way.SILENT, 30),
    "storage takes 0.5 s longer, for 30 s": pause("storage", Door.Way.SLOW, 30),
}


def stored(lab: Lab) -> dict[str, int]:
    """Return the size of every object in the bucket."""
    pages: Iterator[Any] = lab.s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
    return {entry["Key"]: entry["Size"] for page in pages for entry in page.get("Contents", [])}


def check(lab: Lab, songs: list[str]) -> list[str]:
    """Return what is wrong with rows and objects: each song has its upload, its stems, and nothing is there twice."""
    before = len(stored(lab))
    lab.fleet.manage("shell", "--no-imports", "-c", SWEEP)
    objects, wrong = stored(lab), []
    print(f"\n{before - len(objects)} files of uploads that failed were swept up.")
    with psycopg.connect(lab.database_url) as database:
        rows = database.execute("SELECT song_id::text, id::text, run, segments FROM separations_separation").fetchall()
        uploads = {name for (name,) in database.execute("SELECT upload FROM songs_song").fetchall()}
    if sorted(song for song, *_ in rows) != sorted(songs):
        wrong.append(f"{len(songs)} songs were accepted and {len(rows)} are there")
    mixture = soundfile.read(lab.file, dtype="float64")[0]
    expected = set(uploads)
    for _, separation, run, segments in rows:
        folders = {key.removeprefix(f"separations/{separation}/{run}/").split("/")[0] for key in objects if run in key}
        names = {name for name in folders if "." not in name}
        keys = {f"separations/{separation}/{run}/{name}" for name in names}
        expected |= {f"{key}.png" for key in keys}
        parts = {key: [f"{key}/{number:05d}" for number in range(segments)] for key in keys}
        expected |= {f"{part}.{ending}" for found in parts.values() for part in found for ending in ("flac", "opus")}
        total = sum(np.concatenate([read(lab, f"{part}.flac") for part in found]) for found in parts.values())
        if len(names) != STEMS or np.abs(total * HEADROOM - mixture).max() > 1e-3:
            wrong.append(f"the stems of {separation} do not add up to the song")
    if missing := expected - set(objects):
        wrong.append(f"{len(missing)} objects are missing")
    if more := set(objects) - expected:
        wrong.append(f"{len(more)} objects belong to nobody, such as {sorted(more)[0]}")
    return wrong


def read(lab: Lab, key: str) -> Any:
    """Return the samples of a stored segment."""
    return soundfile.read(io.BytesIO(lab.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()), dtype="float64")[0]


def main() -> int:
    """Try all faults, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--songs", type=int, default=40)
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--only", default="", metavar="WORD", help="only the faults whose name has this word")
    args = parser.parse_args()
    share = max(2, args.songs // len(FAULTS))
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="unbraid-faults-") as name, ExitStack() as stack:
        Path(name).chmod(0o711)
        lab = Lab(Path(name), stack, args.workers)
        stack.callback(lab.fleet.stop)
        lab.open_site()
        print("| fault | songs | done | most attempts | until all were done | died | failed requests meanwhile |")
        print("|---|---|---|---|---|---|---|", flush=True)
        for fault, what in ((name, what) for name, what in FAULTS.items() if args.only in name):
            rows.append(lab.try_fault(fault, what, share))
            print(rows[-1], flush=True)
        wrong = check(lab, [song for row in rows for song in row.songs])
        logs = "".join(path.read_text() for path in Path(name).glob("*.log"))
    wrong += [f"{row.fault}: {dict(row.states)}" for row in rows if row.states["done"] != len(row.songs)]
    wrong += [f"{row.fault}: {row.answers[500]} × 500" for row in rows if row.answers[500]]
    well = "Nothing was lost, doubled, deleted or stuck; the stems of every song add up to it."
    print("\n" + ("\n".join(wrong) or well))
    if wrong:
        (Path(tempfile.gettempdir()) / "unbraid-faults.log").write_text(logs)
    return bool(wrong)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(main())
