"""Folds text for searching and sorting: without case or accents, in every script and every database."""

import unicodedata
from typing import Any

from django.db import models

# Letters that Unicode does not take apart, as people type them who lack them.
PLAIN = str.maketrans(
    {"æ": "ae", "œ": "oe", "ø": "o", "ð": "d", "đ": "d", "ħ": "h", "ı": "i", "ł": "l", "ŧ": "t", "þ": "th"}
)


def fold(text: str) -> str:
    """Return one form for all spellings of a text: `Élan` and `elan`, `Straße` and `STRASSE`."""
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return "".join(c for c in decomposed if not unicodedata.combining(c)).translate(PLAIN)


class FoldedField(models.CharField):  # type: ignore[type-arg] # django-stubs: generic only for checkers
    """Other fields of the row, folded; filled whenever the row is saved."""

    def __init__(self, *sources: str, **kwargs: Any) -> None:
        self.sources = sources
        defaults: dict[str, Any] = {"default": "", "editable": False}
        super().__init__(**defaults | kwargs)

    def deconstruct(self) -> Any:
        """Return a plain text field: to the database it is one."""
        name, _, _, kwargs = super().deconstruct()
        return name, "django.db.models.CharField", [], kwargs

    def pre_save(self, model_instance: models.Model, add: bool) -> str:
        """Fold the other fields as they stand."""
        folded = fold("\n".join(getattr(model_instance, source) for source in self.sources))[: self.max_length]
        setattr(model_instance, self.attname, folded)
        return folded
