"""Validates requests for exports."""

import math
from typing import Any

from django.core.exceptions import ValidationError

KINDS = ("stem", "zip", "mix", "dj")
DJ_FORMAT = "m4a"  # one file for DJ software, `.stem.mp4`, can have no other
CONTENT_TYPES = {
    "wav": "audio/wav", "flac": "audio/flac", "mp3": "audio/mpeg", "m4a": "audio/mp4", "ogg": "audio/ogg",
    "opus": "audio/ogg",
}  # fmt: skip
FORMATS = tuple(CONTENT_TYPES)  # those of the library with one sound in a file
AS_IT_IS = {"speed": 1, "semitones": 0, "click": 0, "count_in": 0}  # what a mix may be besides a sum of stems
MAX_GAIN = 2.0
SPEEDS = (0.5, 2.0)
MAX_SEMITONES = 6


def validated_recipe(wanted: Any, names: list[str], *, has_beats: bool = False) -> dict[str, Any]:
    """Return the request in a normal form, so that equivalent requests are equal.

    Args:
        wanted: `{"kind": ..., "format": ..., "stems": {name: {"gain": 0..2, "pan": -1..1}}}`; `stems` may be left out.
            A mix may also have `"speed": 0.5..2`, `"semitones": -6..6`, `"click": 0..2`, the gain of a click on the
            beats, and `"count_in": 0..2`, that of a bar of clicks before the song
        names: the song's stems
        has_beats: whether a click can follow them

    Raises:
        ValidationError: with a sentence.
    """
    if not isinstance(wanted, dict) or wanted.get("kind") not in KINDS or wanted.get("format") not in FORMATS:
        raise ValidationError(f"Ask for a kind ({', '.join(KINDS)}) and a format ({', '.join(FORMATS)}).")
    if unknown := set(wanted) - {"kind", "format", "stems", *AS_IT_IS}:
        raise ValidationError(f"A request has no field “{min(map(str, unknown))}”.")
    if wanted["kind"] != "mix" and any(wanted.get(name, rest) != rest for name, rest in AS_IT_IS.items()):
        raise ValidationError("Only a mix can have another speed, another key, a click or a count-in.")
    asked = wanted.get("stems") or {name: {} for name in names}
    if not isinstance(asked, dict) or not set(asked) <= set(names):
        raise ValidationError(f"The stems of this song are {', '.join(names)}.")
    if wanted["kind"] == "stem" and len(asked) != 1:
        raise ValidationError("Name the one stem you want.")
    if wanted["kind"] == "dj" and (wanted["format"] != DJ_FORMAT or set(asked) != set(names)):
        raise ValidationError(f"A DJ file always has all stems: use the format {DJ_FORMAT} and leave out “stems”.")
    stems = {}
    for name in names:
        if name in asked:
            how = asked[name] if isinstance(asked[name], dict) else {}
            if set(how) - {"gain", "pan"}:
                raise ValidationError("A stem takes only a gain and a pan.")
            gain, pan = number(how.get("gain", 1.0)), number(how.get("pan", 0.0))
            if wanted["kind"] != "mix":
                gain, pan = 1.0, 0.0  # a stem is what it is; only mixes are mixed
            if not (0 <= gain <= MAX_GAIN and -1 <= pan <= 1):
                raise ValidationError(f"A stem's gain must be between 0 and {MAX_GAIN:g}, its pan between -1 and 1.")
            if gain > 0:
                stems[name] = [round(gain, 4), round(pan, 4)]
    changes = changes_of(wanted, has_beats=has_beats) if wanted["kind"] == "mix" else {}
    if not stems and "click" not in changes:
        raise ValidationError("This mix would be silent. Turn up at least one stem.")
    return {"kind": wanted["kind"], "format": wanted["format"], "stems": stems, **changes}


def changes_of(wanted: dict[str, Any], *, has_beats: bool) -> dict[str, Any]:
    """Return the settings that make a mix more than a sum of stems, without those that change nothing.

    Raises:
        ValidationError: with a sentence.
    """
    speed, semitones, click, count_in = (number(wanted.get(name, rest)) for name, rest in AS_IT_IS.items())
    slowest, fastest = SPEEDS
    if not slowest <= speed <= fastest:
        raise ValidationError(f"The speed must be between {slowest:g} and {fastest:g}.")
    if semitones not in range(-MAX_SEMITONES, MAX_SEMITONES + 1):
        raise ValidationError(f"Transpose by a whole number of semitones, at most {MAX_SEMITONES} up or down.")
    if not (0 <= click <= MAX_GAIN and 0 <= count_in <= MAX_GAIN):
        raise ValidationError(f"The gain of the click and of the count-in must be between 0 and {MAX_GAIN:g}.")
    if (click or count_in) and not has_beats:
        raise ValidationError("No steady beat was found in this song, so there can be no click.")
    changes = {
        "speed": round(speed, 4), "semitones": int(semitones), "click": round(click, 4), "count_in": round(count_in, 4)
    }  # fmt: skip
    return {name: value for name, value in changes.items() if value != AS_IT_IS[name]}


def stem_recipe(name: str) -> dict[str, Any]:
    """Return the recipe of one whole stem, lossless."""
    return {"kind": "stem", "format": "flac", "stems": {name: [1.0, 0.0]}}


def number(value: Any) -> float:
    """Return the value if it is a number.

    Raises:
        ValidationError: it is not.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValidationError("Gain, pan, speed, semitones, click and count-in must be numbers.")
    return float(value)
