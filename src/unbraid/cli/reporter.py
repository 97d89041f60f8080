"""Reports on a batch of songs: lines for people, JSON lines for programs, or errors only."""

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Required, TypedDict

if TYPE_CHECKING:
    from unbraid.cli.songs import LeftOut
    from unbraid.separator import OnProgress, Progress, SeparatedSong

BAR = "{desc}  {percentage:3.0f}% {bar} {n:.0f} of {total:.0f} s, {postfix} {remaining} left"
BAR_OF_UNKNOWN_LENGTH = "{desc}  {n:.0f} s, {postfix}"


class Outcome(TypedDict, total=False):
    """The outcome of one song, as `--json` prints it."""

    song: Required[str]
    """As it was named."""
    stems: dict[str, str]
    """The files, by stem."""
    seconds: float
    sample_rate: int
    channels: int
    notes: list[str]
    tempo: float | None
    """BPM; None if there is no steady beat, or only some of the stems were wanted."""
    key: str | None
    skipped: bool
    error: str


def separated(name: str, song: "SeparatedSong") -> Outcome:
    """Return the outcome of a song that was separated."""
    return {
        "song": name,
        "stems": {stem: str(path) for stem, path in song.stems.items()},
        "seconds": song.seconds,
        "sample_rate": song.sample_rate,
        "channels": song.channels,
        "notes": song.notes,
        "tempo": song.analysis.tempo if song.analysis else None,
        "key": song.analysis.key if song.analysis else None,
    }


class Reporter:
    """Prints each song's outcome, and counts the failures."""

    def __init__(self, *, songs: int = 0, quiet: bool, json_lines: bool) -> None:
        self.songs = songs
        """How many there are in all, as far as that is known."""
        self._done = self._failed = 0
        self.exit_code = 0
        """1 or more if anything failed."""
        self._json = json_lines
        self._talks = not quiet and not json_lines

    def searching(self, folder: str) -> None:
        """Say on a terminal, where somebody may be waiting, that a folder is being searched."""
        if self._talks and sys.stderr.isatty():
            print(f"searching {_printable(folder)} for songs", file=sys.stderr)

    def introduce(self, runtime: str) -> None:
        """Say what the songs are separated on."""
        if self._talks:
            print(runtime, file=sys.stderr)

    def left_out(self, left_out: "LeftOut") -> None:
        """Report what was found in folders but will not be separated."""
        for folder, sentence in left_out.failures:
            self.report({"song": folder, "error": sentence})
        if left_out.files and self._talks:
            some = ", ".join(_printable(Path(file).name) for file in left_out.files[:3])
            more = f" and {len(left_out.files) - 3} more" if len(left_out.files) > 3 else ""
            print(f"skipped, not named like songs: {some}{more}", file=sys.stderr)

    def report(self, outcome: Outcome, *, seconds: float | None = None, exit_code: int = 1) -> None:
        """Report the outcome of a song and the seconds it took; if it failed, `exit_code` becomes that of the batch."""
        if self._json:
            print(json.dumps(outcome), flush=True)
        if "error" in outcome:
            self._failed += 1
            self.exit_code = max(self.exit_code, exit_code)
            print(f"unbraid: {outcome['error']}", file=sys.stderr)
            return
        self._done += 1
        if self._talks:
            print(self._line(outcome, seconds), flush=True)
            for note in outcome.get("notes", []):
                print(f"  note: {note}")

    def summarise(self) -> None:
        """Say how many songs are done, if there were several."""
        if self._talks and self.songs > 1:
            failed = f", {self._failed} failed" if self._failed else ""
            print(f"{self._done} of {self.songs} songs are done{failed}.")

    @contextmanager
    def progress_bar(self, song: str) -> Iterator["OnProgress"]:
        """Show a bar on a terminal while the block runs, and nothing elsewhere."""
        if not (self._talks and sys.stderr.isatty()):
            yield lambda progress: None
            return
        from tqdm import tqdm

        name = Path(song).name
        shown = _printable(name if len(name) < 40 else name[:36] + " …")
        number = self._done + self._failed + 1
        described = f"{shown} ({number} of {self.songs})" if self.songs > 1 else shown
        with tqdm(desc=described, leave=False, bar_format=BAR) as bar:
            begun = time.monotonic()

            def show(progress: "Progress") -> None:
                bar.bar_format = BAR if progress.seconds_total else BAR_OF_UNKNOWN_LENGTH
                bar.total = max(progress.seconds_total or 0.0, progress.seconds_done)
                speed = progress.seconds_done / max(time.monotonic() - begun, 1e-3)
                bar.set_postfix_str(f"{speed:.0f} × real time", refresh=False)
                bar.update(progress.seconds_done - bar.n)

            yield show

    def _line(self, outcome: Outcome, seconds: float | None) -> str:
        folder = _printable(os.path.dirname(next(iter(outcome["stems"].values()))))  # noqa: PTH120  # may be a URL
        if outcome.get("skipped"):
            return f"{folder}: exists already"
        line = f"{folder}: {', '.join(outcome['stems'])}"
        if seconds is None:
            return line
        facts = [f"{outcome['seconds']:.1f} s"]
        if tempo := outcome.get("tempo"):
            facts.append(f"{tempo:.0f} BPM")
        if key := outcome.get("key"):
            facts.append(key)
        facts.append(f"{outcome['seconds'] / max(seconds, 1e-3):.0f} × real time")
        return f"{line}  ({', '.join(facts)})"


def _printable(name: str) -> str:
    return name if name.isprintable() else repr(name)
