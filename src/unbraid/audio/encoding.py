"""Encodes stems block by block: the file is opened before any work is done, its encoder with the first block."""

import base64
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import IO, Any, Protocol

import av
import numpy as np
from av.stream import Disposition
from numpy.typing import NDArray

from unbraid.audio import mp4, stem_mp4, wav
from unbraid.audio.formats import FORMATS, Format, bit_depth_of
from unbraid.audio.id3 import id3_tag
from unbraid.audio.ogg import CommentWriter
from unbraid.audio.resampling import Resampler
from unbraid.audio.tags import FRONT_COVER, normalised, picture_block, picture_size, picture_type
from unbraid.audio.types import Audio

MAX_TMPO = 32_767  # beats a minute: FFmpeg takes it for a signed number of 16 bits
LATE_TAGS = {"bpm": "1000", "initialkey": "C#m"}  # as long as they become
SOUNDFILE_OPTIONS: dict[str, dict[str, Any]] = {
    "lame": {"subtype": "MPEG_LAYER_III", "bitrate_mode": "CONSTANT", "compression_level": 0.0},  # 320 kbit/s
    "vorbis": {"subtype": "VORBIS", "compression_level": 0.2},  # quality 8, about 256 kbit/s
}


class StemWriter:
    """Writes blocks `(channels, n)` float32 to one sound file: a path, or a binary file open for writing and seeking.

    For the format "stem", a block is the result of `stem_mp4.tracks_of`, and an open file must be readable.

    `tags` have FFmpeg's names (title, artist, album_artist, track …), and `cover` is a JPEG or PNG, or None; each
    format stores what it can hold. `bits_per_second` overrides the default of M4A and Opus (for stereo; mono takes
    half), and a low `effort` (FFmpeg's compression_level) is faster. A file that was given open stays open. Samples
    beyond ±1 are clipped unless the format is 32-bit float.

    Any method may raise the disk's OSError: the caller knows the name that the user gave.
    """

    def __init__(
        self,
        target: Path | IO[bytes],
        format: str,  # noqa: A002
        *,
        sample_rate: int,
        channels: int,
        bit_depth: str | None = None,
        bits_per_second: int | None = None,
        effort: int | None = None,
        tags: Mapping[str, str] | None = None,
        cover: bytes | None = None,
    ) -> None:
        form = FORMATS[format]
        if bits_per_second and form.bits_per_second:
            form = replace(form, bits_per_second=bits_per_second, effort=effort)
        written_rate = _nearest_rate(form.rates, sample_rate)
        self._resampler = Resampler(sample_rate, written_rate, channels * form.tracks)
        self._labels = Labels(normalised(tags or {}), cover if cover and all(picture_size(cover)) else None)
        depth = bit_depth_of(format, bit_depth)
        self._file = _EncodersFile(target)
        encoder = ENCODERS.get(form.codec, _FFmpegEncoder)
        self._make_encoder = partial(encoder, self._file, form, depth, written_rate, channels, self._labels)
        self._encoder: _Encoder | None = None

    def add_tags(self, tags: Mapping[str, str]) -> None:
        """Add tags before the first block; a WAV takes tempo and key (bpm, initialkey) even after the last one."""
        self._labels.tags.update(tags)

    def write(self, block: Audio) -> None:
        """Append a block."""
        converted = self._resampler.convert(block)
        if converted.shape[1]:
            with self._file.failures_raised():
                self._begun().write(converted)

    def finish(self) -> None:
        """Write what is buffered, complete the file's header, and close it."""
        converted = self._resampler.finish()
        with self._file.failures_raised():
            if converted.shape[1]:
                self._begun().write(converted)
            self._begun().finish()
        self._file.close()

    def abandon(self) -> None:
        """Close the file incomplete: it will be removed."""
        # What goes wrong here is most likely the very failure for which it is abandoned.
        with suppress(OSError, RuntimeError, av.FFmpegError):
            if self._encoder:
                self._encoder.close()
        with suppress(OSError):
            self._file.close()

    def _begun(self) -> "_Encoder":
        if self._encoder is None:
            self._encoder = self._make_encoder()
        return self._encoder


