"""Where raw material lies on this machine, and sentences for what is missing."""

from __future__ import annotations

import os
from pathlib import Path

from unbraid.errors import CorpusError

SOUNDFONTS = (Path("/usr/share/sounds/sf2"), Path("/usr/share/soundfonts"))
HYDROGEN_KITS = Path("/usr/share/hydrogen/data/drumkits")
GROOVE_LIBRARY = Path("/usr/share/mma/lib")
FRETS_ON_FIRE = Path("/usr/share/games/fretsonfire/data/songs")
FETCHED = Path(__file__).parents[3] / "material"
INSTRUMENTS = FETCHED / "instruments"  # this and the next two are what `unbraid corpus fetch` brings
SALAMANDER = INSTRUMENTS / "salamander"
REPOSITORIES = FETCHED / "repositories"
BACKINGS = (Path("/usr/share"), FETCHED / "backings")  # packages; what was unpacked from archives in them


def material_folder(folder: Path | str | None = None) -> Path:
    """The folder of raw material: the one given, else `$UNBRAID_CORPUS`, else `../shared/corpus` beside the project."""
    chosen = Path(folder or os.environ.get("UNBRAID_CORPUS") or Path(__file__).parents[4] / "shared" / "corpus")
    if not chosen.is_dir():
        raise CorpusError(f"There is no corpus material at {chosen}: set UNBRAID_CORPUS to the folder that holds it.")
    return chosen


def soundfont(name: str) -> Path:
    """The soundfont file called `name`, or a sentence that says which Debian package brings it."""
    for folder in SOUNDFONTS:
        if (folder / name).is_file():
            return folder / name
    package = {
        "FluidR3_GM.sf2": "fluid-soundfont-gm",
        "MuseScore_General_Full.sf2": "musescore-general-soundfont-lossless",
        "TimGM6mb.sf2": "timgm6mb-soundfont",
        "Black_Pearl_4_LV2.sf2": "avldrums.lv2-soundfont",
        "Red_Zeppelin_4_LV2.sf2": "avldrums.lv2-soundfont",
    }.get(name, "a soundfont package")
    raise CorpusError(f"The soundfont {name} is missing: install it with `apt install {package}`.")
