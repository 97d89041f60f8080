"""Write the tables of docs/corpus.md and the credits of the model card: `python docs/corpus/tables.py`.

They come from the records. Each stands between `<!-- table: NAME -->` and `<!-- end -->`.
"""

import re
from collections.abc import Callable, Iterable
from pathlib import Path

from unbraid.corpus.sources.origins import DebianPackage, Repository
from unbraid.corpus.sources.records import of_kind, sources
from unbraid.corpus.sources.source import Source

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "docs/corpus.md", ROOT / "src/unbraid/weights/MODEL_CARD.md")
MARKED = re.compile(r"(<!-- table: (\w+) -->\n).*?(?=<!-- end -->)", re.DOTALL)
KINDS = {
    "songs": "real songs",
    "solos": "singers, soloists and single tracks",
    "voices": "voices",
    "backings": "backings",
    "guitars": "lead guitars",
    "grooves": "drumming",
    "midi": "MIDI songs",
    "instruments": "instruments",
    "soundfonts": "soundfonts",
    "kits": "drum kits",
    "styles": "styles",
}
OF_THEIR_OWN = ("backings", "solos")  # these have tables of their own


def backings() -> str:
    """A row for each package or repository and split."""
    rows: dict[tuple[str, str], list[Source]] = {}
    for source in of_kind("backings"):
        rows.setdefault((_origins(source), source.split), []).append(source)
    cells = (
        (
            package + (" (valid)" if split == "valid" else ""),
            _together(source.thanks.partition(";")[0] for source in albums),
            str(sum(source.pieces for source in albums)),
            f"{sum(source.minutes for source in albums):.0f}",
            _together(source.licence for source in albums),
            _together(source.about for source in albums),
        )
        for (package, split), albums in rows.items()
    )
    return _table("from | made by | pieces | minutes | licence | music", cells)


def solos() -> str:
    """A row for each collection."""
    cells = ((one.title, one.about, one.licence, one.thanks) for one in of_kind("solos"))
    return _table("collection | what | licence | thanks to", cells)


def other_sources() -> str:
    """A row for each source of the other kinds."""
    cells = (
        (KINDS[one.kind], one.title, one.about, _origins(one), one.licence, one.thanks, _splits(one))
        for kind in KINDS
        if kind not in OF_THEIR_OWN
        for one in of_kind(kind)
    )
    return _table("kind | name | what | from | licence | thanks to | split", cells)


def packages() -> str:
    """The Debian packages, as a command."""
    names = sorted({o.debian for one in sources() for o in one.origin if isinstance(o, DebianPackage)})
    lines = ["apt install"]
    for name in names:
        if len(lines[-1]) + len(name) > 100:
            lines.append("   ")
        lines[-1] += f" {name}"
    return "```\n" + " \\\n".join(lines) + "\n```\n"


def thanks_to() -> str:
    """Whom to thank for what the weights have heard, by kind and licence."""
    thanks: dict[tuple[str, str], list[str]] = {}
    for kind in KINDS:
        for one in of_kind(kind):
            if "train" in _splits(one) and one.heard and not one.tool:
                thanks.setdefault((kind, one.licence), []).append(_credit(one))
    cells = ((KINDS[kind], licence, "; ".join(dict.fromkeys(names))) for (kind, licence), names in thanks.items())
    return _table("material | licence | thanks to", cells)


TABLES: dict[str, Callable[[], str]] = {
    table.__name__: table for table in (backings, solos, other_sources, packages, thanks_to)
}


def rewritten() -> dict[Path, str]:
    """The pages as they should be."""
    return {
        page: MARKED.sub(lambda found: found[1] + TABLES[found[2]](), page.read_text(encoding="utf-8"))
        for page in PAGES
    }


def _splits(source: Source) -> str:
    """The splits that a source is in."""
    inner = {recording.split or source.split for recording in source.recordings} or {source.split}
    return ", ".join(sorted(inner | ({"valid"} if source.held_out else set())))


def _origins(source: Source) -> str:
    """Where it comes from; repositories as links."""
    links = (
        f"[{o.repository}](https://github.com/{o.repository}/tree/{o.commit})" if isinstance(o, Repository) else str(o)
        for o in source.origin
    )
    return _together(links)


def _credit(source: Source) -> str:
    """The credit line; for the music of a game, its makers and in brackets the game."""
    makers, _, game = source.thanks.partition("; ")
    return f"{makers} ({game})" if source.kind == "backings" and game else source.thanks


def _together(values: Iterable[str]) -> str:
    """Each value once, in their order."""
    return ", ".join(dict.fromkeys(part for value in values for part in value.split(", ")))


def _table(heads: str, rows: Iterable[tuple[str, ...]]) -> str:
    width = heads.count("|") + 1
    return f"| {heads} |\n" + "|---" * width + "|\n" + "".join(f"| {' | '.join(row)} |\n" for row in rows)


if __name__ == "__main__":
    for page, text in rewritten().items():
        page.write_text(text, encoding="utf-8")
