"""Stages in other threads keep the order, stay bounded, pass errors on and end when they are closed."""

import threading
import time
from collections.abc import Iterator

import pytest

from unbraid.inference.pipeline import run_ahead


def test_ahead_keeps_the_order() -> None:
    assert list(run_ahead(iter(range(100)), 3, "test")) == list(range(100))


def test_ahead_is_bounded() -> None:
    made: list[int] = []

    def numbers() -> Iterator[int]:
        for number in range(100):
            made.append(number)
            yield number

    reader = run_ahead(numbers(), 3, "test")
    next(reader)
    time.sleep(0.1)
    assert len(made) <= 5
    reader.close()


def test_closing_ends_the_thread_and_closes_the_source() -> None:
    closed = threading.Event()

    def endless() -> Iterator[int]:
        try:
            while True:
                yield 1
        finally:
            closed.set()

    reader = run_ahead(endless(), 2, "test-ahead")
    next(reader)
    reader.close()
    assert closed.is_set()
    assert not any(thread.name == "test-ahead" for thread in threading.enumerate())


def test_an_error_arrives_in_its_place() -> None:
    def broken() -> Iterator[int]:
        yield 1
        yield 2
        raise ValueError("broken")

    reader = run_ahead(broken(), 4, "test")
    assert next(reader) == 1
    assert next(reader) == 2
    with pytest.raises(ValueError, match="broken"):
        next(reader)
