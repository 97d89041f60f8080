"""A stem's overview as the site stores it: bytes for the waveform, how much of the song it plays, and a picture."""

import av
import numpy as np

from unbraid.audio.overview import Overview, shorten
from unbraid_web.separations.models import PEAKS_PER_SECOND

AUDIBLE = 10 ** (-50 / 20)  # RMS above which a stem is said to play
STEPS_PER_COLUMN = 2
MAX_COLUMNS = 6000


def stem_overview(sample_rate: int) -> Overview:
    """Return an overview to add the stem's segments to."""
    return Overview(sample_rate, steps_per_second=PEAKS_PER_SECOND, steps_per_column=STEPS_PER_COLUMN)


def peaks_of(overview: Overview) -> bytes:
    """Return one byte for each step."""
    return bytes(np.rint(255 * np.minimum(1, overview.peaks)).astype(np.uint8))


def presence_of(overview: Overview) -> float:
    """Return the part of the time in which something is heard, 0 to 1."""
    loudness = overview.loudness
    return float((loudness > AUDIBLE).mean()) if loudness.size else 0.0


def spectrogram_of(overview: Overview) -> bytes:
    """Return a grey PNG: time to the right, pitch upwards, 90 dB from black to white."""
    picture = np.ascontiguousarray(shorten(overview.levels, MAX_COLUMNS).T[::-1])
    encoder = av.CodecContext.create("png", "w")
    encoder.width, encoder.height, encoder.pix_fmt = picture.shape[1], picture.shape[0], "gray"
    packets = encoder.encode(av.VideoFrame.from_ndarray(picture, format="gray")) + encoder.encode(None)
    return b"".join(bytes(packet) for packet in packets)


def outline(peaks: list[bytes], steps: int = 64) -> list[int]:
    """Return the loudness of the whole song in `steps` numbers, 0 to 255, from its stems' peaks."""
    together = np.max([np.frombuffer(one, np.uint8) for one in peaks], axis=0)
    return [int(part.max()) if part.size else 0 for part in np.array_split(together, steps)]
