"""What is raised where a request has no answer."""

from typing import Protocol

from _pytest.outcomes import Skipped


class Sent(Protocol):
    """A request as it was sent, for a person."""

    @property
    def reproduce(self) -> str:
        """A shell line that sends it again."""

    @property
    def shown(self) -> str:
        """What was sent, as one cut line of text."""


class NoAnswer(Exception):
    """The target took the request and gave no response; it still takes connections."""

    def __init__(self, request: Sent, cause: str) -> None:
        super().__init__(cause)
        self.request = request


class TargetDied(Skipped):
    """The target takes no connections since this request. ``back``: it came back within some seconds.

    It is a skip because Hypothesis lets those through at once: shrinking would kill the target again.
    """

    def __init__(self, request: Sent, cause: str, back: bool) -> None:
        super().__init__(f"the target died: {cause}")
        self.request = request
        self.back = back


class Unsaid(Skipped):
    """The transport has no way to say a request.

    It is a skip because nothing is found out about the requirement.
    """


class AccessLost(Skipped):
    """The target lets in no request any longer that has these headers, not even the one known to be good.

    It is a skip because nothing is found out about the requirement.
    """
