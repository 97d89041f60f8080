"""A project for Reaper, a program that producers use: plain text, each stem on a track with its name and its colour."""

from typing import Any

from unbraid_web.separations.work.mixing import beats_in_bar

# What Reaper calls what reads each format. It asks no file what it is.
SOURCES = {"wav": "WAVE", "flac": "FLAC", "mp3": "MP3", "m4a": "VIDEO", "ogg": "VORBIS", "opus": "OPUS"}
COLOURS = {
    "vocals": "#d63a55", "drums": "#b86a00", "bass": "#6d4be0", "piano": "#1579c4", "other": "#1f8a55",
}  # fmt: skip  # those of the site's light pages, in tokens.css
EXTRA = "#66707c"
CUSTOM_COLOUR = 0x1000000
TIME = 0  # what a track's sound keeps to when the tempo is changed: seconds, not beats


def reaper_project(stems: dict[str, str], kind: str, seconds: float, analysis: dict[str, Any] | None) -> str:
    """Return the text of a project in which all stems begin together.

    Args:
        stems: the file of each, beside the project
        kind: the files' format
        seconds: how long each is
        analysis: what was found in the song; see `Separation.analysis`
    """
    lines = ['<REAPER_PROJECT 0.1 "6.0" 0']
    if analysis and analysis["tempo"]:
        lines.append(f"  TEMPO {analysis['tempo']:g} {beats_in_bar(analysis)} 4")
    for name, file in stems.items():
        lines += [
            "  <TRACK",
            f"    NAME {quoted(name)}",
            f"    PEAKCOL {colour_number(COLOURS.get(name, EXTRA))}",
            f"    BEAT {TIME}",
            "    <ITEM",
            "      POSITION 0",
            f"      LENGTH {seconds:.9f}",
            "      LOOP 0",
            f"      NAME {quoted(name)}",
            f"      <SOURCE {SOURCES[kind]}",
            f"        FILE {quoted(file)}",
            "      >",
            "    >",
            "  >",
        ]
    return "\n".join([*lines, ">", ""])


def quoted(text: str) -> str:
    """Return a text as one word of a project: in the first of three quotation marks that it does not hold itself."""
    mark = next((mark for mark in "\"'`" if mark not in text), "`")
    return mark + text.replace(mark, "'") + mark


def colour_number(colour: str) -> int:
    """Return a colour as projects have it: blue, green and red, from the highest byte on."""
    return CUSTOM_COLOUR | int.from_bytes(bytes.fromhex(colour[1:]), "little")
