"""What a song is called after its file."""

import pytest

from unbraid_web.songs.models.song import tidy_title


@pytest.mark.parametrize(
    ("filename", "title"),
    [
        ("01_my song.mp3", "my song"),
        ("03 - Blue in Green.flac", "Blue in Green"),
        ("So What.wav", "So What"),
        ("so-what.wav", "so what"),
        ("1999.mp3", "1999"),
        ("99 Luftballons.mp3", "99 Luftballons"),
        ("7. Nightswimming.mp3", "Nightswimming"),
        ("Ω – été.ogg", "Ω – été"),
        (".mp3", ".mp3"),
        ("_.mp3", "Untitled"),
    ],
)
def test_tidy_title(filename: str, title: str) -> None:
    assert tidy_title(filename) == title
