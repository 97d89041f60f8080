"""Numbers as people read them."""

import pytest

from unbraid_web.formatting import duration


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (1, "1 second"), (30, "30 seconds"), (60, "60 seconds"), (90, "90 seconds"), (120, "2 minutes"),
        (3600, "60 minutes"), (5400, "90 minutes"), (86_400, "24 hours"), (2_592_000, "30 days"),
    ],
)  # fmt: skip
def test_durations_are_never_rounded_away(seconds: float, words: str) -> None:
    assert duration(seconds) == words
