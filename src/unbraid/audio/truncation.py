"""Tell a sound file that was cut off, by a broken download say, from one that simply ends."""

import os
from typing import IO

# Containers that declare their length as a fact. Others leave FFmpeg to guess it from the bit rate.
EXACT = {"aiff", "au", "caf", "flac", "matroska,webm", "mov,mp4,m4a,3gp,3g2,mj2", "tak", "tta", "w64", "wav", "wv"}

UNKNOWN_SIZES = {0, 0xFFFFFFFF, 0x7FFFFFFF}  # what a program writes that streams a WAV to a pipe


def declares_its_length(container: str, file: IO[bytes]) -> bool:
    """Return whether the length that a file of this container (FFmpeg's name) declares is exact."""
    return container in EXACT or (container == "mp3" and _has_frame_count(file))


def ends_early(container: str, file: IO[bytes]) -> bool:
    """Return whether a file of a container that FFmpeg takes as long as it is stops before its own end."""
    if not file.seekable():
        return False
    position = file.tell()
    size = file.seek(0, os.SEEK_END)
    try:
        if container == "wav":
            return _wav_ends_early(file, size)
        if container == "ogg":
            return _ogg_ends_early(file, size)
        return False
    finally:
        file.seek(position)


def _wav_ends_early(file: IO[bytes], size: int) -> bool:
    file.seek(0)
    header = file.read(8)
    declared = int.from_bytes(header[4:8], "little")
    # Some writers forget a trailing chunk in one number or the other: only a real gap is a cut.
    return header[:4] == b"RIFF" and declared not in UNKNOWN_SIZES and declared + 8 - size > 0.005 * size + 64


def _ogg_ends_early(file: IO[bytes], size: int) -> bool:
    """Return whether the last page (27 bytes, a table of segment lengths, the segments) is incomplete."""
    file.seek(max(0, size - (1 << 17)))  # a page has at most 65,307 bytes
    tail = file.read()
    page = tail.rfind(b"OggS")
    if page < 0 or len(tail) < page + 27:
        return page >= 0
    table = tail[page + 27 : page + 27 + tail[page + 26]]
    return len(tail) < page + 27 + tail[page + 26] + sum(table)


def _has_frame_count(file: IO[bytes]) -> bool:
    """Return whether an MP3's first frame says how many follow (a Xing, Info or VBRI header)."""
    if not file.seekable():
        return False
    position = file.tell()
    file.seek(0)
    header = file.read(10)
    tag = 0
    if header[:3] == b"ID3":  # its size is written in four bytes of seven bits
        tag = 10 + sum((byte & 0x7F) << shift for byte, shift in zip(header[6:10], (21, 14, 7, 0), strict=True))
    file.seek(tag)
    frame = file.read(400)
    file.seek(position)
    return any(name in frame for name in (b"Xing", b"Info", b"VBRI"))
