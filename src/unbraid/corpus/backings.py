"""Music of many makers from Debian's packages, in which nobody sings: each piece is a band as one sum, a backing."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from unbraid.corpus.adapters.song import DatasetSong
from unbraid.corpus.audio_files import RATE, Audio, read
from unbraid.corpus.places import BACKINGS

SUM = "drums+bass+piano+other"
"""The name of a backing's only stem: what is in it is not told apart, but no voice is."""
SECONDS = 180.0
"""So much of a piece is taken: more of the same band teaches little."""
SILENT = 1e-3  # what is below at either end is cut off
PEAK = 0.95  # of what goes over it; some are mastered into clipping


def _ogg(names: str) -> tuple[str, ...]:
    return tuple(f"{name}.ogg" for name in names.split())


@dataclass(frozen=True)
class Album:
    """What one maker or team has in one package: its folder below `/usr/share` and the patterns of its files.

    `but` names pieces that are left out, because somebody sings or speaks in them or it cannot be ruled out.
    """

    name: str
    folder: str
    patterns: tuple[str, ...]
    but: tuple[str, ...] = ()
    split: str = "train"

    def pieces(self) -> dict[str, Path]:
        """The files by the names of their pieces; none if the package is not installed."""
        for folder in (root / self.folder for root in BACKINGS):
            if folder.is_dir():
                files = sorted({path for pattern in self.patterns for path in folder.glob(pattern)})
                named = {"-".join(path.relative_to(folder).with_suffix("").parts): path for path in files}
                return {name: path for name, path in named.items() if name not in self.but}
        return {}

    def songs(self) -> dict[str, DatasetSong]:
        """The pieces by the identifiers of their materials."""
        return {
            self.material(piece): DatasetSong(f"{self.name}-{piece}", self.split, {SUM: partial(_beginning, path)})
            for piece, path in self.pieces().items()
        }

    def material(self, piece: str) -> str:
        """The identifier of a piece in the catalogue."""
        return f"backing:{self.name}/{piece}"


def _beginning(path: Path) -> Audio:
    """The first minutes of a piece, without the silence at its ends, below full scale."""
    audio = read(path, seconds=SECONDS)
    loud = np.flatnonzero(np.abs(audio).max(axis=0) > SILENT)
    audio = audio[:, loud[0] : loud[-1] + 1] if len(loud) else audio[:, :RATE]
    return audio * np.float32(min(1.0, PEAK / max(float(np.abs(audio).max()), 1e-9)))


