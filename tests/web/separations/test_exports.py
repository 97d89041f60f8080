"""Downloads that are rendered: other formats, zips, mixes."""

import io
import re
import zipfile
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import soundfile
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from tests.conftest import noise, write_song
from tests.web.conftest import Person, Refuses, body, only, put, whole_stem, work
from unbraid.audio import SongReader, formats, read
from unbraid_web.accounts.models import User
from unbraid_web.api.schemas import ExportIn
from unbraid_web.separations.models import Export, Separation, Stem, file_name
from unbraid_web.separations.recipes import FORMATS
from unbraid_web.separations.work import reaper
from unbraid_web.separations.work.render import render_recipe
from unbraid_web.separations.work.segments import HEADROOM, as_flac
from unbraid_web.songs.models import Song

ROOT = Path(__file__).parents[3]


def ask(alice: Person, separation: Separation, **wanted: Any) -> Any:
    return alice.client.post(f"/separations/{separation.pk}/exports/", wanted, content_type="application/json")


def rendered(alice: Person, separation: Separation, **wanted: Any) -> bytes:
    asked = ask(alice, separation, **wanted)
    assert asked.status_code == 202, asked.content
    work(Export.objects.get(pk=asked.json()["id"]))
    found = alice.client.get(asked.json()["status"]).json()
    assert (found["state"], found["error"]) == ("done", "")
    answer = alice.client.get(found["file"])
    assert answer.headers["Content-Disposition"].startswith("attachment; filename")
    return body(answer)


def samples(data: bytes) -> Any:
    return soundfile.read(io.BytesIO(data))[0]


def test_a_mix_with_all_faders_up_is_the_song(alice: Person, separation: Separation, song_file: Path) -> None:
    mixed = samples(rendered(alice, separation, kind="mix", format="wav"))
    np.testing.assert_array_equal(mixed, soundfile.read(song_file)[0])


def test_gain_and_pan_of_each_stem(alice: Person, separation: Separation) -> None:
    faders = {"vocals": {"gain": 0.5, "pan": -1}, "bass": {"gain": 0.25, "pan": 0.5}, "drums": {"gain": 0}}
    mixed = samples(rendered(alice, separation, kind="mix", format="flac", stems=faders))
    vocals, bass = (
        samples(whole_stem(alice.client, f"/separations/{separation.pk}/{name}.flac")) for name in ("vocals", "bass")
    )
    expected = vocals * [0.5, 0.0] + bass * [0.125, 0.25]
    assert np.abs(mixed - expected).max() < 1 / 32768


def test_a_mix_too_loud_is_turned_down_and_not_clipped(alice: Person, separation: Separation, song_file: Path) -> None:
    loud = {stem.name: {"gain": 2.0} for stem in separation.stems.all()}
    mixed = samples(rendered(alice, separation, kind="mix", format="wav", stems=loud)).ravel()
    song = soundfile.read(song_file)[0].ravel()
    assert np.abs(mixed).max() <= 1
    assert np.corrcoef(mixed, song)[0, 1] > 0.99999


def test_formats_are_those_of_the_library() -> None:
    assert formats.SINGLE_TRACK == FORMATS
    assert get_args(ExportIn.model_fields["format"].annotation) == FORMATS


def test_one_file_for_djs(alice: Person, separation: Separation, song_file: Path, tmp_path: Path) -> None:
    path = tmp_path / "song.stem.mp4"
    path.write_bytes(rendered(alice, separation, kind="dj", format="m4a"))
    assert Export.objects.get().filename.endswith(".stem.mp4")
    assert b'"Melody"' in path.read_bytes()
    tracks = []
    for number in range(1, 6):
        with SongReader(path, track=number) as track:
            tracks.append(np.concatenate(list(track), axis=1))
    song, drums, *_ = tracks
    assert {track.shape for track in tracks} == {(2, separation.frames)}
    assert np.corrcoef(song[0], soundfile.read(song_file)[0][:, 0])[0, 1] > 0.95
    stem = samples(whole_stem(alice.client, f"/separations/{separation.pk}/drums.flac")).T
    assert np.corrcoef(drums[0], stem[0])[0, 1] > 0.95  # AAC, of noise


