"""The ways a job can end early, other than through a fault of ours."""


class ClaimLost(Exception):  # noqa: N818 # nothing went wrong: the work belongs to somebody else now
    """The job was cancelled, deleted or taken back while it ran."""


class JobFailed(Exception):  # noqa: N818 # the model has a `fail` and a state of that name
    """The work cannot be done; the message is a sentence for the person who waits.

    Args:
        sentence: what is wrong, and what to do
        final: trying again would end the same way: it is the file's fault
    """

    def __init__(self, sentence: str, *, final: bool = False) -> None:
        super().__init__(sentence)
        self.final = final
