"""Tells a sound file that was cut off, by a broken download say, from one that simply ends.

Only a file that ends inside something (a chunk, a page, a frame) was surely cut. The length that a file declares
proves nothing: programs that copy a part of a song, write to a pipe or set a tag leave it unchanged.
"""

import os
from typing import IO, Any, Literal

from unbraid.audio.chunks import LAYOUTS, MP4, chunks, is_placeholder, matroska_ends_inside
from unbraid.audio.mpeg import FRAMED, after_tags, frame_bytes, tag_bytes

# Where a file identifies itself: offset, bytes, and FFmpeg's name of the container.
SIGNATURES = (
    (0, b"OggS", "ogg"), (4, b"ftyp", MP4), (4, b"moov", MP4), (0, b"ID3", "mp3"), (0, b"fLaC", "flac"),
    (0, b"FLV\1", "flv"), (0, b"\x1a\x45\xdf\xa3", "matroska,webm"), (0, b".RMF", "rm"), (8, b"WAVE", "wav"),
    (8, b"AVI ", "avi"), (8, b"AIF", "aiff"), (4, b"\xf8\x72\x6f\xba", "truehd"), (0, b"\x30\x26\xb2\x75", "asf"),
)  # fmt: skip
FLV_HEADER, FLV_BEHIND = 13, 4  # bytes: before the first tag, and behind each, where its length stands once more
FLV_TAGS = (8, 9, 18)  # sound, pictures, descriptions
TS_SYNC, TS_PACKET, TIMED_TS_PACKET = 0x47, 188, 192
WHOLE_FRAMES = {"ape", "flac", "tak"}  # their decoders refuse a frame whose end is missing


def ends_inside(container: str, file: IO[bytes], last: Any, *, last_failed: bool) -> str | None:
    """Return what a file of this container (FFmpeg's name) ends inside of, or None if it ends at a boundary.

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
            return "a page" if (_pages_end(file, size) or 0) > size else None
        elif container == "mpegts":
            return "a packet" if _transport_stream_ends_inside(file, size) else None
        elif container == "mpeg":
            return "a packet" if (_program_stream_end(file, size) or 0) > size else None
        elif container == "flv":
            return "a tag" if _flv_end(file, size, last) - FLV_BEHIND > size else None
        elif (end := _stated_end(container, file)) is not None:
            return "its samples" if end > size else None
        if container == "rm" and last is not None and _real_media_ends_inside(file, size, last):
            return "a packet"
        if last is None and _header_end(container, file) > size:
            return "its header"
        if (end := _frames_end(container, file, last)) is not None and end > size:
            return "a frame"
        if last is None or last.pos is None:
            return None
        if container in WHOLE_FRAMES and last_failed:
            return "a frame"
        # FFmpeg marks packets that it could not read in full.
        return "a packet" if last.is_corrupt and last.pos + last.size >= size else None
    finally:
        file.seek(position)


def undecoded_bytes(container: str, file: IO[bytes], last: Any, begin: int = 0) -> int:
    """Return how many bytes after the last page, packet or frame are neither sound nor a tag: damage, or none.

    Packets count their positions from `begin` on.
    """
    position = file.tell()
    size = file.seek(0, os.SEEK_END)
    try:
        end: int | None = None
        if container == "ogg":
            end = _pages_end(file, size)
            begins = _last_page(file, size)
            ends = None if last is None or last.pos is None else begin + last.pos + last.size
            if ends is not None and begins is not None and begins > ends:
                return size - begins  # nothing came out of it
        elif container == "mpegts" and size % TIMED_TS_PACKET:
            end = size - (size % TS_PACKET) if size % TS_PACKET else _transport_packets_end(file, size)
        elif container == "mpeg":
            end = _program_stream_end(file, size)
        elif container == "flv":
            end = _flv_end(file, size, last)
        elif container in FRAMED:
            end = _frames_end(container, file, last)
            if end is None and last is not None and last.pos is not None:
                end = last.pos + last.size
        if end is None or end >= size:
            return 0
        file.seek(end)
        return max(size - end - tag_bytes(file.read(32)), 0)
    finally:
        file.seek(position)


def missing_bytes(last: Any) -> int:
    """Return how many bytes the last packet of a broadcast lacks: recordings of broadcasts end anywhere."""
    codec: str = last.stream.codec_context.name.removesuffix("float")
    whole = frame_bytes("mp3" if codec == "mp2" else codec, bytes(last)[:8]) or 0
    return max(whole - len(bytes(last)), 0)


def headers_end_inside(file: IO[bytes]) -> str | None:
    """Return what a file ends inside of if FFmpeg cannot open it or finds only its beginning, or None."""
    file.seek(0)
    beginning = file.read(12)
    for at, signature, container in SIGNATURES:
        if beginning[at:].startswith(signature):
            return ends_inside(container, file, None, last_failed=False)
    return None


def lacks_index(file: IO[bytes]) -> bool:
    """Return whether this is an MP4 without its index, which most programs write at the end."""
    file.seek(0)
    if file.read(8)[4:] != b"ftyp":
        return False
    return not any(name == b"moov" for name, _, _ in chunks(file, LAYOUTS[MP4]))


def length_is_unknown(container: str, file: IO[bytes]) -> bool:
    """Return whether the size of the sound in this file is only a placeholder, as programs write to a pipe."""
    layout = LAYOUTS.get(container)
    if layout is None or layout.size_first:
        return False
    position = file.tell()
    try:
        return any(ends is None and name.startswith(layout.sound) for name, _, ends in chunks(file, layout))
    finally:
        file.seek(position)


def _frames_end(container: str, file: IO[bytes], last: Any) -> int | None:
    """Return where the frames end that begin with the last packet, beyond the file if it ends inside one of them."""
    if container not in FRAMED:
        return None
    place = last.pos if last is not None and last.pos is not None else 0
    found = None
    while True:
        file.seek(place)
        header = file.read(8)
        length = frame_bytes(container, header)
        if last is not None and 2 <= len(header) < 8 and header[:2] == bytes(last)[:2]:
            length = 8  # not even its header is whole
        if not length:
            return found
        place = found = place + length


def _header_end(container: str, file: IO[bytes]) -> int:
    """Return where the tags end that stand before the sound, and a FLAC's blocks of metadata, or would end."""
    at = after_tags(file, 0)
    if container == "flac":
        at, is_last = at + 4, False
        while not is_last:
            file.seek(at)
            header = file.read(4)
            if len(header) < 4:
                break
            is_last = header[0] > 0x7F
            at += 4 + int.from_bytes(header[1:], "big")
    return at


