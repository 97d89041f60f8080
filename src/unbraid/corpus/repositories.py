"""Real singing and solo instruments that lie in public repositories: which files, at which commit."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import numpy as np

from unbraid.atomic_files import replacing
from unbraid.corpus.adapters.song import DatasetSong, Load, sum_of
from unbraid.corpus.audio_files import RATE, Audio, sounding
from unbraid.corpus.places import REPOSITORIES
from unbraid.errors import CorpusError

HOST = "https://raw.githubusercontent.com"


@dataclass(frozen=True)
class Solo:
    """One recording of one stem: its name, what the catalogue calls it, its split and its files in their order.

    `rests`: it is a track of the song called `song_name`, silent where others play.
    """

    name: str
    id: str
    stem: str
    split: str
    files: tuple[Path, ...]
    song_name: str = ""
    rests: bool = False

    def song(self) -> DatasetSong:
        """The same as a song of one stem."""
        load = joined(self.files)
        return DatasetSong(self.name, self.split, {self.stem: (lambda: sounding(load())) if self.rests else load})


@dataclass(frozen=True)
class Collection:
    """Files of one repository at one commit, and the stem that each of them is.

    Attributes:
        stems: the stem by path; for a sample pack the path is a folder's, whose samples are one recording.
        held_out: the paths that are not trained on.
        parts: the files of a recording that is more than one; its path is then a name alone.
        rests: whether they are tracks of songs, a folder each, silent where others play; their silence is taken out.
    """

    name: str
    repository: str
    commit: str
    stems: Mapping[str, str]
    held_out: frozenset[str] = frozenset()
    parts: Mapping[str, Sequence[str]] = field(default_factory=dict)
    rests: bool = False

    def place(self, path: str) -> Path:
        """Where the file lies once it is fetched."""
        return REPOSITORIES / self.name / Path(path).name

    def files(self, path: str) -> tuple[Path, ...]:
        """The files of one recording, in their order."""
        return tuple(map(self.place, self.parts.get(path, (path,))))

    def fetch(self, host: str = HOST) -> int:
        """Download what is not there yet and return how many recordings lie there.

        Raises CorpusError if one cannot be had.
        """
        for recording in self.stems:
            for path in self.parts.get(recording, (recording,)):
                self._download(path, self.place(path), host)
        return len(self.stems)

    def solos(self) -> list[Solo]:
        """All recordings of which every file lies there."""
        solos = [self._solo(path) for path in self.stems]
        return [solo for solo in solos if solo.files and all(map(Path.exists, solo.files))]

    def _solo(self, path: str) -> Solo:
        name, split = Path(path).stem, "valid" if path in self.held_out else "train"
        identifier = f"solo:{self.name}/{name}"
        song = Path(path).parent.name
        return Solo(f"{self.name}-{name}", identifier, self.stems[path], split, self.files(path), song, self.rests)

    def _download(self, path: str, target: Path, host: str) -> None:
        if target.exists():
            return
        address = f"{host}/{self.repository}/{self.commit}/{urllib.parse.quote(path)}"
        try:
            with urllib.request.urlopen(address, timeout=60) as answer:
                content = answer.read()
        except (urllib.error.URLError, TimeoutError) as error:
            raise CorpusError(f"{address} could not be fetched ({error}): try again later.") from error
        target.parent.mkdir(parents=True, exist_ok=True)
        with replacing(target) as part:
            part.write_bytes(content)


@dataclass(frozen=True)
class SamplePack(Collection):
    """Folders of short samples, named in the list that Strudel (a language for live music) reads.

    Attributes:
        left_out: patterns of the names of files that are not what their folder is.
    """

    left_out: tuple[str, ...] = ()

    def fetch(self, host: str = HOST) -> int:  # noqa: D102
        self._download("strudel.json", self.place("strudel.json"), host)
        for folder in self.stems:
            for path, target in zip(self._listed(folder), self.files(folder), strict=True):
                self._download(path, target, host)
        return len(self.stems)

    def files(self, path: str) -> tuple[Path, ...]:  # noqa: D102
        return tuple(self.place(path) / Path(listed).name for listed in self._listed(path))

    def _listed(self, folder: str) -> list[str]:
        """The files of a folder as the list names them; nothing if it is not fetched yet."""
        index = self.place("strudel.json")
        listed: list[str] = json.loads(index.read_text())[folder] if index.exists() else []
        return [path for path in listed if not any(fnmatch(path, pattern) for pattern in self.left_out)]


def joined(paths: Sequence[Path]) -> Load:
    """A function that reads the files one after the other, with half a second of silence between them."""

    def load() -> Audio:
        silence = np.zeros((2, RATE // 2), np.float32)
        parts = [part for path in paths for part in (silence, sum_of([path])())]
        return np.concatenate(parts[1:], axis=1)

    return load


def _several(recordings: Mapping[str, Sequence[str]], stem: str = "vocals") -> dict[str, Any]:
    """Recordings of one stem, each of several files."""
    return {"stems": dict.fromkeys(recordings, stem), "parts": recordings}


_PJS = [
    f"PJS/pjs/00-svs-world/downloads/PJS_corpus_ver1.1/pjs{number:03}/pjs{number:03}_song.wav"
    for number in range(1, 101)
    if number not in (22, 62)  # which the repository lacks
]
_BERKLEE = {
    "femalevoice": "aa_A3 aa_A4 aa_A5 aa_C6 aa_Db4 aa_Db5 aa_Eb4 aa_F5 oo_A4 oo_A5 oo_C6 oo_Db4 oo_Db5",
    "femalevoices": "aa2_A3 aa2_A4 aa2_A5 aa2_C#4 aa2_C5 aa2_C6 aa2_F#5 oo2_A3 oo2_A4 oo2_A5 oo2_C#4 oo2_C#5 oo2_c6",
    "malevoice": "aa_A2 aa_A3 aa_Ab4 aa_C#4 aa_C3 aa_F4 oo_A2 oo_A3 oo_A4 oo_C3 oo_D#4 oo_F3 oo_F4 oo_G2",
    "malevoices": "aa2_A2 aa2_C#4 aa2_C3 aa2_F3 aa2_F4 oo2_A2 oo2_A3 oo2_A4 oo2_C#4 oo2_C3 oo2_F3 oo2_F4",
}
_KEYS = ("am", "cm", "dm", "ebj", "ebm", "em", "fm", "gm")
_TRANCE = tuple(f"etv_{key}_136_{kind}" for key in _KEYS for kind in ("adlib", "phrase"))
_HOUSE = ("shv_ab_124", "shv_c_126", "shv_e_125", "shv_e_128", "shv_f_124", "shv_fs_122")

_RECITERS = {
    "shIlA": "005p01 005p02 013 014p01 014p02 015p01 015p02 025p01 025p02 036p01 036p03 037p01 037p02 037p03 037p04 "
    "037p05 037p06 043p01 043p02 043p03 044 045 046p01 046p02 046p03 046p04 046p05 046p06 "
    "042p01 042p02 042p03 042p04 042p05 042p06",  # the last six name nobody, and sound like her
    "shashI": "004-p01 004-p02 022-p01 022-p02 022-p03 022-p04 022-p05 022-p06 024-p01 024-p02 024-p03 026-p01 "
    "026-p02 026-p03 031-p01 031-p02 031-p03 031-p04 031-p05 032-p02 032-p03 032-p04 032-p05 032-p06 038-p01 038-p02 "
    "038-p03 038-p04",
    "priyadarshinI": "001-p01 001-p02 001-p03 001-p04 001-p05 023-p01 023-p02 023-p03",
    "bAlA": "007-p1 007-p2 008 010-p2 011-p2 011-p3 012-p2 012-p3 012-p4 012-p7 016-p1 016-p2 020-p1",
    "vAsantI": "002-p01 002-p05 003-p01 003-p05 027-p01 029-p01 030-p01 033-p01 034-p01 035-p01",
}
"""Chapters of the third book by who chants them; of the last, whose recordings end at 8 kHz, one part of each."""
_TALES = "01-03_003p01 01-03_003p02 01-06_006p01 02-01_009p01 02-01_009p02 02-03_011p01 02-03_011p02"


def _chapters(*reciters: str) -> list[str]:
    """The files of what these people chant."""
    return [f"mp3/003-{part}.mp3" for reciter in reciters for part in _RECITERS[reciter].split()]


_EVERYTHING: dict[str, dict[str, str]] = {
    "1.Hydrogen": {
        "vocals": "BGVOX AAHH_mobile, BGVOX ECHO_mobile, BGVOX HARMONY_mobile, VOX LEAD_mobile",
        "drums": "DRUMS BREAK 1_mobile, DRUMS BREAK 2_mobile, HH_mobile, MAIN DRUMS_mobile",
        "other": "BEEPS_mobile, MICROCOSM EFFECT_mobile, MINILOGUE SYNTH_mobile, SWEEPS_mobile",
    },
    "3.Sodium": {
        "vocals": "BGVOX BUILD, BGVOX OOH, BGVOX OUTRO, VOX LEAD",
        "drums": "ALT HATS, BUILD PRC, CLAP, FAST HATS, GLITCH HH, HH, HH BUILD, HVY KICK, K & SN, KICK, SLOW BEAT, "
        "TOPS",
        "bass": "BASS STAB, SY BASS",
        "other": "HIGH STABS, MICROCOSM_EFFECT, MINILOGUE_SYNTH_mobile, PLUCK_mobile, REVERSE SWEEP, RISE, TRANSISTION",
    },
    "5.Rubidium": {
        "vocals": "BGVOX, VOX LEAD_mobile",
        "drums": "DRUMS 2_mobile, DRUMS MAIN_mobile, DRUMS OUTRO",
        "bass": "MINILOGUE_SYNTH_mobile",
        "other": "MELODY BREAK, PLUCK",
    },
    "6.Caesium": {
        "vocals": "BGVOX ALT, BGVOX ECHO, BGVOX HARMONY, BGVOX HIGH, BGVOX MAIN_mobile, VOX LEAD",
        "drums": "ALT HATS, BREAK, BUILD, FILL SCRATCH, GARAGE BEAT, HATS, KICK, SCRATCH HATS",
        "other": "MICROCOSM_EFFECT",
    },
    "7.Francium": {
        "vocals": "BGVOX ALT OUTRO, BGVOX BOP, BGVOX BUILD, BGVOX ECHO, BGVOX OUTRO, BGVOX SCATTER OUTRO, VOX LEAD",
        "drums": "BIG BEAT, BREAK, CLAPS, CRASH, CYMBALS, FILL BEAT, FILL BUILD, FILL SCRATCH, GARAGE BEAT, HATS, "
        "KICK, OPEN HATS, PERC BUILD, SCRATCH BEAT",
        "other": "MELODY GLITCH, MICROCOSM_EFFECT, MINILOGUE_SYNTH, SINE",
    },
}
"""The tracks of the training songs of *Everything Is Free*, by what they hold; 19 are small copies of large files.

