"""Decode a sound file block by block to float32."""

import math
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import IO, Any, Protocol, Self

import av
import numpy as np
from numpy.typing import NDArray

from unbraid.audio.truncation import declares_its_length, ends_early
from unbraid.errors import InputError, UsageError

Block = NDArray[np.float32]
Source = str | os.PathLike[str] | IO[bytes]

RATES = range(1_000, 768_001)  # Hz; beyond these a header is wrong, not a song unusual
BLOCK_SECONDS = 1.0
UNREADABLE = (av.FFmpegError, OSError, ValueError, MemoryError)  # what PyAV raises for damaged bytes, seen by fuzzing
LOUDEST = 1e12  # full scale is 1, or 2³¹ in careless float files; what is far beyond would overflow in a power spectrum

# Containers of sound and video files. Playlists and descriptions (HLS, DASH, SDP, concat …) are left out, since they
# make FFmpeg open further files and addresses that nobody asked for.
CONTAINERS = (
    "aac,ac3,aiff,amr,ape,asf,ast,au,avi,caf,dsf,dts,eac3,flac,flv,iff,m4v,matroska,webm,mov,mp4,m4a,3gp,3g2,mj2,"
    "mp3,mpc,mpc8,mpeg,mpegts,mpegvideo,mxf,nut,ogg,oma,qoa,rm,shn,sox,spdif,tak,truehd,tta,voc,w64,wav,wsd,wv"
)


class Song(Protocol):
    """Sound that arrives in blocks `(channels, n)` float32, from a file or from memory."""

    name: str
    sample_rate: int
    channels: int
    tags: dict[str, str]
    notes: list[str]

    @property
    def duration(self) -> float | None:
        """Seconds that will come, as far as that is known."""

    def __iter__(self) -> Iterator[Block]: ...

    def close(self) -> None:
        """Give back what is held open."""


