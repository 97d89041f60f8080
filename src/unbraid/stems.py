"""The five stems that songs are separated into, in order."""

STEMS = ("vocals", "drums", "bass", "piano", "other")


def stems_in(name: str) -> tuple[str, ...]:
    """Return the stems whose sum a file of this name holds (`piano+other`: those two), or none if it names no stems."""
    parts = tuple(name.split("+"))
    return parts if set(parts) <= set(STEMS) else ()