class _EncodersFile:
    """The file that an encoder writes to. Encoders are written in C and can only print an exception.

    So the first disk error is kept, nothing is written after it, and it is raised once the encoder has returned.
    """

    def __init__(self, target: Path | IO[bytes]) -> None:
        self._owned = isinstance(target, Path)
        self._file = target.open("w+b") if isinstance(target, Path) else target
        self._failure: OSError | None = None
        self._begins = 0

    @contextmanager
    def failures_raised(self) -> Iterator[None]:
        try:
            yield
        finally:
            if self._failure is not None:
                raise self._failure

    def write(self, data: Any) -> int:
        return self._tried(self._file.write, data, otherwise=len(data))

    def read(self, size: int) -> bytes:
        return self._file.read(size)

    def tell(self) -> int:
        return self._file.tell() - self._begins

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        offset += self._begins if whence == os.SEEK_SET else 0
        self._tried(self._file.seek, offset, whence, otherwise=0)
        return self.tell()

    def begin_here(self) -> None:
        """Show the encoder no more than what comes from here on."""
        self._begins = self._file.tell()

    def close(self) -> None:
        if self._owned:
            self._file.close()

    def _tried(self, function: Callable[..., int], *args: Any, otherwise: int) -> int:
        if self._failure is None:
            try:
                return function(*args)
            except OSError as error:
                self._failure = error
        return otherwise


@dataclass(frozen=True)
class Labels:
    """What is written into a file besides the sound."""

    tags: dict[str, str]
    cover: bytes | None


class _Encoder(Protocol):
    def write(self, block: Audio) -> None: ...
    def finish(self) -> None: ...
    def close(self) -> None: ...


class _WavEncoder:
    def __init__(
        self, file: _EncodersFile, form: Format, bit_depth: str | None, rate: int, channels: int, labels: Labels
    ) -> None:
        assert bit_depth is not None
        self._file, self._depth, self._written = file, bit_depth, 0
        self._labels = labels
        header = partial(wav.header, sample_rate=rate, channels=channels, bit_depth=bit_depth, cover=labels.cover)
        longest = max(len(header(0, tags=tags)) for tags in (labels.tags, labels.tags | LATE_TAGS))
        self._header = partial(header, length=longest + 8)
        file.write(self._header(0, tags=labels.tags))

    def write(self, block: Audio) -> None:
        self._file.write(wav.samples_of(block, self._depth))
        self._written += block.shape[1]

    def finish(self) -> None:
        self._file.write(bytes(self._file.tell() % 2))
        self._file.seek(0)
        self._file.write(self._header(self._written, tags=self._labels.tags))

    def close(self) -> None:
        pass


class _FFmpegEncoder:
    def __init__(
        self, file: _EncodersFile, form: Format, bit_depth: str | None, rate: int, channels: int, labels: Labels
    ) -> None:
        self._depth, self._rate, self._written = bit_depth, rate, 0
        self._layout = "mono" if channels == 1 else "stereo"
        # An MP4 must count in samples, or its length is rounded to milliseconds.
        options = {"movie_timescale": str(rate), "brand": "M4A "} if form.container == "mp4" else {}
        self._container = av.open(file, "w", format=form.container, options=options)
        self._container.metadata.update(labels.tags)
        effort = {} if form.effort is None else {"compression_level": str(form.effort)}
        self._streams: list[Any] = []
        for number in range(form.tracks):
            stream: Any = self._container.add_stream(form.codec, rate=rate, layout=self._layout, options=effort)
            if form.bits_per_second:
                stream.codec_context.bit_rate = _bit_rate(form, rate, channels)
            elif form.codec == "flac":
                stream.codec_context.format = "s16" if bit_depth == "16" else "s32"
            if form.tracks > 1:
                stream.disposition = Disposition(0) if number else Disposition.default
            self._streams.append(stream)
        picture = self._add_picture(form, labels.cover) if labels.cover else None
        self._container.start_encoding()
        if picture is not None:
            self._container.mux(picture)

    def write(self, block: Audio) -> None:
        for stream, sound in zip(self._streams, np.split(block, len(self._streams)), strict=True):
            samples, sample_format = _quantised(sound, self._depth)
            frame = av.AudioFrame.from_ndarray(samples, format=sample_format, layout=self._layout)
            frame.sample_rate = self._rate
            frame.pts = self._written
            self._container.mux(stream.encode(frame))
        self._written += block.shape[1]

    def _add_picture(self, form: Format, cover: bytes) -> Any:
        """Let the container have this picture, either in its header or as the packet that is returned."""
        if form.container == "opus":
            self._container.metadata["METADATA_BLOCK_PICTURE"] = base64.b64encode(picture_block(cover)).decode()
            return None
        width, height = picture_size(cover)
        codec = "png" if picture_type(cover) == "image/png" else "mjpeg"
        stream: Any = self._container.add_mux_stream(codec, width=width, height=height)
        stream.disposition = Disposition.attached_pic
        stream.metadata["comment"] = FRONT_COVER
        packet = av.Packet(cover)
        packet.stream, packet.pts, packet.dts = stream, 0, 0
        packet.is_keyframe = True
        return packet

    def close(self) -> None:
        try:
            for stream in self._streams:
                if self._written:
                    self._container.mux(stream.encode(None))
        finally:
            self._container.close()

    def finish(self) -> None:
        self.close()


