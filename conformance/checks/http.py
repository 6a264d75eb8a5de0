"""What is asserted of an answer over HTTP: its status, and its body as JSON."""

from collections.abc import Iterable
from typing import Any

from conformance.checks.assertions import check, fail
from conformance.transport.exchange import Exchange
from spec.validation import is_valid, violations


def check_status(exchange: Exchange, statuses: Iterable[int], message: str) -> None:
    """The status must be among ``statuses``."""
    __tracebackhide__ = True
    wanted = list(statuses)
    told = f"{wanted[0]} to {wanted[-1]}" if len(wanted) > 5 else " or ".join(map(str, wanted))
    check(exchange.status in wanted, message, exchange, got=f"status {exchange.status}", expected=told)


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
