"""How far a separation has come, as it is told to whoever watches."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """One message on the way: `stage` is "decoding" (opened, nothing separated yet), "separating" or "done"."""

    stage: str
    seconds_done: float
    """Seconds of the song that are separated."""
    seconds_total: float | None = None
    """Seconds of the whole song, if its file says so."""

    @property
    def fraction(self) -> float | None:
        """The part that is done, 0 … 1, or None if the song's length is unknown."""
        if self.stage == "done":
            return 1.0
        if not self.seconds_total:
            return None
        return min(self.seconds_done / self.seconds_total, 1.0)


OnProgress = Callable[[Progress], None]
"""What is called with each message, from the thread that separates."""
