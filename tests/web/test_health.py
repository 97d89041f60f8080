"""What monitoring sees, and what a deployment must be."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from django.test import Client

from tests.web.conftest import Person
from unbraid_web.separations.models import Worker
from unbraid_web.songs.models import Song


def test_healthz(visitor: Client, settings: Any) -> None:
    Worker(name="here:1").beat()
    answer = visitor.get("/healthz")
    assert answer.json() == {"status": "ok", "database": "ok", "workers": "ok", "storage": "ok"}
    settings.MIN_FREE_BYTES = 10**18
    answer = visitor.get("/healthz")
    assert answer.status_code == 503
    assert answer.json()["storage"] == "full"
    assert visitor.post("/healthz").status_code == 405


def test_healthz_answers_the_machine_itself_also_where_visitors_need_https(visitor: Client, settings: Any) -> None:
    Worker(name="here:1").beat()
    settings.SECURE_SSL_REDIRECT, settings.ALLOWED_HOSTS = True, ["stems.example.org"]
    assert visitor.get("/healthz", headers={"Host": "127.0.0.1:8000"}).status_code == 200
    assert visitor.get("/", headers={"Host": "127.0.0.1:8000"}).status_code == 400


def test_metrics_are_for_staff_and_for_who_has_the_token(
    alice: Person, visitor: Client, done: Song, settings: Any
) -> None:
    assert visitor.get("/metrics").status_code == 404
    assert alice.client.get("/metrics").status_code == 404
    settings.METRICS_TOKEN = "a-token"
    text = visitor.get("/metrics", headers={"Authorization": "Bearer a-token"}).content.decode()
    assert "unbraid_users 1\n" in text
    assert 'unbraid_separations{state="done"} 1\n' in text
    assert "unbraid_oldest_waiting_seconds 0\n" in text
    assert f"unbraid_stored_bytes {done.bytes_total}\n" in text
    assert visitor.get("/metrics", headers={"Authorization": "Bearer guess"}).status_code == 404


def test_admin_pages_work(alice: Person, done: Song) -> None:
    assert alice.client.get("/admin/").status_code == 302
    alice.user.is_staff = alice.user.is_superuser = True
    alice.user.save()
    for page in ("accounts/user/", "songs/song/", "separations/separation/?state__exact=done", "separations/export/"):
        assert alice.client.get(f"/admin/{page}").status_code == 200
    retry = {"action": "try_again", "_selected_action": [str(done.separations.get().pk)]}
    assert alice.client.post("/admin/separations/separation/", retry).status_code == 302


def manage(data: Path, *command: str, **settings: str) -> subprocess.CompletedProcess[str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("UNBRAID_")}
    environment = kept | {"UNBRAID_DATA": str(data)} | settings
    run = [sys.executable, "-W", "ignore::UserWarning", "-m", "django", *command]
    return subprocess.run(run, env=environment, capture_output=True, text=True)


def test_a_deployment_passes_djangos_checks(tmp_path: Path) -> None:
    checked = manage(
        tmp_path, "check", "--deploy", "--fail-level=WARNING",
        UNBRAID_URL="https://stems.example.org", UNBRAID_SECRET_KEY="k9" * 30 + "xyzXYZ",
    )  # fmt: skip
    assert checked.returncode == 0, checked.stderr


HSTS = """
from django.test import Client
print(Client().get("/account/login/", secure=True).headers["Strict-Transport-Security"])
"""


def test_https_is_demanded_of_other_sites_of_the_domain_only_when_asked_for(tmp_path: Path) -> None:
    secure = {
        "UNBRAID_URL": "https://stems.example.org",
        "UNBRAID_HOSTS": "testserver",
        "DATABASE_URL": "sqlite://:memory:",
    }
    code = ("shell", "--no-imports", "-c", HSTS)
    assert manage(tmp_path, *code, **secure).stdout.strip() == "max-age=31536000"
    asked = secure | {"UNBRAID_HSTS_SUBDOMAINS": "1", "UNBRAID_HSTS_PRELOAD": "1"}
    assert manage(tmp_path, *code, **asked).stdout.strip() == "max-age=31536000; includeSubDomains; preload"


def test_models_and_migrations_agree(tmp_path: Path) -> None:
    found = manage(tmp_path, "makemigrations", "--check", "--dry-run", "accounts", "songs", "separations", "api")
    assert found.returncode == 0, found.stdout


LIGHT = """
import sys
from unbraid_web.wsgi import application
from django.test import Client
assert Client().get("/account/login/").status_code == 200  # the addresses, and with them all views, are imported now
HEAVY = ("unbraid", "onnxruntime", "openvino", "torch", "numpy", "av", "unbraid_web.separations.work")
print([name for name in HEAVY if name in sys.modules])
"""


def test_the_web_process_stays_light(tmp_path: Path) -> None:
    found = manage(tmp_path, "shell", "--no-imports", "-c", LIGHT, UNBRAID_HOSTS="testserver")
    assert found.stdout.strip() == "[]", found.stderr
