"""The judgement that a file cannot be used; light, so that everybody may import it."""


class NotMusic(Exception):  # noqa: N818 # a judgement, told to the person in a sentence
    """The file cannot be used; the message says why and what to do."""
