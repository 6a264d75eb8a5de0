"""JSON as both protocols here have it: UTF-8, no duplicate members, bounded depth, numbers as they are sent.

Source: RFC 8259, sections 4, 8.1, 9.
"""

import json
import re
from collections.abc import Iterable
from itertools import chain
from typing import Any

import orjson

from reference_server.errors import BadRequest
from reference_server.limits import DEFAULTS

MAX_DEPTH = DEFAULTS.depth
# Every digit as 0, so that a long number is found by a search for text.
_ZEROS = bytes(ord("0") if byte in b"0123456789" else byte for byte in range(256))
_LONG = b"0" * 19  # the digits of the first integers beyond 64 bits
# The tokens that Python's json writes and reads beside JSON; strings are passed over.
_CONSTANT = re.compile(rb'"(?:[^"\\]|\\.)*"|\bNaN\b|-?\bInfinity\b')


def loads(body: bytes, depth: int = MAX_DEPTH) -> Any:
    """The value of a JSON text. Raises ``BadRequest`` when it is not strict JSON, or nested deeper.

    Integers are exact. A number that no double holds (1e999) is refused, as RFC 8259 (section 6) permits.
    """
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadRequest(_explain(error)) from None
    openings = body.count(b"[") + body.count(b"{")
    if openings > depth and _deeper_than(value, depth):
        raise BadRequest(f"the body nests arrays and objects more than {depth} deep")
    # Outside of strings every member has one colon: as many colons as members means that none was lost.
    if body.count(b":") != _members(value):
        _refuse_duplicates(body)
    # orjson makes floats of the integers beyond 64 bits.
    return json.loads(body) if _LONG in body.translate(_ZEROS) else value


def loads_python(body: bytes, depth: int = MAX_DEPTH) -> Any:
    """As ``loads``, with the tokens NaN and Infinity that Python's json has beside JSON."""
    if not _has_constant(body):
        return loads(body, depth)
    loads(_CONSTANT.sub(lambda found: found[0] if found[0].startswith(b'"') else b"null", body), depth)
    return json.loads(body)


def _has_constant(body: bytes) -> bool:
    return (b"NaN" in body or b"Infinity" in body) and any(
        not found[0].startswith(b'"') for found in _CONSTANT.finditer(body)
    )


def _explain(error: orjson.JSONDecodeError) -> str:
    token = next((token for token in ("NaN", "Infinity") if error.doc.startswith(token, error.pos)), None)
    sign = "-" if token and error.pos and error.doc[error.pos - 1] == "-" else ""
    reason = f"{sign}{token} is no JSON: write null for a missing value" if token else error
    return f"the body is not valid JSON: {reason}"


def dumps(value: Any) -> bytes:
    """The JSON text of ``value``; contiguous NumPy arrays are written as arrays."""
    return orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY)


def _children(node: Any) -> Iterable[Any]:
    return node.values() if type(node) is dict else node


def _deeper_than(value: Any, limit: int) -> bool:
    level = [value]
    for _ in range(limit):
        children = chain.from_iterable(map(_children, level))
        level = [child for child in children if type(child) is list or type(child) is dict]
        if not level:
            return False
    return True


def _members(value: Any) -> int:
    """A lower bound of the members in ``value``: an array that begins with a scalar is not looked into."""
    if type(value) is dict:
        return len(value) + sum(map(_members, value.values()))
    if type(value) is list and value and type(value[0]) in (dict, list):
        return sum(map(_members, value))
    return 0


def _refuse_duplicates(body: bytes) -> None:
    json.loads(body, object_pairs_hook=_unique)


def _unique(pairs: list[tuple[str, Any]]) -> None:
    names = [name for name, _ in pairs]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise BadRequest(f"the body has an object with two members named {twice!r}")
