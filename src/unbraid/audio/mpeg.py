"""Headers of frames that need no container (MPEG audio, AC-3 …): their length and, for an MP3, how many follow."""

import os
from typing import IO

CLOCKLESS = {"aac", "ac3", "dts", "eac3", "mlp", "mp3", "truehd"}
"""FFmpeg's names of formats that are frame after frame in a file, without timestamps."""

BIT_RATES = {  # kbit/s, by (version 1, layer)
    (True, 1): (0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
AC3_KBITS = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640)

FRAMED = {"aac", "ac3", "dts", "eac3", "mlp", "mp3", "truehd", "wv"}
"""Containers (FFmpeg's names) that are nothing but frames whose headers state their length."""


def frame_bytes(container: str, header: bytes) -> int | None:
    """Return the bytes of the frame that begins with `header`, or None if it is not a frame of this container."""
    if len(header) < 8:
        return None
    if container == "mp3":
        return _mpeg_bytes(header)
    if container == "aac" and header[0] == 0xFF and header[1] & 0xF6 == 0xF0:
        return (header[3] & 3) << 11 | header[4] << 3 | header[5] >> 5
    if container in ("ac3", "eac3") and header[:2] == b"\x0b\x77":
        if header[5] >> 3 > 10:
            return 2 * ((header[2] & 7) << 8 | header[3]) + 2
        return _ac3_bytes(header[4])
    if container in ("mlp", "truehd"):
        return 2 * ((header[0] & 15) << 8 | header[1])
    if container == "wv" and header[:4] == b"wvpk":
        return 8 + int.from_bytes(header[4:], "little")
    if container == "dts" and header[:4] == b"\x7f\xfe\x80\x01":
        return ((header[5] & 3) << 12 | header[6] << 4 | header[7] >> 4) + 1
    return None


def _mpeg_bytes(header: bytes) -> int | None:
    version, layer = header[1] >> 3 & 3, 4 - (header[1] >> 1 & 3)
    rate_index, bits_index = header[2] >> 2 & 3, header[2] >> 4
    if header[0] != 0xFF or header[1] < 0xE0 or version == 1 or layer == 4 or rate_index == 3 or bits_index in (0, 15):
        return None
    rate = (44_100, 48_000, 32_000)[rate_index] >> {3: 0, 2: 1, 0: 2}[version]
    bits = 1000 * BIT_RATES[version == 3, layer][bits_index]
    padding = header[2] >> 1 & 1
    if layer == 1:
        return 4 * (12 * bits // rate + padding)
    return (72 if layer == 3 and version != 3 else 144) * bits // rate + padding


def _ac3_bytes(code: int) -> int | None:
    if code >> 6 == 3 or (code & 0x3F) >> 1 >= len(AC3_KBITS):
        return None
    kbits = AC3_KBITS[(code & 0x3F) >> 1]
    words = {0: 2 * kbits, 1: 320 * kbits // 147 + (code & 1), 2: 3 * kbits}[code >> 6]
    return 2 * words


class InfoFrame:
    """What an MP3's first frame says about the whole file (a Xing, Info or VBRI header), if anything."""

    def __init__(self, file: IO[bytes]) -> None:
        self.found = False
        """Whether it says how many frames there are."""
        self.continues = False
        """Whether the sound goes on after the last of them: another song was put there."""
        self.end: int | None = None
        """Where the last of them ends, if so much follows that is no sound that FFmpeg would not believe the header."""
        size = file.seek(0, os.SEEK_END)
        start = after_tags(file, 0)
        file.seek(start)
        frame = file.read(200)
        if len(frame) < 200 or not _mpeg_bytes(frame):
            return
        at = max(frame.find(b"Xing", 0, 48), frame.find(b"Info", 0, 48))
        self.found = at > 0 or frame.find(b"VBRI", 0, 48) > 0
        if at < 0 or frame[at + 7] & 2 == 0:
            return
        place = at + 8 + 4 * (frame[at + 7] & 1)
        end = start + int.from_bytes(frame[place : place + 4], "big")
        if start < end < size:
            self.continues = _sound_follows(file, end)
            believed = size - end < (end - start) // 20  # FFmpeg's own limit is a sixteenth
            self.end = None if self.continues or believed else end


def tag_bytes(content: bytes) -> int:
    """Return the length of the tag at the beginning of this content, 0 if there is none."""
    if content[:3] == b"ID3" and len(content) >= 10:
        # the size is written in four bytes of seven bits
        return 10 + sum((byte & 0x7F) << shift for byte, shift in zip(content[6:10], (21, 14, 7, 0), strict=True))
    if content[:8] == b"APETAGEX" and len(content) >= 32:
        return 32 + int.from_bytes(content[12:16], "little")
    return 128 if content[:3] == b"TAG" else 0


def after_tags(file: IO[bytes], at: int) -> int:
    """Return where the tags at this place end."""
    while True:
        file.seek(at)
        length = tag_bytes(file.read(32))
        if not length:
            return at
        at += length


def _sound_follows(file: IO[bytes], at: int) -> bool:
    """Return whether another song was put after this one: two frames in a row, near this place."""
    file.seek(after_tags(file, at))
    content = file.read(1 << 16)
    place = content.find(0xFF)
    while 0 <= place < len(content) - 8:
        length = _mpeg_bytes(content[place : place + 4])
        if length and _mpeg_bytes(content[place + length : place + length + 4] or b"\0\0\0\0"):
            return True
        place = content.find(0xFF, place + 1)
    return False
