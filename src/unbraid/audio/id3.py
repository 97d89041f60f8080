"""Writes an ID3 tag (version 2.4), as MP3 and WAV files have it."""

from collections.abc import Mapping

from unbraid.audio.tags import picture_type

FRAMES = {
    "title": b"TIT2", "artist": b"TPE1", "album": b"TALB", "album_artist": b"TPE2", "track": b"TRCK", "disc": b"TPOS",
    "date": b"TDRC", "genre": b"TCON", "composer": b"TCOM", "copyright": b"TCOP", "bpm": b"TBPM", "initialkey": b"TKEY",
    "isrc": b"TSRC", "publisher": b"TPUB", "performer": b"TPE3", "grouping": b"TIT1", "compilation": b"TCMP",
    "title-sort": b"TSOT", "artist-sort": b"TSOP", "album-sort": b"TSOA",
}  # fmt: skip
UTF_8, FRONT_COVER = b"\x03", b"\x03"


def id3_tag(tags: Mapping[str, str], cover: bytes | None) -> bytes:
    """Return the tag with these texts, by FFmpeg's names, and this JPEG or PNG; empty if there are none."""
    frames = [_text_frame(name, text) for name, text in tags.items()]
    if cover and (kind := picture_type(cover)):
        frames.append(_frame(b"APIC", b"\0" + kind.encode() + b"\0" + FRONT_COVER + b"\0" + cover))
    content = b"".join(frames)
    return b"ID3\x04\0\0" + _seven_bits(len(content)) + content if content else b""


def _text_frame(name: str, text: str) -> bytes:
    """Return the frame for a tag; one that ID3 has no frame for goes under its own name."""
    if name in FRAMES:
        return _frame(FRAMES[name], UTF_8 + text.encode())
    if name == "comment":
        return _frame(b"COMM", UTF_8 + b"und\0" + text.encode())
    if name == "lyrics":
        return _frame(b"USLT", UTF_8 + b"und\0" + text.encode())
    return _frame(b"TXXX", UTF_8 + name.encode() + b"\0" + text.encode())


def _frame(name: bytes, content: bytes) -> bytes:
    return name + _seven_bits(len(content)) + b"\0\0" + content


def _seven_bits(size: int) -> bytes:
    """Return a size in four bytes, none of which can be mistaken for the beginning of an audio frame."""
    return bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0))