def test_stems_in_a_zip_begin_and_end_together(alice: Person, tmp_path: Path) -> None:
    """So they are in step in every program that opens them: laid over each other, they are the song."""
    path = write_song(tmp_path / "some noise.flac", seconds=6.0)  # two segments; MP3s of noise take long
    uploaded, song = put(alice.user, path), soundfile.read(path)[0].T
    work(only(uploaded))
    separation = only(uploaded)
    for kind in ("wav", "m4a", "mp3"):
        with zipfile.ZipFile(io.BytesIO(rendered(alice, separation, kind="zip", format=kind))) as archive:
            assert archive.testzip() is None
            *names, project = archive.namelist()
            assert names == [f"some noise/{stem.name}.{kind}" for stem in separation.stems.all()]
            assert project == "some noise/some noise.rpp"
            stems = [read(io.BytesIO(archive.read(name))) for name in names]
        assert {(stem.shape, rate) for stem, rate in stems} == {((2, separation.frames), 44_100)}, kind
        together = np.sum([stem for stem, _ in stems], axis=0)
        assert np.corrcoef(together.ravel(), song.ravel())[0, 1] > 0.9, kind  # of noise; a sample late it would be 0


def test_a_zip_has_tempo_and_key_in_its_names_and_a_project_for_reaper(alice: Person) -> None:
    separation = of_tones(alice.user)
    Song.objects.filter(pk=separation.song_id).update(title='Für "Élise"')
    names = ['lead "vox" é', "drums"]
    for stem, name in zip(separation.stems.all(), names, strict=True):
        old = stem.segment(0)
        stem.name = name
        stem.save()
        with default_storage.open(old) as file:
            default_storage.save(stem.segment(0), file)
    with zipfile.ZipFile(io.BytesIO(rendered(alice, separation, kind="zip", format="flac"))) as archive:
        *files, project = archive.namelist()
        assert project == "Für -Élise- (120 BPM, Am)/Für -Élise-.rpp"
        text = archive.read(project).decode()
    lines = [line.strip().split(" ", 1) for line in text.splitlines()]
    assert files == [f"Für -Élise- (120 BPM, Am)/{unquoted(rest[0])}" for word, *rest in lines if word == "FILE"]
    assert [unquoted(rest[0]) for word, *rest in lines if word == "NAME"] == [name for name in names for _ in "ti"]
    assert ["TEMPO", "120 4 4"] in lines
    assert [rest for word, *rest in lines if word in ("POSITION", "LENGTH")] == [["0"], ["4.000000000"]] * 2
    assert [rest for word, *rest in lines if word == "<SOURCE"] == [["FLAC"]] * 2
    assert [word for word, *_ in lines].count(">") == text.count("<") == 7


def unquoted(word: str) -> str:
    """Return what stands between two equal quotation marks that are not in it."""
    assert word[0] == word[-1]
    assert word[0] not in word[1:-1]
    return word[1:-1]


def test_the_tracks_in_reaper_have_the_sites_colours() -> None:
    styles = (ROOT / "src/unbraid_web/static/unbraid/tokens.css").read_text()
    shown = dict(re.findall(r"--(\w+): light-dark\((#\w+)", styles))
    assert {name: shown[name] for name in reaper.COLOURS} == reaper.COLOURS
    assert shown["extra"] == reaper.EXTRA
    assert reaper.colour_number("#d63a55") == 0x1553AD6


def length_and_rate(data: bytes, kind: str) -> tuple[int, int, int]:
    """Return samples, channels and rate."""
    if kind == "ogg":  # FFmpeg's Vorbis decoder, unlike libvorbis, gives more than was written
        info = soundfile.info(io.BytesIO(data))
        return info.frames, info.channels, info.samplerate
    sound, rate = read(io.BytesIO(data))
    return sound.shape[1], sound.shape[0], rate


RATES = [8_000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000, 88_200, 96_000, 176_400, 192_000]