class SongReader:
    """A song opened for decoding: iterate over it, once, for blocks `(channels, n)` float32, about a second each.

    More than two channels are folded down to stereo, which `notes` then says; `mono` folds down to one. Samples that
    are not finite numbers are taken as silence. `start` and `duration` (seconds) choose a part of the song, exact to
    the sample.

    Raises InputError, here or while iterating, if the file cannot be read, holds no sound or is cut off.
    """

    def __init__(
        self, source: Source, *, mono: bool = False, start: float = 0.0, duration: float | None = None
    ) -> None:
        if start < 0 or (duration is not None and duration <= 0):
            raise UsageError("The start must not be negative and the duration must be more than nothing.")
        self.name = source_name(source)
        self.notes: list[str] = []
        self._start = start
        self._duration = duration
        # FFmpeg crashes if a file is closed in one thread while another decodes it.
        self._in_use, self._closed = Lock(), False
        self._file, self._owned = _opened(source, self.name)
        try:
            self._container = self._open_container()
            self._stream = self._find_stream()
            self.sample_rate: int = self._stream.rate
            self._decoded_channels = min(self._stream.codec_context.channels, 2)
            self.channels: int = 1 if mono else self._decoded_channels
            self._whole_seconds: float | None = self._declared_seconds()
            self._exact_seconds = self._whole_seconds if self._length_is_exact() else None
            self.tags: dict[str, str] = {**self._container.metadata, **self._stream.metadata}
        except BaseException:
            self.close()
            raise

    @property
    def duration(self) -> float | None:
        """Seconds that will come, as far as the file says so."""
        if self._whole_seconds is None:
            return self._duration
        left = max(self._whole_seconds - self._start, 0.0)
        return left if self._duration is None else min(left, self._duration)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file, unless it was given to us already open."""
        with self._in_use:
            self._closed = True
            if container := getattr(self, "_container", None):
                container.close()
            if self._owned:
                self._file.close()

    def __iter__(self) -> Iterator[Block]:
        skip = round(self._start * self.sample_rate)
        left = math.inf if self._duration is None else round(self._duration * self.sample_rate)
        decoded = gathered = odd = 0
        waiting: list[Block] = []
        for block in self._decoded():
            block = block[:, : self._padding_starts(decoded)]
            decoded += block.shape[1]
            part = block[:, skip:]
            skip -= min(skip, block.shape[1])
            part = part[:, : int(min(left, part.shape[1]))]
            if part.shape[1]:
                odd += silence_odd_samples(part)
                waiting.append(part)
                left -= part.shape[1]
                gathered += part.shape[1]
            if gathered >= BLOCK_SECONDS * self.sample_rate:
                yield np.concatenate(waiting, axis=1)
                waiting.clear()
                gathered = 0
            if left <= 0:
                break
        else:
            self._check_whole(decoded)
        if waiting:
            yield np.concatenate(waiting, axis=1)
        if odd:
            self.notes.append(f"{odd} samples are no finite numbers and are taken as silence")

    def _open_container(self) -> Any:
        try:
            return av.open(
                _ForgivingFile(self._file),
                options={"format_whitelist": CONTAINERS},
                buffer_size=1 << 18,
                metadata_errors="replace",
            )
        except UNREADABLE as error:
            raise InputError(f"{self.name} is not a sound file that can be read ({_reason(error)}).") from error

    def _find_stream(self) -> Any:
        streams = self._container.streams.audio
        if not streams:
            raise InputError(f"{self.name} holds no sound: there is no audio stream in it.")
        stream = streams[0]
        context = stream.codec_context
        if context is None:
            raise InputError(f"{self.name} cannot be read: nobody here knows how its sound is encoded.")
        if not context.channels or stream.rate not in RATES:
            raise InputError(
                f"{self.name} cannot be read as sound: it claims {context.channels} channels at {stream.rate} Hz."
            )
        if context.channels > 2:
            self.notes.append(f"{context.channels} channels ({context.layout.name}) are folded down to stereo")
        return stream

    def _declared_seconds(self) -> float | None:
        if self._stream.duration is not None and self._stream.time_base:
            return float(self._stream.duration * self._stream.time_base)
        if self._container.duration is not None:
            return float(self._container.duration / av.time_base)
        return None

    def _padding_starts(self, decoded: int) -> int | None:
        """Return where in the block after `decoded` samples an MP4's last codec frame is only padding, if it is."""
        if self._exact_seconds is None or not self._container.format.name.startswith("mov"):
            return None
        return max(round(self._exact_seconds * self.sample_rate) - decoded, 0)

    def _length_is_exact(self) -> bool:
        # Without a length of its own, a sound stream may rightly end before the pictures beside it.
        if self._stream.duration is None and self._container.streams.video:
            return False
        return declares_its_length(self._container.format.name, self._file)

    def _decoded(self) -> Iterator[Block]:
        """Yield the frames as the decoder gives them, `(channels, n)`."""
        layout = "mono" if self._decoded_channels == 1 else "stereo"
        resampler = av.AudioResampler(format="fltp", layout=layout, rate=self.sample_rate)
        packets = iter(self._container.demux(self._stream))
        damaged = heard = 0
        last_damage: Exception | None = None
        while (packet := self._next_packet(packets)) is not None:
            try:
                blocks = self._blocks_of(packet, resampler)
            except UNREADABLE as error:
                damaged, last_damage = damaged + 1, error
                continue
            for samples in blocks:
                heard += samples.shape[1]
                yield samples if self.channels == len(samples) else samples.mean(axis=0, keepdims=True)
        if self._closed:
            return
        if not heard:
            why = f" ({_reason(last_damage)})" if last_damage else ""
            raise InputError(f"{self.name} holds no sound that can be decoded{why}.")
        if damaged:
            self.notes.append(f"{damaged} damaged packets could not be decoded and are left out")

    def _next_packet(self, packets: Iterator[Any]) -> Any:
        """Return the next packet, or None at the end of the file."""
        with self._in_use:
            try:
                return None if self._closed else next(packets, None)
            except UNREADABLE as error:
                raise InputError(f"{self.name} could not be read to its end ({_reason(error)}).") from error

    def _blocks_of(self, packet: Any, resampler: av.AudioResampler) -> list[Block]:
        """Return the samples of a packet, `(1 or 2 channels, n)` each."""
        with self._in_use:
            if self._closed:
                return []
            frames = packet.decode()
            for frame in frames:
                if frame.sample_rate != self.sample_rate:
                    raise InputError(
                        f"{self.name} changes its sample rate from {self.sample_rate} to {frame.sample_rate} Hz "
                        "midway: save it at one rate first."
                    )
            try:
                converted = [part for frame in frames for part in resampler.resample(frame)]
            except ValueError as error:
                raise InputError(f"{self.name} changes its channels midway: save it with one layout first.") from error
            return [part.to_ndarray() for part in converted]  # type: ignore[misc]  # fltp is float32

    def _check_whole(self, decoded: int) -> None:
        """Raise InputError if a file that declares its length has given clearly less."""
        if self._closed:
            return
        seconds, declared = decoded / self.sample_rate, self._exact_seconds or 0.0
        if declared - seconds > max(0.1, 0.005 * declared) or ends_early(self._container.format.name, self._file):
            of = f" of {declared:.1f}" if declared > seconds else ""
            raise InputError(
                f"{self.name} is cut off: it ends after {seconds:.1f}{of} s.",
                f"Fetch it again, or take what there is with a duration of {math.floor(seconds * 10) / 10} s.",
            )


