"""What a separation promises: exact sums, exact lengths, the same answer however the song is cut."""

import math
import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import fields
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import unbraid
from tests.conftest import noise, write_song
from tests.tiny_models import SOURCES, write_mask_model, write_waveform_model
from unbraid import InputError, Progress, SeparationOptions, Separator, UsageError
from unbraid.audio import read
from unbraid.inference.stream import StemStream
from unbraid.separator import FileKeywords

FAST = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="session", params=["mask", "waveform"])
def model(request: pytest.FixtureRequest) -> Path:
    path: Path = request.getfixturevalue(f"{request.param}_model")
    return path


@pytest.fixture(scope="session")
def whole(model: Path) -> Separator:
    """One tile is longer than all songs here: its answer is the whole song's."""
    return Separator(model, precision="fp32", tile_seconds=1.5)


@given(
    samples=st.integers(1, 60_000),
    milliseconds=st.floats(3.0, 400.0),
    threads=st.integers(1, 2),
)
@FAST
def test_tiled_is_whole(model: Path, whole: Separator, samples: int, milliseconds: float, threads: int) -> None:
    song = noise(2, samples)
    tiled = Separator(model, precision="fp32", tile_seconds=milliseconds / 1000, threads=threads)
    expected, found = whole.separate_array(song, 44_100), tiled.separate_array(song, 44_100)
    assert tuple(found) == SOURCES
    for stem in SOURCES:
        np.testing.assert_allclose(found[stem], expected[stem], atol=1e-5, rtol=0)


