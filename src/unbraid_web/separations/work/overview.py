"""What a stem looks like: peaks for the waveform, in how much of the song it plays, and a spectrogram."""

import av
import numpy as np
from numpy.typing import NDArray

from unbraid_web.separations.models import PEAKS_PER_SECOND

AUDIBLE = 10 ** (-50 / 20)  # RMS above which a stem is said to play

Samples = NDArray[np.float32]


class StemOverview:
    """Gathers the overview of one stem while its segments come."""

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