def stored(owner: User, rate: int, channels: int) -> Separation:
    """Return a finished separation of half a second into two stems."""
    frames = round(0.51 * rate)
    song = Song.new(owner, "song.wav", 1)
    song.save(force_insert=True)
    found = Separation.objects.create(
        song=song, state="done", run="run", sample_rate=rate, channels=channels, frames=frames,
        segment_frames=5 * rate, segments=1, headroom=HEADROOM, peak=0.5,
    )  # fmt: skip
    for position, name in enumerate(("vocals", "bass")):
        stem = Stem.objects.create(separation=found, name=name, position=position)
        default_storage.save(stem.segment(0), ContentFile(as_flac(noise(channels, frames, seed=position), rate)))
    return found


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("rate", RATES)
def test_every_rate_in_every_format_to_the_exact_length(
    alice: Person, tmp_path: Path, rate: int, channels: int
) -> None:
    separation = stored(alice.user, rate, channels)
    for kind in FORMATS:
        for wanted, wide in ({"kind": "mix"}, 2), ({"kind": "stem", "stems": {"bass": {}}}, channels):
            recipe = separation.validated({"format": kind, **wanted})
            assert list(render_recipe(Export(separation=separation, recipe=recipe), tmp_path))
            length, found, written = length_and_rate((tmp_path / "file").read_bytes(), kind)
            assert (length, found) == (int(separation.frames * written / rate + 0.5), wide), (kind, written)
            assert written == rate or kind in ("mp3", "m4a", "opus")


def of_tones(owner: User) -> Separation:
    """Return a finished separation of a tone of 440 Hz and drums of one stroke a second, with a beat every half."""
    found = stored(owner, 44_100, 1)
    seconds = np.arange(4 * 44_100) / 44_100
    sounds = {
        "vocals": 0.4 * np.sin(2 * np.pi * 440 * seconds),
        "drums": 0.4 * np.sin(2 * np.pi * 200 * seconds) * np.exp(-30 * (seconds % 1)) * (seconds >= 1),
    }
    found.stems.filter(name="bass").update(name="drums")
    for stem in found.stems.all():
        default_storage.delete(stem.segment(0))
        default_storage.save(stem.segment(0), ContentFile(as_flac(sounds[stem.name][None].astype(np.float32), 44_100)))
    found.frames = seconds.size
    found.analysis = {
        "tempo": 120.0, "beats": [0.1, 0.6, 1.1, 1.6, 2.1], "downbeats": [0.1, 2.1], "key": "A minor"
    }  # fmt: skip
    found.save()
    return found


def pitch_of(sound: Any) -> float:
    """Return the frequency of a tone, in Hz at 44.1 kHz."""
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(sound.size), 1 << 20))
    return float(np.argmax(spectrum)) * 44_100 / (1 << 20)


@pytest.mark.parametrize(
    ("speed", "semitones", "pitch"), [(0.75, 0, 440.0), (1.0, 3, 523.25), (1.0, -6, 311.13), (1.3, -2, 392.0)]
)
def test_a_mix_in_another_key_and_at_another_speed(alice: Person, speed: float, semitones: int, pitch: float) -> None:
    separation = of_tones(alice.user)
    wanted = {"kind": "mix", "format": "wav", "speed": speed, "semitones": semitones}
    tone = samples(rendered(alice, separation, **wanted, stems={"vocals": {}}))[:, 0]
    assert tone.size == round(4 * 44_100 / speed)
    assert abs(pitch_of(tone[22_050:-22_050]) - pitch) < 0.1
    loudness = [np.square(part).mean() for part in np.split(tone[11_025 : 11_025 + 88_200], 40)]
    np.testing.assert_allclose(loudness, 0.08, rtol=0.02)
    smoothness = 0.4 * (2 * np.pi * pitch / 44_100) ** 2  # of a sine; a click is less smooth
    assert np.abs(np.diff(tone[8000:-8000], 2)).max() < 1.1 * smoothness
    drums = samples(rendered(alice, separation, **wanted, stems={"drums": {}}))[:, 0]
    assert abs(pitch_of(drums) - 200) < 5  # they stay as they are
    expected = (np.arange(1, 4) * 44_100 / speed).astype(int)
    strokes = [int(np.argmax(np.abs(drums[at - 2000 : at + 4000]) > 0.1)) - 2000 for at in expected]
    assert np.abs(strokes).max() < 0.004 * 44_100


