"""Reports a missing package in one sentence that names the extra to install."""

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager

from unbraid.errors import UsageError


@contextmanager
def extra(name: str) -> Iterator[None]:
    """Run a block (or, as a decorator, a function) whose imports need `pip install 'unbraid[name]'`.

    Raises:
        UsageError: A module is missing.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if not error.name or error.name.startswith("unbraid"):
            raise
        raise UsageError(f"This needs {error.name}, which is not installed: pip install 'unbraid[{name}]'.") from error


def require(name: str, *modules: str) -> None:
    """Check that `modules` of an extra are installed, before work that needs them only at its end.

    Raises:
        UsageError: A module is missing.
    """
    with extra(name):
        for module in modules:
            if importlib.util.find_spec(module) is None:
                raise ModuleNotFoundError(name=module)
