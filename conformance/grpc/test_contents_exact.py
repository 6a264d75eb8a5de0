"""The contents of tensors: what a model that returns its inputs makes of hard elements, in both forms."""

import struct
from collections.abc import Sequence
from typing import Any

import pytest

from conformance.asking.rpc import RpcModel
from conformance.checks.assertions import check, check_ok
from conformance.checks.skips import not_implemented, untested
from conformance.harness.target import Target
from conformance.oracles.echo import demand_echo
from conformance.wire import tensors
from conformance.wire.messages import Form
from conformance.wire.tensors import TensorSpec
from spec.tables import DATATYPES

requirement = pytest.mark.requirement
_FLOATS = (0.0, -0.0, float("inf"), float("-inf"), float("nan"))
_EDGES = {  # least subnormal, least normal, largest, one above 1
    "FP16": (2.0**-24, 2.0**-14, 65504.0, 1 + 2.0**-10),
    "FP32": (2.0**-149, 2.0**-126, (2 - 2.0**-23) * 2.0**127, 1 + 2.0**-23),
    "FP64": (5e-324, 2.0**-1022, (2 - 2.0**-52) * 2.0**1023, 1 + 2.0**-52),
}
_TEXTS = ("", "a", "é", "\U0001f377", "a\0b", " \n", "x" * 300)
_WITH_NUL = ("\0", "a\0")  # NumPy's text ends at its last character that is not NUL
_BYTES = (b"\xff\xfe", b"\x80", b"\0\xff", b"caf\xe9")


def _echoes(model: RpcModel, target: Target, element: str) -> list[TensorSpec]:
    """The inputs of this kind of element, when the model is known to return its inputs."""
    demand_echo(model, target.answers)
    datatypes = {name for name, row in DATATYPES.items() if row.element == element}
    # Text as a NumPy array ends at its last character that is not NUL: content-types.round-trip.np.
    plain = ("", "str") if element == "string" else ("", "np")
    found = [s for s in model.inputs if s.datatype in datatypes and s.content_type in plain]
    if (
        element == "string"
    ):  # what else text may have to be (a date, base64, JSON) gRPC's metadata does not tell
        found = [spec for spec in found if _takes_any_text(model, spec)]
    if not found:
        not_implemented(f"the model has no such input: {', '.join(sorted(datatypes))}")
    return found


def _takes_any_text(model: RpcModel, spec: TensorSpec) -> bool:
    row = {**model.base_rows[0], spec.name: ["conformance \u00e9"] * spec.row_size}
    return model.infer_as(Form.TYPED, model.body([row])).answered


def _check_returned(
    model: RpcModel, spec: TensorSpec, elements: Sequence[Any], *, refusable: bool = False
) -> None:
    """Elements of one input come back as they were, in both forms; each request holds as many as a row."""
    for form in Form:
        for element in elements:
            row = {**model.base_rows[0], spec.name: [element] * spec.row_size}
            answer = model.infer_as(form, model.body([row]))
            if refusable and answer.refused:
                continue
            check_ok(answer, f"{spec.name!r} takes {spec.datatype}")
            place = [one.name for one in model.inputs].index(spec.name)
            outputs = list(answer.outputs.values())
            output = answer.outputs.get(spec.name) or (outputs[place] if place < len(outputs) else {})
            got, sent = (_bits(each, spec.datatype) for each in (output.get("data", []), row[spec.name]))
            message = f"{spec.name!r} ({spec.datatype}, {form.value}) came back changed"
            check(got == sent, message, answer, got=repr(got[:1]), expected=repr(sent[:1]))


def _bits(elements: Sequence[Any], datatype: str) -> list[Any]:
    """Elements that can be compared: NaN is itself, and -0.0 is not 0.0."""
    if DATATYPES[datatype].element != "number":
        return list(elements)
    return [
        "NaN" if e != e else struct.pack("<d", e) if isinstance(e, float) else e
        for e in tensors.held(elements, datatype)
    ]


@requirement("grpc.contents.exact-integers")
def test_exact_integers(rpc_scored: RpcModel, target: Target) -> None:
    for spec in _echoes(rpc_scored, target, "integer"):
        row = DATATYPES[spec.datatype]
        assert row.minimum is not None
        assert row.maximum is not None
        hard = {row.minimum, row.minimum + 1, 0, 1, 2**53 + 1, 2**31, row.maximum - 1, row.maximum}
        _check_returned(rpc_scored, spec, sorted(e for e in hard if row.minimum <= e <= row.maximum))


@requirement("grpc.contents.exact-floats")
def test_exact_floats(rpc_scored: RpcModel, target: Target) -> None:
    for spec in _echoes(rpc_scored, target, "number"):
        _check_returned(rpc_scored, spec, _EDGES[spec.datatype])


@requirement("grpc.contents.exact-specials")
def test_exact_specials(rpc_scored: RpcModel, target: Target) -> None:
    """A model may refuse what no number is; a server that takes it must not make another one of it."""
    for spec in _echoes(rpc_scored, target, "number"):
        _check_returned(rpc_scored, spec, _FLOATS, refusable=True)


@requirement("grpc.contents.exact-booleans")
def test_exact_booleans(rpc_scored: RpcModel, target: Target) -> None:
    for spec in _echoes(rpc_scored, target, "boolean"):
        _check_returned(rpc_scored, spec, (True, False))


@requirement("grpc.contents.exact-text")
def test_exact_text(rpc_scored: RpcModel, target: Target) -> None:
    for spec in _echoes(rpc_scored, target, "string"):
        _check_returned(rpc_scored, spec, _TEXTS)
        _check_returned(rpc_scored, spec, _WITH_NUL, refusable=True)


@requirement("grpc.contents.exact-bytes")
def test_exact_bytes(rpc_scored: RpcModel, target: Target) -> None:
    for spec in _echoes(rpc_scored, target, "string"):
        _check_returned(rpc_scored, spec, _BYTES, refusable=True)


@requirement("grpc.contents.bytes-raw")
def test_bytes_raw(rpc_scored: RpcModel, target: Target) -> None:
    """Several elements of different lengths behind each other, empty ones among them."""
    specs = _echoes(rpc_scored, target, "string")
    if rpc_scored.limit < 3:
        untested(f"{rpc_scored.name} takes no batches")
    texts = ["abc", "", "é"]
    row = rpc_scored.base_rows[0]
    rows = [{**row, **{spec.name: [text] * spec.row_size for spec in specs}} for text in texts]
    answer = rpc_scored.infer_as(Form.RAW, rpc_scored.body(rows))
    check_ok(answer, "each element stands behind its length")
    for spec in specs:
        got = answer.outputs.get(spec.name, {}).get("data")
        expected = [text for text in texts for _ in range(spec.row_size)]
        check(got == expected, f"{spec.name!r} came back changed", answer, got=got, expected=expected)
