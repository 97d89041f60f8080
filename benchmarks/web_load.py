"""Load on the website: visitors on the library page of a big library, while songs are being uploaded.

    python benchmarks/web_load.py [--visitors 100] [--requests 5] [--pause 0] [--uploads 20] [--songs 10000]

Starts the whole site (`unbraid web`) in a temporary folder, fills a library, and lets visitors that are logged in load
its pages at the same time while others upload songs through the API. Prints one JSON object: errors, and the median,
95th percentile and maximum of the answer times in milliseconds, and what a page costs the web process in processor
time (uploads included). Any error makes it end with 1.
"""

import argparse
import http.client
import json
import os
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.conftest import write_song
from tests.tiny_models import write_mask_model
from tests.web.site import Site

FILL = """
from django.contrib.auth import SESSION_KEY, BACKEND_SESSION_KEY, HASH_SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from unbraid_web.accounts.models import User
from unbraid_web.separations.models import Separation
from unbraid_web.songs.models import Song
user = User.objects.get(email="load@example.org")
songs = Song.objects.bulk_create(Song.new(user, f"song {{n}}.mp3", 1000) for n in range({songs}))
Separation.objects.bulk_create(Separation(song=song, state="done") for song in songs)
session = SessionStore()
session[SESSION_KEY], session[HASH_SESSION_KEY] = str(user.pk), user.get_session_auth_hash()
session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
session.create()
print(session.session_key)
"""


class Tally:
    """Answer times and errors, gathered from many threads."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.errors: list[str] = []

    def time(self, connection: http.client.HTTPConnection, path: str, headers: dict[str, str]) -> None:
        """Ask for a page and note how long it took."""
        started = time.perf_counter()
        try:
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            answer.read()
            if answer.status != 200:
                self.errors.append(f"{path}: {answer.status}")
        except OSError as error:
            self.errors.append(f"{path}: {error!r}")
            connection.close()
        self.seconds.append(time.perf_counter() - started)

    def report(self) -> dict[str, object]:
        """Return the figures, times in milliseconds."""
        times = sorted(1000 * seconds for seconds in self.seconds)
        return {
            "answers": len(times),
            "errors": len(self.errors),
            "median_ms": round(statistics.median(times)),
            "p95_ms": round(times[int(0.95 * (len(times) - 1))]),
            "max_ms": round(times[-1]),
        }


def visit(site: Site, number: int, requests: int, pause: float, session: str, tally: Tally) -> None:
    """Load pages of the library one after the other, as one visitor does."""
    connection = http.client.HTTPConnection("localhost", site.port, timeout=120)
    headers = {"Cookie": f"sessionid={session}"}
    paths = ["/library/", f"/library/?page={number + 2}", f"/library/?q={number}", "/library/?sort=title"]
    for turn in range(requests):
        time.sleep(pause * (number % 10) / 10 if turn == 0 else pause)  # nobody comes at the same moment
        tally.time(connection, paths[(number + turn) % len(paths)], headers)
    connection.close()


def upload(site: Site, token: str, song: Path, tally: Tally) -> None:
    """Upload one song through the API."""
    started = time.perf_counter()
    try:
        site.api(token, "POST", "/api/v1/songs", file=song)
    except OSError as error:
        tally.errors.append(repr(error))
    tally.seconds.append(time.perf_counter() - started)


def processor_seconds(site: Site) -> float:
    """Return what the web process has used of the processor so far."""
    assert site.process
    fields = Path(f"/proc/{site.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> int:
    """Run the load and print the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--visitors", type=int, default=100)
    parser.add_argument("--requests", type=int, default=5, help="pages for each visitor")
    parser.add_argument("--pause", type=float, default=0.0, help="seconds that a visitor looks at a page")
    parser.add_argument("--uploads", type=int, default=20)
    parser.add_argument("--songs", type=int, default=10_000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        model = write_mask_model(data / "tiny.onnx")
        song = write_song(data / "song.flac", seconds=20)
        site = Site(data, UNBRAID_MODEL=str(model), UNBRAID_DEMO_SONG="none")
        site.start()
        try:
            token = site.token("load@example.org")
            session = site.manage("shell", "--no-imports", "-c", FILL.format(songs=arguments.songs)).strip()
            pages, uploads = Tally(), Tally()
            threads = [
                threading.Thread(target=visit, args=(site, n, arguments.requests, arguments.pause, session, pages))
                for n in range(arguments.visitors)
            ]
            threads += [
                threading.Thread(target=upload, args=(site, token, song, uploads)) for _ in range(arguments.uploads)
            ]
            started, used = time.perf_counter(), processor_seconds(site)
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            seconds = time.perf_counter() - started
            report = {
                "visitors": arguments.visitors,
                "songs": arguments.songs,
                "processor_ms_per_page": round(1000 * (processor_seconds(site) - used) / len(pages.seconds)),
                "pages_per_second": round(len(pages.seconds) / seconds, 1),
                "library": pages.report(),
                "uploads": uploads.report(),
            }
        finally:
            site.stop()
    print(json.dumps(report, indent=2))
    for sentence in (pages.errors + uploads.errors)[:5]:
        print(sentence, file=sys.stderr)
    return 1 if pages.errors or uploads.errors else 0


if __name__ == "__main__":
    sys.exit(main())
