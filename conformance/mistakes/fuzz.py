"""What Hypothesis makes of a good request: bodies with something else at one place. Many are malformed."""

import json
from typing import Any

from hypothesis import strategies as st

from conformance.mistakes.inference import SCHEMA
from conformance.wire.jsontext import flaw, written
from spec.validation import is_valid


def cut(body: bytes) -> st.SearchStrategy[bytes]:
    """The body with some bytes of it replaced by others."""
    places = st.tuples(st.integers(0, len(body)), st.integers(0, 8), st.binary(max_size=4))
    return places.map(lambda place: body[: place[0]] + place[2] + body[place[0] + place[1] :])


_JUNK = st.recursive(
    st.sampled_from([True, -1, 0, 1.5, 2**64, "", "x"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "x"]), inner),
    max_leaves=4,
)


@st.composite
def replaced(draw: st.DrawFn, body: dict[str, Any]) -> bytes:
    """The body with something else at a place of the first input."""
    changed = json.loads(json.dumps(body))
    tensor = changed["inputs"][0]
    member = draw(st.sampled_from(sorted(tensor)))
    if isinstance(tensor[member], list) and tensor[member] and draw(st.booleans()):
        tensor[member][0] = draw(_JUNK)
    else:
        tensor[member] = draw(_JUNK)
    return written(changed)


def is_malformed(body: bytes) -> bool:
    """Whether it is no JSON, or no inference request.

    One with null or NaN does not count: a server may take them as elements.
    """
    if b"null" in body or b"NaN" in body:
        return False
    return bool(flaw(body)) or not is_valid(SCHEMA, json.loads(body))
