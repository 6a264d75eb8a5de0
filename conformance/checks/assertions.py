"""The vocabulary of assertions. Each raises NonConformance with the exchange that shows it."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NoReturn, TypeVar

from conformance.checks.skips import untested
from conformance.transport.exchange import Exchange
from spec.validation import is_valid, violations

T = TypeVar("T")
R = TypeVar("R")


class NonConformance(AssertionError):
    """The target broke the requirement that the test names."""

    def __init__(
        self, message: str, *exchanges: Exchange, got: object = None, expected: object = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.exchanges = exchanges
        self.got = got
        self.expected = expected


def fail(message: str, *exchanges: Exchange, got: object = None, expected: object = None) -> NoReturn:
    """The target is wrong: say what it did, what came, and what was expected."""
    __tracebackhide__ = True
    raise NonConformance(message, *exchanges, got=got, expected=expected)


def check(
    holds: bool, message: str, *exchanges: Exchange, got: object = None, expected: object = None
) -> None:
    """Fail with ``message`` unless ``holds``."""
    __tracebackhide__ = True
    if not holds:
        fail(message, *exchanges, got=got, expected=expected)


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


def check_status(exchange: Exchange, statuses: Iterable[int], message: str) -> None:
    """The status must be among ``statuses``."""
    __tracebackhide__ = True
    wanted = list(statuses)
    told = f"{wanted[0]} to {wanted[-1]}" if len(wanted) > 5 else " or ".join(map(str, wanted))
    check(exchange.status in wanted, message, exchange, got=f"status {exchange.status}", expected=told)


def check_ok(exchange: Exchange, message: str = "the request must be answered") -> None:
    """The status must be 200."""
    __tracebackhide__ = True
    check_status(exchange, [200], message)


def check_takes(name: str, refusals: Sequence[Exchange]) -> None:
    """Rows that fit the inputs of a model are no server error.

    Other refusals of single rows tell of a domain that metadata can't: then the model is not judged by rows.
    """
    __tracebackhide__ = True
    for refusal in refusals:
        check(
            refusal.status < 500, "the row fits the model's inputs", refusal, got=f"status {refusal.status}"
        )
    if refusals:
        untested(
            f"{name} refuses rows that fit its inputs: if it takes others only, show one with --sample FILE"
        )


def check_schema(exchange: Exchange, name: str, instance: Any = None) -> None:
    """The body (or ``instance``, a part of it) must satisfy the schema called ``name``.

    What is null is left out first: members break a requirement of their own, and NaN may be written so.
    """
    __tracebackhide__ = True
    document = without_nulls(exchange.json if instance is None else instance)
    if not is_valid(name, document):
        found = [str(v) for v in violations(name, document)]
        # None are found where the token NaN alone is wrong, which a requirement of its own forbids.
        check(
            not found,
            f"the body breaks the schema {name}",
            exchange,
            got="; ".join(found[:4]),
            expected=f"spec/schemas/{name}.json",
        )


def without_nulls(document: Any) -> Any:
    """The document without those members of objects, and those elements of data, that are null."""
    if isinstance(document, dict):
        kept = {k: v for k, v in document.items() if v is not None}
        return {k: _elements(v) if k == "data" else without_nulls(v) for k, v in kept.items()}
    if isinstance(document, list):
        return [without_nulls(v) if isinstance(v, dict) else v for v in document]
    return document


def _elements(data: Any) -> Any:
    if not isinstance(data, list):
        return data
    return [_elements(e) for e in data if e is not None]


def check_error(exchange: Exchange, message: str) -> None:
    """The answer must be an error status with the protocol's error object.

    Source: inference_rest.md, Inference Response JSON Error Object.
    """
    __tracebackhide__ = True
    check_status(exchange, range(400, 600), message)
    if not is_valid("v2/error", exchange.json):
        fail(f"{message}, but the body is no error object", exchange, expected='{"error": "…"} as JSON')
