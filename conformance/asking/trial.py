"""What a few requests tell of a model: which rows it accepts, and whether chance is in its answers."""

import contextlib
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from conformance.transport.lost import NoAnswer
from conformance.transport.outcome import Judged, Outcome
from conformance.wire.tensors import Row, TensorSpec

T = TypeVar("T")
# Of 90 answers, one differs in 99 of 100 runs where one in twenty does.
_OFTEN, _OFTEN_SECONDS = 90, 5.0
_MANY = 16  # equal rows, or requests for one
BATCHES = (9, 8, 6, 4, 3, 2)  # rows of small batches
_ELEMENTS = 500_000  # of a batch that is sent to find the limit
_TOO_MANY = (Outcome.MISTAKE, Outcome.TOO_MUCH)


@dataclass(frozen=True)
class Trial:
    """Rows of all sorts that fit the metadata, with their answers; none where a sample tells what fits."""

    answers: Sequence[tuple[Row, Judged]] = ()

    @property
    def refusals(self) -> list[Judged]:
        """The answers to rows that are not accepted."""
        return [answer for _, answer in self.answers if not answer.answered]

    @property
    def domain(self) -> list[Row]:
        """The rows that are accepted, where others are not; empty where all are."""
        return [row for row, answer in self.answers if answer.answered] if self.refusals else []


def tried(rows: Iterable[Row], ask: Callable[[Row], Judged]) -> Trial:
    """The rows that have an answer, with it."""
    found = []
    for row in rows:
        with contextlib.suppress(NoAnswer):
            found.append((row, ask(row)))
    return Trial(found)


def most_rows(rows: Sequence[Row], ask: Callable[[Sequence[Row]], Judged], width: int) -> int:
    """How many of these rows are accepted at once: the largest of ``BATCHES``, else one.

    A batch that is a server's error is within the limit. ``width``: elements of a row.
    """
    sizes = [size for size in BATCHES if size * width <= _ELEMENTS]
    for size in sizes:
        with contextlib.suppress(NoAnswer):
            answer = ask([*rows] * size)
            if answer.evidence.outcome not in _TOO_MANY:
                return size
    return 1 if sizes else BATCHES[-1]


def recombinations(rows: Sequence[Row], specs: Sequence[TensorSpec]) -> list[Row]:
    """Rows near those given, of which a model that takes no others refuses some.

    Every second column is another row's, or smaller by a sixteenth where it holds floating-point numbers.
    """
    smaller = [{s.name: _smaller(s, row[s.name]) for s in specs} for row in rows[:1]]
    pairs = [(one, other) for one in rows[:1] for other in [*smaller, *rows[1:2]]]
    mixed = [
        {s.name: (pair if i % 2 else pair[::-1])[0][s.name] for i, s in enumerate(specs)}
        for one, other in pairs
        for pair in ((one, other), (other, one))
    ]
    return [*smaller, *mixed]


def _smaller(spec: TensorSpec, elements: Sequence[Any]) -> Sequence[Any]:
    return [e * 0.9375 for e in elements] if spec.datatype.startswith("FP") else elements


def is_deterministic(
    rows: Sequence[Row],
    ask: Callable[[Sequence[Row]], T],
    differ: Callable[[T, T], object],
    *,
    batched: bool,
    text: bool,
) -> bool:
    """Whether the rows have one answer, and a batch of them, in which chance shows sooner.

    Text is asked for more often, as long as a slow model allows: it may differ once in many answers.
    """
    for asked, times in ((rows, 3), ([*rows] * _MANY, 3)) if batched else ((rows, _MANY),):
        first, *again = (ask(asked) for _ in range(times))
        if any(differ(first, answer) for answer in again):
            return False
    first, deadline = ask(rows), time.monotonic() + _OFTEN_SECONDS
    for _ in range(_OFTEN if text else 0):
        if time.monotonic() > deadline:
            break
        if differ(first, ask(rows)):
            return False
    return True
