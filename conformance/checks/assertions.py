"""The vocabulary of assertions. Each raises NonConformance with the evidence that shows it."""

from collections.abc import Callable, Sequence
from typing import NoReturn, TypeVar

from conformance.checks.skips import untested
from conformance.transport.outcome import Judged, Wanted

T = TypeVar("T")
R = TypeVar("R")


class NonConformance(AssertionError):
    """The target broke the requirement that the test names."""

    def __init__(self, message: str, *shown: Judged, got: object = None, expected: object = None) -> None:
        super().__init__(message)
        self.message = message
        self.evidence = [judged.evidence for judged in shown]
        self.got = got
        self.expected = expected


def fail(message: str, *shown: Judged, got: object = None, expected: object = None) -> NoReturn:
    """The target is wrong: say what it did, what came, and what was expected."""
    __tracebackhide__ = True
    raise NonConformance(message, *shown, got=got, expected=expected)


def check(holds: bool, message: str, *shown: Judged, got: object = None, expected: object = None) -> None:
    """Fail with ``message`` unless ``holds``."""
    __tracebackhide__ = True
    if not holds:
        fail(message, *shown, got=got, expected=expected)


def by_rows(compare: Callable[[Sequence[T]], R], rows: Sequence[T]) -> R:
    """What ``compare`` makes of rows; a failure is shown by one row, where one fails alone.

    Shrinking may keep rows that stand before the one that is wrong.
    """
    __tracebackhide__ = True
    try:
        return compare(rows)
    except NonConformance:
        for row in rows if len(rows) > 1 else []:
            compare([row])
        raise


def check_outcome(answer: Judged, wanted: Wanted, message: str) -> None:
    """The outcome of the request must be one that is wanted."""
    __tracebackhide__ = True
    evidence = answer.evidence
    fits = evidence.outcome in wanted.value
    check(fits, message, answer, got=f"status {evidence.status}", expected=evidence.spelled[wanted])


def check_ok(answer: Judged, message: str = "the request must be answered") -> None:
    """There must be a good answer."""
    __tracebackhide__ = True
    check_outcome(answer, Wanted.ANSWER, message)


def check_refused(answer: Judged, message: str) -> None:
    """The request must be refused as the client's mistake."""
    __tracebackhide__ = True
    check_outcome(answer, Wanted.REFUSAL, message)


def check_rejected(answer: Judged, message: str) -> None:
    """There must be an error, whoever is told to have made it."""
    __tracebackhide__ = True
    check_outcome(answer, Wanted.ERROR, message)


def check_no_failure(answer: Judged, message: str) -> None:
    """The server must not say that it failed."""
    __tracebackhide__ = True
    check_outcome(answer, Wanted.NO_FAILURE, message)


def check_takes(name: str, refusals: Sequence[Judged]) -> None:
    """Rows that fit the inputs of a model are no server error.

    Other refusals of single rows tell of a domain that metadata can't: then the model is not judged by rows.
    """
    __tracebackhide__ = True
    for refusal in refusals:
        check_no_failure(refusal, "the row fits the model's inputs")
    if refusals:
        told = "if it takes others only, show one with --sample FILE"
        untested(f"{name} refuses rows that fit its inputs: {told}")
