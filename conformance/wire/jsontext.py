"""JSON: how a body is written, and what in one is not JSON by the letter of RFC 8259."""

import json
from collections.abc import Sequence
from typing import Any


def written(body: Any) -> bytes:
    """The body as JSON text (NaN as the token ``NaN``)."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def flaw(body: bytes) -> str:
    """What in ``body`` is no strict JSON; empty when it is."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        return f"not UTF-8: {error.reason} at byte {error.start}"
    if text.startswith("\ufeff"):
        return "a byte order mark"
    try:
        json.loads(text, parse_constant=_constant, object_pairs_hook=_members)
    except (ValueError, RecursionError) as error:
        return str(error)
    return ""


def _constant(token: str) -> None:
    raise ValueError(f"the token {token} is no JSON")


def _members(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the member {next(n for n in names if names.count(n) > 1)!r} stands twice")
    return members
