from pathlib import Path

import numpy as np
import pytest

from tests.conftest import noise
from tests.training.stems import write_stems
from unbraid.errors import TrainingError
from unbraid.stems import STEMS
from unbraid.training.data import augment
from unbraid.training.data.mixes import MixDataset, MixingConfig, WeightedFolder, merge_matrix
from unbraid.training.data.recording_chain import CLEAN_RECORDING
from unbraid.training.data.sample_cache import SampleCache


def mixes(folders: list[WeightedFolder], cache: Path, mixing: MixingConfig | None = None, seed: int = 0) -> MixDataset:
    return MixDataset(folders, STEMS, 11_025, SampleCache(cache, 44_100), mixing or MixingConfig(), seed)


@pytest.fixture
def songs(tmp_path: Path) -> Path:
    write_stems(tmp_path / "songs" / "one", {"vocals": 0.5, "drums": 0.3, "bass": 0.2})
    write_stems(tmp_path / "songs" / "two", {"vocals": 0.4, "piano": 0.2, "other": 0.2})
    return tmp_path / "songs"


def test_an_example_depends_on_seed_and_index_alone(songs: Path, tmp_path: Path) -> None:
    first, again = mixes([WeightedFolder(songs)], tmp_path / "a"), mixes([WeightedFolder(songs)], tmp_path / "b")
    assert all((first[i].stems == again[i].stems).all() for i in range(8))
    assert not (first[0].stems == first[1].stems).all()
    assert not (first[0].stems == mixes([WeightedFolder(songs)], tmp_path / "a", seed=1)[0].stems).all()


def test_one_song_gives_its_own_stems(songs: Path, tmp_path: Path) -> None:
    together = MixingConfig(p_same_song=1.0, p_fill_missing=0, recording=CLEAN_RECORDING)
    for i in range(12):
        sounding = {
            STEMS[k] for k, stem in enumerate(mixes([WeightedFolder(songs)], tmp_path, together)[i].stems) if stem.any()
        }
        assert sounding <= {"vocals", "drums", "bass"} or sounding <= {"vocals", "piano", "other"}


def test_what_a_song_lacks_comes_from_another(songs: Path, tmp_path: Path) -> None:
    dataset = mixes(
        [WeightedFolder(songs)], tmp_path, MixingConfig(p_same_song=1.0, p_fill_missing=1, recording=CLEAN_RECORDING)
    )
    sounding = [[bool(stem.any()) for stem in dataset[i].stems] for i in range(8)]
    assert all(drums or piano for _, drums, _, piano, _ in sounding)
    assert sum(all(stems) for stems in sounding) > 3


def test_many_songs_give_all_stems(songs: Path, tmp_path: Path) -> None:
    apart = mixes([WeightedFolder(songs)], tmp_path, MixingConfig(p_same_song=0.0, p_absent=(0.0,) * 5))
    assert all(stem.any() for stem in apart[0].stems)


def test_a_recording_that_is_not_told_apart_stands_alone_with_what_it_lacks(tmp_path: Path) -> None:
    write_stems(tmp_path / "apart" / "one", dict.fromkeys(STEMS, 0.3))
    write_stems(tmp_path / "sums" / "two", {"drums+bass+piano+other": 0.3})
    backed = MixingConfig(p_same_song=0.0, p_backing=1.0, p_absent=(0.0,) * 5, recording=CLEAN_RECORDING)
    example = mixes([WeightedFolder(tmp_path / "apart"), WeightedFolder(tmp_path / "sums")], tmp_path, backed)[0]
    assert [bool(stem.any()) for stem in example.stems] == [True, True, False, False, False]
    assert example.merge_matrix.tolist() == [[1, 0, 0, 0, 0], [0, 1, 1, 1, 1], *[[0] * 5] * 3]


def test_a_song_may_tell_apart_some_of_its_stems(tmp_path: Path) -> None:
    write_stems(tmp_path / "songs" / "one", {"vocals": 0.3, "drums": 0.3, "bass": 0.3, "piano+other": 0.3})
    dataset = mixes([WeightedFolder(tmp_path / "songs")], tmp_path, MixingConfig(p_same_song=1.0))
    for example in (dataset[i] for i in range(8)):
        assert example.stems.any()
        assert not example.stems[4].any()
        assert not example.stems[3].any() or example.merge_matrix[3].tolist() == [0, 0, 0, 1, 1]


def test_what_a_network_has_one_name_for_is_told_apart_from_the_rest() -> None:
    backing = "drums+bass+piano+other"
    assert merge_matrix(STEMS, STEMS).tolist() == np.eye(5).tolist()
    assert merge_matrix([backing], ("accompaniment", "vocals")).tolist() == np.eye(2).tolist()
    assert merge_matrix(["piano+other"], ("bass", "drums", "other", "vocals")).tolist() == np.eye(4).tolist()
    # the network's `other` holds the pianos: a bass summed with one is a bass summed with it all
    assert merge_matrix(["bass+piano", "other"], ("bass", "drums", "other")).tolist() == [
        [1, 0, 1],
        [0, 1, 0],
        [0, 0, 0],
    ]


def test_weights_say_how_often_a_folder_is_drawn_from(songs: Path, tmp_path: Path) -> None:
    write_stems(tmp_path / "never" / "quiet", {"drums": 0.0, "bass": 0.0})
    dataset = mixes(
        [WeightedFolder(songs), WeightedFolder(tmp_path / "never", 0.0)], tmp_path, MixingConfig(p_same_song=1.0)
    )
    assert all(dataset[i].stems.any() for i in range(12))


def test_a_folder_without_songs_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="holds no songs"):
        mixes([WeightedFolder(tmp_path)], tmp_path)


