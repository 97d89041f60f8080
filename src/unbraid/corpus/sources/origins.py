"""The places that material is fetched from, each pinned to one version."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Repository:
    """A git repository at a commit.

    Attributes:
        repository: `owner/name` on GitHub.
        commit: the full SHA-1, by which git verifies every file.
        paths: the files and folders to fetch, as git patterns.
        flat: whether all files go into one folder.
    """

    repository: str
    commit: str
    paths: tuple[str, ...] = ()
    flat: bool = False

    def __str__(self) -> str:
        return f"github.com/{self.repository}"


@dataclass(frozen=True)
class DebianPackage:
    """A Debian package, which apt verifies.

    Attributes:
        debian: its name.
        unpack: a zip archive in it, below `/usr/share`, to unpack too.
        installed: whether it is a program, which has to be installed to run.
    """

    debian: str
    unpack: str = ""
    installed: bool = False

    def __str__(self) -> str:
        return self.debian


@dataclass(frozen=True)
class NpmPackage:
    """An npm package.

    Attributes:
        npm: `name@version`.
        integrity: npm's digest of the archive, `sha512-…`.
    """

    npm: str
    integrity: str

    def __str__(self) -> str:
        return self.npm


@dataclass(frozen=True)
class Download:
    """One file from the web; a zip archive is unpacked.

    Attributes:
        url: its address.
        sha256: its digest.
    """

    url: str
    sha256: str

    def __str__(self) -> str:
        return self.url


@dataclass(frozen=True)
class Generated:
    """Sounds of a model or a program, which cannot be fetched; songs can be made without them.

    Attributes:
        made: with what, in a few words.
    """

    made: str

    def __str__(self) -> str:
        return f"made with {self.made}"


Origin = Repository | DebianPackage | NpmPackage | Download | Generated
ORIGINS: tuple[type[Origin], ...] = (Repository, DebianPackage, NpmPackage, Download, Generated)
