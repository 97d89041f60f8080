"""The database of version 0.1, as that version wrote it, becomes today's with all that people had in it."""

import json
import sqlite3
from pathlib import Path

from tests.web.operations.test_health import manage

WRITTEN_BY_0_1 = Path(__file__).parent / "site-0.1.sql"
TOKEN = "unb_3RhQ8w2inbiVnahCGEwU4Z2wUSaGmJoj7Fv7pYHh_bw"  # made by that version, for this test alone
LOOK = """
import json
from django.test import Client
from unbraid_web.separations.models import Separation
client = Client()
login = {"username": "ana@example.org", "password": "strings and hammers"}
assert client.post("/account/login/", login).status_code == 302
done = Separation.objects.get(state="done")
print(json.dumps({
    "library": client.get("/library/").status_code,
    "song": client.get(f"/songs/{done.song_id}/").status_code,
    "peaks": [bytes(stem.peaks) == bytes(range(250)) for stem in done.stems.all()],
    "exports": [export.filename for export in done.exports.all()],
    "states": {row.song.title: row.state for row in Separation.objects.all()},
    "attempts": {row.song.title: row.attempt for row in Separation.objects.all()},
    "token": client.get("/api/v1/songs", headers={"Authorization": f"Bearer {TOKEN}"}).status_code,
}))
"""


def test_what_version_0_1_wrote_is_kept(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "site.sqlite3") as database:
        database.executescript(WRITTEN_BY_0_1.read_text())
    database.close()
    prepared = manage(tmp_path, "prepare", UNBRAID_DEMO_SONG="none")
    assert prepared.returncode == 0, prepared.stderr
    looked = manage(tmp_path, "shell", "--no-imports", "-c", f"TOKEN = {TOKEN!r}\n{LOOK}", UNBRAID_HOSTS="testserver")
    assert looked.returncode == 0, looked.stderr
    assert json.loads(looked.stdout) == {
        "library": 200,
        "song": 200,
        "peaks": [True] * 5,
        "exports": ["Slow Rain - bass.mp3"],
        "states": {"Slow Rain": "done", "Waiting": "running"},
        "attempts": {"Slow Rain": 0, "Waiting": 1},
        "token": 200,
    }
