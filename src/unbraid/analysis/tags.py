"""Tempo and key as tags of sound files, which DJ software reads."""

from unbraid.analysis.key import NAMES

PLAIN_SIGNS = str.maketrans("♭♯", "b#")


def tempo_and_key_tags(tempo: float | None, key: str | None) -> dict[str, str]:
    """Return tags for the tempo, as a whole number of beats a minute, and the key, in the form of ID3v2.4's TKEY.

    >>> tempo_and_key_tags(123.6, "B♭ minor")
    {'bpm': '124', 'initialkey': 'Bbm'}
    """
    tags = {}
    if tempo:
        tags["bpm"] = f"{tempo:.0f}"
    if key:
        tonic, mode = key.split()
        tags["initialkey"] = tonic.translate(PLAIN_SIGNS) + ("m" if mode == "minor" else "")
    return tags


def transposed_key(key: str, semitones: int) -> str:
    """Return the key that many semitones higher.

    >>> transposed_key("A minor", -2)
    'G minor'
    """
    tonic, mode = key.split()
    names = NAMES[mode]
    return f"{names[(names.index(tonic) + semitones) % 12]} {mode}"
