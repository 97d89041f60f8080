"""What the work can fail with; light, so that everybody may import it."""


class UnusableUpload(Exception):  # noqa: N818 # told to the person in a sentence
    """The file cannot be used; the message says why and what to do."""
