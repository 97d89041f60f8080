"""Writes the stems of a song as they come: short FLAC segments to listen to, and whole FLAC files to keep.

Every segment is a FLAC file of its own holding exactly the same number of samples: FLAC has no padding and no delay, so
segments laid end to end are the stem, sample for sample, in every browser.
"""

import io
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import av
import numpy as np
from numpy.typing import NDArray

SEGMENT_SECONDS = 5

Samples = NDArray[np.float32]


class FlacWriter:
    """Writes samples to one 16-bit FLAC file.

    Args:
        target: path, or a binary file open for writing
        rate: in Hz
        channels: 1 or 2
    """

    def __init__(self, target: Path | io.BytesIO, rate: int, channels: int) -> None:
        self._layout = "stereo" if channels == 2 else "mono"
        self._rate = rate
        self._container = av.open(str(target) if isinstance(target, Path) else target, "w", format="flac")
        self._stream = self._container.add_stream(
            "flac", rate=rate, layout=self._layout, format="s16", options={"compression_level": "3"}
        )

    def write(self, samples: Samples) -> None:
        """Append samples `(channels, n)`; what exceeds full scale is clipped."""
        whole = np.clip(np.rint(samples * 32768.0), -32768, 32767).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(whole.T).reshape(1, -1), "s16", self._layout)
        frame.sample_rate = self._rate
        self._container.mux(self._stream.encode(frame))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._container.mux(self._stream.encode(None))
        self._container.close()


def as_flac(samples: Samples, rate: int) -> bytes:
    """Return samples `(channels, n)` as the bytes of a FLAC file."""
    target = io.BytesIO()
    with FlacWriter(target, rate, samples.shape[0]) as writer:
        writer.write(samples)
    return target.getvalue()


def segments_of(stream: Any, names: list[str], length: int) -> Iterator[dict[str, Samples]]:
    """Yield the stream's blocks regrouped into segments of exactly `length` samples; the last one may be shorter."""
    waiting: dict[str, list[Samples]] = {name: [] for name in names}
    held = 0
    for block in stream:
        for name in names:
            waiting[name].append(block[name])
        held += block[names[0]].shape[1]
        while held >= length:
            joined = {name: np.concatenate(waiting[name], axis=1) for name in names}
            yield {name: joined[name][:, :length] for name in names}
            waiting = {name: [joined[name][:, length:]] for name in names}
            held -= length
    if held:
        yield {name: np.concatenate(waiting[name], axis=1) for name in names}
