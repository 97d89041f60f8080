"""Songs in real files of every kind, made on the fly."""

from collections.abc import Callable
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.stream import Disposition
from numpy.typing import NDArray

from unbraid.audio import StemWriter


def tone(seconds: float = 1.7, rate: int = 44_100, channels: int = 2) -> NDArray[np.float32]:
    """A chord that every codec keeps: `(channels, samples)`."""
    time = np.arange(round(seconds * rate)) / rate
    wave = sum(np.sin(2 * np.pi * hertz * time) for hertz in (220.0, 440.0, 1330.0)) * 0.15
    return np.stack([wave * gain for gain in (1.0, 0.6)[:channels]]).astype(np.float32)


def write(path: Path, sound: NDArray[np.float32], rate: int = 44_100, **options: Any) -> Path:
    writer = StemWriter(path, path.suffix[1:], sample_rate=rate, channels=len(sound), **options)
    for start in range(0, sound.shape[1], 10_000):
        writer.write(sound[:, start : start + 10_000])
    writer.finish()
    return path


def write_with(
    path: Path, codec: str, container: str, sound: NDArray[np.float32], rate: int, layout: str, **options: str
) -> Path:
    with av.open(path, "w", format=container, options=options) as file:
        stream: Any = file.add_stream(codec, rate=rate, layout=layout)
        if codec == "wmav2":
            stream.bit_rate = 128_000
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound), format="fltp", layout=layout)
        frame.sample_rate = rate
        frame.pts = 0
        file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return path


def copied(
    song: Path, target: Path, keep: Callable[[float], bool] = lambda time: True, options: dict[str, str] | None = None
) -> Path:
    """Copy those packets of a song that begin at a second that `keep` likes, with their times, as editors do."""
    with av.open(song) as old, av.open(target, "w", options=options or {}) as new:
        stream = new.add_stream_from_template(old.streams.audio[0])
        for packet in old.demux(audio=0):
            if packet.dts is not None and packet.time_base and keep(float(packet.dts * packet.time_base)):
                packet.stream = stream
                new.mux(packet)
    return target


def together(target: Path, *songs: Path, usual: int | None = None) -> Path:
    """Copy songs into one file as so many tracks, of which one may be marked as the usual one."""
    with ExitStack() as files, av.open(target, "w") as new:
        old = [files.enter_context(av.open(song)) for song in songs]
        streams = [new.add_stream_from_template(song.streams.audio[0]) for song in old]
        for number, stream in enumerate(streams):
            stream.disposition = Disposition.default if number == usual else Disposition(0)
        for song, stream in zip(old, streams, strict=True):
            for packet in song.demux(audio=0):
                if packet.dts is not None:
                    packet.stream = stream
                    new.mux(packet)
    return target


def level(samples: NDArray[np.float32], rate: int, start: float, end: float) -> float:
    """Return the RMS between two seconds."""
    return float(np.sqrt(np.mean(np.square(samples[:, round(start * rate) : round(end * rate)]))))


def picture(codec: str) -> bytes:
    """Return a small JPEG or PNG."""
    encoder = av.CodecContext.create(codec, "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.time_base = 48, 32, Fraction(1, 25)
    encoder.pix_fmt = "rgb24" if codec == "png" else "yuvj420p"
    frame = av.VideoFrame.from_ndarray(np.full((32, 48, 3), 99, np.uint8), format="rgb24")
    packets = encoder.encode(frame.reformat(format=encoder.pix_fmt)) + encoder.encode(None)
    return b"".join(bytes(packet) for packet in packets)
