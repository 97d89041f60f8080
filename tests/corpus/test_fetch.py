"""What a source lacks comes from its origin, verified, whole or not at all; the others go on."""

import hashlib
import subprocess
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
import soundfile

from unbraid.corpus.audio_files import RATE, read, seconds_of
from unbraid.corpus.sources import fetch, folders
from unbraid.corpus.sources.folders import MaterialFolders, material_folders
from unbraid.corpus.sources.origins import DebianPackage, Download, Generated, Repository
from unbraid.corpus.sources.source import Recording, Source
from unbraid.errors import CorpusError


def git(place: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=ann", "-c", "user.email=ann@example.org")
    command = ["git", "-C", str(place), *identity, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.strip()


def committed(place: Path) -> str:
    """The commit of a folder made a repository that serves single files of any commit, as GitHub does."""
    git(place, "init", "--quiet")
    for setting in ("allowFilter", "allowAnySHA1InWant"):
        git(place, "config", f"uploadpack.{setting}", "true")
    git(place, "add", ".")
    git(place, "commit", "--quiet", "-m", "sounds")
    return git(place, "rev-parse", "HEAD")


@pytest.fixture
def host(tmp_path: Path) -> Path:
    return tmp_path / "host"


@pytest.fixture
def commit(host: Path) -> str:
    """The commit of a repository `ann/bass`."""
    place = host / "ann" / "bass"
    (place / "notes").mkdir(parents=True)
    (place / "bass.sfz").write_text("<region> sample=notes/a.wav")
    for name, level in (("a.wav", 0.25), ("b #1.wav", 0.5)):
        soundfile.write(place / "notes" / name, np.full(RATE, level, np.float32), RATE)
    (place / "demo.mp3").write_bytes(b"ID3")
    return committed(place)


def bass(commit: str, *paths: str, flat: bool = False) -> Source:
    origin = (Repository("ann/bass", commit, paths, flat),)
    return Source("instruments/bass", "CC0-1.0", "Ann", origin, files=("**/*.wav",))


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_what_is_wanted_of_a_repository_comes_and_nothing_else(
    commit: str, host: Path, material: MaterialFolders
) -> None:
    wanted = bass(commit, "*.sfz", "notes")
    assert not fetch.is_whole(wanted, material)
    fetch.fetch(wanted, material, f"file://{host}")
    assert files(material.target) == {
        f"instruments/bass/{name}" for name in ("bass.sfz", "notes/a.wav", "notes/b #1.wav")
    }
    assert fetch.is_whole(wanted, material)


def test_files_of_recordings_can_land_beside_each_other(commit: str, host: Path, material: MaterialFolders) -> None:
    take = Recording("bass", ("notes/a.wav", "notes/b #1.wav"), name="take")
    solo = Source("solos/ann", "CC0-1.0", "Ann", (Repository("ann/bass", commit, flat=True),), recordings=(take,))
    fetch.fetch(solo, material, f"file://{host}")
    assert files(material.target) == {"solos/ann/a.wav", "solos/ann/b #1.wav"}
    assert fetch.is_whole(solo, material)
    (material.target / "solos/ann/a.wav").unlink()
    assert not fetch.is_whole(solo, material), "a file is missing"
    fetch.fetch(solo, material, f"file://{host}")
    assert fetch.is_whole(solo, material)


@pytest.mark.parametrize(
    ("repository", "path", "said"),
    [("ann/nothing", "notes", "git says"), ("ann/bass", "tuba", "has no tuba at")],
)
def test_what_cannot_be_had_is_one_sentence_and_leaves_nothing(
    commit: str, host: Path, material: MaterialFolders, repository: str, path: str, said: str
) -> None:
    source = Source("instruments/bass", "CC0-1.0", "Ann", (Repository(repository, commit, (path,)),), files=("*",))
    with pytest.raises(CorpusError, match=f"instruments/bass could not be fetched. .*{said}"):
        fetch.fetch(source, material, f"file://{host}")
    assert list(material.target.rglob("*")) == []


@pytest.fixture
def server(host: Path) -> Iterator[str]:
    """The folder `host`, served on this machine."""
    host.mkdir(exist_ok=True)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(host))) as serving:
        thread = Thread(target=serving.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{serving.server_port}"
        serving.shutdown()


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_a_bad_source_is_a_sentence_and_the_others_go_on(
    host: Path, server: str, material: MaterialFolders, only: Callable[..., None]
) -> None:
    with zipfile.ZipFile(host / "grooves.zip", "w") as archive:
        archive.writestr("groove/one.mid", b"MThd")
    digest = hashlib.sha256((host / "grooves.zip").read_bytes()).hexdigest()

    def source(name: str, file: str, digest: str) -> Source:
        return Source(f"midi/{name}", "MIT", "Ann", (Download(f"{server}/{file}", digest),), files=("**/*.mid",))

    only(
        source("changed", "grooves.zip", "0" * 64),
        source("gone", "gone.zip", digest),
        source("good", "grooves.zip", digest),
    )
    changed, gone = fetch.fetch_all(material)
    assert "midi/changed could not be fetched" in changed
    assert digest in changed
    assert "midi/gone could not be fetched" in gone
    assert files(material.target) == {"midi/good/groove/one.mid"}
    assert len(fetch.fetch_all(material)) == 2, "what lies there is not fetched again, what failed is tried again"


def test_sentences_of_a_voice_become_recordings_of_a_minute(host: Path, server: str, material: MaterialFolders) -> None:
    with zipfile.ZipFile(host / "voice.zip", "w") as archive:
        for number in range(4):
            soundfile.write(host / "sentence.wav", np.full(31 * 16_000, 0.1, np.float32), 16_000)
            archive.write(host / "sentence.wav", f"wavs/{number}.wav")
    digest = hashlib.sha256((host / "voice.zip").read_bytes()).hexdigest()
    origin = (Download(f"{server}/voice.zip", digest),)
    ann = Source("voices/ann", "CC0-1.0", "Ann", origin, files=("*.opus",), prepare="join")
    fetch.fetch(ann, material)
    assert [path.name for path in ann.found(material)] == ["ann_000.opus", "ann_001.opus"]
    assert all(abs(seconds_of(path) - 62.5) < 0.1 for path in ann.found(material))


def test_tracks_of_a_song_become_its_stems(commit: str, host: Path, material: MaterialFolders) -> None:
    stems = (Recording("drums", ("notes/a.wav", "notes/b #1.wav")), Recording("bass", ("notes/a.wav",)))
    origin = (Repository("ann/bass", commit, flat=True),)
    song = Source("songs/Iron", "CC0-1.0", "Ann", origin, files=("*.flac",), recordings=stems, prepare="mix")
    fetch.fetch(song, material, f"file://{host}")
    drums, one = (read(material.target / f"songs/Iron/{stem}.flac") for stem in ("drums", "bass"))
    np.testing.assert_allclose(drums, 3 * one, atol=1e-3)


def test_left_and_right_in_files_of_their_own_become_stereo(host: Path, material: MaterialFolders) -> None:
    place = host / "ann" / "album"
    place.mkdir(parents=True)
    for name, level in (("waltz", 1.125), ("waltz_ch0", 0.75), ("waltz_ch1", 1.5), ("polka", 0.125)):
        soundfile.write(place / f"{name}.wav", np.full(RATE, level, np.float32), RATE, subtype="FLOAT")
    origin = (Repository("ann/album", committed(place), ("*.wav",)),)
    album = Source("backings/ann", "CC0-1.0", "Ann", origin, files=("*",), prepare="stereo")
    fetch.fetch(album, material, f"file://{host}")
    pieces = {path.stem: read(path) for path in album.found(material)}
    assert {name: piece.shape for name, piece in pieces.items()} == {"waltz": (2, RATE), "polka": (1, RATE)}
    assert np.allclose(pieces["waltz"], [[0.5], [1.0]], atol=1e-4), "below full scale, and in balance"
    assert np.allclose(pieces["polka"], 0.125, atol=1e-4)


def test_a_package_is_found_where_it_is_installed_or_fetched(tmp_path: Path, material: MaterialFolders) -> None:
    game = Source("backings/game", "MIT", "Ann", (DebianPackage("game-data"),), folder="games/game", files=("*.ogg",))
    for place in ("fetched/packages/game-data", "share"):
        assert not (folders.SHARE / "games").exists()
        (tmp_path / place / "games/game").mkdir(parents=True)
        (tmp_path / place / "games/game/theme.ogg").write_bytes(b"OggS")
        assert game.found(material) == [tmp_path / place / "games/game/theme.ogg"]


def test_what_a_model_made_is_not_fetched(material: MaterialFolders, only: Callable[..., None]) -> None:
    robot = Source("voices/robot", "MIT", "Ann", (Generated("a vocoder"),), files=("*.opus",))
    only(robot)
    assert fetch.fetch_all(material) == []
    with pytest.raises(CorpusError, match="made with a vocoder"):
        fetch.fetch(robot, material)


def test_a_program_has_to_be_installed(material: MaterialFolders) -> None:
    mma = Source("styles/mma", "MIT", "Ann", (DebianPackage("mma", installed=True),), folder="mma", files=("*",))
    with pytest.raises(CorpusError, match="apt install mma"):
        fetch.fetch(mma, material)


def test_material_is_looked_for_in_several_folders_and_by_former_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one/voices/ann", "two/voices/bob", "two/repositories/eve"):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.setenv("UNBRAID_CORPUS", f"{tmp_path / 'one'}:{tmp_path / 'two'}")
    material = material_folders()
    assert material.target == tmp_path / "fetched"
    assert material.find("voices/bob") == tmp_path / "two/voices/bob"
    assert material.find("solos/eve") == tmp_path / "two/repositories/eve"
    assert material.find("voices/zoe") == tmp_path / "fetched/voices/zoe"
    with pytest.raises(CorpusError, match="no corpus material at"):
        material_folders(tmp_path / "three")
