"""Makes input from people and programs safe to use: text that any database accepts, ids, JSON of any shape."""

import contextlib
import json
import unicodedata
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.http import HttpRequest

NOT_TEXT = {"Cc", "Cs"}  # control characters, NUL among them, and halves of characters


def one_line(text: str) -> str:
    """Return the text without control characters and lone surrogates, and without spaces around it."""
    return "".join(c for c in text if unicodedata.category(c) not in NOT_TEXT).strip()


def uuids(texts: Iterable[str]) -> list[UUID]:
    """Return the ids among the texts and ignore the rest."""
    found = []
    for text in texts:
        with contextlib.suppress(ValueError):
            found.append(UUID(text))
    return found


def read_json(request: HttpRequest) -> Any:
    """Return the request's body as JSON.

    Raises:
        ValueError: it is not JSON, or nested too deeply.
    """
    try:
        return json.loads(request.body)
    except RecursionError as error:
        raise ValueError("This JSON is nested too deeply.") from error
