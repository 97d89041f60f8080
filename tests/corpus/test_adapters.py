"""Each adapter on a small made-up tree of its data set's layout, with real files in the real formats."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from unbraid.corpus import adapters
from unbraid.corpus.audio_files import RATE
from unbraid.errors import CorpusError

SECONDS = 0.25


def tone(path: Path, hertz: float, seconds: float = SECONDS, channels: int = 1) -> None:
    """A file that holds one sine, by which a test knows it again."""
    path.parent.mkdir(parents=True, exist_ok=True)
    wave = 0.2 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE)
    soundfile.write(path, np.repeat(wave[:, None], channels, axis=1), RATE)


def heard(audio: np.ndarray) -> set[int]:
    """The frequencies in `(channels, samples)`, to the nearest 100 Hz."""
    spectrum = np.abs(np.fft.rfft(audio[0] * np.hanning(audio.shape[1])))
    loud = np.flatnonzero(spectrum > 0.3 * spectrum.max())
    return {round(i * RATE / audio.shape[1] / 100) * 100 for i in loud}


def folders(root: Path) -> None:
    tone(root / "train" / "one" / "vocals.flac", 400)
    tone(root / "train" / "one" / "piano.ogg", 800, 0.3)
    tone(root / "valid" / "two" / "drums.wav", 1200)


def frets_on_fire(root: Path) -> None:
    tone(root / "sectoid" / "Feelings" / "guitar.ogg", 400)
    tone(root / "sectoid" / "Feelings" / "song.ogg", 800)
    tone(root / "muldjord" / "mutilated_mime" / "guitar.ogg", 1200)


def musdb18_hq(root: Path) -> None:
    for split, name in (("train", "A - B"), ("test", "C - D")):
        for i, stem in enumerate(("vocals", "drums", "bass", "other", "mixture")):
            tone(root / split / name / f"{stem}.wav", 400 * (i + 1), channels=2)


def musdb18(root: Path) -> None:
    import av

    path = root / "train" / "A - B.stem.mp4"
    path.parent.mkdir(parents=True)
    with av.open(str(path), "w", format="mp4") as container:
        streams = [container.add_stream("aac", rate=RATE, layout="stereo") for _ in range(5)]
        for i, stream in enumerate(streams):  # mixture, drums, bass, other, vocals
            wave = 0.2 * np.sin(2 * np.pi * 400 * (i + 1) * np.arange(RATE) / RATE)
            frame = av.AudioFrame.from_ndarray(
                np.stack([wave, wave]).astype(np.float32), format="fltp", layout="stereo"
            )
            frame.rate, frame.pts = RATE, 0
            for packet in [*stream.encode(frame), *stream.encode(None)]:
                container.mux(packet)


def moisesdb(root: Path) -> None:
    song = root / "moisesdb_v0.1" / "0a1b"
    stems = []
    for i, name in enumerate(("vocals", "drums", "percussion", "bass", "piano", "guitar", "other_keys")):
        stems.append({"stemName": name, "tracks": [{"id": f"t{i}", "trackType": name, "extension": "wav"}]})
        tone(song / name / f"t{i}.wav", 400 * (i + 1))
    (song / "data.json").write_text(json.dumps({"artist": "A", "song": "B/C", "genre": "rock", "stems": stems}))


def slakh2100(root: Path) -> None:
    track = root / "validation" / "Track01501"
    stems = {
        "S00": ("Drums", True, 128),
        "S01": ("Bass", False, 33),
        "S02": ("Piano", False, 0),
        "S03": ("Piano", False, 6),
        "S04": ("Guitar", False, 27),
    }
    text = ["audio_dir: stems", "stems:"]
    for i, (name, (kind, drum, program)) in enumerate(stems.items()):
        text += [
            f"  {name}:",
            f"    inst_class: {kind}",
            f"    is_drum: {str(drum).lower()}",
            f"    program_num: {program}",
        ]
        tone(track / "stems" / f"{name}.flac", 400 * (i + 1))
    (track / "metadata.yaml").write_text("\n".join(text) + "\n")


TREES: dict[str, tuple[Callable[[Path], None], str, str, dict[str, set[int]]]] = {
    "folders": (folders, "one", "train", {"vocals": {400}, "piano": {800}}),
    "frets_on_fire": (frets_on_fire, "Feelings", "train", {"other": {400}}),
    "musdb18_hq": (musdb18_hq, "C - D", "test", {"vocals": {400}, "drums": {800}, "bass": {1200}}),
    "musdb18": (musdb18, "A - B", "train", {"drums": {800}, "bass": {1200}, "vocals": {2000}}),
    "moisesdb": (
        moisesdb, "A - B/C", "train",
        {"vocals": {400}, "drums": {800, 1200}, "bass": {1600}, "piano": {2000}, "other": {2400, 2800}},
    ),
    "slakh2100": (
        slakh2100, "Track01501", "valid", {"drums": {400}, "bass": {800}, "piano": {1200}, "other": {1600, 2000}}
    ),
}  # fmt: skip


def test_every_adapter_is_tested() -> None:
    assert set(TREES) == set(adapters.DATASETS)


@pytest.mark.parametrize("dataset", TREES)
def test_a_data_set_is_read_as_songs_of_the_five_sources(dataset: str, tmp_path: Path) -> None:
    make, name, split, expected = TREES[dataset]
    make(tmp_path)
    songs = {song.name: song for song in adapters.songs(dataset, tmp_path)}
    song = songs[name]
    stems = song.read()
    assert song.split == split
    assert {source: heard(stem) for source, stem in stems.items()} == expected
    assert {stem.shape[0] for stem in stems.values()} == {2}
    assert len({stem.shape[1] for stem in stems.values()}) == 1
    assert "/" not in song.folder_name


def test_a_sum_that_would_clip_is_scaled_with_all_its_stems(tmp_path: Path) -> None:
    for stem in ("vocals", "bass"):
        (tmp_path / "loud").mkdir(exist_ok=True)
        soundfile.write(tmp_path / "loud" / f"{stem}.wav", np.full((100, 2), 0.8), RATE)
    stems = next(adapters.songs("folders", tmp_path)).read()
    np.testing.assert_allclose(stems["vocals"], 0.5, atol=1e-3)
    np.testing.assert_allclose(stems["bass"], 0.5, atol=1e-3)


@pytest.mark.parametrize("dataset", adapters.DATASETS)
def test_a_folder_without_the_data_set_is_named(dataset: str, tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=tmp_path.name):
        list(adapters.songs(dataset, tmp_path))
    with pytest.raises(CorpusError, match="nowhere"):
        list(adapters.songs(dataset, tmp_path / "nowhere"))


def test_an_unknown_data_set_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="moisesdb"):
        list(adapters.songs("mydb", tmp_path))


def test_broken_files_of_a_data_set_are_named(tmp_path: Path) -> None:
    moisesdb(tmp_path)
    listing = next(tmp_path.rglob("data.json"))
    listing.write_text("{}")
    with pytest.raises(CorpusError, match=r"data\.json"):
        list(adapters.songs("moisesdb", tmp_path))
    tone(tmp_path / "x" / "vocals.wav", 400)
    (tmp_path / "x" / "vocals.wav").write_bytes(b"RIFF")
    song = next(song for song in adapters.songs("folders", tmp_path) if song.name == "x")
    with pytest.raises(CorpusError, match=r"vocals\.wav"):
        song.read()
