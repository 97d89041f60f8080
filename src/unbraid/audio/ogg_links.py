"""Finds the songs in an Ogg file that was joined from several, each with its own headers, channels and rate.

begins │ sound … │ sound, ends │ begins │ sound … │ sound, ends          each box a page
├────────── a link ────────────┼────────── a link ────────────┤
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from unbraid.audio.ogg import HEADER, with_crc

SIGN = b"OggS"
VORBIS_HEADER = b"\x01vorbis"  # the first of a stream's packets
BEGINS, ENDS = 2, 4  # flags of a stream's first and last page
SEARCHED = 1 << 20  # bytes at a time, for a page behind damage


@dataclass
class Link:
    """One of the songs."""

    begin: int
    """Its place in the file, in bytes."""
    end: int | None = None
    """None for the end of the file."""
    has_end: bool = True
    """Whether its last page is there."""
    samples: int | None = None
    """How many it has, if all its sound is on one page: then FFmpeg takes no padding away from the end."""
    lacks_beginning: bool = False
    """Whether pages are missing before the first of sound that is whole."""


def links(file: IO[bytes]) -> list[Link]:
    """Return the songs in a file: one if it is not an Ogg file."""
    place = file.tell()
    try:
        found, streams, in_headers, sound_pages, whole_pages, headers = [Link(0)], set[bytes](), True, 0, 0, 0
        for at, page in pages(file):
            stream, flags = page[14:18], page[5]
            position = int.from_bytes(page[6:14], "little", signed=True)  # in samples, where the page ends
            if not in_headers and (flags & BEGINS or stream not in streams):
                if not _is_whole(page):  # damage must not begin a song
                    continue
                found[-1].end = at
                found.append(Link(at))
                streams.clear()
                sound_pages = whole_pages = headers = 0
            streams.add(stream)
            if not flags & BEGINS and not sound_pages and page[HEADER.size + page[26] :].startswith(VORBIS_HEADER):
                found[-1].begin = at  # all headers once more, as some editors write them: FFmpeg takes one set only
            in_headers = bool(flags & BEGINS)
            if position in (0, -1) and not sound_pages:
                headers += 1
            else:
                sound_pages += 1
                if not whole_pages and len(streams) == 1 and _is_whole(page):
                    whole_pages += 1
                    found[-1].lacks_beginning = int.from_bytes(page[18:22], "little") > headers
            found[-1].has_end = bool(flags & ENDS) and _is_whole(page)
            found[-1].samples = position if sound_pages == 1 and position > 0 and found[-1].has_end else None
        return found
    finally:
        file.seek(place)


def pages(file: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """Yield where each page begins, and its bytes."""
    file.seek(0)
    if file.read(4) != SIGN:
        return
    at: int | None = 0
    while at is not None:
        file.seek(at)
        head = file.read(HEADER.size + 255)
        if len(head) < HEADER.size:
            return
        table = head[HEADER.size : HEADER.size + head[26]]
        length = HEADER.size + len(table) + sum(table)
        yield at, head[:length] + file.read(max(length - len(head), 0))
        file.seek(at + length)
        at = at + length if file.read(4) == SIGN else _next_sign(file, at + len(SIGN))


def _is_whole(page: bytes) -> bool:
    return with_crc(page[:22] + bytes(4) + page[26:]) == page


def _next_sign(file: IO[bytes], at: int) -> int | None:
    while True:
        file.seek(at)
        content = file.read(SEARCHED)
        found = content.find(SIGN)
        if found >= 0:
            return at + found
        if len(content) < SEARCHED:
            return None
        at += SEARCHED - len(SIGN) + 1
