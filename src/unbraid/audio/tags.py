"""A song's tags (title, artist, cover and the like), under the same names for every container."""

import io
import re
import struct
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import av
from av.stream import Disposition

# What describes the old file, not the song.
TECHNICAL = {
    "encoder", "major_brand", "minor_version", "compatible_brands", "creation_time", "handler_name", "vendor_id",
    "language", "duration", "itunsmpb", "itunnorm", "bps", "number_of_bytes", "number_of_frames", "timecode",
    "_statistics_tags", "_statistics_writing_app", "_statistics_writing_date_utc", "metadata_block_picture",
    "coverart", "filename", "mimetype", "tlen",
    "replaygain_track_gain", "replaygain_track_peak", "replaygain_album_gain", "replaygain_album_peak",
    "r128_track_gain", "r128_album_gain",
}  # fmt: skip

NAMES = {
    "albumartist": "album_artist", "album artist": "album_artist", "tracknumber": "track", "tracknum": "track",
    "discnumber": "disc", "disk": "disc", "year": "date", "totaltracks": "tracktotal", "totaldiscs": "disctotal",
    "tbpm": "bpm", "tmpo": "bpm", "tkey": "initialkey", "key": "initialkey",
    "tsrc": "isrc", "unsyncedlyrics": "lyrics", "organization": "publisher",
}  # fmt: skip

MAX_COVER = 16 << 20  # bytes
FRONT_COVER = "Cover (front)"  # FFmpeg's words for ID3's and FLAC's type 3


def tags_of(container: Any, stream: Any) -> dict[str, str]:
    """Return the tags of PyAV's `container` and `stream`; those of the whole file take precedence."""
    return normalised({**stream.metadata, **container.metadata})


def normalised(tags: Mapping[str, str]) -> dict[str, str]:
    """Return tags under FFmpeg's names in lower case, without those that describe the old file.

    >>> normalised({"TITLE": "Hallo", "TRACKNUMBER": "7", "TRACKTOTAL": "12", "encoder": "Lavf"})
    {'title': 'Hallo', 'track': '7/12'}
    """
    named: dict[str, str] = {}
    for key, text in ((_decoded(key).lower(), _decoded(text)) for key, text in tags.items()):
        name = re.sub("[^ -<>-}]", "", key)  # Vorbis comments allow no others
        name = NAMES.get(name, re.sub(r"^lyrics-\w*", "lyrics", name))
        if name and name not in TECHNICAL and not re.match(r"id3v2_priv|_", name) and text.strip():
            named.setdefault(name, text)
    for number in ("track", "disc"):
        total = named.pop(f"{number}total", None)
        if total and number in named and "/" not in named[number]:
            named[number] += f"/{total}"
    return named


def _decoded(text: str) -> str:
    """Return a text as it is, or as Latin-1 if its bytes, kept as surrogates, are not UTF-8: no byte is lost."""
    with suppress(UnicodeEncodeError):
        text.encode()
        return text
    return text.encode(errors="surrogateescape").decode("latin-1")


def cover_of(container: Any) -> bytes | None:
    """Return the song's front cover, or else its first picture, as the bytes of a JPEG or PNG, or None."""
    pictures = [stream for stream in container.streams.video if stream.disposition & Disposition.attached_pic]
    found: dict[int, bytes] = {}
    for packet in container.demux(pictures) if pictures else ():
        found.setdefault(packet.stream.index, bytes(packet))
        if len(found) == len(pictures):
            break
    for stream in sorted(pictures, key=lambda stream: stream.metadata.get("comment") != FRONT_COVER):
        picture = found.get(stream.index, b"")
        if picture_type(picture) and len(picture) <= MAX_COVER:
            return picture
    return None


def picture_type(picture: bytes) -> str | None:
    """Return "image/jpeg" or "image/png" by the picture's first bytes, or None for another kind."""
    if picture.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    return "image/png" if picture.startswith(b"\x89PNG\r\n\x1a\n") else None


def picture_size(picture: bytes) -> tuple[int, int]:
    """Return the width and the height of a JPEG or PNG, zeros if it is a broken one or another kind."""
    if not picture_type(picture):
        return 0, 0
    try:
        with av.open(io.BytesIO(picture)) as file:
            shown = file.streams.video[0]
            return shown.width, shown.height
    except (av.FFmpegError, IndexError):
        return 0, 0


def picture_block(picture: bytes) -> bytes:
    """Return a front cover as FLAC has it and, in Base64, Ogg (RFC 9639, section 8.8)."""
    kind = (picture_type(picture) or "").encode()
    numbers = (*picture_size(picture), 24, 0, len(picture))
    return struct.pack(">II", 3, len(kind)) + kind + struct.pack(">I5I", 0, *numbers) + picture
