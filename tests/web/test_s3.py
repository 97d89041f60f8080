"""Songs and stems in S3-compatible storage, by settings alone."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3  # type: ignore[import-untyped]
import pytest
import soundfile

from tests.conftest import write_song
from tests.s3_server import s3_server
from tests.web.site import Site

BUCKET = "stems"


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a server that speaks S3, with an empty bucket."""
    with s3_server() as environment:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        boto3.client("s3").create_bucket(Bucket=BUCKET)
        yield environment["AWS_ENDPOINT_URL_S3"]


RESTORE = (
    "from unbraid_web.accounts.models import User; User.objects.all().delete();"
    "from django.core.management import call_command; call_command('restore', folder)"
)


def files_in(folder: Path) -> list[Path]:
    """The files in a folder and those below."""
    return [path for path in folder.rglob("*") if path.is_file()]


def kept_names(client: Any) -> list[str]:
    """The names in the bucket, but for those that /healthz writes and deletes to see whether it can."""
    names = [entry["Key"] for entry in client.list_objects_v2(Bucket=BUCKET).get("Contents", [])]
    return [name for name in names if not name.startswith("probes/")]


def test_upload_separate_fetch_delete(s3: str, tmp_path: Path, tiny_model: Path) -> None:
    client = boto3.client("s3", endpoint_url=s3)
    site = Site(
        tmp_path, UNBRAID_MODEL=str(tiny_model), UNBRAID_DEMO_SONG="none",
        UNBRAID_S3_BUCKET=BUCKET, AWS_ENDPOINT_URL_S3=s3, UNBRAID_UNDO_MINUTES="0",
    ).start()  # fmt: skip
    try:
        token = site.token("ana@example.org")
        song = site.api(token, "POST", "/api/v1/songs", file=write_song(tmp_path / "a song.flac", seconds=6))
        done = site.wait_for(token, f"/api/v1/songs/{song['id']}")
        stem = site.api(token, "GET", done["stems"][0]["file"])  # by way of a signed address
        assert soundfile.info(io.BytesIO(stem)).frames == 6 * 44_100
        # the song; of each stem two segments, lossless and small, and its picture; the download
        assert len(kept_names(client)) == 1 + 5 * (2 + 2 + 1) + 1
        assert not (tmp_path / "media").exists()
        site.manage("backup", str(tmp_path / "backup"))
        copied = {
            path.relative_to(tmp_path / "backup/files").as_posix() for path in files_in(tmp_path / "backup/files")
        }
        assert copied == set(kept_names(client))
        site.api(token, "DELETE", f"/api/v1/songs/{song['id']}")
        site.manage("housekeep")
        assert kept_names(client) == []
        site.manage("shell", "--no-imports", "-c", f"folder = {str(tmp_path / 'backup')!r}; {RESTORE}")
        assert set(kept_names(client)) == copied
    finally:
        site.stop()
