"""The WORLD vocoder, imported when it is first needed."""

from __future__ import annotations

import warnings
from types import ModuleType

from unbraid.errors import CorpusError


def vocoder() -> ModuleType:
    """The module `pyworld`; raises CorpusError if it is not installed."""
    with warnings.catch_warnings():
        # It asks setuptools for its own version, in a way that setuptools is giving up.
        warnings.simplefilter("ignore", UserWarning)
        try:
            import pyworld
        except ImportError as error:
            raise CorpusError(f"The vocoder is missing ({error}): `pip install 'unbraid[corpus]'`.") from error
    module: ModuleType = pyworld
    return module
