"""MLServer's content types: what a model that returns its inputs makes of each."""

import base64
import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.asking import strategies
from conformance.asking.model import Model
from conformance.checks.assertions import check, check_ok
from conformance.checks.skips import not_implemented
from conformance.harness.target import Target
from conformance.oracles.echo import Carrier, echo_carrier
from conformance.wire import content_types, tensors
from spec.tables import DATATYPES

requirement = pytest.mark.requirement
# Text that looks like something else.
_LOOKALIKES = [
    "2021-01-01", "2021-01-01T00:00:00Z", "007", "1", "1.50", "1e5", "NaN", "null", "None", "true", "True",
    "YQ==", "{}", '{"a": 1}', "[1, 2]", '"quoted"', "b'x'", " padded ", "\\u0041", "%41", "&amp;",
]  # fmt: skip
# Bytes that are no text, that end text, or that fill base64 in every way.
_HARD_BYTES = [
    b"", b"a", b"ab", b"abc", b"\0", b"a\0b\0", b"\xff\xfe", b"\x80", b"\n", b" a ", bytes(range(256)),
]  # fmt: skip
_HARD_TIMES = [
    "1969-12-31T23:59:59.999999", "1970-01-01T00:00:00", "2024-02-29T12:30:00", "2026-01-02T03:04:05.000001",
    "2026-01-02", "2026-10-25T02:30:00", "1900-01-01T00:00:00", "2200-12-31T23:59:59",
    "2026-01-02T03:04:05.5",
]  # fmt: skip


@requirement("content-types.round-trip.np")
@given(data=st.data())
def test_np(model: Model, target: Target, data: st.DataObject) -> None:
    found = echo_carrier(model, target.answers, "np")
    sent = {t["name"]: _distinct(t, data) for t in found.inputs}
    answer = found.with_data(sent)
    check_ok(answer, "the tensors have their datatypes and shapes")
    for tensor in found.inputs:
        name, got = tensor["name"], found.echoed(answer, tensor["name"])
        for member, wanted in (("datatype", tensor["datatype"]), ("shape", tensor["shape"])):
            have = got.get(member)
            same = have == wanted or (member == "shape" and have == [*wanted, 1])
            check(same, f"{name!r} has another {member}", answer, got=have, expected=wanted)
        elements = tensors.flat(got.get("data"))
        message = f"the elements of {name!r} are not in their places"
        check(elements == sent[name], message, answer, got=elements, expected=sent[name])


def _distinct(tensor: dict[str, Any], data: st.DataObject) -> list[Any]:
    """Elements in a random order, distinct as far as the datatype has them."""
    order = data.draw(st.permutations(range(len(tensors.flat(tensor["data"])))))
    make: dict[str, Callable[[int], Any]] = {
        "boolean": lambda i: i % 2 == 0,
        "integer": lambda i: i % 120,
        "number": lambda i: i + 0.5,
        "string": str,
    }
    return [make[DATATYPES[tensor["datatype"]].element](i) for i in order]


def _check_round_trip(
    model: Model, target: Target, content_type: str, elements: st.SearchStrategy[str], data: st.DataObject
) -> None:
    """Whatever elements an input of the content type holds, an echo model returns their meaning."""
    __tracebackhide__ = True
    found = echo_carrier(model, target.answers, content_type)
    sizes = {t["name"]: len(tensors.flat(t["data"])) for t in found.inputs}
    columns = {name: st.lists(elements, min_size=size, max_size=size) for name, size in sizes.items()}
    found.check_echo(data.draw(st.fixed_dictionaries(columns)), content_type)


def _check_each(model: Model, target: Target, content_type: str, elements: Sequence[str]) -> None:
    """An echo model returns the meaning of each of the elements, sent as many at a time as there are rows."""
    __tracebackhide__ = True
    found = echo_carrier(model, target.answers, content_type)
    sizes = {t["name"]: len(tensors.flat(t["data"])) for t in found.inputs}
    for start in range(0, len(elements), min(sizes.values())):
        turned = [*elements[start:], *elements[:start]] * max(sizes.values())
        found.check_echo({name: turned[:size] for name, size in sizes.items()}, content_type)


@requirement("content-types.round-trip.str")
def test_str(model: Model, target: Target) -> None:
    _check_each(model, target, "str", _LOOKALIKES)


@requirement("content-types.round-trip.base64")
def test_base64_hard(model: Model, target: Target) -> None:
    _check_each(model, target, "base64", [base64.b64encode(raw).decode("ascii") for raw in _HARD_BYTES])


