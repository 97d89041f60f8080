"""Decodes a sound file block by block to float32."""

import math
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Protocol, Self

import av
import numpy as np
from av.stream import Disposition

from unbraid.audio.chunks import MP4
from unbraid.audio.formats import CONTAINERS
from unbraid.audio.inputs import ForgivingFile, opened, reason, source_name
from unbraid.audio.lengths import declared_seconds, disagrees, states_length
from unbraid.audio.mpeg import CLOCKLESS, InfoFrame
from unbraid.audio.ogg_links import Link, links
from unbraid.audio.packets import UNREADABLE, FrameReader
from unbraid.audio.resampling import Resampler, resampled
from unbraid.audio.tags import cover_of, tags_of
from unbraid.audio.timeline import Frame, Timeline
from unbraid.audio.tracks import is_dsd, sound_track
from unbraid.audio.truncation import ends_inside, headers_end_inside, lacks_index, missing_bytes, undecoded_bytes
from unbraid.audio.types import Audio, Source, silence_odd_samples
from unbraid.errors import InputError, UsageError

BLOCK_SECONDS = 1.0
DSD_HIGHEST = 96_000  # Hz; a DSD's own rate, 352.8 kHz and more, is one that few programs open

BROADCAST = {"mpeg", "mpegts"}
SEEKABLE = {"aiff", "flac", "w64", "wav"}  # with FLAC or plain samples in it: any sample can be found without the rest
SEEK_BEFORE = 1.0  # s
PADDING_FRAMES = 2  # at most, behind the end of an MP4


class Song(Protocol):
    """Sound that arrives in blocks `(channels, n)` float32, from a file or from memory."""

    name: str
    sample_rate: int
    channels: int
    tags: dict[str, str]
    cover: bytes | None
    notes: list[str]

    @property
    def duration(self) -> float | None:
        """Seconds of sound to come, if known."""

    def __iter__(self) -> Iterator[Audio]: ...

    def close(self) -> None:
        """Release open files."""