Left out: what holds several sources, or what of them is not clear.
"""

COLLECTIONS: tuple[Collection, ...] = (
    Collection(
        "nit_song070",
        "nnsvs/nnsvs",
        "4415519486422e01df875f2a8afd69aed76286dc",
        {
            "tests/data/nitech_jp_song070_f001_004.wav": "vocals",
            "tests/data/wav/nitech_jp_song070_f001_007.wav": "vocals",
        },
    ),
    Collection(
        "vocadito",
        "spotify/basic-pitch",
        "fa5997af0a8210982619003269994a1be25eddf3",
        {"tests/resources/vocadito_10.wav": "vocals", "tests/resources/vocadito_14.wav": "vocals"},
    ),
    Collection(
        "vocadito",
        "mir-dataset-loaders/mirdata",
        "b95bf3893616ff16082beed7869f144bb711c163",
        {"tests/resources/mir_datasets/vocadito/Audio/vocadito_1.wav": "vocals"},
    ),
    Collection(
        "progressive_solemnity",
        "adammichaelwood/progressive-solemnity",
        "456fe7d0a8e79c1789aafb29ea89e4024ea6dd50",
        {
            "audio/cherubikon-homophonic.mp3": "vocals",
            "audio/cherubikon-ison.mp3": "vocals",
            "audio/creed.mp3": "vocals",
            "audio/blessed-fire-sanctus.mp3": "vocals",
            "audio/none-hymn.mp3": "vocals",
        },
    ),
    Collection(
        "sms_tools",
        "MTG/sms-tools-materials",
        "3727b58cfd77f4684395fccb98a32a58f9b2c099",
        {
            "sounds/singing-female.wav": "vocals",
            "sounds/vignesh.wav": "vocals",
            "sounds/soprano-E4.wav": "vocals",
            "sounds/piano.wav": "piano",
            "sounds/sax-phrase.wav": "other",
            "sounds/cello-phrase.wav": "other",
            "sounds/cello-double-2.wav": "other",
            "sounds/oboe-A4.wav": "other",
            "sounds/trumpet-A4.wav": "other",
            "sounds/violin-B3.wav": "other",
            "sounds/flute-A4.wav": "other",
        },
    ),
    Collection(
        "pjs",
        "justln1113/TEST",
        "82321a6a51573a5bf0542ed16e99546686a193b7",
        **_several({f"pjs_{number}": _PJS[number::4] for number in range(4)}),
    ),
    Collection(
        "berklee",
        "Tonejs/audio",
        "efd8296360f9526e379bfbe5c1698ff54d6a1d34",
        **_several({who: [f"berklee/{who}_{tone}.mp3" for tone in tones.split()] for who, tones in _BERKLEE.items()}),
    ),
    SamplePack(
        "producer_space",
        "neshanjo/strudel-producer-space-samples",
        "a117eab0fb5d52872a158ae28dbc23544d664f0f",
        dict.fromkeys((*_TRANCE, *_HOUSE), "vocals"),
        held_out=frozenset({"shv_f_124"}),
        left_out=("*(Monologue)*", "*Percussion*"),
    ),
    Collection(
        "everything_is_free",
        "ichbinsoftware/everythingisremixed",
        "6a6fbe3a634871fba7efe298dee048f394aa0f18",
        {
            f"src/{song}/{song}_Stem_{track}.m4a": stem
            for song, tracks in _EVERYTHING.items()
            for stem, names in tracks.items()
            for track in names.split(", ")
        },
        rests=True,
    ),
    Collection(
        "mahabharata",
        "mahabharata-audio-2018/parva03",
        "327e7069dc0f8d40935f63ca41f7d82d0a90060a",
        dict.fromkeys(_chapters(*_RECITERS), "vocals"),
        held_out=frozenset(_chapters("bAlA", "vAsantI")),
    ),
    Collection(
        "kathasaritsagara",
        "kAvya-audio/kathAsaritsAgara",
        "63a00a6773ada19f78a6a9574835e66f975dcdbd",
        {f"mp3/{part}.mp3": "vocals" for part in _TALES.split()},
    ),
    Collection(
        "webaudio_examples",
        "mdn/webaudio-examples",
        "b52c6e33c5479e60ecbde9df27a1bfc7f82e7451",
        {
            "multi-track/drums.mp3": "drums",
            "multi-track/bassguitar.mp3": "bass",
            "multi-track/clav.mp3": "other",
            "multi-track/horns.mp3": "other",
            "multi-track/leadguitar.mp3": "other",
        },
        rests=True,
    ),
)
