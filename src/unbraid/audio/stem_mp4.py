"""Stems for DJs: one file with the song and its four stems, in the Stems format of Native Instruments.

It is an M4A with five AAC tracks, of which players that know nothing of stems play the first, the song. A box in it
names the others:

    mdat                  sound
    moov ─ udta ─ stem    JSON: names, colours, and what a deck's compressor and limiter do (here, nothing)
"""

import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import av
import numpy as np
from av.stream import Disposition

from unbraid.audio.formats import FORMATS
from unbraid.audio.resampling import Resampler
from unbraid.audio.types import Audio

ENDING = ".stem.mp4"
RATES = (44_100, 48_000)  # Hz that decks play
# The format has room for four: each with its name, its colour and the stems that are summed into it.
PARTS = (
    ("Drums", "#E5484D", ("drums",)),
    ("Bass", "#F5A524", ("bass",)),
    ("Melody", "#30A46C", ("piano", "other")),
    ("Vocals", "#3E8FF2", ("vocals",)),
)
NEUTRAL = {
    "compressor": {
        "enabled": False, "ratio": 1, "threshold": 0, "attack": 0.003, "release": 0.3, "input_gain": 0,
        "output_gain": 0, "hp_cutoff": 20, "dry_wet": 0,
    },
    "limiter": {"enabled": False, "threshold": 0, "ceiling": 0, "release": 0.05},
}  # fmt: skip


class StemMp4Writer:
    """Writes blocks of the stems vocals, drums, bass, piano and other to one file; stems that are missing are silent.

    Raises OSError when the disk does.
    """

    def __init__(self, path: Path, *, sample_rate: int, channels: int, tags: Mapping[str, str] | None = None) -> None:
        self._path, self._channels, self._written = path, channels, 0
        self._rate = sample_rate if sample_rate in RATES else RATES[0]
        self._resampler = Resampler(sample_rate, self._rate, channels * (1 + len(PARTS)))
        self._layout = "mono" if channels == 1 else "stereo"
        options = {"movie_timescale": str(self._rate), "brand": "M4A "}
        self._container = av.open(str(path), "w", format="mp4", options=options)
        self._container.metadata.update(tags or {})
        self._tracks: list[Any] = []
        for number in range(1 + len(PARTS)):
            track: Any = self._container.add_stream("aac", rate=self._rate, layout=self._layout)
            track.codec_context.bit_rate = FORMATS["m4a"].bits_per_second * channels // 2
            track.disposition = Disposition(0) if number else Disposition.default
            self._tracks.append(track)
        self._container.start_encoding()

    def write(self, stems: Mapping[str, Audio]) -> None:
        """Append a block `(channels, n)` of each stem."""
        silence = np.zeros_like(next(iter(stems.values())))
        parts = [sum((stems[name] for name in names if name in stems), silence) for _, _, names in PARTS]
        self._encode(self._resampler.convert(np.concatenate([np.sum(parts, axis=0), *parts])))

    def finish(self) -> None:
        """Write what is still on its way, close the file, and name its stems."""
        self._encode(self._resampler.finish())
        for track in self._tracks:
            if self._written:
                self._container.mux(track.encode(None))
        self._container.close()
        with self._path.open("r+b") as file:
            insert_box(file, description())

    def abandon(self) -> None:
        """Close the file as it is: it will be removed."""
        self._container.close()

    def _encode(self, block: Audio) -> None:
        if not block.shape[1]:
            return
        for track, sound in zip(self._tracks, np.split(block, len(self._tracks)), strict=True):
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound), format="fltp", layout=self._layout)
            frame.sample_rate, frame.pts = self._rate, self._written
            self._container.mux(track.encode(frame))
        self._written += block.shape[1]


def description() -> bytes:
    """Return the content of the box `stem`."""
    stems = [{"name": name, "color": colour} for name, colour, _ in PARTS]
    return json.dumps({"version": 1, "mastering_dsp": NEUTRAL, "stems": stems}).encode()


def insert_box(file: IO[bytes], content: bytes) -> None:
    """Put a box `stem` into `moov/udta` of an MP4, whose `moov` is its last box: nothing else has to move."""
    file.seek(0)
    place = 0
    while True:
        size, name = struct.unpack(">I4s", file.read(8))
        if size == 1:  # the true size follows, in 64 bits
            (size,) = struct.unpack(">Q", file.read(8))
        if name == b"moov":
            break
        place += size
        file.seek(place)
    file.seek(place + 8)
    boxes = split_boxes(file.read(size - 8))
    if file.read(1):
        raise ValueError("The box moov is not the last of the file: what follows it would have to move.")
    user_data = b"".join(box for name, box in boxes if name == b"udta")[8:]
    kept = b"".join(box for name, box in boxes if name != b"udta")
    file.seek(place)
    file.write(_box(b"moov", kept + _box(b"udta", user_data + _box(b"stem", content))))


def split_boxes(content: bytes) -> list[tuple[bytes, bytes]]:
    """Return the name and the bytes of each box in the content of another."""
    boxes, at = [], 0
    while at + 8 <= len(content):
        size, name = struct.unpack_from(">I4s", content, at)
        boxes.append((name, content[at : at + size]))
        at += size
    return boxes


def _box(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), name) + content
