"""Stems over HTTP: segments, whole files, byte ranges, spectrograms."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from django.test import Client

from tests.web.conftest import Person, Refuses, body
from unbraid_web.separations.models import Separation
from unbraid_web.songs.models import Song
from unbraid_web.songs.storage import delete_tree


def test_segments_end_to_end_are_the_stem(alice: Person, separation: Separation) -> None:
    for stem in separation.stems.all():
        url = f"/separations/{separation.pk}/{stem.name}"
        parts = [
            soundfile.read(io.BytesIO(body(alice.client.get(f"{url}/{n}.flac"))), dtype="int16")[0] for n in range(3)
        ]
        assert [len(part) for part in parts] == [220_500, 220_500, 88_200]
        whole, rate = soundfile.read(io.BytesIO(body(alice.client.get(f"{url}.flac"))), dtype="int16")
        assert rate == 44_100
        assert np.array_equal(np.concatenate(parts), whole)


def test_the_stems_add_up_to_the_song(alice: Person, separation: Separation, song_file: Path) -> None:
    song, _ = soundfile.read(song_file)
    files = [body(alice.client.get(f"/separations/{separation.pk}/{s.name}.flac")) for s in separation.stems.all()]
    total = np.sum([soundfile.read(io.BytesIO(data))[0] for data in files], axis=0)
    # Five roundings to 16 bits, half a step each.
    assert np.abs(total - song).max() < 3.5 / 32768


def test_byte_ranges(alice: Person, separation: Separation) -> None:
    url = f"/separations/{separation.pk}/vocals.flac"
    whole = body(alice.client.get(url))
    size = len(whole)

    def part(asked: str) -> tuple[int, bytes, str]:
        answer = alice.client.get(url, headers={"Range": asked})
        return answer.status_code, body(answer), answer.headers.get("Content-Range", "")

    assert part("bytes=0-3") == (206, b"fLaC", f"bytes 0-3/{size}")
    assert part("bytes=100-") == (206, whole[100:], f"bytes 100-{size - 1}/{size}")
    assert part("bytes=-10") == (206, whole[-10:], f"bytes {size - 10}-{size - 1}/{size}")
    assert part(f"bytes=5-{size * 2}") == (206, whole[5:], f"bytes 5-{size - 1}/{size}")
    assert part(f"bytes={size}-") == (416, b"", f"bytes */{size}")
    assert part("bytes=9-3") == (416, b"", f"bytes */{size}")
    assert part("bytes=a-b")[:2] == (200, whole)
    assert part("bytes=0-1,4-5")[:2] == (200, whole)


def test_are_cached_for_ever_by_the_browser_alone(alice: Person, separation: Separation) -> None:
    answer = alice.client.get(f"/separations/{separation.pk}/bass/0.flac")
    body(answer)
    assert answer.headers["Cache-Control"] == "private, max-age=31536000, immutable"


def test_nginx_sends_the_file_where_it_stands_in_front(alice: Person, separation: Separation, settings: Any) -> None:
    settings.ACCEL_PREFIX = "/protected/"
    answer = alice.client.get(f"/separations/{separation.pk}/bass.flac")
    assert answer.headers["X-Accel-Redirect"] == f"/protected/{separation.run_folder}/bass.flac"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="some noise - bass.flac"'
    assert answer.content == b""


def test_the_spectrogram_is_a_picture(alice: Person, separation: Separation) -> None:
    data = body(alice.client.get(f"/separations/{separation.pk}/drums.png"))
    assert data.startswith(b"\x89PNG")
    assert (int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")) == (120, 96)


def test_what_is_not_there_yet_is_not_found(alice: Person, separation: Separation) -> None:
    assert alice.client.get(f"/separations/{separation.pk}/vocals/3.flac").status_code == 404
    assert alice.client.get(f"/separations/{separation.pk}/kazoo/0.flac").status_code == 404
    assert alice.client.get(f"/separations/{separation.pk}/..%2Fdrums/0.flac").status_code == 404
    Separation.objects.update(state="running")
    assert alice.client.get(f"/separations/{separation.pk}/vocals.flac").status_code == 404
    answer = alice.client.get(f"/separations/{separation.pk}/vocals/0.flac")
    assert body(answer)
    assert answer.status_code == 200


def test_a_lost_file_is_not_found(alice: Person, separation: Separation) -> None:
    delete_tree(separation.folder)
    assert alice.client.get(f"/separations/{separation.pk}/vocals/0.flac").status_code == 404


def test_everybody_hears_the_demo(visitor: Client, demo: Song) -> None:
    pk = demo.separations.get().pk
    for name in ("manifest.json", "vocals/0.flac", "vocals.flac", "vocals.png"):
        answer = visitor.get(f"/separations/{pk}/{name}")
        assert answer.status_code == 200
        assert body(answer)


def test_are_nobody_elses(separation: Separation, only_for_alice: Refuses) -> None:
    for name in ("vocals/0.flac", "vocals.flac", "vocals.png", "manifest.json"):
        only_for_alice(f"/separations/{separation.pk}/{name}", "get", "post", "delete")
