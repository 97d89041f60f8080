"""Sampled instruments (SFZ) that lie in public repositories: which folders of which one, at which commit."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from unbraid.corpus.places import INSTRUMENTS
from unbraid.errors import CorpusError

HOST = "https://github.com"


@dataclass(frozen=True)
class Instrument:
    """What of a repository, at one commit, belongs to an instrument; `paths` are files and folders of it."""

    name: str
    repository: str
    commit: str
    paths: tuple[str, ...]

    @property
    def folder(self) -> Path:
        """Where the instrument lies once it is fetched."""
        return INSTRUMENTS / self.name

    def fetch(self, host: str = HOST) -> None:
        """Bring the instrument into its folder unless it lies there; raises CorpusError if it cannot be had."""
        if self.folder.exists():
            return
        if shutil.which("git") is None:
            raise CorpusError("git is missing: install it with `apt install git`.")
        INSTRUMENTS.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=INSTRUMENTS) as part:
            repository, files = Path(part) / "repository", Path(part) / "files"
            files.mkdir()
            address = f"{host}/{self.repository}"
            self._git("init", "--quiet", "--bare", str(repository))
            self._git(f"--git-dir={repository}", "fetch", "--quiet", "--depth=1", address, self.commit)
            self._git(f"--git-dir={repository}", f"--work-tree={files}", "checkout", self.commit, "--", *self.paths)
            files.replace(self.folder)

    def _git(self, *arguments: str) -> None:
        run = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
        if run.returncode:
            why = run.stderr.strip().rpartition("\n")[2]
            raise CorpusError(f"The instrument {self.name} could not be fetched ({why}): try again later.")


REPOSITORIES = (
    Instrument(
        "headroom",
        "sfzinstruments/BengtNilsson.HeadroomPiano",
        "2a7df3f7252227a3484202c1d61bc1bfe352a971",
        ("Intimate Piano (NoFX).sfz", "Data", "Samples"),
    ),
    Instrument(
        "upright-kw",
        "freepats/upright-piano-KW",
        "570f6c60ed2eff67accad3b85d5b452e57a3ad28",
        ("UprightPianoKW-20220221.sfz", "samples"),
    ),
    Instrument(
        "swagbass",
        "sfzinstruments/karoryfer.swagbass",
        "9d10fcae71af1975988ddecd5af1c95d372c7355",
        ("swagbass_clean.sfz", "swagbass_shiny.sfz", "notes", "noises", "release"),
    ),
    Instrument(
        "fashionbass",
        "sfzinstruments/karoryfer.fashionbass",
        "0703973b300a6bacb837602be9b588ab64732a72",
        ("fashionbass_clean.sfz", "notes", "noises", "release"),
    ),
    Instrument(
        "lately-bass",
        "freepats/lately-bass",
        "e27530dec05161ec3b661e86f4feb2065e0675aa",
        ("LatelyBass 20240409.sfz", "samples"),
    ),
    Instrument(
        "muldjordkit",
        "freepats/muldjordkit",
        "719fe72bc6693b94f1229674e202881145ab44ed",
        ("MuldjordKit 20201018.sfz", "samples"),
    ),
    Instrument(
        "sams-sonor",
        "sfzinstruments/SamsSonor",
        "ef3e32058924ed1c3335e86d03094d3f310a9104",
        ("SamsSonor.sfz", "Samples"),
    ),
    Instrument(
        "solo-sax",
        "sfzinstruments/MTG.SoloSax",
        "b494d256549b3d088fdec176ce82867f8a1f58b2",
        ("MTG Solo Saxophones",),
    ),
    Instrument(
        "ixox-flute",
        "sfzinstruments/Ixox.Flute",
        "0cc54468bb0d2d9b32921958585caad65ba8df21",
        ("Ixox Flute.sfz", "Data", "Samples"),
    ),
    Instrument(
        "cowsynth",
        "sfzinstruments/karoryfer.cowsynth",
        "5a5b5afc2dabbe54cf9d75ab64711ce01862b42c",
        ("cowsynth_fancy_pad.sfz", "cowsynth_wheezy_pad.sfz", "cowsynth_lonely_pad.sfz", "tuned", "natural"),
    ),
    Instrument(
        "war-tuba",
        "sfzinstruments/karoryfer.war-tuba",
        "5b62dd6ef6b00281bb734769e44a63f5e013018a",
        ("Programs", "Samples"),
    ),
    Instrument(
        "ganjo",
        "sfzinstruments/ganjo",
        "ccff5cd5cd3b513873a48994c07724d9d3c39e1c",
        ("ganjo.sfz", "Common"),
    ),
    Instrument(
        "gm-bank",
        "sfzinstruments/Discord-SFZ-GM-Bank",
        "7a9c478fe331f94f246d33332f0adedb25bbbe27",
        tuple(
            f"Discord GM/Melodic/{name}{kind}"
            for name in (
                "026-Acoustic Guitar (steel)",
                "034-Electric Bass (finger)",
                "045-Tremolo Strings",
                "046-Pizzicato Strings",
                "105-Sitar",
                "112-Shanai",
            )
            for kind in (".sfz", "")
        ),
    ),
)
