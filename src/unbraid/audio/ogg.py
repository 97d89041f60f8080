"""Adds comments to an Ogg Vorbis file as it is written: libsndfile knows few tag names and no pictures."""

import base64
import os
import struct
import zlib
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from unbraid.audio.tags import picture_block

NAMES = {"album_artist": "ALBUMARTIST", "track": "TRACKNUMBER", "disc": "DISCNUMBER"}
HEADER = struct.Struct("<4sBBqIIIB")  # sign, version, flags, position, serial number, page number, CRC, segments
CONTINUED = 1
REVERSED_BITS = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


class _File(Protocol):
    def write(self, data: Any) -> int: ...


class CommentWriter:
    """A file for libsndfile that passes its output on to `file` with these tags (FFmpeg's names) and this cover."""

    def __init__(self, file: _File, tags: Mapping[str, str], cover: bytes | None) -> None:
        self._file = file
        self._comments = [f"{NAMES.get(name, name.upper())}={text}" for name, text in tags.items()]
        if cover:
            self._comments.append(f"METADATA_BLOCK_PICTURE={base64.b64encode(picture_block(cover)).decode()}")
        self._taken, self._waiting = 0, bytearray()
        self._headers: list[bytes] = []
        self._pages_more: int | None = None  # than libsndfile wrote; None before the headers are complete

    def write(self, data: bytes) -> int:
        """Take some bytes, and pass on what are whole pages by now."""
        self._taken += len(data)
        self._waiting += data
        while page := self._next_page():
            self._pass_on(page)
        return len(data)

    def tell(self) -> int:
        """Return how many bytes were taken."""
        return self._taken

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Stay at the end: an Ogg file is written straight through, but libsndfile asks how long it is."""
        return self._taken

    def _next_page(self) -> bytes:
        table = self._waiting[HEADER.size : HEADER.size + self._waiting[26]] if len(self._waiting) > 26 else b""
        size = HEADER.size + len(table) + sum(table)
        if not table or len(self._waiting) < size:
            return b""
        page = bytes(self._waiting[:size])
        del self._waiting[:size]
        return page

    def _pass_on(self, page: bytes) -> None:
        sign, version, flags, position, serial, number, _, segments = HEADER.unpack_from(page)
        if number == 0:  # it says what the sound is
            self._file.write(page)
        elif self._pages_more is not None:
            head = HEADER.pack(sign, version, flags, position, serial, number + self._pages_more, 0, segments)
            self._file.write(with_crc(head + page[HEADER.size :]))
        else:
            self._headers.append(page)
            packets = _packets(self._headers)
            if len(packets) == 2:  # the comments, and what the decoder needs; sound begins on a page of its own
                new = list(_pages([_comment_packet(packets[0], self._comments), packets[1]], serial))
                for header_page in new:
                    self._file.write(header_page)
                self._pages_more = len(new) - len(self._headers)


def _packets(pages: list[bytes]) -> list[bytes]:
    """Return the packets that end in these pages."""
    packets, packet = [], b""
    for page in pages:
        table = page[HEADER.size : HEADER.size + page[26]]
        at = HEADER.size + len(table)
        for size in table:
            packet += page[at : at + size]
            at += size
            if size < 255:
                packets.append(packet)
                packet = b""
    return packets


def _pages(packets: list[bytes], serial: int) -> Iterator[bytes]:
    """Yield the pages of packets without sound, from page 1 on."""
    content = b"".join(packets)
    sizes = [size for packet in packets for size in (*[255] * (len(packet) // 255), len(packet) % 255)]
    at = 0
    for number, first in enumerate(range(0, len(sizes), 255), 1):
        table = bytes(sizes[first : first + 255])
        flags = CONTINUED if first and sizes[first - 1] == 255 else 0
        position = 0 if min(table) < 255 else -1  # no packet ends here
        head = HEADER.pack(b"OggS", 0, flags, position, serial, number, 0, len(table))
        yield with_crc(head + table + content[at : at + sum(table)])
        at += sum(table)


def _comment_packet(old: bytes, comments: list[str]) -> bytes:
    """Return a packet with these comments and the encoder's name out of another packet (Vorbis I, section 5.2)."""
    begins = len(b"\x03vorbis")
    encoder = old[begins : begins + 4 + int.from_bytes(old[begins : begins + 4], "little")]
    texts = [struct.pack("<I", len(text)) + text for text in (comment.encode() for comment in comments)]
    return old[:begins] + encoder + struct.pack("<I", len(texts)) + b"".join(texts) + b"\x01"


def with_crc(page: bytes) -> bytes:
    """Return a page whose CRC field is zero with its CRC: that of zlib with all bits the other way round."""
    turned = zlib.crc32(page.translate(REVERSED_BITS), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return page[:22] + turned.to_bytes(4, "big").translate(REVERSED_BITS) + page[26:]
