"""Other JSON text for the same document. Pure."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Spelling:
    """Elements as JSON text, and other text for the same elements.

    datatypes: of the inputs that can hold them. refusable: whether the second may be refused where the first
    is not. exact: whether the two stand for one number in every precision.
    """

    datatypes: tuple[str, ...]
    plain: tuple[str, ...]
    other: tuple[str, ...]
    refusable: bool = False
    exact: bool = True


FLOATS = ("FP32", "FP64")
EXPONENTS = Spelling(FLOATS, ("12.5", "100.0"), ("125e-1", "1E2"))
# An integer for a floating-point element may be coerced or refused: oip-md, Tensor Data.
INTEGERS = Spelling(FLOATS, ("9.0", "9.5"), ("9", "9.5"), refusable=True)
# The shortest decimal that is nearest to this FP32 number.
DECIMALS = Spelling(("FP32",), ("0.10000000149011612",), ("0.1",), exact=False)
SURROGATES = Spelling(("BYTES",), ('"é 🍷"',), ('"\\u00e9 \\ud83c\\udf77"',))


def others(document: Any) -> Iterator[str]:
    """The document in other white space, another order of members, with escapes and exponents."""
    plain = json.dumps(document)
    yield from (json.dumps(document, indent="\t"), json.dumps(_backwards(document)), f"\r\n {plain}\n")
    if "\\" not in plain:
        yield from (_escaped(plain), _with_exponents(plain))


def with_elements(body: dict[str, Any], names: Sequence[str], elements: Sequence[str]) -> bytes:
    """A request whose inputs of these names hold the elements, given as JSON text, over and over."""
    marks = [f"conformance-element-{i}" for i in range(len(elements))]
    inputs = [
        t | {"data": [marks[i % len(marks)] for i in range(len(t["data"]))]} if t["name"] in names else t
        for t in body["inputs"]
    ]
    text = json.dumps(body | {"inputs": inputs}, ensure_ascii=False)
    for mark, element in zip(marks, elements, strict=True):
        text = text.replace(f'"{mark}"', element)
    return text.encode()


def _escaped(text: str) -> str:
    """JSON text with each letter inside its strings as an escape."""
    parts = json.dumps(json.loads(text)).split('"')
    parts[1::2] = ["".join(f"\\u{ord(c):04x}" if c.isalpha() else c for c in s) for s in parts[1::2]]
    return '"'.join(parts)


def _with_exponents(text: str) -> str:
    """JSON text with an exponent behind each fraction."""
    return re.sub(r"(?<=[\[ ])-?\d+\.\d+(?=[,\]])", r"\g<0>E+0", text)


def _backwards(document: Any) -> Any:
    """The document with the members of each object in reverse."""
    if isinstance(document, dict):
        return {key: _backwards(document[key]) for key in reversed(document)}
    return [_backwards(part) for part in document] if isinstance(document, list) else document
