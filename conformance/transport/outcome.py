"""What came of a request, in words that hold for any transport, and what may be wanted of it."""

from collections.abc import Mapping
from enum import Enum, auto
from typing import Protocol

from conformance.transport.lost import Sent


class Outcome(Enum):
    """The kinds of answers; ``OTHER`` is neither a good one nor an error."""

    ANSWERED = auto()
    MISTAKE = auto()  # of the client
    NOT_FOUND = auto()
    TOO_MUCH = auto()  # beyond a limit of the server
    BUSY = auto()  # it can't now
    FAILURE = auto()  # of the server
    OTHER = auto()


_REFUSALS = frozenset({Outcome.MISTAKE, Outcome.NOT_FOUND, Outcome.TOO_MUCH})
_FAILURES = frozenset({Outcome.BUSY, Outcome.FAILURE})


class Wanted(Enum):
    """The outcomes that a check lets pass."""

    ANSWER = frozenset({Outcome.ANSWERED})
    REFUSAL = _REFUSALS  # which says that the mistake is the client's
    ERROR = _REFUSALS | _FAILURES
    NO_FAILURE = frozenset(Outcome) - _FAILURES


class Evidence(Protocol):
    """A request and what came of it: what a check judges, and what a failure shows to a person."""

    @property
    def request(self) -> Sent:
        """What was sent."""

    @property
    def outcome(self) -> Outcome:
        """What came of it."""

    @property
    def status(self) -> object:
        """The transport's own word for that."""

    @property
    def spelled(self) -> Mapping[Wanted, str]:
        """What is wanted, in the transport's own words."""

    @property
    def shown(self) -> str:
        """What came back: its status, and its content as one cut line of text."""


class Judged:
    """What a check can judge."""

    @property
    def evidence(self) -> Evidence:
        """What was sent, and what came of it."""
        raise NotImplementedError

    @property
    def answered(self) -> bool:
        """Whether there is a good answer."""
        return self.evidence.outcome is Outcome.ANSWERED

    @property
    def refused(self) -> bool:
        """Whether the request is told to be the client's mistake."""
        return self.evidence.outcome in _REFUSALS

    @property
    def declined(self) -> bool:
        """Whether it is refused, or too much to do now."""
        return self.refused or self.evidence.outcome is Outcome.BUSY

    @property
    def failed(self) -> bool:
        """Whether the server says that it failed, or can't now."""
        return self.evidence.outcome in _FAILURES
