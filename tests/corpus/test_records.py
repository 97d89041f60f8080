"""Each source is one record: what it says is checked, and everything songs are made of has one."""

from collections.abc import Callable
from dataclasses import replace
from fnmatch import fnmatch
from pathlib import Path
from runpy import run_path
from tomllib import loads

import pytest

from unbraid.corpus.playing import casting, sampled
from unbraid.corpus.singing.voices import VOICES
from unbraid.corpus.sources import records
from unbraid.corpus.sources.folders import MaterialFolders
from unbraid.corpus.sources.licences import ALLOWED
from unbraid.corpus.sources.origins import Repository
from unbraid.corpus.sources.prepare import PREPARATIONS
from unbraid.corpus.sources.records import load, of_kind, source, sources
from unbraid.corpus.sources.source import Source
from unbraid.errors import CorpusError

ROOT = Path(__file__).parents[2]
GOOD = """
licence = "CC-BY-4.0"
thanks = "Ann"

[[origin]]
repository = "ann/songs"
commit = "c0ffee"

[[recordings]]
stem = "vocals"
files = ["takes/one.wav"]
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "solos" / "ann.toml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


def test_a_record_says_where_its_sounds_come_from_and_whom_to_thank(tmp_path: Path) -> None:
    ann = load(written(tmp_path, GOOD))
    assert (ann.name, ann.kind, ann.title) == ("solos/ann", "solos", "ann")
    assert (ann.licence, ann.thanks, ann.split) == ("CC-BY-4.0", "Ann", "train")
    assert ann.origin == (Repository("ann/songs", "c0ffee"),)
    assert [recording.files for recording in ann.recordings] == [("takes/one.wav",)]


@pytest.mark.parametrize(
    ("good", "bad", "said"),
    [
        ("thanks", "thank", "thank is not a key"),
        ('thanks = "Ann"', "", "thanks is missing"),
        ('"Ann"', '" "', "thanks nobody"),
        ('"Ann"', "3", "thanks cannot be 3"),
        ("CC-BY-4.0", "CC-BY-NC-4.0", "CC-BY-NC-4.0 is not a licence"),
        ("CC-BY-4.0", "GPL-2.0-only", "GPL-2.0-only is not a licence that train material may have"),
        ('commit = "c0ffee"', "", "commit is missing"),
        ("repository =", "place =", "an origin has one of the keys"),
        ('files = ["takes/one.wav"]', 'files = "takes/one.wav"', "files cannot be"),
        ('"vocals"', '"choir"', "'choir' is not a stem"),
        ('stem = "vocals"', 'stem = "vocals"\nsplit = "both"', "split is one of train, valid"),
        ("[[origin]]", "[[origin", "ann.toml"),
        (GOOD, 'licence = "MIT"\nthanks = "Ann"', "no origin"),
    ],
)
def test_a_record_that_is_wrong_is_one_sentence_with_its_name(tmp_path: Path, good: str, bad: str, said: str) -> None:
    with pytest.raises(CorpusError, match=r"ann\.toml: ") as error:
        load(written(tmp_path, GOOD.replace(good, bad)))
    assert said in str(error.value)


def test_what_is_under_the_gpl_is_measured_with_but_not_learnt_from(tmp_path: Path) -> None:
    gpl = GOOD.replace("CC-BY-4.0", "GPL-2.0-only")
    assert load(written(tmp_path, f'split = "valid"{gpl}')).licence == "GPL-2.0-only"
    assert load(written(tmp_path, f"tool = true{gpl}")).licence == "GPL-2.0-only"
    assert not any(licence.startswith("GPL") for licence in ALLOWED)


def test_a_source_without_a_record_is_refused() -> None:
    with pytest.raises(CorpusError, match="voices/somebody has no record"):
        source("voices/somebody")


def test_every_record_is_read_and_every_preparation_is_known() -> None:
    assert len(sources()) == len(list(records.RECORDS.rglob("*.toml"))) > 100
    assert {one.prepare for one in sources()} <= {"", *PREPARATIONS}


def test_everything_that_songs_are_made_of_has_a_record() -> None:
    for voice in VOICES:
        assert source(voice.record).split == "train" or voice.split == "valid"
    for names in (*casting.SOUNDFONTS.values(), *casting.KITS.values()):
        for name in names:
            kind = "soundfonts" if name in sum(casting.SOUNDFONTS.values(), ()) else "kits"
            assert source(f"{kind}/{name}").title == name
    for split, kits in casting.KITS.items():
        assert {source(f"kits/{name}").split for name in kits} == {split}
    for _, table in sampled.BY_SOURCE:
        for file in {row[0] for rows in table.values() for row in rows}:
            name, _, path = file.partition("/")
            instrument = source(f"instruments/{name}")
            assert any(fnmatch(path, pattern) for pattern in instrument.files), file
            for origin in instrument.origin:
                if isinstance(origin, Repository):
                    assert any(fnmatch(path, wanted) or path.startswith(f"{wanted}/") for wanted in origin.paths), file


def test_every_instrument_is_played() -> None:
    played = {row[0].partition("/")[0] for _, table in sampled.BY_SOURCE for rows in table.values() for row in rows}
    assert {instrument.title for instrument in of_kind("instruments")} == played


def test_no_maker_of_backings_is_in_both_splits() -> None:
    makers: dict[str, set[str]] = {"train": set(), "valid": set()}
    for album in of_kind("backings"):
        makers[album.split] |= set(album.thanks.split(";")[0].split(", "))
    assert makers["valid"]
    assert not makers["train"] & makers["valid"]


def test_no_track_of_a_held_out_song_is_a_solo() -> None:
    held_out = [song.title for song in of_kind("songs") if song.split == "valid"]
    files = [file for solo in of_kind("solos") for recording in solo.recordings for file in recording.files]
    assert held_out
    assert not [file for file in files if any(song in file for song in held_out)]


def test_no_two_files_of_a_source_land_in_one_place(material: MaterialFolders) -> None:
    for collection in of_kind("solos"):
        places = [path for recording in collection.recordings for path in collection.wanted(recording, material)]
        assert len(set(places)) == len(places), collection.name


def test_tables_and_credits_are_those_of_the_records() -> None:
    for page, text in run_path(str(ROOT / "docs/corpus/tables.py"))["rewritten"]().items():
        assert page.read_text() == text, f"{page.name} is out of date: run `python docs/corpus/tables.py`."
        assert text.count("<!-- table: ") == text.count("<!-- end -->") > 0


def test_only_what_the_weights_heard_is_credited(only: Callable[..., None]) -> None:
    ann, bob = (Source(f"solos/{name}", "CC0-1.0", name, (Repository(name, "c0ffee"),)) for name in ("Ann", "Bob"))
    only(ann, replace(bob, heard=False))
    table = run_path(str(ROOT / "docs/corpus/tables.py"))["thanks_to"]()
    assert "Ann" in table
    assert "Bob" not in table


def test_records_are_in_the_package() -> None:
    project = loads((ROOT / "pyproject.toml").read_text())
    package = Path(records.__file__).parents[2]
    shipped = [path for glob in project["tool"]["setuptools"]["package-data"]["unbraid"] for path in package.glob(glob)]
    assert {path for path in shipped if path.suffix == ".toml"} == set(records.RECORDS.rglob("*.toml"))