class SongReader:
    """A song opened for decoding: iterate over it, once, for blocks `(channels, n)` float32, about a second each.

    The output is as long as the song even if its file is damaged: sound that is missing in the middle is
    replaced by silence, and `notes` says so. A file that is cut off is refused. More than two channels are folded down
    to stereo. If channels or rate change midway, the rest is converted to match the beginning; an Ogg file of
    several songs is stereo if one of them is. Samples that are not finite numbers are treated as silence.

    Args:
        source: a path, or an open binary file; one that cannot seek is copied to a temporary file.
        mono: whether to fold the song down to one channel.
        start: seconds of the song to skip, exact to the sample.
        duration: seconds to read; None reads all.
        track: which of several sound tracks, counted from 1; None takes the first.
        name: the song's name in messages, if not its path.
        max_seconds: refuse a song that is longer, as soon as that is known.

    Raises:
        InputError: here or while iterating, if the file cannot be read, holds no sound, is cut off or too long.
        UsageError: `start`, `duration` or `track` is out of range.
    """

    def __init__(
        self,
        source: Source,
        *,
        mono: bool = False,
        start: float = 0.0,
        duration: float | None = None,
        track: int | None = None,
        name: str | None = None,
        max_seconds: float | None = None,
    ) -> None:
        if not (0 <= start < math.inf) or not (duration is None or 0 < duration < math.inf):
            raise UsageError("The start must not be negative and the duration must be above 0.")
        if track is not None and track < 1:
            raise UsageError("Sound tracks are counted from 1.")
        self.name = name or source_name(source)
        self.notes: list[str] = []
        self._start, self._duration, self._max_seconds = start, duration, max_seconds
        self._begins = 0.0
        self._frames: FrameReader | None = None
        self._file, self._owned = opened(source, self.name)
        try:
            self._info = InfoFrame(self._file)
            self._links = links(self._file)
            self._container = self._open_container(self._links[0])
            self._format: str = self._container.format.name
            self._is_mp4 = self._format == MP4
            self._stream = self._find_stream(self._container, track)
            self.cover: bytes | None = cover_of(self._container)  # before any sound: it comes first
            self._whole_seconds = declared_seconds(self._container, self._stream, self._file)
            self._frames = FrameReader(
                self._container,
                self._stream,
                self._file,
                self.name,
                mono=mono,
                link=self._links[0],
                channels=self._look_at_following(track),
                following=self._following(track),
            )
            self.sample_rate: int = self._usable_rate(self._frames.rate)
            self.channels: int = self._frames.channels
            self._refuse_if_too_long((self._whole_seconds or 0.0) / 1.2)  # lengths in headers are often guesses
            self.tags: dict[str, str] = tags_of(self._container, self._stream)
        except BaseException:
            self.close()
            raise

    @property
    def duration(self) -> float | None:
        """Seconds of sound to come, if the file states them."""
        if self._whole_seconds is None:
            return self._duration
        left = max(self._whole_seconds - self._start, 0.0)
        return left if self._duration is None else min(left, self._duration)

    @property
    def bit_depth(self) -> int | None:
        """Bits per sample from the decoder; None if the song is lossily compressed."""
        context = self._stream.codec_context
        return 8 * context.format.bytes if context.codec.lossless else None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file, unless it was given to us already open."""
        if self._frames is not None:
            self._frames.close()
        elif container := getattr(self, "_container", None):
            container.close()
        if self._owned:
            self._file.close()

    def __iter__(self) -> Iterator[Audio]:
        self._begins = self._seek()
        skip = round(self._start * self.sample_rate) - round(self._begins * self.sample_rate)
        left = math.inf if self._duration is None else round(self._duration * self.sample_rate)
        gathered = odd = 0
        waiting: list[Audio] = []
        for block in self._at_one_rate():
            part = block[:, skip:]
            skip -= min(skip, block.shape[1])
            part = part[:, : int(min(left, part.shape[1]))]
            if part.shape[1]:
                if not part.flags.writeable:
                    part = part.copy()
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
        if waiting:
            yield np.concatenate(waiting, axis=1)
        if odd:
            self.notes.append(f"{odd:,} invalid samples were replaced by silence")

    def _following(self, track: int | None) -> Iterator[tuple[Any, Any, Link]]:
        """Open the songs after the first one in an Ogg file, one after the other."""
        for number, link in enumerate(self._links[1:], 2):
            if not self._links[number - 2].has_end:
                self.notes.append(
                    f"song {number - 1} of {len(self._links)} in the file has no end: some may be missing"
                )
            try:
                container = self._open_container(link)
                stream = self._find_stream(container, track)
            except InputError:
                self.notes.append(f"song {number} of {len(self._links)} in the file cannot be read and is left out")
            else:
                yield container, stream, link

    def _look_at_following(self, track: int | None) -> int:
        """Add up the lengths of all songs in the file; return the most channels that any after the first has."""
        channels, notes, place = 0, list(self.notes), self._file.tell()
        for container, stream, _ in self._following(track):
            seconds = declared_seconds(container, stream, self._file)
            if self._whole_seconds is not None:
                self._whole_seconds = None if seconds is None else self._whole_seconds + seconds
            channels = max(channels, stream.codec_context.channels)
            container.close()
        self.notes = notes  # they come when the songs do
        self._file.seek(place)
        return channels

    def _open_container(self, link: Link) -> Any:
        file = ForgivingFile(self._file, link.begin, self._info.end if link.end is None else link.end)
        file.seek(0)
        try:
            return av.open(
                file,
                options={"format_whitelist": ",".join(CONTAINERS)},
                buffer_size=1 << 18,
                metadata_errors="surrogateescape",
            )
        except UNREADABLE as error:
            if lacks_index(self._file):
                raise InputError(
                    f"{self.name} is cut off: its index, which belongs at the end, is missing.", "Fetch it again."
                ) from error
            if inside := headers_end_inside(self._file):
                raise self._cut_off(inside, 0.0) from error
            raise InputError(f"{self.name} is not a sound file that can be read ({reason(error)}).") from error

    def _find_stream(self, container: Any, track: int | None) -> Any:
        if not container.streams.audio:
            self._refuse_if_cut_off(0.0)
        stream, notes = sound_track(container, track, self.name)
        self.notes += [note for note in notes if note not in self.notes]
        return stream

    def _seek(self) -> float:
        """Seek close to the requested part, where that is exact; return how many seconds were skipped."""
        assert self._frames is not None
        codec: str = self._stream.codec_context.name
        wanted = self._start - SEEK_BEFORE
        if wanted <= 0 or self._format not in SEEKABLE or not codec.startswith(("pcm_", "flac")):
            return 0.0
        if self._whole_seconds is None or wanted > self._whole_seconds:
            return 0.0
        return self._frames.seek(wanted)

    def _usable_rate(self, rate: int) -> int:
        if is_dsd(self._stream.codec_context):
            while rate > DSD_HIGHEST:
                rate //= 2
            self.notes.append(f"DSD is decoded to {rate} Hz")
        return rate

    def _refuse_if_too_long(self, seconds: float) -> None:
        if self._max_seconds is not None and seconds > self._max_seconds + 0.001:
            most = self._max_seconds
            limit = f"{most / 60:.0f} minutes" if most >= 90 else f"{most:.0f} seconds"
            raise InputError(f"{self.name} is longer than the limit of {limit}: cut it into parts.")

    def _at_one_rate(self) -> Iterator[Audio]:
        """Yield the sound at `sample_rate`, without the padding after the end that an MP4 declares.

        If there is more than padding can be, the declared end is wrong, and all is kept.
        """
        assert self._frames is not None
        rate = self._frames.rate
        resampler = Resampler(rate, self.sample_rate, self.channels)
        left = math.inf
        if self._is_mp4 and self._whole_seconds is not None and self._stream.duration is not None:
            left = round(self._whole_seconds * self.sample_rate)
        held: list[Audio] = []
        for frame in self._in_time():
            if frame.rate != rate:
                yield resampler.finish()
                rate, resampler = frame.rate, Resampler(frame.rate, self.sample_rate, self.channels)
            block = resampler.convert(frame.samples)
            within = int(min(left, block.shape[1]))
            yield block[:, :within]
            left -= within
            if within < block.shape[1]:
                held.append(block[:, within:])
                if sum(part.shape[1] for part in held) > PADDING_FRAMES * frame.seconds * self.sample_rate:
                    yield from held
                    held, left = [], math.inf
        rest = resampler.finish()
        yield rest[:, : int(min(left, rest.shape[1]))]

    def _in_time(self) -> Iterator[Frame]:
        """Yield the frames with silence where sound is missing, then check whether the file was complete."""
        assert self._frames is not None
        timeline, frame = self._timeline(), None
        for frame in timeline.filled(self._frames):
            yield frame
            self._refuse_if_too_long(timeline.position)
        if self._frames.closed:
            return
        self._refuse_if_cut_off(timeline.position)
        if frame is None:
            raise self._soundless()
        if self._frames.last_failed and (end := self._end_of_damage()) is not None:
            yield from timeline.silence_until(end, frame)
        self.notes += [*self._frames.notes, *timeline.notes]
        self._note_disagreement(timeline.position, padding=PADDING_FRAMES * frame.seconds if self._is_mp4 else 0.0)

    def _end_of_damage(self) -> float | None:
        """Return where the last packet, which could not be decoded, ends by the file's clock, if known."""
        assert self._frames is not None
        last = self._frames.last
        if self._format not in CLOCKLESS and last is not None and last.pts is not None:
            return float((last.pts + (last.duration or 0)) * last.time_base)
        return self._whole_seconds if states_length(self._container, self._stream, self._info) else None

    def _timeline(self) -> Timeline:
        if self._format in CLOCKLESS:
            return Timeline(0.0, None)
        origin = None
        if any(not picture.disposition & Disposition.attached_pic for picture in self._container.streams.video):
            origin = (self._container.start_time or 0) / av.time_base  # a film's sound may begin after its pictures
        end = None
        if self._whole_seconds is not None and self._container.duration is not None and len(self._links) == 1:
            start = (self._container.start_time or 0) / av.time_base
            end = start + max(self._whole_seconds, float(self._container.duration / av.time_base))
        tick = float(self._stream.time_base or 0)
        return Timeline(origin, end, begins=self._begins, tick=tick, broadcast=self._format in BROADCAST)

    def _refuse_if_cut_off(self, seconds: float) -> None:
        last, failed = (self._frames.last, self._frames.last_failed) if self._frames else (None, False)
        if inside := ends_inside(self._format, self._file, last, last_failed=failed):
            raise self._cut_off(inside, seconds)

    def _cut_off(self, inside: str, seconds: float) -> InputError:
        what_there_is = math.floor(seconds * 10) / 10
        rest = f", or take what there is with a duration of {what_there_is} s" if what_there_is else ""
        return InputError(
            f"{self.name} is cut off: it ends inside {inside}, after {seconds:.1f} s.", f"Fetch it again{rest}."
        )

    def _note_disagreement(self, seconds: float, padding: float) -> None:
        """Add a note if the file declares another length, or ends with something that is not sound."""
        assert self._frames is not None
        declared, states = self._whole_seconds, states_length(self._container, self._stream, self._info)
        if declared is not None and declared < seconds <= declared + padding:
            seconds = declared
        if declared is not None and states and disagrees(self._format, declared, seconds):
            digits = 1 if abs(seconds - declared) >= 0.5 else 2
            self.notes.append(f"the file claims to last {declared:.{digits}f} s but holds {seconds:.{digits}f} s")
        elif self._frames.gave_up:
            self.notes.append(f"the sound after {seconds:.1f} s cannot be read")
        elif (self._format == "mp3" and states) or self._frames.damaged:
            pass  # its notes say it, or its header has the very length
        elif self._format == "ogg" and declared is None:
            self.notes.append("the last page of the file is damaged: its end may be missing")
        elif self._format in BROADCAST and (lacking := missing_bytes(self._frames.last)):
            self.notes.append(f"the last {lacking} bytes of its last frame are missing, and perhaps more")
        elif rest := undecoded_bytes(self._format, self._file, self._frames.last, self._links[-1].begin):
            self.notes.append(f"the last {rest} bytes of the file are not sound: its end may be missing")

    def _soundless(self) -> InputError:
        assert self._frames is not None
        failure = self._frames.failure
        why = f" ({reason(failure)})" if failure else ""
        return InputError(f"{self.name} holds no sound that can be decoded{why}.")


def read(
    source: Source,
    *,
    start: float = 0.0,
    duration: float | None = None,
    sample_rate: int | None = None,
    channels: int | None = None,
) -> tuple[Audio, int]:
    """Return a whole song `(channels, samples)` and its sample rate in Hz.

    Args:
        source: a path, or an open binary file.
        start: seconds to skip.
        duration: seconds to read; None reads all.
        sample_rate: in Hz, if not the song's own.
        channels: 1 or 2, if not the song's own: stereo is averaged, mono repeated.

    Raises:
        InputError: as SongReader does.
    """
    with SongReader(source, mono=channels == 1, start=start, duration=duration) as song:
        rate = sample_rate or song.sample_rate
        blocks = list(resampled(song, song.sample_rate, rate, song.channels))
        audio = np.concatenate(blocks, axis=1)
    if channels is not None and len(audio) < channels:
        audio = np.repeat(audio, channels, axis=0)
    return audio, rate
