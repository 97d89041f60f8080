"""Writes the stems of a song as they come: short FLAC segments to listen to, whole FLAC files to keep, and their looks.

Every segment is a FLAC file of its own holding exactly the same number of samples: FLAC has no padding and no delay, so
segments laid end to end are the stem, sample for sample, in every browser.
"""

import io
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import numpy as np
from numpy.typing import NDArray

from unbraid_web.separations.models import PEAKS_PER_SECOND

SEGMENT_SECONDS = 5
AUDIBLE = 10 ** (-50 / 20)  # RMS above which a stem is said to play

Samples = NDArray[np.float32]


class FlacWriter:
    """Writes samples to one 16-bit FLAC file.

    Parameters:
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


class Looks:
    """Gathers what a stem looks like: peaks for the waveform, presence, and a spectrogram."""

    BANDS = 96
    COLUMNS_PER_SECOND = 10
    MAX_COLUMNS = 6000
    WINDOW = 4096

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._peak_hop = rate // PEAKS_PER_SECOND
        self._column_hop = rate // self.COLUMNS_PER_SECOND
        self._peaks: list[NDArray[np.uint8]] = []
        self._columns: list[NDArray[np.uint8]] = []
        self._audible = self._steps = 0
        edges = np.geomspace(40.0, min(16_000.0, rate / 2.1), self.BANDS + 1) * self.WINDOW / rate
        self._low = np.floor(edges[:-1]).astype(int)
        self._window = np.hanning(self.WINDOW).astype(np.float32)

    def add(self, samples: Samples) -> None:
        """Look at the next segment `(channels, n)`; segments but the last hold whole steps."""
        loudest = np.abs(samples).max(axis=0)
        power = np.square(samples).mean(axis=0)
        steps = -(-loudest.size // self._peak_hop)
        padding = (0, steps * self._peak_hop - loudest.size)
        peaks = np.pad(loudest, padding).reshape(steps, -1).max(axis=1)
        rms = np.sqrt(np.pad(power, padding).reshape(steps, -1).mean(axis=1))
        self._peaks.append(np.rint(255 * np.minimum(1, peaks)).astype(np.uint8))
        self._audible += int((rms > AUDIBLE).sum())
        self._steps += steps
        self._columns.append(self._spectrum(samples.mean(axis=0)))

    def _spectrum(self, mono: Samples) -> NDArray[np.uint8]:
        starts = np.arange(0, mono.size, self._column_hop)
        padded = np.pad(mono, (0, self.WINDOW))
        cut = np.lib.stride_tricks.sliding_window_view(padded, self.WINDOW)[starts] * self._window
        magnitude = np.abs(np.fft.rfft(cut, axis=1)) * (2 / self._window.sum())
        bands = np.maximum.reduceat(magnitude, self._low, axis=1)
        decibel = 20 * np.log10(np.maximum(bands, 1e-6))
        return np.clip((decibel + 90) * (255 / 90), 0, 255).astype(np.uint8)

    @property
    def peaks(self) -> bytes:
        """One byte for each twentieth of a second."""
        return b"".join(part.tobytes() for part in self._peaks)

    @property
    def presence(self) -> float:
        """The part of the time in which something is heard, 0 to 1."""
        return self._audible / self._steps if self._steps else 0.0

    def spectrogram(self) -> bytes:
        """Return a grey PNG: time to the right, pitch upwards, 90 dB from black to white."""
        columns = np.concatenate(self._columns)
        factor = -(-len(columns) // self.MAX_COLUMNS)
        if factor > 1:
            columns = np.pad(columns, ((0, -len(columns) % factor), (0, 0)))
            columns = columns.reshape(-1, factor, self.BANDS).max(axis=1)
        picture = np.ascontiguousarray(columns.T[::-1])
        encoder = av.CodecContext.create("png", "w")
        encoder.width, encoder.height, encoder.pix_fmt = picture.shape[1], picture.shape[0], "gray"
        packets = encoder.encode(av.VideoFrame.from_ndarray(picture, format="gray")) + encoder.encode(None)
        return b"".join(bytes(packet) for packet in packets)


def outline(peaks: list[bytes], steps: int = 64) -> list[int]:
    """Return the loudness of the whole song in `steps` numbers, 0 to 255, from its stems' peaks."""
    together = np.max([np.frombuffer(one, np.uint8) for one in peaks], axis=0)
    return [int(part.max()) if part.size else 0 for part in np.array_split(together, steps)]
