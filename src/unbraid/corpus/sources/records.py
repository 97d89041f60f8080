"""Reads the records: each is one TOML file, `records/<kind>/<name>.toml`, which is checked before use."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import MISSING, fields
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from unbraid.corpus.sources.licences import ALLOWED, ALLOWED_FOR_VALIDATION
from unbraid.corpus.sources.origins import ORIGINS, Origin
from unbraid.corpus.sources.source import Recording, Source
from unbraid.errors import CorpusError
from unbraid.stems import stems_in

RECORDS = Path(__file__).parent / "records"
SPLITS = ("train", "valid")
T = TypeVar("T")


@lru_cache(maxsize=1)
def sources() -> tuple[Source, ...]:
    """All sources, by name."""
    return tuple(load(path) for path in sorted(RECORDS.glob("*/*.toml")))


def of_kind(kind: str) -> Iterator[Source]:
    """The sources of one kind, by name."""
    return (source for source in sources() if source.kind == kind)


def source(name: str) -> Source:
    """The source of this name; raises CorpusError if it has no record."""
    for one in sources():
        if one.name == name:
            return one
    raise CorpusError(f"{name} has no record, so nobody knows its licence: write {RECORDS / name}.toml.")


def load(path: Path) -> Source:
    """The source that a record describes; raises CorpusError if something in it is unknown, missing or not allowed."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        table["name"] = f"{path.parent.name}/{path.stem}"
        table["origin"] = tuple(_origin(origin) for origin in table.get("origin", ()))
        table["recordings"] = tuple(_read(Recording, recording) for recording in table.get("recordings", ()))
        source = _read(Source, table)
        _check(source)
    except (UnicodeDecodeError, ValueError) as error:
        raise CorpusError(f"{path}: {error}") from error
    return source


def _origin(table: dict[str, Any]) -> Origin:
    """Return the origin that a table describes; one of its keys gives its kind."""
    for kind in ORIGINS:
        if fields(kind)[0].name in table:
            return _read(kind, table)
    raise ValueError(f"an origin has one of the keys {', '.join(fields(kind)[0].name for kind in ORIGINS)}.")


def _read(kind: type[T], table: dict[str, Any]) -> T:
    """A dataclass from a table; raises ValueError if a key is unknown or missing, or its value of another type."""
    hints = get_type_hints(kind)
    if unknown := sorted(table.keys() - hints.keys()):
        raise ValueError(
            f"{unknown[0]} is not a key of a record; there are {', '.join(sorted(hints.keys() - {'name'}))}."
        )
    values: dict[str, Any] = {}
    for field in fields(kind):  # type: ignore[arg-type]  # T is one of the dataclasses above
        if field.name not in table:
            if field.default is MISSING:
                raise ValueError(f"{field.name} is missing.")
            continue
        value = table[field.name]
        values[field.name] = tuple(value) if isinstance(value, list) else value
        if not _fits(values[field.name], hints[field.name]):
            raise ValueError(f"{field.name} cannot be {value!r}.")
    return kind(**values)


def _fits(value: object, hint: Any) -> bool:
    """Whether a value is of a field's type: a plain one, or a tuple whose members are all of one."""
    if get_origin(hint) is tuple:
        return isinstance(value, tuple) and all(_fits(item, get_args(hint)[0]) for item in value)
    return isinstance(value, hint) and (hint is bool or not isinstance(value, bool))


def _check(source: Source) -> None:
    """Raise ValueError if a record is inconsistent."""
    if not source.thanks.strip():
        raise ValueError("it thanks nobody; `thanks` is the credit line.")
    if not source.origin:
        raise ValueError("it has no origin, so nobody can fetch it.")
    for split in (source.split, *(recording.split or source.split for recording in source.recordings)):
        if split not in SPLITS:
            raise ValueError(f"split is one of {', '.join(SPLITS)}, not {split!r}.")
    allowed = ALLOWED_FOR_VALIDATION if source.split == "valid" or source.tool else ALLOWED
    if source.licence not in allowed:
        raise ValueError(f"{source.licence} is not a licence that {source.split} material may have.")
    for recording in source.recordings:
        if not stems_in(recording.stem):
            raise ValueError(f"{recording.stem!r} is not a stem.")
