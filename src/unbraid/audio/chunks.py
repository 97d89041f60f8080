"""Layouts of containers, as far as needed to tell whether a file ends inside one of their chunks."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Literal


@dataclass(frozen=True)
class Layout:
    """Chunks one after the other, each with a name and a size."""

    start: int
    """Where in the file the first chunk begins."""
    name: int
    """Bytes that a name has."""
    size: int
    """Bytes that a size has."""
    sound: tuple[bytes, ...]
    """Prefixes of the names of chunks whose end must be there, or sound is missing."""
    order: Literal["little", "big"] = "little"
    size_first: bool = False
    counts_header: bool = False
    """Whether the size includes the name and the size itself."""
    alignment: int = 1


MP4 = "mov,mp4,m4a,3gp,3g2,mj2"
LAYOUTS = {
    "wav": Layout(12, 4, 4, (b"data",), alignment=2),
    "avi": Layout(12, 4, 4, (b"LIST",), alignment=2),
    "aiff": Layout(12, 4, 4, (b"SSND",), "big", alignment=2),
    "caf": Layout(8, 4, 8, (b"data",), "big"),
    "w64": Layout(40, 16, 8, (b"data",), counts_header=True, alignment=8),
    "asf": Layout(0, 16, 8, (bytes.fromhex("3626b2758e66cf11"),), counts_header=True),
    "dsf": Layout(0, 4, 8, (b"data",), counts_header=True),
    "rm": Layout(0, 4, 4, (b"PROP", b"MDPR"), "big", counts_header=True),  # of its data FFmpeg writes a wrong size
    MP4: Layout(0, 4, 4, (b"mdat", b"moov", b"moof"), "big", size_first=True, counts_header=True),
}


def chunks(file: IO[bytes], layout: Layout) -> Iterator[tuple[bytes, int, int | None]]:
    """Yield the name of each chunk, and where its content begins and ends (None if the file does not say).

    Programs that write to a pipe cannot go back to write the size: they leave a placeholder.
    """
    end_of_file = file.seek(0, os.SEEK_END)
    at, large = layout.start, 0
    while at + layout.name + layout.size <= end_of_file:
        file.seek(at)
        header = file.read(layout.name + layout.size)
        if layout.size_first:
            size, name = int.from_bytes(header[: layout.size], layout.order), header[layout.size :]
        else:
            name, size = header[: layout.name], int.from_bytes(header[layout.name :], layout.order)
        begins = at + len(header)
        if layout.size_first and size == 1:  # an MP4's large boxes
            size = int.from_bytes(file.read(8), layout.order)
            begins += 8
        if name == b"ds64":  # an RF64's true sizes
            large = int.from_bytes(file.read(16)[8:], "little")
        if name == b"data" and large and size == 0xFFFFFFFF:
            size = large
        if size == 0 or (is_placeholder(size, layout.size) and end_of_file < 0.9 * (begins + size)):
            yield name, begins, None
            return
        ends = at + size if layout.counts_header else begins + size
        if ends < begins:
            return
        yield name, begins, ends
        at = ends + -ends % layout.alignment


def is_placeholder(size: int, size_bytes: int) -> bool:
    """Return whether a size means "unknown": zero, or about the largest signed or unsigned number.

    sox leaves 7f000000 and 7ffff000, lame 7fffffff and 80000023, FFmpeg ffffffff.
    """
    if size_bytes == 8:
        return size == 0 or size >= 1 << 60
    return size == 0 or 0x7F000000 <= size <= 0x80FFFFFF or size >= 0xFF000000


# The parts of a Matroska segment whose length may be unknown (the segment itself and its clusters) and those in them.
SEGMENT, CLUSTER = 0x18538067, 0x1F43B675
OF_SEGMENT = {0x114D9B74, 0x1549A966, 0x1654AE6B, 0x1C53BB6B, 0x1941A469, 0x1043A770, 0x1254C367, CLUSTER}
OF_CLUSTER = {0xE7, 0xA3, 0xA0, 0xAB, 0xA7, 0xEC, 0xBF, 0x5854}
EBML_HEADER = 0x1A45DFA3


def matroska_ends_inside(file: IO[bytes]) -> bool:
    """Return whether a Matroska or WebM file ends inside its segment or, if that has no length, inside an element."""
    end_of_file = file.seek(0, os.SEEK_END)
    at = 0
    while at < end_of_file:
        file.seek(at)
        name, size, begins = _element(file.read(12), at)
        if name not in OF_SEGMENT | OF_CLUSTER | {SEGMENT, EBML_HEADER}:
            return False  # damage or something else behind the end: nothing is proved
        if size is None and name in (SEGMENT, CLUSTER):
            at = begins
        elif size is None:
            return False
        elif begins + size > end_of_file:
            return True
        else:
            at = begins + size
    return False


def _element(header: bytes, at: int) -> tuple[int, int | None, int]:
    """Return an element's name, its size (None if unknown) and where its content begins."""
    if not header or not header[0]:
        return 0, None, at
    name_bytes = 9 - header[0].bit_length()
    rest = header[name_bytes:]
    if name_bytes > 4 or not rest or not rest[0]:
        return 0, None, at
    size_bytes = 9 - rest[0].bit_length()
    size = int.from_bytes(rest[:size_bytes], "big") & ((1 << 7 * size_bytes) - 1)
    unknown = size == (1 << 7 * size_bytes) - 1
    return int.from_bytes(header[:name_bytes], "big"), None if unknown else size, at + name_bytes + size_bytes