def test_folders_are_read_with_their_weights() -> None:
    assert WeightedFolder.parse("songs=0.5") == WeightedFolder(Path("songs"), 0.5)
    assert WeightedFolder.parse("songs") == WeightedFolder(Path("songs"), 1.0)
    with pytest.raises(TrainingError, match="weight"):
        WeightedFolder.parse("songs=often")


def test_speed_changes_pitch_and_keeps_the_level() -> None:
    t = np.arange(44_100, dtype=np.float32) / 44_100
    tone = np.sin(2 * np.pi * 1_000 * t)[None].astype(np.float32)
    faster = augment.change_speed(tone, 22_050)
    peak = np.abs(np.fft.rfft(faster[0])).argmax() * 44_100 / 22_050
    assert peak == pytest.approx(2_000, abs=5)
    assert np.abs(faster).max() == pytest.approx(1, abs=0.02)
    too_high = np.sin(2 * np.pi * 15_000 * t)[None].astype(np.float32)  # 30 kHz then: above what the rate can hold
    assert np.abs(augment.change_speed(too_high, 22_050)[0, 500:-500]).max() < 0.01


def test_the_limiter_keeps_the_sum_below_full_scale_and_the_balance() -> None:
    stems = np.stack([noise(2, 4_000, seed) for seed in range(5)])
    limited = augment.limit_mixture(stems, 4.0)
    assert np.abs(limited.sum(0)).max() <= 1.0
    gain = limited[0] / stems[0]
    assert np.allclose(limited[1], gain * stems[1], atol=1e-5)


def test_equalisers_are_smooth_and_moderate() -> None:
    gains = 20 * np.log10(augment.random_equalisers(np.random.default_rng(0), (50, 5), 2049))
    assert np.abs(gains).max() <= 10.01
    assert gains.std() > 1
    # half an octave, from 2 to 2.8 kHz, never changes by more than a bump's slope allows
    assert np.abs(gains[..., 186] - gains[..., 260]).max() < 8


@pytest.mark.parametrize("channels", [1, 2])
def test_a_placed_and_reverberant_stem_is_stereo_and_as_long(channels: int) -> None:
    rng = np.random.default_rng(1)
    placed = augment.add_reverb(augment.pan(noise(channels, 9_000), rng), rng, 44_100)
    assert placed.shape == (2, 9_000)
    assert np.isfinite(placed).all()
    assert placed.any()


def test_a_widened_stem_keeps_its_middle() -> None:
    audio = np.random.default_rng(0).standard_normal((2, 8_000)).astype(np.float32)
    audio[1] = audio[0]
    wide = augment.widen(audio, np.random.default_rng(1), 44_100)
    assert np.allclose(wide.mean(0), audio.mean(0), atol=1e-6)
    assert (wide[0] - wide[1]).std() > 0.1


def test_a_low_cut_takes_the_rumble_and_leaves_the_voice() -> None:
    t = np.arange(44_100, dtype=np.float32) / 44_100
    rumble, voice = (np.sin(2 * np.pi * hertz * t)[None].astype(np.float32) for hertz in (25, 300))
    cut = augment.cut_lows(rumble + voice, 80, 44_100)
    spectrum = np.abs(np.fft.rfft(cut[0])) / 22_050
    assert spectrum[25] < 0.02
    assert spectrum[300] == pytest.approx(1, abs=0.02)


def test_a_coded_stem_is_in_its_place_without_its_highest_overtones() -> None:
    t = np.arange(44_100, dtype=np.float32) / 44_100
    low, high = (0.3 * np.sin(2 * np.pi * hertz * t)[None].repeat(2, 0).astype(np.float32) for hertz in (440, 19_500))
    coded = augment.apply_mp3(low + high, np.random.default_rng(0), 44_100)
    assert coded.shape == low.shape
    spectrum = np.abs(np.fft.rfft(coded[0])) / 22_050
    assert spectrum[440] == pytest.approx(0.3, abs=0.02)
    assert spectrum[19_500] < 0.03
    middle = slice(8_820, -8_820)
    assert np.corrcoef(coded[0, middle], low[0, middle])[0, 1] > 0.99, "it is delayed"
    assert augment.apply_mp3(low, np.random.default_rng(0), 22_050) is low


def test_an_effect_changes_the_sound_but_neither_its_level_nor_silence() -> None:
    t = np.arange(88_200, dtype=np.float32) / 44_100
    audio = (0.1 * np.sin(2 * np.pi * 220 * t)[None].repeat(2, 0)).astype(np.float32)
    audio[:, :22_050] = 0
    changed = [augment.apply_effect(audio, np.random.default_rng(seed), 44_100) for seed in range(30)]
    for one in changed:
        assert one.shape == audio.shape
        assert one.std() == pytest.approx(audio.std(), rel=0.01)
        assert not one[:, :20_000].any()
    assert sum(np.corrcoef(one[0], audio[0])[0, 1] < 0.99 for one in changed) > 10
    assert augment.apply_effect(np.zeros_like(audio), np.random.default_rng(0), 44_100).max() == 0


def test_one_stem_stands_out_now_and_then(songs: Path, tmp_path: Path) -> None:
    def spread(featured: float) -> float:
        mixing = MixingConfig(
            p_same_song=1.0,
            speed_spread=0,
            p_effect=0,
            p_limit=0,
            balance_spread=0,
            p_feature=featured,
            recording=CLEAN_RECORDING,
        )
        dataset = mixes([WeightedFolder(songs)], tmp_path, mixing)
        levels = [dataset[i].stems.std((1, 2)) for i in range(8)]
        return float(np.mean([level[level > 0].max() / level[level > 0].min() for level in levels if level.any()]))

    assert spread(1.0) > spread(0.0)