# By package. Of each, what its copyright file puts under an allowed licence and in which nobody seems to sing.
ALBUMS = (
    Album("a7xpg", "games/a7xpg/sounds", ("bgm*.ogg",)),
    Album("ardentryst", "games/ardentryst/Music", ("*.ogg",)),
    Album("brainparty", "games/brainparty", ("electricity.ogg",)),
    Album("caveexpress", "games/caveexpress/sounds", ("music-[12].ogg",)),
    Album("cube2", "games/cube2/packages/music", ("stone_fortress.ogg",)),
    Album("flare", "games/flare/mods/fantasycore/music", ("*_theme.ogg",)),
    Album("freecol", "games/freecol/default/resources/music/default", ("*.ogg",), split="valid"),
    Album("freeorion", "games/freeorion/default/data/sound", ("artificial_intelligence_v3.ogg",)),
    Album("fretsonfire-muldjord", "games/fretsonfire/data/songs/muldjord", ("armygeddon/song.ogg",)),
    Album("fretsonfire-sectoid", "games/fretsonfire/data/songs/sectoid", ("[!F]*/song.ogg",)),
    Album("gamine", "games/gamine/sounds", ("Bach*.ogg",)),
    Album("gigalomania-froyn", "gigalomania/music", ("mainscreen.ogg",)),
    Album("gigalomania-ghost", "gigalomania/music", ("gamemusic.ogg",)),
    Album("gunroar", "games/gunroar/sounds/musics", ("*.ogg",)),
    Album("hex-a-hop", "games/hex-a-hop/hex-a-hop", ("music*.ogg",)),
    Album("hyperrogue-parrotte", "hyperrogue/music", ("hr3-*.ogg",), but=("hr3-motion",)),
    Album("hyperrogue-savino", "hyperrogue/music", ("hr-savino-*.ogg",)),
    Album("lebiniou", "lebiniou/test", ("*.flac",)),
    Album("lomiri", "sounds/lomiri/ringtones", ("Entropy.ogg", "Time not Lost.ogg", "UBports.ogg")),
    Album(
        "marsshooter",
        "games/marsshooter/audio/music",
        _ogg("02_orphanage 03_fear 08_second_birth 09_wings_of_cruelty 10_farewell"),
    ),
    Album(
        "megaglest", "games/megaglest", ("data/core/menu/music/menu*.ogg", "techs/megapack/factions/[!er]*/music/*.ogg")
    ),
    Album("miceamaze-dst", "games/miceamaze/music", ("DST-*.ogg",), split="valid"),
    Album("mu-cade", "games/mu-cade/sounds/musics", ("*.ogg",)),
    Album("naev-askyel", "naev/dat/snd/music", _ogg("ambient4 combat? dvaered? sirius2 terminal")),
    Album(
        "naev-whallon",
        "naev/dat/snd/music",
        _ogg("ambient[23] battlesomething? collective? empire? flf_battle1 intrigue intro")
        + _ogg("nebu_battle? upbeat zalek?"),
    ),
    Album("naev-zeropage", "naev/dat/snd/music", _ogg("ambiphonic void_sensor")),
    Album("noiz2sa", "games/noiz2sa/sounds", ("stg*.ogg",)),
    Album("openclonk", "games/openclonk/Music.ocg", ("[!C]*.ogg",)),
    Album("parsec47", "games/parsec47/sounds", ("ptn*.ogg",)),
    Album("pink-pony", "games/pink-pony/music", ("*.mp3",)),
    Album(
        "redeclipse",
        "games/redeclipse/data/sounds",
        ("music/track_0[1378].ogg", "music/track_1[12].ogg", "original.ogg", "theme.ogg"),
    ),
    Album("rrootage", "games/rrootage/sounds", ("stg*.ogg",)),
    Album(
        "singularity",
        "games/singularity/music",
        ("*.ogg", "*/*.ogg"),
        but=("Inevitable", "Media Threat", "lose-March Thee to Dis"),
    ),
    Album(
        "supertuxkart",
        "games/supertuxkart/data/music",
        _ogg("Lava Snowy West bay celtic demonhill egypt farm garden hacienda")
        + _ogg("jumping_to_the_stars_remake kart_grand_prix menutheme overworld")
        + _ogg("ravenbridge_mansion subsea valley win_theme xeon6"),
    ),
    Album("supertuxkart-4", "games/supertuxkart/data/music", _ogg("Boom_boom_boom alien_signal")),
    Album("titanion", "games/titanion/sounds/musics", ("*.ogg",)),
    Album("torus-trooper", "games/torus-trooper/sounds/musics", ("*.ogg",)),
    Album("tumiki-fighters", "games/tumiki-fighters/sounds", ("*_*.ogg",)),
    Album("tuxmath", "tuxmath/sounds", ("0?_*.ogg",)),
    # of UFO: Alien Invasion, unpacked from the package's 0music.pk3
    Album("ufoai-azrael", "games/ufoai/base/music", ("azrael1.ogg",)),
    Album(
        "ufoai-crystan",
        "games/ufoai/base/music",
        ("Crystan-*.ogg",),
        but=("Crystan-Battlescape04", "Crystan-Geosphere02", "Crystan-Tutorial"),
    ),
    Album("ufoai-golgotha", "games/ufoai/base/music", ("alBasrahM.ogg", "greecei.ogg")),
    Album(
        "ufoai-marine",
        "games/ufoai/base/music",
        _ogg("Marine01 MarineBacktheAttack MarineIndustrial MarineStrikingIntoTheUnknown"),
    ),
    Album("ufoai-marino", "games/ufoai/base/music", ("van_*.ogg",)),
    Album("ufoai-reeves", "games/ufoai/base/music", ("David0*.ogg",), split="valid"),
    Album("ufoai-slippycurb", "games/ufoai/base/music", ("TheThings*.ogg",)),
    Album("unknown-horizons", "unknown-horizons/content/audio/music", ("*.ogg", "*/*.ogg"), but=("seafight", "waves")),
    Album(
        "warzone2100",
        "games/warzone2100/music/albums",
        ("legacy*/track[5-9].opus", "legacy*/track1[1346].opus", "aftermath*/track[12]*.opus"),
    ),
    Album("widelands", "games/widelands/data/music", ("ingame_2[456].ogg",)),
    Album("wordwarvi", "wordwarvi/sounds", ("dtox*.ogg", "highscoremusic.ogg", "lucky*.ogg")),
    Album("zaz", "games/zaz", ("mus[12].ogg",)),
)
