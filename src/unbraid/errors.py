"""All errors, as one tree of exceptions whose messages are sentences for users.

    UnbraidError
    ├── UsageError        the request itself cannot be met: unknown stem, unknown format      (exit code 2)
    ├── InputError        a file given to us cannot be used: missing, empty, not audio        (exit code 1)
    ├── OutputError       a result cannot be written: folder read-only, disk full             (exit code 1)
    ├── ModelError        a model file cannot be used: not ONNX, facts missing, no runtime    (exit code 1)
    ├── CorpusError       training material cannot be used: missing tool, licence not allowed (exit code 1)
    └── TrainingError     training cannot go on: no songs, checkpoint of another preset       (exit code 1)

Each message says what is wrong with which file, and what to do about it.
"""


class UnbraidError(Exception):
    """Base of all errors that unbraid raises deliberately; `str(error)` is a sentence for the user."""

    exit_code = 1


class UsageError(UnbraidError):
    """The request itself cannot be met, whatever the files hold."""

    exit_code = 2


class InputError(UnbraidError):
    """A file given to us is missing, unreadable or not audio.

    Args:
        problem: a sentence that says what is wrong with which file
        advice: a sentence that says what to do about it on the command line; a website has advice of its own
    """

    def __init__(self, problem: str, advice: str = "") -> None:
        super().__init__(f"{problem} {advice}".strip())
        self.problem = problem


class OutputError(UnbraidError):
    """A result cannot be written to the requested place."""


class ModelError(UnbraidError):
    """A model file cannot be loaded or does not say what it is."""


class CorpusError(UnbraidError):
    """Training material is missing, broken or not allowed by its licence."""


class TrainingError(UnbraidError):
    """Training cannot start or continue."""


def os_error_sentence(error: OSError) -> str:
    """Return a sentence for an error of the system that nothing more specific has caught."""
    reason = (error.strerror or str(error) or type(error).__name__).lower()
    return f"{error.filename}: {reason}." if error.filename is not None else f"The system reports: {reason}."
