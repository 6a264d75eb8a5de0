"""Hard elements, and what a model that returns its inputs makes of them where no JSON stands between."""

import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from conformance.asking.model import Model
from conformance.checks.assertions import check, check_ok
from conformance.checks.skips import not_implemented, untested
from conformance.oracles.answers import Known
from conformance.oracles.echo import demand_echo
from conformance.transport.answer import Answer
from conformance.wire import tensors
from conformance.wire.tensors import TensorSpec
from spec.tables import DATATYPES

# Ways to ask with a request by the members of the protocol's message, by name.
Ways = Mapping[str, Callable[[Mapping[str, Any]], Answer]]

_SPECIALS = (0.0, -0.0, float("inf"), float("-inf"), float("nan"))
_EDGES = {  # least subnormal, least normal, largest, one above 1
    "FP16": (2.0**-24, 2.0**-14, 65504.0, 1 + 2.0**-10),
    "FP32": (2.0**-149, 2.0**-126, (2 - 2.0**-23) * 2.0**127, 1 + 2.0**-23),
    "FP64": (5e-324, 2.0**-1022, (2 - 2.0**-52) * 2.0**1023, 1 + 2.0**-52),
}
_TEXTS = ("", "a", "é", "\U0001f377", "a\0b", " \n", "x" * 300)
_WITH_NUL = ("\0", "a\0")  # NumPy's text ends at its last character that is not NUL
_NO_UTF8 = (b"\xff\xfe", b"\x80", b"\0\xff", b"caf\xe9")
_LENGTHS = ("abc", "", "é")  # texts of different lengths, an empty one among them


def _integers(datatype: str) -> list[int]:
    """Integers at the ends of a datatype, and between them."""
    row = DATATYPES[datatype]
    assert row.minimum is not None
    assert row.maximum is not None
    hard = {row.minimum, row.minimum + 1, 0, 1, 2**53 + 1, 2**31, row.maximum - 1, row.maximum}
    return sorted(e for e in hard if row.minimum <= e <= row.maximum)


@dataclass(frozen=True)
class Hard:
    """Elements of one kind by their datatype. ``refusable``: a model may have no use for them."""

    kind: str
    elements: Callable[[str], Sequence[Any]]
    refusable: bool = False


HARD = {
    "integers": [Hard("integer", _integers)],
    "floats": [Hard("number", _EDGES.__getitem__)],
    "specials": [Hard("number", lambda _: _SPECIALS, refusable=True)],
    "booleans": [Hard("boolean", lambda _: (True, False))],
    "text": [Hard("string", lambda _: _TEXTS), Hard("string", lambda _: _WITH_NUL, refusable=True)],
    "bytes": [Hard("string", lambda _: _NO_UTF8, refusable=True)],
}


def check_exact(name: str, model: Model, known: Known, ways: Ways) -> None:
    """The elements that ``HARD`` has by this name come back as they were, of each input that takes them."""
    __tracebackhide__ = True
    for hard in HARD[name]:
        for spec in _returned_inputs(model, known, hard.kind):
            _check_returned(model, spec, hard.elements(spec.datatype), ways, refusable=hard.refusable)


def _returned_inputs(model: Model, known: Known, element: str) -> list[TensorSpec]:
    """The inputs of this kind of element, when the model is known to return its inputs."""
    demand_echo(model, known)
    datatypes = {name for name, row in DATATYPES.items() if row.element == element}
    # Text as a NumPy array ends at its last character that is not NUL: content-types.round-trip.np.
    plain = ("", "str") if element == "string" else ("", "np")
    found = [s for s in model.inputs if s.datatype in datatypes and s.content_type in plain]
    if element == "string":  # it may have to be a date, base64 or JSON, of which not all metadata tells
        found = [spec for spec in found if _takes_any_text(model, spec)]
    if not found:
        not_implemented(f"the model has no such input: {', '.join(sorted(datatypes))}")
    return found


def _takes_any_text(model: Model, spec: TensorSpec) -> bool:
    row = {**model.base_rows[0], spec.name: ["conformance \u00e9"] * spec.row_size}
    return model.infer(model.body([row])).answered


def _check_returned(
    model: Model, spec: TensorSpec, elements: Sequence[Any], ways: Ways, *, refusable: bool
) -> None:
    """Elements of one input come back as they were, each way, and each as the first of a row."""
    __tracebackhide__ = True
    for way, ask in ways.items():
        for place in range(len(elements)):
            turned = [*elements[place:], *elements[:place]]
            row = {**model.base_rows[0], spec.name: (turned * spec.row_size)[: spec.row_size]}
            answer = ask(model.body([row]))
            if refusable and answer.refused:
                continue
            check_ok(answer, f"{spec.name!r} takes {spec.datatype}")
            got, sent = (_bits(each, spec.datatype) for each in (_data(model, answer, spec), row[spec.name]))
            message = f"{spec.name!r} ({spec.datatype}, {way}) came back changed"
            check(got == sent, message, answer, got=tensors.brief(got), expected=tensors.brief(sent))


def _data(model: Model, answer: Answer, spec: TensorSpec) -> list[Any]:
    """The data of the output that returns an input: by its name, or else by its place."""
    place = [one.name for one in model.inputs].index(spec.name)
    outputs = list(answer.outputs.values())
    output = answer.outputs.get(spec.name) or (outputs[place] if place < len(outputs) else {})
    return list(output.get("data", []))


def _bits(elements: Sequence[Any], datatype: str) -> list[Any]:
    """Elements that can be compared: NaN is itself, and -0.0 is not 0.0."""
    if DATATYPES[datatype].element != "number":
        return list(elements)
    return [
        "NaN" if e != e else struct.pack("<d", e) if isinstance(e, float) else e
        for e in tensors.held(elements, datatype)
    ]


def check_lengths(model: Model, known: Known, ways: Ways) -> None:
    """Several elements of different lengths behind each other, empty ones among them, come back."""
    __tracebackhide__ = True
    specs = _returned_inputs(model, known, "string")
    if model.limit < len(_LENGTHS):
        untested(f"{model.name} takes no batches")
    row = model.base_rows[0]
    rows = [{**row, **{spec.name: [text] * spec.row_size for spec in specs}} for text in _LENGTHS]
    for ask in ways.values():
        answer = ask(model.body(rows))
        check_ok(answer, "each element stands behind its length")
        for spec in specs:
            got = answer.outputs.get(spec.name, {}).get("data")
            expected = [text for text in _LENGTHS for _ in range(spec.row_size)]
            check(got == expected, f"{spec.name!r} came back changed", answer, got=got, expected=expected)