def test_a_click_in_a_mix_is_on_the_beats(alice: Person) -> None:
    separation = of_tones(alice.user)
    wanted = {"kind": "mix", "format": "wav", "stems": {"vocals": {"gain": 0.5}}}
    for speed in (1.0, 0.8):
        plain, beaten = (samples(rendered(alice, separation, **wanted, speed=speed, click=gain)) for gain in (0.0, 0.5))
        starts, accents = clicks((beaten - plain)[:, 0])
        np.testing.assert_allclose(starts, np.array([0.1, 0.6, 1.1, 1.6, 2.1]) * 44_100 / speed, atol=2)
        assert accents == [True, False, False, False, True]


def test_downloads_say_the_tempo_and_the_key_that_they_have(alice: Person) -> None:
    separation = of_tones(alice.user)
    for wanted, expected in (
        ({"kind": "stem", "stems": {"drums": {}}}, ("120", "Am")),
        ({"kind": "mix"}, ("120", "Am")),
        ({"kind": "mix", "speed": 0.75, "semitones": -2}, ("90", "Gm")),
    ):
        with SongReader(io.BytesIO(rendered(alice, separation, format="mp3", **wanted))) as song:
            assert (song.tags["bpm"], song.tags["initialkey"]) == expected
    assert b"initialkey" in rendered(alice, separation, kind="dj", format="m4a")
    Separation.objects.update(analysis={"tempo": None, "beats": [], "downbeats": [], "key": None})
    with SongReader(io.BytesIO(rendered(alice, separation, kind="stem", format="flac", stems={"drums": {}}))) as song:
        assert not {"bpm", "initialkey"} & set(song.tags)


def clicks(sound: Any) -> tuple[Any, list[bool]]:
    """Return the samples at which clicks begin, and whether they are accented."""
    sounding = np.flatnonzero(np.abs(sound) > 1e-4)
    starts = sounding[np.flatnonzero(np.diff(sounding, prepend=-(10**6)) > 4000)]
    return starts, [pitch_of(sound[at : at + 1000]) > 1250 for at in starts]


def test_a_bar_is_counted_in_before_a_mix(alice: Person) -> None:
    """The song begins a fifth of a beat before its first bar, and so does the bar before it begin."""
    separation = of_tones(alice.user)
    wanted = {"kind": "mix", "format": "wav", "stems": {"vocals": {"gain": 0.5}}}
    for speed in (1.0, 0.8):
        plain, counted = (
            samples(rendered(alice, separation, **wanted, speed=speed, count_in=gain))[:, 0] for gain in (0.0, 0.5)
        )
        bar = round(2 * 44_100 / speed)
        assert counted.size == bar + plain.size
        np.testing.assert_allclose(counted[bar + 2000 :], plain[2000:], atol=1e-5)
        starts, accents = clicks(counted[:bar])
        np.testing.assert_allclose(starts, np.array([0.1, 0.6, 1.1, 1.6]) * 44_100 / speed, atol=2)
        assert accents == [True, False, False, False]


def test_a_click_alone_is_a_mix_too(alice: Person) -> None:
    separation = of_tones(alice.user)
    muted = {"vocals": {"gain": 0}, "drums": {"gain": 0}}
    wanted = {"kind": "mix", "format": "wav", "stems": muted}
    assert "silent" in ask(alice, separation, **wanted, count_in=1).json()["error"]
    click = samples(rendered(alice, separation, **wanted, click=1, count_in=0.5, speed=0.5))[:, 0]
    assert Export.objects.get().filename == "song - 50% speed, click, count-in.wav"
    starts, _ = clicks(click)
    np.testing.assert_allclose(starts / 44_100, [0.2, 1.2, 2.2, 3.2, 4.2, 5.2, 6.2, 7.2, 8.2], atol=1e-3)
    assert click.size == 12 * 44_100
    assert np.abs(click[: 4 * 44_100]).max() < 0.3 < np.abs(click[4 * 44_100 :]).max()


def test_the_same_wish_is_rendered_once(alice: Person, separation: Separation) -> None:
    first = ask(alice, separation, kind="mix", format="mp3", stems={"bass": {"gain": 1}}).json()
    again = ask(alice, separation, kind="mix", format="mp3", stems={"bass": {"gain": 1.0, "pan": 0}}).json()
    same = ask(alice, separation, kind="mix", format="mp3", stems={"bass": {}}, speed=1, semitones=0, click=0).json()
    assert first["id"] == again["id"] == same["id"]
    for other in ({"stems": {"bass": {"gain": 0.9}}}, {"stems": {"bass": {}}, "speed": 0.9}):
        assert ask(alice, separation, kind="mix", format="mp3", **other).json()["id"] != first["id"]