@given(shift=st.integers(1, 5_000))
@FAST
def test_a_shifted_song_gives_shifted_stems(whole: Separator, shift: int) -> None:
    grid = whole.facts.stride
    song = noise(2, 30_000)
    shifted = np.pad(song, ((0, 0), (shift * grid % 20_000 // grid * grid, 0)))
    expected, found = whole.separate_array(song, 44_100), whole.separate_array(shifted, 44_100)
    for stem in SOURCES:
        np.testing.assert_allclose(found[stem][:, -30_000:], expected[stem], atol=1e-5, rtol=0)


@given(
    samples=st.integers(1, 40_000),
    rate=st.sampled_from([8_000, 11_025, 22_050, 32_000, 44_100, 48_000, 96_000, 192_000]),
    channels=st.integers(1, 2),
)
@FAST
def test_stems_sum_to_the_song_at_its_own_rate_and_length(
    whole: Separator, samples: int, rate: int, channels: int
) -> None:
    song = noise(channels, samples)
    stems = whole.separate_array(song, rate)
    for stem in stems.values():
        assert stem.shape == song.shape
        assert stem.dtype == np.float32
    np.testing.assert_allclose(sum(stems.values()), song, atol=1e-6, rtol=0)


@given(samples=st.integers(0, 50_000), channels=st.integers(1, 2))
@FAST
def test_silence_stays_silent(whole: Separator, samples: int, channels: int) -> None:
    for stem in whole.separate_array(np.zeros((channels, samples), np.float32), 44_100).values():
        assert stem.shape == (channels, samples)
        assert not stem.any()


def test_an_offset_goes_into_the_last_stem_and_changes_nothing_else(whole: Separator) -> None:
    """It is inaudible, and sound cards, tapes and old converters leave it in many files."""
    song = noise(2, 60_000)
    clean, stems = (whole.separate_array(audio, 44_100) for audio in (song, song + np.float32(0.05)))
    inside = slice(10_000, -10_000)  # it begins and ends with a step, which can be heard
    for stem, found in stems.items():
        offset = 0.05 if stem == whole.sources[-1] else 0.0
        np.testing.assert_allclose(found[:, inside], clean[stem][:, inside] + offset, atol=1e-5)


def test_silence_within_a_song_stays_silent(whole: Separator) -> None:
    song = noise(2, 60_000)
    song[:, 20_000:40_000] = 0.0
    for stem in whole.separate_array(song, 44_100).values():
        assert stem[:, :19_000].any()
        assert not stem[:, 22_000:38_000].any()


@given(
    value=st.sampled_from([np.nan, np.inf, -np.inf, 3e38, -1e30]),
    places=st.lists(st.integers(0, 29_999), min_size=1, max_size=20),
)
@FAST
def test_no_sample_however_odd_makes_a_stem_that_is_not_finite(
    whole: Separator, value: float, places: list[int]
) -> None:
    song = noise(2, 30_000)
    song[0, places] = value
    for stem in whole.separate_array(song, 44_100).values():
        assert np.isfinite(stem).all()


def test_what_lies_above_the_networks_band_is_kept_in_the_last_stem(separator: Separator) -> None:
    seconds = np.arange(96_000) / 96_000
    whistle = (0.3 * np.sin(2 * np.pi * 30_000 * seconds)).astype(np.float32)[np.newaxis]
    stems = separator.separate_array(whistle, 96_000)
    np.testing.assert_allclose(stems["other"][:, 1_000:-1_000], whistle[:, 1_000:-1_000], atol=1e-3)


def test_a_mono_network_hears_a_stereo_song_channel_by_channel(tmp_path: Path) -> None:
    model = write_waveform_model(tmp_path / "mono.onnx", channels=1, sample_rate=22_050)
    separator = Separator(model, precision="fp32", tile_seconds=0.5)
    song = noise(2, 30_000)
    stems = separator.separate_array(song, 44_100)
    np.testing.assert_allclose(sum(stems.values()), song, atol=1e-6)
    left = separator.separate_array(song[:1], 44_100)
    np.testing.assert_allclose(stems["vocals"][:1], left["vocals"], atol=1e-6)


def test_a_direct_model_gives_only_its_own_sources(tmp_path: Path) -> None:
    model = write_waveform_model(tmp_path / "direct.onnx", output="direct", sources=["vocals", "drums"])
    stems = Separator(model, precision="fp32", tile_seconds=0.5).separate_array(noise(2, 20_000), 44_100)
    assert tuple(stems) == ("vocals", "drums")
    assert stems["drums"].any()


def test_chosen_stems_are_the_same_as_among_all(separator: Separator) -> None:
    song = noise(2, 30_000)
    everything = separator.separate_array(song, 44_100)
    for chosen in (["drums"], ["other", "vocals"], list(SOURCES)):
        some = separator.separate_array(song, 44_100, stems=chosen)
        assert set(some) == set(chosen)
        for stem in chosen:
            np.testing.assert_allclose(some[stem], everything[stem], atol=1e-6)


@pytest.mark.parametrize("stem", ["vocals", "other"])
def test_two_stems_are_one_and_all_the_rest(separator: Separator, stem: str) -> None:
    song = noise(2, 30_000)
    two = separator.separate_array(song, 44_100, two_stems=stem)
    assert tuple(two) == (stem, "accompaniment")
    np.testing.assert_allclose(two[stem], separator.separate_array(song, 44_100)[stem], atol=1e-6)
    np.testing.assert_allclose(two[stem] + two["accompaniment"], song, atol=1e-6)


def test_a_file_becomes_files(separator: Separator, tmp_path: Path) -> None:
    song = write_song(tmp_path / "A song.flac", rate=48_000)
    told: list[Progress] = []
    result = separator.separate_file(song, tmp_path / "out", on_progress=told.append)
    assert result.stems == {stem: tmp_path / "out" / "A song" / f"{stem}.wav" for stem in SOURCES}
    assert (result.seconds, result.sample_rate, result.channels, result.notes) == (2.3, 48_000, 2, [])
    mixture, _ = read(song)
    stems = {stem: read(path) for stem, path in result.stems.items()}
    assert all(rate == 48_000 and stem.shape == mixture.shape for stem, rate in stems.values())
    np.testing.assert_allclose(sum(stem for stem, _ in stems.values()), mixture, atol=1e-6)
    assert [progress.stage for progress in told[:1] + told[-1:]] == ["decoding", "done"]
    fractions = [progress.fraction for progress in told]
    assert fractions == sorted(fractions, key=lambda fraction: fraction or 0.0)
    assert fractions[-1] == 1.0


def test_a_stream_covers_the_song(separator: Separator, tmp_path: Path) -> None:
    song = write_song(tmp_path / "song.wav", rate=22_050, channels=1)
    with separator.stream(song) as stream:
        assert (stream.sample_rate, stream.channels, stream.duration) == (22_050, 1, 2.3)
        assert stream.sources == SOURCES
        blocks = list(stream)
    assert len(blocks) > 1
    together = np.concatenate([sum(block.values()) for block in blocks], axis=1)
    np.testing.assert_allclose(together, read(song)[0], atol=1e-6)


class EndlessSong:
    """Noise without end, which counts what was asked of it."""

    name, sample_rate, channels, duration = "noise", 44_100, 2, None

    def __init__(self) -> None:
        self.tags: dict[str, str] = {}
        self.cover: bytes | None = None
        self.notes: list[str] = []
        self.seconds, self.closed = 0, False

    def __iter__(self) -> Iterator[NDArray[np.float32]]:
        while True:
            self.seconds += 1
            yield noise(2, 44_100, self.seconds)

    def close(self) -> None:
        self.closed = True


def test_only_a_bounded_part_of_a_song_is_held(separator: Separator) -> None:
    """However long the song is: what is read ahead of the stems stays the same, and so does the memory."""
    song = EndlessSong()
    done = 0.0
    with StemStream(separator._network, song) as stream:
        for block in stream:
            done += block["vocals"].shape[1] / 44_100
            assert song.seconds - done < 25
            if done > 40:
                break
    assert song.closed
    assert not any(thread.name == "unbraid-decode" for thread in threading.enumerate())


def test_a_stream_is_read_once_and_can_be_closed(separator: Separator, tmp_path: Path) -> None:
    song = write_song(tmp_path / "song.wav", seconds=1)
    with separator.stream(song) as stream:
        assert list(stream)
        with pytest.raises(UsageError, match="can be read once"):
            iter(stream)
    before = threading.active_count()
    stream = separator.stream(song)
    next(iter(stream))
    stream.close()
    stream.close()
    assert threading.active_count() <= before
    with pytest.raises(UsageError, match="can be read once"):
        iter(stream)


@pytest.mark.parametrize("name", ["", ".", "..", "AC/DC", "../up", "/abs", "a\\b", "a\0b"])
def test_a_name_is_one_folder_and_stays_where_it_belongs(separator: Separator, tmp_path: Path, name: str) -> None:
    song = write_song(tmp_path / "song.wav", seconds=0.3)
    with pytest.raises(UsageError, match="without slashes"):
        separator.separate_file(song, tmp_path / "out", name=name)
    assert [path.name for path in tmp_path.iterdir()] == ["song.wav"]


@pytest.mark.parametrize("song", [np.zeros((2, 100)), None, 7, ["song.wav"]])
def test_what_is_no_song_is_a_sentence(separator: Separator, song: Any) -> None:
    with pytest.raises(InputError, match=r"A song is a path or an open binary file, not \w+; arrays are for"):
        separator.stream(song)


@pytest.mark.parametrize(
    "options",
    [
        {"start": "5"}, {"duration": "5"}, {"track": "1"}, {"track": 1.5}, {"stems": 5}, {"stems": [1]},
        {"two_stems": ["vocals"]},
    ],
    ids=str,
)  # fmt: skip
def test_options_of_the_wrong_type_are_sentences(options: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        SeparationOptions(**options)


@pytest.mark.parametrize(
    "options",
    [{"threads": 0}, {"threads": -1}, {"threads": "2"}, {"tile_seconds": math.nan}, {"tile_seconds": 1e9}],
    ids=str,
)
def test_a_separator_with_options_out_of_range(mask_model: Path, options: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        Separator(mask_model, **options)


def test_stems_of_an_array_may_be_one_string(separator: Separator) -> None:
    assert list(separator.separate_array(np.zeros((2, 100)), 44_100, stems="drums, vocals")) == ["vocals", "drums"]


def test_a_stream_can_be_left_early(separator: Separator, tmp_path: Path) -> None:
    song = write_song(tmp_path / "song.wav", seconds=5)
    with separator.stream(song) as stream:
        next(iter(stream))


def test_the_front_door(mask_model: Path, tmp_path: Path) -> None:
    song = write_song(tmp_path / "song.wav")
    stems = unbraid.separate(song, model=mask_model)
    np.testing.assert_allclose(sum(stems.values()), read(song)[0], atol=1e-6)


def test_the_song_is_its_decoded_samples_in_a_part(separator: Separator, tmp_path: Path) -> None:
    song = write_song(tmp_path / "song.wav")
    mixture, rate = read(song)
    with separator.stream(song, start=0.5, duration=1.25) as stream:
        together = np.concatenate([sum(block.values()) for block in stream], axis=1)
    np.testing.assert_allclose(together, mixture[:, rate // 2 : rate // 2 + rate * 5 // 4], atol=1e-6)


def test_bf16_is_close(mask_model: Path, separator: Separator) -> None:
    song = noise(2, 30_000)
    narrow = Separator(mask_model, precision="bf16", tile_seconds=1.0).separate_array(song, 44_100)
    for stem, expected in separator.separate_array(song, 44_100).items():
        np.testing.assert_allclose(narrow[stem], expected, atol=0.05)


def test_separating_imports_neither_torch_nor_telemetry(mask_model: Path, tmp_path: Path) -> None:
    song = write_song(tmp_path / "song.wav", seconds=0.5)
    script = (
        "import sys, unbraid\n"
        "light = {'av', 'openvino', 'numpy', 'soxr'} & set(sys.modules)\n"
        "assert not light, f'import unbraid loads {light}'\n"
        f"unbraid.Separator({str(mask_model)!r}).separate_file({str(song)!r}, {str(tmp_path)!r})\n"
        "for unwanted in ('torch', 'django', 'openvino_telemetry', 'scipy', 'matplotlib', 'onnx'):\n"
        "    assert unwanted not in sys.modules, unwanted\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_the_masks_of_a_wider_window_work_too(tmp_path: Path) -> None:
    model = write_mask_model(tmp_path / "wide.onnx", window=4096, hop=1024, context=8192, stride=2048)
    song = noise(2, 50_000)
    short, long = (Separator(model, precision="fp32", tile_seconds=s) for s in (0.1, 1.2))
    for stem, expected in long.separate_array(song, 44_100).items():
        np.testing.assert_allclose(short.separate_array(song, 44_100)[stem], expected, atol=1e-5)


def test_a_separator_pickles_by_its_arguments(separator: Separator) -> None:
    again: Separator = pickle.loads(pickle.dumps(separator))
    song = noise(2, 20_000)
    for stem, expected in separator.separate_array(song, 44_100).items():
        np.testing.assert_array_equal(again.separate_array(song, 44_100)[stem], expected)


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.parametrize("runtime", ["openvino", "onnxruntime"])
def test_a_separator_that_was_used_works_after_a_fork(
    mask_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, runtime: str
) -> None:
    """As in servers that load before they fork, and in multiprocessing; threads do not come along."""
    monkeypatch.setattr(
        "unbraid.inference.runtimes.find_spec", lambda name: find_spec(name) if name == runtime else None
    )
    separator = Separator(mask_model, precision="fp32", tile_seconds=1.0, threads=2)
    song = noise(2, 60_000)
    expected = separator.separate_array(song, 44_100)
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)  # not pytest's own, which a thread that hangs never reaches
        signal.alarm(120)
        try:
            found_there = separator.separate_array(song, 44_100)
            separator.separate_file(write_song(tmp_path / "song.wav"), tmp_path)
            os._exit(0 if all(np.array_equal(found_there[stem], expected[stem]) for stem in SOURCES) else 1)
        finally:  # an exception must not run the tests on in the child
            os._exit(2)
    assert os.waitpid(child, 0)[1] == 0


def test_options_are_the_same_however_they_are_given(separator: Separator, tmp_path: Path) -> None:
    assert set(FileKeywords.__annotations__) == {field.name for field in fields(SeparationOptions)}
    song = write_song(tmp_path / "song.wav")
    options = SeparationOptions(stems=["drums"], format="flac", start=1.0)
    result = separator.separate_file(song, tmp_path, options, start=2.0)
    assert result.stems == {"drums": tmp_path / "song/drums.flac"}
    assert result.seconds == pytest.approx(0.3)


@pytest.mark.parametrize(
    "wrong",
    [
        {"start": np.nan},
        {"start": -1.0},
        {"duration": np.inf},
        {"duration": 0.0},
        {"format": "wma"},
        {"bit_depth": 12},
        {"format": "mp3", "bit_depth": 16},
        {"stems": ["vocals"], "two_stems": "vocals"},
        {"stems": []},
        {"two_stems": "kazoo"},
    ],
    ids=str,
)
def test_wrong_options_are_refused(separator: Separator, tmp_path: Path, wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        separator.separate_file(write_song(tmp_path / "song.wav", seconds=0.1), tmp_path / "out", **wrong)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("wanted", "analysed"),
    [({}, True), ({"stems": SOURCES}, True), ({"two_stems": "vocals"}, True), ({"stems": ["drums"]}, False)],
)
def test_a_song_is_analysed_if_all_of_it_comes_out(
    mask_model: Path, tmp_path: Path, wanted: dict[str, Any], analysed: bool
) -> None:
    song = write_song(tmp_path / "song.wav", seconds=1)
    assert (Separator(mask_model).separate_file(song, tmp_path, **wanted).analysis is not None) == analysed
