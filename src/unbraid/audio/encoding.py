"""Encode one stem block by block: the file and its encoder are opened before any work is done."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

import av
import numpy as np
from numpy.typing import NDArray

from unbraid.audio.resampling import Resampler
from unbraid.formats import FORMATS, Format, bit_depth_of

Block = NDArray[np.float32]


PCM_CODECS = {"16": "pcm_s16le", "24": "pcm_s24le", "32f": "pcm_f32le"}
SOUNDFILE_OPTIONS: dict[str, dict[str, Any]] = {
    "lame": {"subtype": "MPEG_LAYER_III", "bitrate_mode": "CONSTANT", "compression_level": 0.0},  # 320 kbit/s
    "vorbis": {"subtype": "VORBIS", "compression_level": 0.2},  # quality 8, about 256 kbit/s
}


class StemWriter:
    """Writes blocks `(channels, n)` float32 to one sound file.

    Raises OSError when the disk does, from any method: the caller knows the name that the user gave.
    """

    def __init__(
        self,
        path: Path,
        format: str,  # noqa: A002
        *,
        sample_rate: int,
        channels: int,
        bit_depth: str | None = None,
        tags: dict[str, str] | None = None,
    ) -> None:
        written_rate = _nearest_rate(FORMATS[format].rates, sample_rate)
        self._resampler = Resampler(sample_rate, written_rate, channels)
        self._file = _EncodersFile(path)
        try:
            encoder = _SoundFileEncoder if FORMATS[format].codec in SOUNDFILE_OPTIONS else _FFmpegEncoder
            with self._file.failures_raised():
                self._encoder: _Encoder = encoder(
                    self._file, FORMATS[format], bit_depth_of(format, bit_depth), written_rate, channels, tags or {}
                )
        except BaseException:
            with suppress(OSError):
                self._file.close()
            raise

    def write(self, block: Block) -> None:
        """Append a block."""
        converted = self._resampler.convert(block)
        if converted.shape[1]:
            with self._file.failures_raised():
                self._encoder.write(converted)

    def finish(self) -> None:
        """Write what is still on its way, complete the file's header, and close it."""
        converted = self._resampler.finish()
        with self._file.failures_raised():
            if converted.shape[1]:
                self._encoder.write(converted)
            self._encoder.close()
        self._file.close()

    def abandon(self) -> None:
        """Close the file as it is: it will be removed."""
        # What goes wrong here is most likely the very failure for which it is abandoned.
        with suppress(OSError, RuntimeError, av.FFmpegError):
            self._encoder.close()
        with suppress(OSError):
            self._file.close()


class _EncodersFile:
    """The file that an encoder writes to, which is written in C and can do nothing with an exception but print it.

    So the first failure of the disk is kept, nothing is written after it, and it is raised when the encoder is back.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")
        self._failure: OSError | None = None
        self.tell = self._file.tell

    @contextmanager
    def failures_raised(self) -> Iterator[None]:
        try:
            yield
        finally:
            if self._failure is not None:
                raise self._failure

    def write(self, data: bytes) -> int:
        return self._tried(self._file.write, data, otherwise=len(data))

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._tried(self._file.seek, offset, whence, otherwise=self.tell())

    def close(self) -> None:
        self._file.close()

    def _tried(self, function: Callable[..., int], *args: Any, otherwise: int) -> int:
        if self._failure is None:
            try:
                return function(*args)
            except OSError as error:
                self._failure = error
        return otherwise


class _Encoder(Protocol):
    def write(self, block: Block) -> None: ...
    def close(self) -> None: ...


class _FFmpegEncoder:
    def __init__(
        self, file: _EncodersFile, form: Format, bit_depth: str | None, rate: int, channels: int, tags: dict[str, str]
    ) -> None:
        self._depth, self._rate, self._written = bit_depth, rate, 0
        self._layout = "mono" if channels == 1 else "stereo"
        # A wav may grow beyond 4 GB; an MP4 must count in samples, or its length is rounded to milliseconds.
        options = {"wav": {"rf64": "auto"}, "ipod": {"movie_timescale": str(rate)}}.get(form.container, {})
        self._container = av.open(file, "w", format=form.container, options=options)
        self._container.metadata.update(tags)
        codec = PCM_CODECS[bit_depth or ""] if form.codec == "pcm" else form.codec
        self._stream: Any = self._container.add_stream(codec, rate=rate, layout=self._layout)
        context: Any = self._stream.codec_context
        if form.bits_per_second:
            context.bit_rate = _bit_rate(form, rate, channels)
        elif form.codec == "flac":
            context.format = "s16" if bit_depth == "16" else "s32"
        self._container.start_encoding()

    def write(self, block: Block) -> None:
        samples, sample_format = _quantised(block, self._depth)
        frame = av.AudioFrame.from_ndarray(samples, format=sample_format, layout=self._layout)
        frame.sample_rate = self._rate
        frame.pts = self._written
        self._written += block.shape[1]
        self._container.mux(self._stream.encode(frame))

    def close(self) -> None:
        try:
            if self._written:
                self._container.mux(self._stream.encode(None))
        finally:
            self._container.close()


class _SoundFileEncoder:
    """MP3 and Ogg Vorbis through libsndfile.

    FFmpeg's way to LAME forgets the last frame that a decoder needs to give the exact length; its own Vorbis encoder
    is experimental, and PyAV's wheels come without libvorbis.
    """

    TAGS = ("title", "artist", "album", "date", "genre", "comment", "copyright", "tracknumber")
    CHUNK = 4096  # libsndfile keeps a whole write on the stack of the Vorbis analysis

    def __init__(
        self, file: _EncodersFile, form: Format, bit_depth: str | None, rate: int, channels: int, tags: dict[str, str]
    ) -> None:
        import soundfile

        self._sound = soundfile.SoundFile(
            file,
            "w",
            samplerate=rate,
            channels=channels,
            format=form.container.upper(),
            **SOUNDFILE_OPTIONS[form.codec],
        )
        for tag in self.TAGS:
            if text := tags.get(tag):
                setattr(self._sound, tag, text)

    def write(self, block: Block) -> None:
        for start in range(0, block.shape[1], self.CHUNK):
            self._sound.write(block[:, start : start + self.CHUNK].T)

    def close(self) -> None:
        self._sound.close()


def _quantised(block: Block, bit_depth: str | None) -> tuple[NDArray[Any], str]:
    """Return the samples as PyAV wants them, interleaved `(1, n · channels)` or as planes, and their format."""
    if bit_depth is None:
        return np.ascontiguousarray(block), "fltp"
    interleaved = np.ascontiguousarray(block.T).reshape(1, -1)
    if bit_depth == "32f":
        return interleaved, "flt"
    # In float64, for 2²³ − ½ is no float32. 24 bits travel in the upper part of 32.
    scale = 2.0 ** (int(bit_depth) - 1)
    integers = np.clip(np.rint(interleaved.astype(np.float64) * scale), -scale, scale - 1)
    return (integers.astype(np.int16), "s16") if bit_depth == "16" else (integers.astype(np.int32) << 8, "s32")


def _nearest_rate(rates: tuple[int, ...], rate: int) -> int:
    if not rates or rate in rates:
        return rate
    return min((higher for higher in rates if higher > rate), default=rates[-1])


def _bit_rate(form: Format, rate: int, channels: int) -> int:
    """Return the bits per second for this rate: at low rates codecs refuse what is fine at 44.1 kHz."""
    return int(form.bits_per_second * min(1.0, rate / 44_100) * channels / 2)
