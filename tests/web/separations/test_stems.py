"""Stems over HTTP: segments, whole files, byte ranges, spectrograms."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from django.core.files.storage import default_storage
from django.test import Client

from tests.conftest import noise
from tests.web.conftest import Person, Refuses, body, put, whole_stem, work
from unbraid.audio import resampled
from unbraid_web.separations.models import Export, Separation
from unbraid_web.separations.work import tasks
from unbraid_web.separations.work.segments import read_segment
from unbraid_web.songs.models import Song
from unbraid_web.songs.storage import delete_tree


def test_segments_end_to_end_are_the_stem(alice: Person, separation: Separation) -> None:
    for stem in separation.stems.all():
        url = f"/separations/{separation.pk}/{stem.name}"
        parts = [soundfile.read(io.BytesIO(body(alice.client.get(f"{url}/{n}.flac"))))[0] for n in range(3)]
        assert [len(part) for part in parts] == [220_500, 220_500, 88_200]
        whole, rate = soundfile.read(io.BytesIO(whole_stem(alice.client, f"{url}.flac")))
        assert rate == 44_100
        assert np.array_equal(np.concatenate(parts) * separation.headroom, whole)


def sum_of_stems(alice: Person, separation: Separation) -> Any:
    urls = [f"/separations/{separation.pk}/{stem.name}.flac" for stem in separation.stems.all()]
    return np.sum([soundfile.read(io.BytesIO(whole_stem(alice.client, url)))[0] for url in urls], axis=0)


def test_the_stems_add_up_to_the_song_sample_for_sample(alice: Person, separation: Separation, song_file: Path) -> None:
    assert separation.peak <= 1
    np.testing.assert_array_equal(sum_of_stems(alice, separation), soundfile.read(song_file)[0])


@pytest.fixture
def loud(alice: Person, waveform_model: Path, tmp_path: Path, settings: Any) -> tuple[Separation, Any]:
    """A loud 16-bit master whose stems, one by one, exceed full scale; and its samples."""
    settings.MODEL = str(waveform_model)
    tasks.separator.cache_clear()
    master = np.clip(noise(2, 7 * 44_100) * 3, -1, 32767 / 32768).T
    soundfile.write(tmp_path / "loud.wav", master, 44_100, subtype="PCM_16")
    found = put(alice.user, tmp_path / "loud.wav").separation
    work(found)
    tasks.separator.cache_clear()
    found.refresh_from_db()
    assert found.peak > 1.1
    return found, soundfile.read(tmp_path / "loud.wav")[0]


def test_segments_of_a_loud_master_add_up_sample_for_sample(loud: tuple[Separation, Any]) -> None:
    separation, master = loud
    stems = list(separation.stems.all())
    parts = [np.sum([read_segment(stem, n) for stem in stems], axis=0) for n in range(separation.segments)]
    np.testing.assert_array_equal(np.concatenate(parts, axis=1).T, master)


def test_downloads_of_a_loud_master_are_turned_down_together(alice: Person, loud: tuple[Separation, Any]) -> None:
    separation, master = loud
    total = sum_of_stems(alice, separation)
    gain = 0.9999 / separation.peak
    np.testing.assert_allclose(total, master * gain, atol=3 * 2.0**-23)
    assert np.array_equal(np.rint(total / gain * 32768), master * 32768)


def test_a_song_of_24_bits_keeps_more_than_16(alice: Person, tmp_path: Path) -> None:
    song = noise(2, 50_000).T * 0.5
    soundfile.write(tmp_path / "fine.wav", song, 44_100, subtype="PCM_24")
    separation = put(alice.user, tmp_path / "fine.wav").separation
    work(separation)
    separation.refresh_from_db()
    assert np.abs(sum_of_stems(alice, separation) - song).max() < 2.0**-20


def test_a_song_beyond_full_scale_is_turned_down(alice: Person, tmp_path: Path) -> None:
    song = noise(2, 50_000).T * 20
    soundfile.write(tmp_path / "float.wav", song, 44_100, subtype="FLOAT")
    separation = put(alice.user, tmp_path / "float.wav").separation
    work(separation)
    separation.refresh_from_db()
    total = sum_of_stems(alice, separation)
    assert np.corrcoef(total.ravel(), song.ravel())[0, 1] > 0.999999


def test_every_sample_is_stored_once_lossless_and_once_small(separation: Separation) -> None:
    folder = Path(default_storage.path(separation.run_folder))
    kept = [path for path in folder.rglob("*.*") if path.suffix != ".png"]
    assert len(kept) == 2 * 5 * separation.segments
    assert sum(path.stat().st_size for path in kept) == separation.bytes_stored


def test_compressed_segments_overlap_and_are_aligned_to_the_sample(
    alice: Person, tmp_path: Path, waveform_model: Path, settings: Any
) -> None:
    at = np.arange(12 * 44_100) / 44_100
    tone = 0.2 * np.sin(2 * np.pi * (300 + 200 * at) * at)
    soundfile.write(tmp_path / "sweep.wav", np.stack([tone, tone * 0.5], 1), 44_100)
    separation = put(alice.user, tmp_path / "sweep.wav").separation
    work(separation)
    separation.refresh_from_db()
    facts = alice.client.get(f"/separations/{separation.pk}/manifest.json").json()
    lead, rate = facts["compressed"]["lead"], 48_000
    for stem in facts["stems"]:
        for number in range(3):
            lossless = read_segment(separation.stems.get(name=stem["name"]), number) / separation.headroom
            expected = np.concatenate(list(resampled([lossless], 44_100, rate, 2)), axis=1)
            small, _ = soundfile.read(io.BytesIO(body(alice.client.get(stem["compressed"].replace("#", str(number))))))
            assert len(small) == round(facts["compressed"]["seconds"] * rate)
            assert (len(small) + 312) % 960 == 0  # whole packets: no decoder takes anything away at the end
            at = round(lead * rate)
            early, right, late = (
                np.square(small[at + shift :][: expected.shape[1]].T - expected).sum() for shift in (-1, 0, 1)
            )
            assert right < 0.8 * min(early, late)


def test_byte_ranges(alice: Person, separation: Separation) -> None:
    url = f"/separations/{separation.pk}/vocals.flac"
    whole = whole_stem(alice.client, url)
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


def test_a_stem_that_is_not_put_together_yet_comes_by_itself(alice: Person, separation: Separation) -> None:
    answer = alice.client.get(f"/separations/{separation.pk}/vocals.flac")
    assert answer.status_code == 202
    assert 'http-equiv="refresh"' in answer.content.decode()


def test_are_cached_for_ever_by_the_browser_alone(alice: Person, separation: Separation) -> None:
    answer = alice.client.get(f"/separations/{separation.pk}/bass/0.flac")
    body(answer)
    assert answer.headers["Cache-Control"] == "private, max-age=31536000, immutable"


def test_nginx_sends_the_file_where_it_asks_to(alice: Person, separation: Separation) -> None:
    whole_stem(alice.client, f"/separations/{separation.pk}/bass.flac")
    answer = alice.client.get(f"/separations/{separation.pk}/bass.flac", headers={"X-Accel": "on"})
    assert answer.headers["X-Accel-Redirect"] == f"/protected/{Export.objects.get().file}"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="some noise - bass.flac"'
    assert answer.content == b""


def test_no_request_says_where_nginx_is_to_look(alice: Person, separation: Separation) -> None:
    for value in ("/other/", "/other/secret.txt?", "on/other/"):
        answer = alice.client.get(f"/separations/{separation.pk}/bass/0.flac", headers={"X-Accel": value})
        assert body(answer)
        assert "X-Accel-Redirect" not in answer.headers


def test_the_spectrogram_is_a_picture(alice: Person, separation: Separation) -> None:
    data = body(alice.client.get(f"/separations/{separation.pk}/drums.png"))
    assert data.startswith(b"\x89PNG")
    assert (int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")) == (120, 96)


def test_what_is_not_there_yet_is_not_found(alice: Person, separation: Separation) -> None:
    assert alice.client.get(f"/separations/{separation.pk}/vocals/3.flac").status_code == 404
    assert alice.client.get(f"/separations/{separation.pk}/vocals/3.opus").status_code == 404
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


def test_the_original_can_be_had_back(alice: Person, separation: Separation, song_file: Path) -> None:
    answer = alice.client.get(f"/separations/{separation.pk}/original/")
    assert body(answer) == song_file.read_bytes()
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{song_file.name}"'
    assert answer.headers["Content-Type"] == "application/octet-stream"  # never shown as a page, whatever is in it


def test_everybody_hears_the_demo(visitor: Client, demo: Song) -> None:
    pk = demo.separations.get().pk
    assert whole_stem(visitor, f"/separations/{pk}/vocals.flac")
    for name in ("manifest.json", "vocals/0.flac", "vocals/0.opus", "vocals.png", "original/"):
        answer = visitor.get(f"/separations/{pk}/{name}")
        assert answer.status_code == 200
        assert body(answer)


def test_are_nobody_elses(separation: Separation, only_for_alice: Refuses) -> None:
    for name in ("vocals/0.flac", "vocals/0.opus", "vocals.flac", "vocals.png", "original/", "manifest.json"):
        only_for_alice(f"/separations/{separation.pk}/{name}", "get", "post", "delete")