def _last_page(file: IO[bytes], size: int) -> int | None:
    """Return where the last page begins."""
    begins = max(0, size - (1 << 18))  # a page has at most 65,307 bytes
    file.seek(begins)
    page = file.read().rfind(b"OggS")
    return None if page < 0 else begins + page


def _pages_end(file: IO[bytes], size: int) -> int | None:
    """Return where the last page (27 bytes, a table of segment lengths, the segments) ends, or would end."""
    begins = _last_page(file, size)
    if begins is None:
        return None
    file.seek(begins)
    page = file.read(27 + 255)
    table = page[27 : 27 + page[26]] if len(page) > 27 else b""
    whole = bool(table) and len(table) == page[26]
    return begins + 27 + len(table) + sum(table) if whole else size + 1


def _transport_stream_ends_inside(file: IO[bytes], size: int) -> bool:
    """Return whether the last packet, of 188 bytes, or 192 with a time before each, is incomplete."""
    file.seek(0)
    beginning = file.read(2 * TIMED_TS_PACKET)
    for packet, sync in ((TS_PACKET, 0), (TIMED_TS_PACKET, 4)):
        if len(beginning) > packet + sync and beginning[sync] == beginning[packet + sync] == TS_SYNC:
            rest = size % packet
            file.seek(size - rest)
            return rest > sync and file.read(rest)[sync] == TS_SYNC
    return False


def _program_stream_end(file: IO[bytes], size: int) -> int | None:
    """Return where the packets end that follow the last header of a pack, or would end."""
    begins = max(size - (1 << 18), 0)
    file.seek(begins)
    content = file.read()
    at = content.rfind(b"\0\0\1\xba")
    while 0 <= at < len(content) - 3 and content.startswith(b"\0\0\1", at):
        header = content[at : at + 14]
        if header[3] == 0xBA:
            at += 12 if header[4:5] < b"\x40" else 14 + (header[13:14] or b"\0")[0] % 8  # MPEG-1, MPEG-2
        elif header[3] > 0xBA:
            at += 6 + int.from_bytes(header[4:6], "big")
        else:
            at += 4  # the end
            break
    return None if at < 0 else begins + at


def _flv_end(file: IO[bytes], size: int, last: Any) -> int:
    """Return where the last tag ends, or would: a kind, three bytes of length, seven others, content, its length."""
    at = FLV_HEADER if last is None or last.pos is None else last.pos
    while at < size:
        file.seek(at)
        header = file.read(11)
        if header[0] & 0x1F not in FLV_TAGS or any(header[8:]):
            break
        at += 11 + int.from_bytes(header[1:4], "big") + FLV_BEHIND
    return at


def _real_media_ends_inside(file: IO[bytes], size: int, last: Any) -> bool:
    """Return whether the last packet is incomplete: two zeros, its length, eight bytes more, its content."""
    at = (last.pos or 0) - 12
    while 0 <= at < size:
        file.seek(at)
        header = file.read(4)
        length = int.from_bytes(header[2:], "big")
        if header[:2] != bytes(2) or length < 12:
            return False
        at += length
    return at > size


def _stated_end(container: str, file: IO[bytes]) -> int | None:
    """Return where the samples end by what a short header says, if it says anything."""
    file.seek(0)
    header = file.read(16)
    order: Literal["little", "big"] = "little" if header[:1] == b"." else "big"  # AU, whichever it is, has big ones
    if container == "au":
        begins, length = (int.from_bytes(header[at : at + 4], "big") for at in (4, 8))
    elif container == "ast":
        begins, length = 64, int.from_bytes(header[4:8], "big")
    elif container == "sox":
        begins, length = 4 + int.from_bytes(header[4:8], order), 4 * int.from_bytes(header[8:16], order)
    else:
        return None
    return None if is_placeholder(length, 4 if container != "sox" else 8) else begins + length


def _transport_packets_end(file: IO[bytes], size: int) -> int:
    """Return where the last packet ends that begins with the sign that all begin with."""
    while size >= TS_PACKET:
        file.seek(size - TS_PACKET)
        if file.read(1)[0] == TS_SYNC:
            break
        size -= TS_PACKET
    return size
