"""Tell a sound file that was cut off, by a broken download say, from one that simply ends.

Only bytes that end inside something prove a cut: a chunk, a page, a frame. A length that a file declares proves
nothing: programs that copy a part of a song, write to a pipe or set a tag leave it as it was.
"""

import os
from typing import IO, Any

from unbraid.audio.chunks import LAYOUTS, chunks, is_placeholder, matroska_ends_inside
from unbraid.audio.mpeg import frame_bytes

TS_SYNC = 0x47
WHOLE_FRAMES = {"ape", "flac", "tak", "tta"}  # their decoders refuse a frame whose end is missing


def ends_inside(container: str, file: IO[bytes], last: Any, *, last_failed: bool) -> str | None:
    """Return what a file of this container (FFmpeg's name) ends inside of, or None if it ends where something does.

    `last` is the last packet that FFmpeg found, or None, and `last_failed` whether it could not be decoded.
    """
    position = file.tell()
    size = file.seek(0, os.SEEK_END)
    try:
        if layout := LAYOUTS.get(container):
            found = list(chunks(file, layout))
            sound = [ends for name, _, ends in found if name.startswith(layout.sound)]
            if any(ends is not None and ends > size for ends in sound):
                return "a chunk"
            if None in sound:
                return None  # whoever wrote it did not know: it is as long as it is
        elif container == "matroska,webm":
            return "a block" if matroska_ends_inside(file) else None
        elif container == "ogg":
            return "a page" if _ogg_ends_inside(file, size) else None
        elif container == "mpegts":
            return "a packet" if _transport_stream_ends_inside(file, size) else None
        elif container == "flv":
            return "a tag" if _flv_ends_inside(file, size) else None
        elif container == "au":
            return "its samples" if _au_ends_inside(file, size) else None
        places = (last.pos, last.pos + last.size) if last is not None and last.pos is not None else (0,)
        for place in places:  # a frame that is incomplete is a packet of its own, or none
            file.seek(place)
            if place + (frame_bytes(container, file.read(8)) or 0) > size:
                return "a frame"
        if last is None or last.pos is None:
            return None
        if container in WHOLE_FRAMES and last_failed:
            return "a frame"
        # FFmpeg marks what it could not read in full.
        return "a packet" if last.is_corrupt and last.pos + last.size >= size else None
    finally:
        file.seek(position)


def lacks_index(file: IO[bytes]) -> bool:
    """Return whether this is an MP4 without its index, which most programs write at its end."""
    layout = LAYOUTS["mov,mp4,m4a,3gp,3g2,mj2"]
    file.seek(0)
    if file.read(8)[4:] != b"ftyp":
        return False
    return not any(name == b"moov" for name, _, _ in chunks(file, layout))


def length_is_unknown(container: str, file: IO[bytes]) -> bool:
    """Return whether the size of the sound in this file is only a placeholder, left by who wrote to a pipe."""
    layout = LAYOUTS.get(container)
    if layout is None or layout.size_first:
        return False
    position = file.tell()
    try:
        return any(ends is None and name.startswith(layout.sound) for name, _, ends in chunks(file, layout))
    finally:
        file.seek(position)


def _ogg_ends_inside(file: IO[bytes], size: int) -> bool:
    """Return whether the last page (27 bytes, a table of segment lengths, the segments) is incomplete."""
    file.seek(max(0, size - (1 << 17)))  # a page has at most 65,307 bytes
    tail = file.read()
    page = tail.rfind(b"OggS")
    if page < 0 or len(tail) < page + 27:
        return page >= 0
    table = tail[page + 27 : page + 27 + tail[page + 26]]
    return len(table) < tail[page + 26] or len(tail) < page + 27 + tail[page + 26] + sum(table)


def _transport_stream_ends_inside(file: IO[bytes], size: int) -> bool:
    """Return whether the last packet, of 188 bytes, or 192 with a time before each, is incomplete."""
    file.seek(0)
    beginning = file.read(2 * 192)
    for packet, sync in ((188, 0), (192, 4)):
        if len(beginning) > packet + sync and beginning[sync] == beginning[packet + sync] == TS_SYNC:
            rest = size % packet
            file.seek(size - rest)
            return rest > sync and file.read(rest)[sync] == TS_SYNC
    return False


def _flv_ends_inside(file: IO[bytes], size: int) -> bool:
    """Return whether a film does not end with a tag and its size, as each part of it does."""
    file.seek(max(size - 4, 0))
    length = int.from_bytes(file.read(4), "big")
    begins = size - 4 - length
    if begins < 0:
        return True
    file.seek(begins)
    return int.from_bytes(file.read(4)[1:], "big") + 11 != length


def _au_ends_inside(file: IO[bytes], size: int) -> bool:
    """Return whether there are fewer samples than the header says."""
    file.seek(4)
    begins, length = (int.from_bytes(file.read(4), "big") for _ in range(2))
    return not is_placeholder(length, 4) and begins + length > size
