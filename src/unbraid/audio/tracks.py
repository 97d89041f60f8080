"""Finds the sound track in a container."""

from contextlib import suppress
from typing import Any

from av.stream import Disposition

from unbraid.audio.channels import folding_note
from unbraid.audio.packets import encrypted
from unbraid.audio.types import RATES
from unbraid.errors import InputError


def sound_track(container: Any, number: int | None, name: str) -> tuple[Any, list[str]]:
    """Return a sound track, counted from 1 (None takes the first), and notes about it.

    Raises:
        InputError: there is no such track, or it cannot be read; `name` is the song's name in the message.
    """
    streams = container.streams.audio
    if not streams:
        raise InputError(f"{name} holds no sound: there is no audio stream in it.")
    if number is not None and number > len(streams):
        has = "one sound track" if len(streams) == 1 else f"{len(streams)} sound tracks"
        raise InputError(f"{name} has no track {number}: it has {has}.")
    stream = streams[(number or 1) - 1]
    context = stream.codec_context
    if context is None:
        raise InputError(f"{name} cannot be read: there is no decoder for its sound.")
    if _tag(context) in ("drms", "enca"):
        raise encrypted(name)
    if not context.channels or (stream.rate not in RATES and not is_dsd(context)):
        raise InputError(f"{name} cannot be read as sound: it claims {context.channels} channels at {stream.rate} Hz.")
    notes = [folding_note(context.layout)] if context.channels > 2 else []
    usual = [place for place, other in enumerate(streams, 1) if other.disposition & Disposition.default]
    if number is None and usual and 1 not in usual:
        notes.append(f"track 1 of {len(streams)} is used, though the file marks track {usual[0]} as the default")
    return stream, notes


def is_dsd(context: Any) -> bool:
    """Return whether a codec's samples are single bits."""
    codec: str = context.name
    return codec.startswith("dsd") or codec == "dst"


def _tag(context: Any) -> str:
    """Return the four letters by which the file names the codec, or nothing if they are not letters."""
    with suppress(UnicodeDecodeError):
        tag: str = context.codec_tag
        return tag
    return ""
