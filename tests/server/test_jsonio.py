"""Strict JSON: agrees with Python's json on what is strict, refuses the rest."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reference_server import jsonio
from reference_server.errors import BadRequest

SCALARS = st.none() | st.booleans() | st.integers(-(2**80), 2**80) | st.floats(allow_nan=False) | st.text()
NAMES = st.sampled_from(["a", "b", ":", '":', ""])


def _text(value: Any) -> str:
    """JSON text in which an object is a list of pairs, so that it may have members twice."""
    if isinstance(value, tuple):
        return "{" + ", ".join(f"{json.dumps(k)} : {_text(v)}" for k, v in value) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_text, value)) + "]"
    return json.dumps(value)


def _unique(value: Any) -> bool:
    if isinstance(value, tuple):
        names = [name for name, _ in value]
        return len(set(names)) == len(names) and all(_unique(v) for _, v in value)
    return not isinstance(value, list) or all(map(_unique, value))


documents = st.recursive(
    SCALARS.filter(lambda v: v not in (float("inf"), float("-inf"))),
    lambda inner: st.lists(inner, max_size=4) | st.lists(st.tuples(NAMES, inner), max_size=4).map(tuple),
)


@given(documents)
@example((("a", 1), ("a", 2)))
@example([1, (("a", 1), ("a", 2))])
@example([[1], (("a", "::"), ("b", 2))])
def test_duplicate_members_are_refused_and_nothing_else(document: Any) -> None:
    body = _text(document).encode()
    if _unique(document):
        assert jsonio.loads(body) == json.loads(body)
    else:
        with pytest.raises(BadRequest, match="two members named"):
            jsonio.loads(body)


@given(st.integers(-(2**200), 2**200), st.sampled_from(["%d", '{"a": [0.5, "é", %d]}', '["1%d1"]']))
def test_integers_are_exact(number: int, form: str) -> None:
    body = (form % number).encode()
    assert jsonio.loads(body) == json.loads(body)


@pytest.mark.parametrize(
    ("body", "fragment"),
    [
        ('["é", NaN]', "NaN is no JSON: write null"),
        ('["NaN", -Infinity]', "-Infinity is no JSON: write null"),
        ('["NaN", x]', "unexpected character"),
    ],
)
def test_what_python_writes_beside_json_is_named(body: str, fragment: str) -> None:
    with pytest.raises(BadRequest, match=fragment):
        jsonio.loads(body.encode())


def test_python_json_is_read_where_it_is_asked_for() -> None:
    body = b'["NaN", "\\"NaN", -Infinity, 18446744073709551617]'
    assert jsonio.loads_python(body) == ["NaN", '"NaN', float("-inf"), 2**64 + 1]
    with pytest.raises(BadRequest, match="two members named 'a'"):
        jsonio.loads_python(b'{"a": NaN, "a": 1}')


@given(st.integers(1, 200), st.booleans(), st.booleans())
def test_depth_is_bounded(depth: int, objects: bool, beside: bool) -> None:
    opening, closing = ('{"a":', "}") if objects else ("[1," if beside else "[", "]")
    body = (opening * depth + "1" + closing * depth).encode()
    if depth <= jsonio.MAX_DEPTH:
        assert jsonio.loads(body) == json.loads(body)
    else:
        with pytest.raises(BadRequest, match="64 deep"):
            jsonio.loads(body)


@given(st.binary())
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    try:
        value = jsonio.loads(body)
    except BadRequest:
        return
    assert value == json.loads(body.decode("utf-8"))


@given(st.integers(2**63, 2**200), st.booleans())
def test_long_integers_keep_their_digits(number: int, negative: bool) -> None:
    number = -number if negative else number
    for read in (jsonio.loads, jsonio.loads_python):
        assert read(b"[%d]" % number) == [number]
        assert type(read(b'{"a": %d}' % number)["a"]) is int


@given(st.lists(st.sampled_from(["NaN", "Infinity", "-Infinity", "1", '"NaN"', '"\\"Infinity"', "null"])))
def test_the_constants_of_python_are_read_where_they_are_allowed(parts: list[str]) -> None:
    body = f"[{', '.join(parts)}]".encode()
    assert repr(jsonio.loads_python(body)) == repr(json.loads(body))
    constant = next((part for part in parts if part in ("NaN", "Infinity", "-Infinity")), None)
    if constant is None:
        assert jsonio.loads(body) == json.loads(body)
    else:
        with pytest.raises(BadRequest, match=f"{constant} is no JSON: write null"):
            jsonio.loads(body)


@pytest.mark.parametrize(
    "body",
    [
        b"[nan]",
        b"[-NaN]",
        b"[NaN",
        b"NaN1",
        b"[inf]",
        b'{"a": NaN, "a": 1}',
        b'[NaN, "\\ud800"]',
        b"[NaN, 1e999]",
        b"[" * 65 + b"NaN" + b"]" * 65,
        b'["NaN, NaN]',
        b"\xff",
    ],
)
def test_the_constants_open_no_other_door(body: bytes) -> None:
    with pytest.raises(BadRequest):
        jsonio.loads_python(body)
