"""Adds boxes to an MP4 that FFmpeg cannot write.

A box is its size, its name and its content, which may be boxes again. A name in the tree below is a box:

    mdat                           sound
    moov ─┬─ trak …                each track: where its sound lies in mdat
          └─ udta ─┬─ meta ─ ilst  tags
                   └─ stem         what the tracks are, in a file for DJs
"""

import struct
from collections.abc import Iterable
from typing import Any, Protocol

Place = tuple[bytes, ...]
"""Names of boxes, each within the one before, from those in `moov` on."""
TAGS: Place = (b"udta", b"meta", b"ilst")
TAGS_OF_FFMPEG = {
    "title", "artist", "album_artist", "composer", "album", "date", "comment", "genre", "copyright", "grouping",
    "lyrics", "description", "synopsis", "compilation", "track", "disc",
}  # fmt: skip
"""Those that FFmpeg writes into `ilst`, by its names."""
UTF_8 = struct.pack(">I", 1)


class _File(Protocol):
    def read(self, size: int) -> bytes: ...
    def write(self, data: Any) -> int: ...
    def seek(self, offset: int) -> int: ...


def box(name: bytes, content: bytes) -> bytes:
    """Return a box."""
    return struct.pack(">I4s", 8 + len(content), name) + content


def freeform(name: str, text: str) -> bytes:
    """Return a box for `ilst` with a tag for which MP4 has no name of its own."""
    domain = box(b"mean", bytes(4) + b"com.apple.iTunes")
    return box(
        b"----", domain + box(b"name", bytes(4) + name.encode()) + box(b"data", UTF_8 + bytes(4) + text.encode())
    )


def split_boxes(content: bytes) -> list[tuple[bytes, bytes]]:
    """Return the name and the bytes of each box in the content of another."""
    boxes, at = [], 0
    while at + 8 <= len(content):
        size, name = struct.unpack_from(">I4s", content, at)
        boxes.append((name, content[at : at + size]))
        at += size
    return boxes


def add_boxes(file: _File, boxes: Iterable[tuple[Place, bytes]]) -> None:
    """Append each box inside the one at its place in `moov`, which must be the file's last box, so that nothing moves.

    Raises:
        ValueError: Something follows `moov`.
    """
    at, size = _find_moov(file)
    file.seek(at + 8)
    content = file.read(size - 8)
    if file.read(1):
        raise ValueError("The box moov is not the last of the file: what follows it would have to move.")
    for place, added in boxes:
        content = _with_box(content, place, added)
    file.seek(at)
    file.write(box(b"moov", content))


def _find_moov(file: _File) -> tuple[int, int]:
    at = 0
    while True:
        file.seek(at)
        size, name = struct.unpack(">I4s", file.read(8))
        if size == 1:  # the true size follows, in 64 bits
            (size,) = struct.unpack(">Q", file.read(8))
        if name == b"moov":
            return at, size
        at += size


def _with_box(content: bytes, place: Place, added: bytes) -> bytes:
    """Return the content of a box with another box at a place in it; boxes on the way there are made if need be."""
    if not place:
        return content + added
    name, *rest = place
    boxes = split_boxes(content)
    here = next((number for number, (found, _) in enumerate(boxes) if found == name), len(boxes))
    head = 12 if name == b"meta" else 8  # it has a version
    old = boxes[here][1] if here < len(boxes) else box(name, b"")
    boxes[here : here + 1] = [(name, box(name, old[8:head] + _with_box(old[head:], tuple(rest), added)))]
    return b"".join(each for _, each in boxes)
