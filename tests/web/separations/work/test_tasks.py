"""What becomes of an upload: stems with the song's own name, or a sentence that says why not."""

from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import soundfile
from django.core.files.storage import default_storage

from tests.conftest import write_song
from tests.web.conftest import Person, only, put, work
from unbraid.analysis import Analyser
from unbraid_web.separations.work import sandbox, tasks
from unbraid_web.songs.models import Song

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("notes.txt", b"these are words, not music\n" * 99, "This file is not a sound file that can be read"),
        (
            "empty.wav",
            b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\1\0\1\0\x44\xac\0\0\x88\x58\1\0\2\0\x10\0data\0\0\0\0",
            "no sound",
        ),
        ("zeros.mp3", bytes(5000), "This file is not a sound file that can be read"),
        ("list.m3u8", b"#EXTM3U\n#EXTINF:9,\n/etc/passwd\n", "This file is not a sound file that can be read"),
        ("list.txt", b"ffconcat version 1.0\nfile /etc/passwd\n", "This file is not a sound file that can be read"),
    ],
)
def test_what_is_not_music_fails_with_a_sentence(
    alice: Person, tmp_path: Path, name: str, content: bytes, sentence: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    song = put(alice.user, path)
    work(only(song))
    assert only(song).state == "failed"
    assert sentence in only(song).error
    assert default_storage.exists(song.upload)
    for page in (f"/songs/{song.pk}/", f"/songs/{song.pk}/card/"):  # which would say the same again
        assert "Try again" not in alice.client.get(page).content.decode()


def test_a_song_longer_than_allowed_fails_with_a_sentence(waiting: Song, settings: Any) -> None:
    settings.MAX_SONG_SECONDS = 6
    work(only(waiting))
    assert "longer than the 6-second limit" in only(waiting).error


def test_decoding_has_its_limits(waiting: Song, settings: Any) -> None:
    settings.DECODE_MEMORY_BYTES = 30 * 10**6
    work(only(waiting))
    assert "more memory or time than we allow" in only(waiting).error


def test_a_fault_of_ours_can_be_tried_again(alice: Person, waiting: Song, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "decoded", lambda *_: [][0])
    work(only(waiting))
    assert only(waiting).state == "failed"
    assert "Try again" in alice.client.get(f"/songs/{waiting.pk}/").content.decode()


def test_silence_is_said(alice: Person, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "nothing.wav", np.zeros((44_100, 2)), 44_100)
    song = put(alice.user, tmp_path / "nothing.wav")
    work(only(song))
    assert only(song).state == "done"
    assert "It is silent from beginning to end." in alice.client.get(f"/songs/{song.pk}/").content.decode()


def test_tags_name_the_song_unless_the_person_did(alice: Person, tmp_path: Path) -> None:
    path = tmp_path / "track.mp3"
    with av.open(str(write_song(tmp_path / "a.wav"))) as source, av.open(str(path), "w") as target:
        target.metadata.update({"title": "Blue", "artist": "Ana"})
        stream = target.add_stream("libmp3lame", rate=44_100)
        for frame in source.decode(audio=0):
            target.mux(stream.encode(frame))
        target.mux(stream.encode(None))
    plain, named = put(alice.user, path), put(alice.user, path)
    Song.objects.filter(pk=named.pk).update(title="My name for it")
    for song in (plain, named):
        work(only(song))
        song.refresh_from_db()
    assert (plain.title, plain.artist) == ("Blue", "Ana")
    assert (named.title, named.artist) == ("My name for it", "")


def test_a_name_given_while_it_decodes_is_kept(waiting: Song, monkeypatch: pytest.MonkeyPatch) -> None:
    def decoded(upload: str, target: Path, check: Any) -> Any:
        for facts in sandbox.decoded(upload, target, check):
            Song.objects.update(title="My own name", artist="Me")
            yield facts | {"title": "Tagged", "artist": "Somebody"}

    monkeypatch.setattr(tasks, "decoded", decoded)
    work(only(waiting))
    waiting.refresh_from_db()
    assert (waiting.title, waiting.artist) == ("My own name", "Me")


def test_tempo_and_key_are_found_on_the_way(alice: Person, tmp_path: Path) -> None:
    seconds, rate = 12.0, 44_100
    time = np.arange(int(seconds * rate)) / rate
    beat = np.exp(-30 * (time % 0.5)) * np.random.default_rng(0).normal(0, 0.2, time.size)
    chord = sum(0.1 * np.sin(2 * np.pi * 220 * 2 ** (note / 12) * time) for note in (0, 3, 7))
    path = tmp_path / "song.wav"
    soundfile.write(path, np.column_stack([beat + chord] * 2), rate)
    song = put(alice.user, path)
    work(only(song))
    analysis = only(song).analysis
    assert analysis is not None
    assert analysis["tempo"] == pytest.approx(120, abs=1)
    assert analysis["key"] == "A minor"
    assert analysis["beats"][0] < 1 < 11 < analysis["beats"][-1]


def test_a_song_that_cannot_be_analysed_is_separated_all_the_same(
    waiting: Song, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Analyser, "_conclude", lambda analyser: [][0])
    work(only(waiting))
    assert (only(waiting).state, only(waiting).analysis) == ("done", None)