class _ForgivingFile:
    """A file for FFmpeg, which asks damaged ones for impossible places and expects a number, not an exception."""

    def __init__(self, file: IO[bytes]) -> None:
        self.read, self.tell, self.seekable = file.read, file.tell, file.seekable
        self._file = file

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Return the new position, or −1 if there is no such place."""
        try:
            return self._file.seek(offset, whence)
        except (OSError, ValueError, OverflowError):
            return -1


class ArraySong:
    """Samples `(channels, n)` in memory at `sample_rate` Hz as a song.

    Raises InputError unless they have one or two channels and a plausible rate.
    """

    name = "the array"
    BLOCK = 1 << 16

    def __init__(self, samples: NDArray[np.floating[Any]], sample_rate: int) -> None:
        if samples.ndim != 2 or samples.shape[0] not in (1, 2):
            raise InputError(f"A mixture has the shape (1 or 2 channels, samples), not {samples.shape}.")
        if sample_rate not in RATES:
            raise InputError(f"A sample rate of {sample_rate} Hz is out of range.")
        self._samples = samples
        self.sample_rate, self.channels = sample_rate, samples.shape[0]
        self.tags: dict[str, str] = {}
        self.notes: list[str] = []

    @property
    def duration(self) -> float:
        """The length in seconds."""
        samples: int = self._samples.shape[1]
        return samples / self.sample_rate

    def __iter__(self) -> Iterator[Block]:
        for start in range(0, self._samples.shape[1], self.BLOCK):
            block = self._samples[:, start : start + self.BLOCK].astype(np.float32)
            silence_odd_samples(block)
            yield block

    def close(self) -> None:
        """Do nothing: memory needs no closing."""


def read(source: Source, *, start: float = 0.0, duration: float | None = None) -> tuple[Block, int]:
    """Return the whole song `(channels, samples)` and its sample rate in Hz; raises InputError as SongReader does."""
    with SongReader(source, start=start, duration=duration) as song:
        blocks = list(song)
        if not blocks:
            return np.zeros((song.channels, 0), np.float32), song.sample_rate
        return np.concatenate(blocks, axis=1), song.sample_rate


def silence_odd_samples(block: Block) -> int:
    """Set samples that are no finite number, or louder than any number of theirs can be, to zero; return how many."""
    peak = max(-float(block.min(initial=0.0)), float(block.max(initial=0.0)))
    if peak <= LOUDEST:  # false if one of them is not a number
        return 0
    odd = ~(np.abs(block) <= LOUDEST)
    block[odd] = 0.0
    return int(odd.sum())


def source_name(source: Source) -> str:
    """Return what to call this source in a sentence; a name with line breaks and the like is quoted."""
    name = os.fspath(source) if isinstance(source, str | os.PathLike) else str(getattr(source, "name", "the input"))
    return name if name.isprintable() else repr(name)


def _opened(source: Source, name: str) -> tuple[IO[bytes], bool]:
    """Return the open file and whether it is ours to close.

    FFmpeg gets an open file, never a name: a name like `http:…` or `concat:…` would mean something else to it.
    """
    if not isinstance(source, str | os.PathLike):
        return (source, False) if source.seekable() else (_copied(source), True)
    path = Path(source)
    try:
        if path.is_dir():
            raise InputError(f"{name} is a folder, not a song.")
        if path.stat().st_size == 0 and path.is_file():
            raise InputError(f"{name} is empty.")
        return path.open("rb"), True
    except FileNotFoundError:
        raise InputError(f"{name} does not exist.") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{name} cannot be opened: {getattr(error, 'strerror', None) or error}.") from error


def _copied(pipe: IO[bytes]) -> IO[bytes]:
    """Return what comes through a pipe as a nameless file on the disk.

    FFmpeg must be able to look around in a file: for an MP4 whose index is at its end, for an MP3's exact length.
    """
    copy = tempfile.TemporaryFile()  # noqa: SIM115  # it is the reader that closes it
    shutil.copyfileobj(pipe, copy, 1 << 20)
    copy.seek(0)
    return copy


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error)).lower()
