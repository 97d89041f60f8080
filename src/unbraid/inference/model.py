"""Reads a model file's description of itself, without loading any runtime."""

import json
import mmap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from unbraid.errors import ModelError, os_error_sentence

PROPERTY = "unbraid"
FORMAT = 2
OUTPUTS = ("ratio", "difference", "direct")


@dataclass(frozen=True)
class FilterBank:
    """The fixed transform around the network's body, in samples; see `unbraid.inference.filter_bank`."""

    window: int
    hop: int
    bands: tuple[tuple[int, int], ...]
    """(bins a band, bands), lowest first: what the network sees and masks. The Nyquist bin goes with the last band."""

    @property
    def bins(self) -> int:
        """The number of coefficients in a frame."""
        return self.window // 2 + 1

    def band_widths(self) -> NDArray[np.intp]:
        """Return how many bins each band has, `(bands,)`, the Nyquist bin left out."""
        return np.concatenate([np.full(count, width, np.intp) for width, count in self.bands])

    def band_of_bin(self) -> NDArray[np.intp]:
        """Return which band's mask each bin takes, `(bins,)`."""
        widths = self.band_widths()
        return np.append(np.repeat(np.arange(len(widths)), widths), len(widths) - 1)


@dataclass(frozen=True)
class ModelFacts:
    """The facts inside an `.onnx` file, as the export wrote them."""

    preset: str
    sources: tuple[str, ...]
    sample_rate: int
    """Hz"""
    channels: int
    context: int
    """Samples that the network must see on each side of its output."""
    stride: int
    """Tile starts and lengths are multiples of this, in samples."""
    output: str
    """"ratio" (masks that sum to one), "difference" (the last source is the rest) or "direct"."""
    filter_bank: FilterBank | None
    licence: str
    version: str

    @property
    def sums_to_the_song(self) -> bool:
        """Whether the last source is the song minus the others."""
        return self.output != "direct"

    @classmethod
    def read(cls, path: Path) -> Self:
        """Return the facts of the model at `path`; raises ModelError if it cannot be used."""
        try:
            with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                text = dict(_properties(data)).get(PROPERTY)
        except FileNotFoundError:
            raise ModelError(f"The model {path} does not exist.") from None
        except OSError as error:
            if path.is_dir():
                raise ModelError(f"{path} is a folder: name an .onnx file in it.") from error
            raise ModelError(f"The model cannot be read: {os_error_sentence(error)}") from error
        except (ValueError, IndexError) as error:
            raise ModelError(f"{path} is not an ONNX model: it is something else, or damaged.") from error
        if text is None:
            raise ModelError(f"{path} is not an unbraid model: make one with `unbraid export`.")
        return cls.parse(text, str(path))

    @classmethod
    def parse(cls, text: str, name: str) -> Self:
        """Return the facts written as JSON in `text`; `name` is the model's, for the sentence of a ModelError."""
        try:
            said: dict[str, Any] = json.loads(text)
            bank = said["filter_bank"]
            facts = cls(
                preset=str(said["preset"]),
                sources=tuple(map(str, said["sources"])),
                sample_rate=int(said["sample_rate"]),
                channels=int(said["channels"]),
                context=int(said["context"]),
                stride=int(said["stride"]),
                output=str(said["output"]),
                filter_bank=None if bank is None else _filter_bank(bank),
                licence=str(said["licence"]),
                version=str(said["version"]),
            )
            number = int(said["format"])
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"The model {name} is not described completely: {error!r} is wrong or missing.") from error
        if number != FORMAT:
            remedy = "update unbraid" if number > FORMAT else "export it again with this version"
            raise ModelError(f"The model {name} has format {number}, this version reads {FORMAT}: {remedy}.")
        if problem := facts._problem():
            raise ModelError(f"The model {name} contradicts itself: {problem}.")
        return facts

    def _problem(self) -> str | None:
        if self.output not in OUTPUTS:
            return f"its output is {self.output!r}"
        if len(set(self.sources)) != len(self.sources) or len(self.sources) < 1 + self.sums_to_the_song:
            return f"its sources are {', '.join(self.sources) or 'none'}"
        if self.channels not in (1, 2) or self.sample_rate <= 0 or self.stride <= 0 or self.context < 0:
            return "a number is out of range"
        if self.filter_bank is not None:
            window, hop = self.filter_bank.window, self.filter_bank.hop
            if hop <= 0 or window % (2 * hop):
                return f"a hop of {hop} does not divide a window of {window}"
            covered = len(self.filter_bank.band_of_bin())
            if covered != self.filter_bank.bins:
                return f"its bands cover {covered} of {self.filter_bank.bins} bins"
            if self.stride % hop or self.context % self.stride or self.context < window:
                return "its tiles do not lie on the grid of its filter bank"
        return None


def _filter_bank(said: dict[str, Any]) -> FilterBank:
    bands = tuple((int(width), int(count)) for width, count in said["bands"])
    return FilterBank(int(said["window"]), int(said["hop"]), bands)


def _properties(data: mmap.mmap) -> Iterator[tuple[str, str]]:
    """Yield the metadata of an ONNX model: field 14 of its protocol buffer, entries of key (1) and value (2)."""
    for field, start, end in _fields(data, 0, len(data)):
        if field == 14:
            entry = {name: data[a:b].decode() for name, a, b in _fields(data, start, end)}
            yield entry.get(1, ""), entry.get(2, "")


def _fields(data: mmap.mmap, position: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Yield number, start and end of each field between two positions of a protocol buffer."""
    while position < end:
        key, position = _varint(data, position)
        kind = key & 7
        if kind == 0:
            start, (_, position) = position, _varint(data, position)
        elif kind == 2:
            length, start = _varint(data, position)
            position = start + length
        elif kind in (1, 5):
            start, position = position, position + (8 if kind == 1 else 4)
        else:
            raise ValueError("no protocol buffer")
        if position > end:
            raise ValueError("the file is cut off")
        yield key >> 3, start, position


def _varint(data: mmap.mmap, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if not byte & 0x80:
            return value, position
        shift += 7