@requirement("content-types.round-trip.base64")
@given(data=st.data())
def test_base64(model: Model, target: Target, data: st.DataObject) -> None:
    _check_round_trip(model, target, "base64", strategies.base64s, data)


@requirement("content-types.round-trip.datetime")
def test_datetime_hard(model: Model, target: Target) -> None:
    _check_each(model, target, "datetime", _HARD_TIMES)


_spelled = st.one_of(
    strategies.datetimes,
    strategies.datetimes.map(lambda text: text[:19]),
    strategies.datetimes.map(lambda text: text[:10]),
    strategies.datetimes.map(lambda text: f"{text[:19]}.250"),
)


@requirement("content-types.round-trip.datetime")
@given(data=st.data())
def test_datetime(model: Model, target: Target, data: st.DataObject) -> None:
    _check_round_trip(model, target, "datetime", _spelled, data)


@requirement("content-types.round-trip.datetime-zoned")
@pytest.mark.parametrize("zone", ["Z", "+00:00", "+05:30", "-08:00"])
def test_datetime_zoned(model: Model, target: Target, zone: str) -> None:
    found = echo_carrier(model, target.answers, "datetime")
    time = f"2026-01-02T03:04:05{zone}"
    sent = {t["name"]: [time] * len(tensors.flat(t["data"])) for t in found.inputs}
    answer = found.with_data(sent)
    if not answer.answered:
        not_implemented(f"{model.name} takes no time with a zone (status {answer.status})")
    found.check_echo(sent, "datetime")


@requirement("content-types.round-trip.pd-json")
@given(data=st.data())
def test_pd_json(model: Model, target: Target, data: st.DataObject) -> None:
    found = echo_carrier(model, target.answers, "pd_json")
    sent = {}
    for tensor in found.inputs:
        known = [json.loads(text) for text in tensors.flat(tensor["data"])]
        values = st.sampled_from(known).flatmap(strategies.alike)
        texts = st.builds(_spelled_json, values, st.booleans(), st.sampled_from([None, 1]))
        sent[tensor["name"]] = data.draw(st.lists(texts, min_size=len(known), max_size=len(known)))
    found.check_echo(sent, "pd_json")


def _spelled_json(value: Any, ascii: bool, indent: int | None) -> str:
    return json.dumps(value, ensure_ascii=ascii, indent=indent)


@requirement("content-types.round-trip.dict")
@given(data=st.data())
def test_dict(model: Model, target: Target, data: st.DataObject) -> None:
    if model.content_type != "dict":
        not_implemented(f"the content type of {model.name} is not dict")
    found = echo_carrier(model, target.answers, "np")
    inputs = []
    for spec in model.inputs:
        count = data.draw(st.integers(1, 3)) if spec.batched else 1
        rows = data.draw(st.lists(strategies.row([spec]), min_size=count, max_size=count))
        inputs.append(tensors.tensor(spec, rows))
    answer = model.infer(content_types.explicit({"inputs": inputs}, model.inputs, "dict"))
    check_ok(answer, "each tensor fits the metadata")
    for tensor in inputs:
        got, wanted = found.echoed(answer, tensor["name"]).get("shape"), tensor["shape"]
        message = f"{tensor['name']!r} has not its own shape"
        check(got in (wanted, [*wanted, 1]), message, answer, got=got, expected=wanted)


@requirement("content-types.round-trip.null")
def test_null(model: Model, target: Target) -> None:
    found = echo_carrier(model, target.answers, "np")
    kinds = ("integer", "boolean")  # numbers with a fraction are v2.data.null
    _check_null(found, [t for t in found.inputs if DATATYPES[t["datatype"]].element in kinds])


@requirement("content-types.round-trip.null")
def test_null_text(model: Model, target: Target) -> None:
    found = echo_carrier(model, target.answers, "str")
    _check_null(found, found.inputs)


def _check_null(found: Carrier, inputs: Sequence[dict[str, Any]]) -> None:
    """A null at the start of each of the inputs is refused, or comes back as a null or as NaN."""
    __tracebackhide__ = True
    for tensor in inputs:
        name, (_, *rest) = tensor["name"], tensors.flat(tensor["data"])
        answer = found.with_data({name: [None, *rest]})
        if answer.answered:
            got = tensors.flat(found.echoed(answer, name).get("data"))[:1]
            told = [e for e in got if e is not None and e == e]
            check(not told, f"a value was made up for null in {name!r}", answer, got=got)
