"""Accompaniment in many styles: MMA turns chords into parts for bass, drums, pianos, guitars, strings and brass."""

from __future__ import annotations

import re
import subprocess
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from unbraid.corpus.composing.harmony import Chord, Key
from unbraid.corpus.composing.notes import Part, read_midi
from unbraid.corpus.sources.folders import MaterialFolders
from unbraid.corpus.sources.records import source
from unbraid.errors import CorpusError

RECORD = "styles/mma"


@dataclass(frozen=True)
class Style:
    """One groove file of MMA's library: the name to `Use`, and its grooves without intros and endings."""

    path: Path
    grooves: tuple[str, ...]
    ending: str | None

    @property
    def file(self) -> str:
        """Its name in the library, with that of its folder."""
        return f"{self.path.parent.name}/{self.path.stem}"

    @property
    def id(self) -> str:
        """Its identifier in the catalogue."""
        return f"style:{self.file}"

    @property
    def held_out(self) -> bool:
        """Whether the style belongs to the validation split: one in twelve, by name, so that it never moves."""
        return sum(self.file.encode()) % 12 == 5


@lru_cache(maxsize=1)
def styles(material: MaterialFolders) -> tuple[Style, ...]:
    """All styles of MMA's library, sorted by name."""
    found = []
    for path in source(RECORD).found(material):
        names = re.findall(r"^\s*DefGroove\s+(\S+)", path.read_text(errors="replace"), re.IGNORECASE | re.MULTILINE)
        endings = [name for name in names if name.lower().endswith("end")]
        plain = tuple(name for name in names if not name.lower().endswith(("end", "intro", "introa", "introb")))
        if plain:
            found.append(Style(path, plain, endings[0] if endings else None))
    if not found:
        raise CorpusError("MMA is missing: install it with `apt install mma`.")
    return tuple(found)


def play(
    rng: np.random.Generator, style: Style, key: Key, chords: list[Chord], tempo: float, section_bars: int
) -> tuple[list[Part], int]:
    """Let MMA play one chord a bar, with a new groove for each section; return the parts and the beats in a bar."""
    major = key.mode == "major"
    whole_tempo = round(tempo)  # MMA drops the decimals
    lines = [f"RndSeed {int(rng.integers(1, 1_000_000))}", f"Tempo {whole_tempo}", f"Use {style.file}"]
    for bar, chord in enumerate(chords):
        if bar % section_bars == 0:
            lines.append(f"Groove {style.grooves[int(rng.integers(len(style.grooves)))]}")
            lines.append(f"Volume {rng.choice(('mp', 'mf', 'mf', 'f'))}")
        lines.append(f"{bar + 1} {chord}")
    with tempfile.TemporaryDirectory() as folder:
        song = Path(folder) / "song.mma"
        song.write_text("\n".join(lines) + "\n")
        try:
            run = subprocess.run(
                ["mma", "-w", str(song), "-f", str(song.with_suffix(".mid"))],
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
                errors="replace",
            )
        except FileNotFoundError as error:
            raise CorpusError("MMA is missing: install it with `apt install mma`.") from error
        except subprocess.TimeoutExpired as error:
            raise CorpusError(
                f"MMA did not finish the style {style.file} ({'major' if major else 'minor'})."
            ) from error
        if run.returncode != 0 or not song.with_suffix(".mid").exists():
            raise CorpusError(f"MMA refused the style {style.file}: {run.stdout.strip()[-200:]}")
        parts, (beats, _) = read_midi(song.with_suffix(".mid"))
    return [part.slowed_down(whole_tempo / tempo) for part in parts], beats
