"""Puts sound in its place in time: gaps between frames are filled with silence, so that nothing shifts.

the file's timestamps   0.0     1.0     2.0             4.0     5.0
what can be decoded     ├───────┼───────┤               ├───────┼──────
what comes out          ├───────┼───────┼─── silence ───┼───────┼──────
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from unbraid.audio.types import Audio

SHORTEST = 0.010  # s; less is rounding or jitter, not sound that is missing
LATE = 0.050  # s; by how much the sound of a film may begin after its pictures and still count as together
LONGEST = 3600.0  # s; a jump beyond this, in a file that does not say how long it is, is a wrong timestamp
SPLICE = 10.0  # s; in broadcasts, whose clocks start anew at every break, a longer jump is no hole


@dataclass
class Frame:
    """A piece of decoded sound."""

    samples: Audio
    rate: int
    """Hz"""
    time: float | None
    """Seconds, by the file's own clock, if it has one."""
    lost: float = 0.0
    """Seconds that are missing before it, in files without a clock."""
    clock_begins: float | None = None
    """Where the file's clock stood at the beginning, if this is the first frame of a song."""

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        samples: int = self.samples.shape[1]
        return samples / self.rate


class Timeline:
    """Puts frames where they belong.

    Args:
        origin: when the file begins, in seconds by its own clock; None if it begins with its sound.
        end: when it ends; None if it does not say.
        begins: how many seconds are skipped at the beginning.
        tick: the resolution of its clock in seconds.
        broadcast: whether its clock may restart, as in recordings of broadcasts.
    """

    def __init__(
        self,
        origin: float | None,
        end: float | None,
        *,
        begins: float = 0.0,
        tick: float = 0.0,
        broadcast: bool = False,
    ) -> None:
        self.position = begins
        """Seconds so far."""
        self._jumps: list[str] = []
        self._holes: list[tuple[float, float]] = []
        self._origin, self._end, self._tick, self._broadcast = origin, end, tick, broadcast
        self._starts: float | None = None
        self._is_film = self._keeps_origin = origin is not None

    def filled(self, frames: Iterable[Frame]) -> Iterator[Frame]:
        """Yield the frames, with silence where sound is missing."""
        held: Frame | None = (
            None  # out of step: whether the clock jumped or only this timestamp is wrong, the next says
        )
        for frame in frames:
            if held is not None:
                if frame.clock_begins is not None:
                    yield from self._jump_ahead(held)
                elif self._follows(held, frame):
                    yield from self._jump(held)
                yield self._placed(held)
                held = None
            if frame.lost:
                yield from self._silence(frame.lost, frame)
            if frame.clock_begins is not None and not self._keeps_origin:
                self._origin = frame.clock_begins - self.position
            elif self._origin is None and frame.time is not None:
                self._origin = frame.time - self.position
            self._keeps_origin = False
            if abs(self._ahead(frame)) > self._tolerance(frame):
                held = frame
            else:
                yield self._placed(frame)
        if held is not None:
            yield from self._jump_ahead(held)
            yield self._placed(held)

    def silence_until(self, time: float, like: Frame) -> Iterator[Frame]:
        """Yield silence up to a time by the file's clock: sound is missing at its end."""
        ahead = time - (self._origin or 0.0) - self.position
        if ahead > SHORTEST and self._believable(ahead):
            yield from self._silence(ahead, like)

    @property
    def notes(self) -> list[str]:
        """Sentences about missing sound and an irregular clock; usually none."""
        if not self._holes:
            return list(self._jumps)
        total, first = sum(length for _, length in self._holes), self._holes[0][0]
        where = (
            f"at {first:.1f} s" if len(self._holes) == 1 else f"in {len(self._holes)} places, first at {first:.1f} s"
        )
        return [*self._jumps, f"{in_seconds(total)} of sound is missing {where} and was replaced by silence"]

    def _tolerance(self, frame: Frame) -> float:
        return LATE if self._is_film and not self.position else max(SHORTEST, frame.seconds / 2)

    def _ahead(self, frame: Frame) -> float:
        """Return by how many seconds a frame comes later than where we are; negative if earlier."""
        if frame.time is None or self._origin is None:
            return 0.0
        return frame.time - self._origin - self.position

    def _follows(self, held: Frame, frame: Frame) -> bool:
        if held.time is None or frame.time is None:
            return True
        apart = frame.time - held.time - held.seconds
        return apart > -self._tolerance(held) if self._ahead(held) > 0 else abs(apart) <= self._tolerance(held)

    def _believable(self, ahead: float) -> bool:
        if self._broadcast and ahead > SPLICE:
            return False
        if self._end is None or self._origin is None:
            return ahead <= LONGEST
        return self.position + ahead <= self._end - self._origin + 1.0

    def _jump_ahead(self, last: Frame) -> Iterator[Frame]:
        """Yield the silence before a song's last frame; a clock that is late there has nothing to say."""
        if self._ahead(last) > 0:
            yield from self._jump(last)

    def _jump(self, frame: Frame) -> Iterator[Frame]:
        ahead = self._ahead(frame)
        if ahead > 0 and self._believable(ahead + frame.seconds):
            whole = round(ahead / frame.seconds) * frame.seconds  # most codecs have frames of one length
            yield from self._silence(whole if abs(whole - ahead) <= 1.5 * self._tick else ahead, frame)
            return
        assert frame.time is not None and self._origin is not None
        begins_anew = ahead < 0 and abs(frame.time - self._start(frame)) < 1.0  # another song was put after the first
        if not begins_anew:
            way = "forward" if ahead > 0 else "back"
            self._jumps.append(
                f"the file's clock jumps {way} by {in_seconds(abs(ahead))} at {self.position:.1f} s: "
                "the sound goes on without a gap"
            )
        self._origin += ahead

    def _start(self, frame: Frame) -> float:
        return self._starts if self._starts is not None else 0.0

    def _silence(self, seconds: float, like: Frame) -> Iterator[Frame]:
        self._holes.append((self.position, seconds))
        left = round(seconds * like.rate)
        while left > 0:
            samples = min(left, like.rate)
            yield self._placed(Frame(np.zeros((len(like.samples), samples), np.float32), like.rate, None))
            left -= samples

    def _placed(self, frame: Frame) -> Frame:
        if self._starts is None:
            self._starts = frame.time
        self.position += frame.seconds
        return frame


def in_seconds(seconds: float) -> str:
    """Return a duration for a message.

    >>> in_seconds(2.04), in_seconds(0.0213)
    ('2.0 s', '0.02 s')
    """
    return f"{seconds:.1f} s" if seconds >= 0.95 else f"{seconds:.2f} s"