def test_a_new_name_is_in_the_next_download(alice: Person, separation: Separation) -> None:
    first = ask(alice, separation, kind="zip", format="wav").json()
    Song.objects.filter(pk=separation.song_id).update(title="🎹" * 100, artist="Ænima")
    again = ask(alice, separation, kind="zip", format="wav").json()
    assert again["id"] != first["id"]
    assert again["filename"].startswith("Ænima - 🎹🎹")
    assert len(again["filename"].encode()) < 255, "no file system takes a longer one"


@pytest.mark.parametrize(
    "wanted",
    [
        {},
        {"kind": "mix", "format": "exe"},
        {"kind": "mix", "format": "wav", "stems": {"kazoo": {}}},
        {"kind": "mix", "format": "wav", "stems": {"bass": {"gain": 3}}},
        {"kind": "mix", "format": "wav", "stems": {"bass": {"gain": "loud"}}},
        {"kind": "mix", "format": "wav", "stems": {"bass": {"pan": 1e999}}},
        {"kind": "mix", "format": "wav", "stems": {"bass": {"gain": 0}}},
        {"kind": "stem", "format": "wav"},
        {"kind": "dj", "format": "wav"},
        {"kind": "dj", "format": "m4a", "stems": {"bass": {}}},
        {"kind": ["mix"], "format": "wav"},
        {"kind": "mix", "format": "wav", "speed": 3},
        {"kind": "mix", "format": "wav", "speed": "fast"},
        {"kind": "mix", "format": "wav", "semitones": 7},
        {"kind": "mix", "format": "wav", "semitones": 0.5},
        {"kind": "mix", "format": "wav", "click": 1},
        {"kind": "mix", "format": "wav", "count_in": 1},
        {"kind": "mix", "format": "wav", "count_in": True},
        {"kind": "mix", "format": "wav", "semitone": 3},
        {"kind": "mix", "format": "wav", "stems": {"bass": {"volume": 0.5}}},
        {"kind": "zip", "format": "wav", "speed": 0.5},
        {"kind": "dj", "format": "m4a", "semitones": 2},
    ],
)
def test_nonsense_is_answered_with_a_sentence(alice: Person, separation: Separation, wanted: Any) -> None:
    answer = ask(alice, separation, **wanted)
    assert answer.status_code == 422
    assert answer.json()["error"].endswith(".")
    assert not Export.objects.exists()


def test_waits_for_the_song(alice: Person, separation: Separation) -> None:
    Separation.objects.update(state="running")
    assert ask(alice, separation, kind="zip", format="wav").status_code == 409


def test_are_nobody_elses(alice: Person, separation: Separation, only_for_alice: Refuses) -> None:
    wanted = {"kind": "mix", "format": "mp3"}
    only_for_alice(f"/separations/{separation.pk}/exports/", "post", "get", data=wanted)
    export = ask(alice, separation, **wanted).json()["id"]
    only_for_alice(f"/exports/{export}/", "get", "post")
    assert alice.client.get(f"/exports/{export}/file/").status_code == 404  # not rendered yet
    Export.objects.update(state="done")
    only_for_alice(f"/exports/{export}/file/", "get", "post")


@pytest.mark.parametrize("text", ["CON", "aux.wav", "nul .x", "Com1", "lpt²", "conin$"])
def test_names_of_devices_are_changed_for_windows(text: str) -> None:
    assert file_name(text, 50) == f"_{text}"


@pytest.mark.parametrize("text", ["Conga", "Nullarbor", "Auxerre.wav", "Com", "LPT 10", "COM12"])
def test_names_that_only_begin_like_one_stay(text: str) -> None:
    assert file_name(text, 50) == text


def test_paths_in_a_zip_leave_room_for_windows(alice: Person) -> None:
    separation = of_tones(alice.user)
    Song.objects.filter(pk=separation.song_id).update(title="long " * 40)
    with zipfile.ZipFile(io.BytesIO(rendered(alice, separation, kind="zip", format="flac"))) as archive:
        assert max(map(len, archive.namelist())) < 125
