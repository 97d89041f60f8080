"""Real singing and solo instruments that lie in public repositories: which files, at which commit."""

from __future__ import annotations

import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from unbraid.corpus.adapters.song import DatasetSong, sum_of
from unbraid.corpus.places import REPOSITORIES
from unbraid.errors import CorpusError

HOST = "https://raw.githubusercontent.com"


@dataclass(frozen=True)
class Collection:
    """Files of one repository at one commit, and the stem that each of them is."""

    name: str
    repository: str
    commit: str
    stems: Mapping[str, str]

    def place(self, path: str) -> Path:
        """Where the file lies once it is fetched."""
        return REPOSITORIES / self.name / Path(path).name

    def fetch(self, host: str = HOST) -> int:
        """Download what is not there yet and return how many files lie there; CorpusError if one cannot be had."""
        for path in self.stems:
            target = self.place(path)
            if target.exists():
                continue
            address = f"{host}/{self.repository}/{self.commit}/{urllib.parse.quote(path)}"
            try:
                with urllib.request.urlopen(address, timeout=60) as answer:
                    content = answer.read()
            except (urllib.error.URLError, TimeoutError) as error:
                raise CorpusError(f"{address} could not be fetched ({error}): try again later.") from error
            target.parent.mkdir(parents=True, exist_ok=True)
            part = target.with_suffix(".part")
            part.write_bytes(content)
            part.replace(target)
        return len(self.stems)

    def fetched(self) -> dict[str, tuple[str, Path]]:
        """Source and file of all that lies there, by its identifier in the catalogue."""
        files = {f"solo:{self.name}/{Path(path).stem}": (stem, self.place(path)) for path, stem in self.stems.items()}
        return {identifier: found for identifier, found in files.items() if found[1].exists()}

    def songs(self) -> dict[str, DatasetSong]:
        """The same as songs of one stem."""
        return {
            identifier: DatasetSong(f"{self.name}-{path.stem}", "train", {source: sum_of([path])})
            for identifier, (source, path) in self.fetched().items()
        }


COLLECTIONS = (
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
)
