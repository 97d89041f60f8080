"""Decodes a file's packets to frames of samples, skipping what is damaged."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from threading import Lock
from typing import IO, Any

import av

from unbraid.audio.channels import folded, samples_of
from unbraid.audio.clocks import with_true_times
from unbraid.audio.inputs import reason
from unbraid.audio.mpeg import CLOCKLESS, frame_bytes, tag_bytes
from unbraid.audio.ogg_links import Link
from unbraid.audio.timeline import Frame
from unbraid.errors import InputError

UNREADABLE = (av.FFmpegError, OSError, ValueError, MemoryError)  # what PyAV raises for damaged bytes, seen by fuzzing
MAX_ERRORS = 100  # in a row, of a container that is damaged: then there is no getting on
SEARCHED = 1 << 22  # bytes in which the next good frame is looked for, after damage
CHECKED = {"ac3", "eac3", "flac", "mlp", "truehd", "tta", "wavpack"}  # codecs whose frames have a checksum
FRAMED = {"aac", "ac3", "eac3", "mp3"}  # whose packets are nothing but frames that say how long they are


class FrameReader:
    """The frames of one sound track; iterate over it once. It may be closed from another thread.

    Args:
        container: PyAV's container.
        stream: the track in it.
        file: the file that the container reads.
        name: the song's name in messages.
        mono: whether to fold all frames to one channel.
        link: which of the songs in an Ogg file this is.
        channels: the most channels of any song that follows in the same file.
        following: these songs, each opened when its turn comes.

    Raises InputError if the sound is encrypted.
    """

    _song_begins: bool
    _clock_begins: float | None  # seconds, if the beginning is damaged

    def __init__(
        self,
        container: Any,
        stream: Any,
        file: IO[bytes],
        name: str,
        *,
        mono: bool,
        link: Link,
        channels: int = 0,
        following: Iterable[tuple[Any, Any, Link]] = (),
    ) -> None:
        self.notes: list[str] = []
        self.last: Any = None
        """The last packet so far."""
        self.last_failed = False
        """Whether it could not be decoded."""
        self.damaged = 0
        """How many packets could not be decoded."""
        self.failure: Exception | None = None
        """The last thing that went wrong."""
        self.gave_up = False
        """Whether what follows the last packet cannot be read."""
        self.closed = False
        self._file, self._name = file, name
        self._containers, self._following = [container], iter(following)
        self._begin_song(container, stream, link)
        self._format: str = container.format.name
        self._clockless = self._format in CLOCKLESS
        self._keeps_packets = stream.codec_context.name.startswith("wma")  # the first two, of which no sound comes
        if stream.codec_context.name in CHECKED:  # else damaged frames would count, or halves of two frames as one
            stream.codec_context.options = {"err_detect": "crccheck+explode"}
        self._seconds, self._bytes = 0.0, 0  # of good packets
        self._lost = self._passed_over = 0  # bytes: since the last good packet; in all, where FFmpeg does not tell
        # FFmpeg crashes if a file is closed in one thread while another decodes it.
        self._in_use = Lock()
        # FFmpeg has looked far ahead: its channels and rate may be those of a later part.
        self._decoded_frames = self._decode()
        self._first = next(self._decoded_frames, None)
        found = stream.codec_context if self._first is None else self._first
        self._layout: str = found.layout.name
        self._rate = self.rate = found.sample_rate
        """Hz, at the beginning."""
        most = max(found.layout.nb_channels, stream.codec_context.layout.nb_channels, channels)
        self.channels: int = 1 if mono else min(most, 2)

    def seek(self, seconds: float) -> float:
        """Skip what comes before, as far as the container can; return the seconds skipped, 0 at worst."""
        if self._first is None or self._first.pts is None:
            return 0.0
        begin = self._first.pts
        for target in (seconds, 0.0):
            with suppress(*UNREADABLE):
                self._container.seek(begin + int(target / self._tick), stream=self._stream)
            self._decoded_frames = self._decode()
            self._first = next(self._decoded_frames, None)
            if self._first is not None and self._first.pts is not None:
                self._seconds = (self._first.pts - begin) * self._tick
                if 0 <= self._seconds <= target:
                    return self._seconds
        return 0.0

    def close(self) -> None:
        """Close the container; whoever iterates finds the end."""
        with self._in_use:
            self.closed = True
            for container in self._containers:
                container.close()

    def __iter__(self) -> Iterator[Frame]:
        if self._first is not None:
            first, self._first = self._first, None
            yield self._frame(first)
        for frame in self._decoded_frames:
            if self._samples_left != 0:
                yield self._frame(frame)

    def _decode(self) -> Iterator[Any]:
        tag_left = place = 0
        for packet in with_true_times(self._packets(), self._format):
            if not packet.size and packet.dts is not None:
                continue  # it only describes; to the decoder it would be the end
            if self._clockless and packet.size and packet.pos is not None:
                if 0 < place < packet.pos:
                    self.damaged, self._lost = self.damaged + 1, self._lost + packet.pos - place
                elif self._lost:
                    self._lost += self._skipped(packet)
                place = packet.pos + packet.size
            before, behind = _odd_bytes(self._format, packet) if self._format in FRAMED else (0, 0)
            try:
                bare = behind or (packet.size and self._samples_left is not None)
                frames = self._decoded(_without(packet, before, behind) if bare else packet)
            except UNREADABLE as error:
                self.failure, self.last_failed = error, True
                if tag_left := max(tag_left, tag_bytes(bytes(packet))):  # a song put after another brings its tags
                    tag_left = max(tag_left - packet.size, 0)
                else:
                    self.damaged, self._lost = self.damaged + 1, self._lost + packet.size
                    self._note_damaged_beginning(packet)
                continue
            self.damaged += bool(before or (behind and any(bytes(packet)[-behind:])))
            self._lost += before
            if packet.size:
                self.last_failed = False
                self._bytes += packet.size - before - behind
                self._seconds += (packet.duration or 0) * self._tick
            yield from frames
            self._lost += behind
        if self.damaged:
            self.notes.append(f"{self.damaged} damaged packet{'s' * (self.damaged > 1)} could not be decoded")

    def _note_damaged_beginning(self, packet: Any) -> None:
        if self._song_begins and self._clock_begins is None and packet.pts is not None and not self._keeps_packets:
            self._clock_begins = max(packet.pts, 0) * self._tick  # sound before 0 only primes the decoder

    def _frame(self, frame: Any) -> Frame:
        self._note_change(frame)
        samples = folded(samples_of(frame), frame.layout, self.channels)
        if self._samples_left is not None:
            samples = samples[:, : self._samples_left]
            self._samples_left -= samples.shape[1]
        time = None if self._clockless or frame.pts is None else frame.pts * self._tick
        if self._format == "flac" and frame.sample_rate != self.rate:  # its clock counts samples, of whatever rate
            time = None
        found = Frame(samples, frame.sample_rate, time)
        if self._song_begins:
            found.clock_begins = self._clock_begins if self._clock_begins is not None else time
            self._song_begins = False
        if self._lost and self._clockless and self._bytes:
            found.lost = round(self._lost * self._seconds / self._bytes / found.seconds) * found.seconds
        self._lost = 0
        return found

    def _packets(self) -> Iterator[Any]:
        packets = iter(self._container.demux(self._stream))
        errors = 0
        while True:
            with self._in_use:
                if self.closed:
                    return
                try:
                    packet = next(packets, None)
                    if packet is None and self._next_song():
                        packets = iter(self._container.demux(self._stream))
                        continue
                except UNREADABLE as error:
                    errors += 1
                    packets = iter(self._container.demux(self._stream))
                    if errors < MAX_ERRORS:
                        continue
                    if isinstance(error, av.InvalidDataError) and self.last is not None:
                        self.gave_up = True
                        return
                    raise InputError(f"{self._name} could not be read to its end ({reason(error)}).") from error
            if packet is None:
                return
            if self.last is None and packet.has_sidedata("encryption_info"):
                raise encrypted(self._name)
            errors = 0
            if packet.size:
                self.last = packet
            yield packet

    def _next_song(self) -> bool:
        """Go on to the next song in the file; return whether there is one."""
        following = next(self._following, None)
        if following is None:
            return False
        for container in self._containers[1:]:  # the first is the caller's, who still asks it
            container.close()
        self._containers[1:] = [following[0]]
        self._begin_song(*following)
        return True

    def _begin_song(self, container: Any, stream: Any, link: Link) -> None:
        self._container, self._stream = container, stream
        self._tick = float(stream.time_base or 0)  # seconds; fractions are slow
        self._samples_left = link.samples if stream.codec_context.name == "vorbis" else None
        self._song_begins = True  # with the next frame
        self._clock_begins = 0.0 if link.lacks_beginning else None

    def _decoded(self, packet: Any) -> list[Any]:
        with self._in_use:
            return [] if self.closed else packet.decode()

    def _skipped(self, packet: Any) -> int:
        """Return how many bytes damage left between the last packet and this one; FFmpeg does not report them."""
        with self._in_use:
            if self.closed:
                return 0
            here = self._file.tell()
            self._file.seek(packet.pos + self._passed_over)
            found = self._file.read(SEARCHED).find(bytes(packet)[:64])
            self._file.seek(here)
        self._passed_over += max(found, 0)
        return max(found, 0)

    def _note_change(self, frame: Any) -> None:
        """Add a note if the channels or the rate change here."""
        begins = max(self._seconds - frame.samples / frame.sample_rate, 0.0)
        if frame.sample_rate != self._rate:
            self.notes.append(
                f"the sample rate changes from {self._rate} to {frame.sample_rate} Hz at {begins:.1f} s: "
                f"everything is converted to {self.rate} Hz"
            )
            self._rate = frame.sample_rate
        if frame.layout.name != self._layout:
            kind = ("mono", "stereo")[self.channels - 1]
            self.notes.append(
                f"the channels change from {self._layout} to {frame.layout.name} at {begins:.1f} s: "
                f"everything is converted to {kind}"
            )
            self._layout = frame.layout.name


def _odd_bytes(container: str, whole: Any) -> tuple[int, int]:
    """Return how many bytes of a packet lie before and after its frames: decoders skip what is damaged."""
    packet = bytes(whole)
    if frame_bytes(container, packet[:8]) == len(packet):
        return 0, 0
    begins = len(packet) - len(packet.lstrip(b"\0"))
    if tag_bytes(packet[begins:]) or begins == len(packet):
        return begins, 0
    place = begins
    while length := frame_bytes(container, packet[place : place + 8]):
        place += length
    rest = packet[place:]
    return begins, len(rest) if place > begins and not tag_bytes(rest) else 0


def _without(packet: Any, before: int, behind: int) -> Any:
    """Return the frames in a packet, without the bytes around them or the padding that FFmpeg would remove."""
    frames = av.Packet(bytes(packet)[before : packet.size - behind])
    frames.stream, frames.pts, frames.dts = packet.stream, packet.pts, packet.dts
    return frames


def encrypted(name: str) -> InputError:
    """Return the error for a song that cannot be read without a key."""
    return InputError(f"{name} is encrypted: only the player it was made for can read it.")
