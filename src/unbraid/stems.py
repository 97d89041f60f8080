"""The five stems that songs are taken apart into, in their order."""

STEMS = ("vocals", "drums", "bass", "piano", "other")


def stems_in(name: str) -> tuple[str, ...]:
    """The stems whose sum a file of this name holds: `piano+other` those two; none if it is no name of stems."""
    parts = tuple(name.split("+"))
    return parts if set(parts) <= set(STEMS) else ()
