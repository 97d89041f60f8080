"""Samples in memory: whatever NumPy understands is understood, and the rest is refused in a sentence."""

from typing import Any

import numpy as np
import pytest

from tests.audio.songs import tone
from unbraid import InputError, Separator
from unbraid.audio import ArraySong

SOUND = tone(0.2)


def taken(samples: Any, rate: float = 44_100) -> Any:
    return np.concatenate([*ArraySong(samples, rate), np.zeros((len(ArraySong(samples, rate)._samples), 0))], axis=1)


@pytest.mark.parametrize(
    "kind", ["float16", "float32", "float64", "longdouble", ">f4", "int8", "int16", "int32", ">i2", "uint8", "uint16"]
)
def test_any_type_is_at_full_scale(kind: str) -> None:
    dtype = np.dtype(kind)
    given = SOUND.astype(dtype)
    if dtype.kind in "iu":
        scale = 2.0 ** (8 * dtype.itemsize - 1)
        given = (SOUND * scale + (scale if dtype.kind == "u" else 0)).astype(dtype)
    np.testing.assert_allclose(taken(given), SOUND, atol=2 ** -(7 if dtype.itemsize == 1 else 10))


@pytest.mark.parametrize(
    "given", [SOUND.tolist(), np.asfortranarray(SOUND), SOUND[:, ::2], SOUND.data, tuple(SOUND), SOUND[::-1]]
)
def test_any_arrangement_is_read(given: Any) -> None:
    np.testing.assert_array_equal(taken(given), np.asarray(given, np.float32))


def test_a_single_row_is_mono_and_nothing_is_nothing() -> None:
    np.testing.assert_array_equal(taken(SOUND[0]), SOUND[:1])
    assert taken(np.zeros((2, 0), np.int16)).shape == (2, 0)


def test_what_is_given_stays_as_it_is() -> None:
    given = SOUND.copy()
    given[0, 5] = np.nan
    before = given.copy()
    assert taken(given)[0, 5] == 0.0
    np.testing.assert_array_equal(given, before)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (SOUND.T, ["(8820, 2)", "transpose"]),
        (np.zeros((3, 100)), ["(3, 100)"]),
        (np.zeros((1, 2, 3)), ["(1, 2, 3)"]),
        (np.float32(1.0), ["()"]),
        ([], ["(0,)"]),
        (b"RIFF", ["bytes"]),
        ("song.wav", ["str"]),
        (SOUND.astype(complex), ["complex"]),
        (np.zeros((2, 9), bool), ["bool"]),
        (np.zeros((2, 9), np.int64), ["int64", "8, 16 or 32 bits"]),
        ([[0.0, 1.0], [0.0]], ["list"]),
        (None, ["NoneType"]),
        ({}, ["dict"]),
    ],
)
def test_what_is_no_sound_is_refused_in_a_sentence(given: Any, words: list[str]) -> None:
    with pytest.raises(InputError) as raised:
        ArraySong(given, 44_100)
    assert str(raised.value).endswith(".")
    for word in words:
        assert word in str(raised.value)


@pytest.mark.parametrize("rate", [0, -44_100, 44_100.5, float("nan"), float("inf"), "44100 Hz", None, 10**9])
def test_a_rate_that_is_none(rate: Any) -> None:
    with pytest.raises(InputError, match="sample rate"):
        ArraySong(SOUND, rate)
    assert ArraySong(SOUND, np.float64(44_100.0)).sample_rate == 44_100


def test_integers_are_separated_as_their_song(separator: Separator) -> None:
    whole = np.round(SOUND * 32_768).astype(np.int16)
    total = np.sum(list(separator.separate_array(whole, 44_100).values()), axis=0)
    np.testing.assert_allclose(total, whole / 32_768, atol=1e-6)
