"""Writes WAV files: a header, and samples that need no encoder, only the right order."""

import struct
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unbraid.audio.id3 import id3_tag
from unbraid.audio.types import Audio

INFO = {
    "title": b"INAM", "artist": b"IART", "album": b"IPRD", "date": b"ICRD", "genre": b"IGNR", "comment": b"ICMT",
    "copyright": b"ICOP", "track": b"IPRT",
}  # fmt: skip
FIXED = 12 + 8 + 28 + 8  # bytes of a header around its chunks: RIFF and WAVE, JUNK or ds64, data
TOO_LARGE = 0xFFFFFFFF  # stands for a size that does not fit into 32 bits


def header(
    samples: int,
    *,
    sample_rate: int,
    channels: int,
    bit_depth: str,
    tags: Mapping[str, str],
    cover: bytes | None = None,
    length: int = 0,
) -> bytes:
    """Return all that comes before the samples; its length does not depend on their number, so it can be written last.

    With `length` it has that many bytes (at least 8 more than needed), so that other tags can be written last as well.
    A file beyond 4 GB is an RF64 (EBU Tech 3306); its true sizes go where smaller files leave room for them.
    """
    is_float, bits = bit_depth == "32f", int(bit_depth.removesuffix("f"))
    frame = channels * bits // 8
    form = struct.pack("<HHIIHH", 3 if is_float else 1, channels, sample_rate, sample_rate * frame, frame, bits)
    chunks = _chunk(b"fmt ", form)
    if is_float:
        chunks = _chunk(b"fmt ", form + bytes(2)) + _chunk(b"fact", struct.pack("<I", min(samples, TOO_LARGE)))
    known = ((INFO.get(tag.lower()), text) for tag, text in tags.items())
    texts = [_chunk(name, text.encode() + b"\0") for name, text in known if name]
    if texts:
        chunks += _chunk(b"LIST", b"INFO" + b"".join(texts))
    if cover or not INFO.keys() >= tags.keys():  # INFO has no name for them
        chunks += _chunk(b"id3 ", id3_tag(tags, cover))
    if length:
        chunks += _chunk(b"JUNK", bytes(length - FIXED - len(chunks) - 8))
    data = samples * frame
    size = FIXED - 8 + len(chunks) + data + data % 2
    if size < TOO_LARGE:
        riff, sizes, declared = struct.pack("<4sI", b"RIFF", size), _chunk(b"JUNK", bytes(28)), data
    else:
        riff, declared = struct.pack("<4sI", b"RF64", TOO_LARGE), TOO_LARGE
        sizes = _chunk(b"ds64", struct.pack("<QQQI", size, data, samples, 0))
    return riff + b"WAVE" + sizes + chunks + struct.pack("<4sI", b"data", declared)


def samples_of(block: Audio, bit_depth: str) -> NDArray[Any]:
    """Return a block `(channels, n)` as the file stores it: contiguous, interleaved and little-endian."""
    if bit_depth == "32f":
        return interleaved(block).astype("<f4", copy=False)
    whole = integers(block, bit_depth)
    if bit_depth == "16":
        return whole.astype("<i2")
    return np.ascontiguousarray(whole.astype("<i4").view(np.uint8).reshape(-1, 4)[:, :3])


def interleaved(block: Audio) -> Audio:
    """Return a block `(channels, n)` as `(n, channels)`, contiguous."""
    together = np.empty(block.shape[::-1], np.float32)
    for number, channel in enumerate(block):  # four times as fast as the transpose's copy
        together[:, number] = channel
    return together


def integers(block: Audio, bit_depth: str) -> NDArray[np.int32]:
    """Return a block `(channels, n)` as `(n, channels)`, rounded to the nearest integers of so many bits."""
    scale = 2.0 ** (int(bit_depth) - 1)
    # In float64, for 2²³ − ½ is no float32.
    return np.clip(np.rint(interleaved(block).astype(np.float64) * scale), -scale, scale - 1).astype(np.int32)


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack("<4sI", name, len(content)) + content + bytes(len(content) % 2)