class _Mp4Encoder(_FFmpegEncoder):
    """M4A, with or without stems: FFmpeg can write MP4's own tags, but neither others nor the stems."""

    def __init__(
        self, file: _EncodersFile, form: Format, bit_depth: str | None, rate: int, channels: int, labels: Labels
    ) -> None:
        self._file, self._boxes = file, list[tuple[mp4.Place, bytes]]()
        tags = dict(labels.tags)
        if (tempo := tags.get("bpm", "")).replace(".", "", 1).isdecimal() and float(tempo) < MAX_TMPO:
            tags["tmpo"] = f"{float(tempo):.0f}"  # it has room for whole numbers
        named = mp4.TAGS_OF_FFMPEG | ({"bpm"} if "tmpo" in tags else set())
        self._boxes += [(mp4.TAGS, mp4.freeform(name, text)) for name, text in labels.tags.items() if name not in named]
        if form.tracks > 1:
            self._boxes.append((stem_mp4.PLACE, mp4.box(b"stem", stem_mp4.description())))
        super().__init__(file, form, bit_depth, rate, channels, replace(labels, tags=tags))

    def finish(self) -> None:
        super().finish()
        if self._boxes:
            mp4.add_boxes(self._file, self._boxes)


class _SoundFileEncoder:
    """MP3 and Ogg Vorbis through libsndfile.

    FFmpeg's wrapper of LAME omits the last frame, which a decoder needs for the exact length; its own Vorbis encoder
    is experimental, and PyAV's wheels come without libvorbis.
    """

    CHUNK = 4096  # libsndfile keeps a whole write on the stack of the Vorbis analysis

    def __init__(
        self, file: _EncodersFile, form: Format, bit_depth: str | None, rate: int, channels: int, labels: Labels
    ) -> None:
        import soundfile

        if form.codec == "lame":
            file.write(id3_tag(labels.tags, labels.cover))
            file.begin_here()
        self._sound = soundfile.SoundFile(
            file if form.codec == "lame" else CommentWriter(file, labels.tags, labels.cover),
            "w",
            samplerate=rate,
            channels=channels,
            format=form.container.upper(),
            **SOUNDFILE_OPTIONS[form.codec],
        )

    def write(self, block: Audio) -> None:
        for start in range(0, block.shape[1], self.CHUNK):
            self._sound.write(block[:, start : start + self.CHUNK].T)

    def close(self) -> None:
        self._sound.close()

    def finish(self) -> None:
        self.close()


ENCODERS: dict[str, type[_WavEncoder | _SoundFileEncoder | _FFmpegEncoder]] = {
    "pcm": _WavEncoder,
    "aac": _Mp4Encoder,
    "lame": _SoundFileEncoder,
    "vorbis": _SoundFileEncoder,
}  # all others are FFmpeg's


def _quantised(block: Audio, bit_depth: str | None) -> tuple[NDArray[Any], str]:
    """Return the samples as PyAV wants them, float planes or interleaved integers `(1, n · channels)`, and which."""
    if bit_depth is None:
        return np.ascontiguousarray(block), "fltp"
    whole = wav.integers(block, bit_depth).reshape(1, -1)
    return (whole.astype(np.int16), "s16") if bit_depth == "16" else (whole << 8, "s32")  # 24 bits, in the upper part


def _nearest_rate(rates: tuple[int, ...], rate: int) -> int:
    if not rates or rate in rates:
        return rate
    return min((higher for higher in rates if higher > rate), default=rates[-1])


def _bit_rate(form: Format, rate: int, channels: int) -> int:
    """Return the bits per second for this sample rate: at low rates, codecs refuse bit rates that suit 44.1 kHz."""
    return int(form.bits_per_second * min(1.0, rate / 44_100) * channels / 2)
