"""The predictions against those of the model itself."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from conformance.asking.invocations import PATH, Invocations, predictions
from conformance.asking.model import Model
from conformance.asking.neighbours import around_null
from conformance.asking.strategies import datetimes, texts
from conformance.checks.assertions import by_rows, check, check_ok, check_status, fail
from conformance.checks.skips import no_request, not_implemented, untested
from conformance.harness.target import Target
from conformance.oracles.expected import check_predictions, expected_of, paired, predicted
from conformance.oracles.mlmodel import Oracle, Refused
from conformance.transport.exchange import Exchange
from conformance.wire import content_types, tensors
from conformance.wire.scoring import RECORDS, SPLIT
from conformance.wire.tensors import TOLERANCE, Row, TensorSpec
from spec.tables import DATATYPES

requirement = pytest.mark.requirement
UNKNOWN = "conformance_unknown"
_NULLS = 8  # inputs of which each holds a null once
Rows = st.SearchStrategy[list[Row]]


@pytest.fixture(scope="session")
def rows(mlflow_model: Model, oracle: Oracle) -> Rows:
    """Rows that fit the metadata of a model that has a signature."""
    if not oracle.inputs:
        not_implemented("the model has no signature")
    structured = any(spec.content_type == "pd_json" for spec in mlflow_model.inputs)
    known = mlflow_model.sample or mlflow_model.known or mlflow_model.base
    if not mlflow_model.inputs or (structured and not known):
        untested("nothing tells what the model takes: give a request with --sample FILE")
    drawn = mlflow_model.rows()
    return drawn if mlflow_model.base is None else st.one_of(st.just(list(mlflow_model.base_rows)), drawn)


@pytest.fixture(scope="session")
def good(mlflow_model: Model, oracle: Oracle) -> Model:
    """The model, which has a signature, and a request that it is known to accept."""
    if not oracle.inputs:
        not_implemented("the model has no signature")
    if mlflow_model.base is None:
        no_request(mlflow_model.name)
    return mlflow_model


@requirement("signature.predictions.accepted")
@given(data=st.data())
def test_accepted(mlflow_model: Model, oracle: Oracle, rows: Rows, data: st.DataObject) -> None:
    body = mlflow_model.body(data.draw(rows))
    expected_of(oracle, body)
    answer = mlflow_model.infer(body)
    check_status(answer, range(200, 500), "the model itself takes the request")


@requirement("signature.predictions.equal")
@given(data=st.data())
def test_equal(good: Model, oracle: Oracle, rows: Rows, data: st.DataObject) -> None:
    def compare(rows: Sequence[Row]) -> None:
        body = good.body(rows)
        expected = predicted(oracle, body)
        answer = good.infer(body)
        assume(answer.status == 200)
        check_predictions(good, answer, expected)

    by_rows(compare, data.draw(rows))


@requirement("signature.predictions.datatypes")
@given(data=st.data())
def test_datatypes(good: Model, oracle: Oracle, rows: Rows, data: st.DataObject) -> None:
    body = good.body(data.draw(rows))
    expected = expected_of(oracle, body)
    answer = good.infer(body)
    assume(answer.status == 200)
    signed = {one.spec.name: one.spec.datatype for one in oracle.outputs}
    for name, one in expected.items():
        for found, output in paired(good, answer, expected):
            if found is one and one.datatype:
                allowed = sorted({one.datatype, signed.get(name, one.datatype)})
                got = str(output.get("datatype")).upper()
                message = f"output {output['name']!r} has not the datatype of the prediction"
                check(got in allowed, message, answer, got=got, expected=" or ".join(allowed))


@requirement("signature.predictions.null")
def test_null(good: Model, oracle: Oracle) -> None:
    steady = good.deterministic  # else a refusal is all that can be compared
    for body in _lacking(good):
        answer = good.infer(body)
        if answer.status != 200:
            continue
        try:
            expected = oracle.predict(body)
        except Refused as refusal:
            message = "the model itself does not take a missing value, and yet there is a prediction"
            fail(
                message,
                answer,
                got=tensors.brief(tensors.outputs_by_name(answer.json)),
                expected=str(refusal),
            )
        if steady:
            check_predictions(good, answer, expected)


def _lacking(model: Model) -> Iterator[dict[str, Any]]:
    """Good requests with a null in one input of floating-point numbers: alone, before and after a number."""
    floats = [spec for spec in model.inputs if spec.datatype.startswith("FP")]
    if not floats:
        not_implemented("the model has no input of floating-point numbers")
    for spec in floats[:_NULLS]:
        yield from (model.body(rows) for rows, _ in around_null(model, spec))


# Parameters

_PARAMS: dict[str, st.SearchStrategy[Any]] = {
    "boolean": st.booleans(),
    "integer": st.integers(-1000, 1000),
    "long": st.integers(-1000, 1000),
    "float": st.integers(-64, 64).map(lambda i: i / 4),
    "double": st.floats(-1000, 1000),
    "string": texts,
    "datetime": datetimes,
}


def _scalars(oracle: Oracle) -> dict[str, str]:
    """The types of the parameters that a request can carry, by name."""
    found = {p["name"]: p["type"] for p in oracle.params if p["shape"] is None and p["type"] in _PARAMS}
    if not found:
        not_implemented("the signature has no parameters of a scalar type")
    return found


@requirement("signature.predictions.params")
@given(data=st.data())
def test_params(good: Model, oracle: Oracle, rows: Rows, data: st.DataObject) -> None:
    optional = {name: _PARAMS[kind] for name, kind in _scalars(oracle).items()}
    params = data.draw(st.fixed_dictionaries({}, optional=optional), label="params")
    body = good.body(data.draw(rows), parameters=params)
    expected = expected_of(oracle, body)
    answer = good.infer(body)
    check_ok(answer, "the parameters are those of the signature")
    check_predictions(good, answer, expected)


@requirement("signature.predictions.params-invalid")
def test_params_invalid(good: Model, oracle: Oracle) -> None:
    for name, kind in _scalars(oracle).items():
        wrong: Any = 1.5 if kind in ("string", "boolean", "integer", "long") else "no such value"
        answer = good.infer(good.base_body | {"parameters": {name: wrong}})
        check_status(answer, range(400, 500), f"{wrong!r} is no {kind}, which the parameter {name!r} is")


@requirement("signature.predictions.params-unknown")
def test_params_unknown(good: Model, behaviour: Callable[[str, str], None]) -> None:
    answer = good.infer(good.base_body | {"parameters": {UNKNOWN: 1}})
    behaviour("unknown parameter", _told(good, answer))


def _told(model: Model, answer: Exchange) -> str:
    """What an answer is worth beside the one to the good request."""
    assert model.base is not None
    if answer.status != 200:
        return f"refused ({answer.status})"
    changed = tensors.difference(model.base.json, answer.json)
    return "changes the prediction" if changed else "ignored"


# Inputs that are missing, or too many


def _without(body: dict[str, Any], names: set[str]) -> dict[str, Any]:
    return body | {"inputs": [tensor for tensor in body["inputs"] if tensor["name"] not in names]}


def _optional(oracle: Oracle) -> list[str]:
    found = [one.spec.name for one in oracle.inputs if not one.required]
    if not found:
        not_implemented("the signature has no optional input")
    return found


@requirement("signature.predictions.optional-absent")
def test_optional_absent(mlflow_model: Model, oracle: Oracle) -> None:
    optional = _optional(oracle)
    full = mlflow_model.body([_simple(mlflow_model.inputs)])
    whole = mlflow_model.infer(full).status == 200
    for absent in (set(optional), *({name} for name in optional if whole)):
        body = _without(full, absent)
        try:
            expected = oracle.predict(body)
        except Refused:
            untested("the model itself refuses plain values")
        answer = mlflow_model.infer(body)
        if answer.status != 200 and not whole:
            untested(f"{mlflow_model.name} refuses the request with its optional inputs too")
        check_ok(answer, f"only optional inputs are absent: {', '.join(sorted(absent))}")
        check_predictions(mlflow_model, answer, expected)


@requirement("signature.predictions.optional-null")
def test_optional_null(mlflow_model: Model, oracle: Oracle, behaviour: Callable[[str, str], None]) -> None:
    needed = {one.spec.name for one in oracle.inputs if one.required}
    for name in _optional(oracle):
        spec = next((spec for spec in mlflow_model.inputs if spec.name == name), None)
        if spec is None:
            continue
        specs = [s for s in mlflow_model.inputs if s.name in needed or s is spec]
        body = tensors.request(specs, [{**_simple(specs), name: [None] * spec.row_size}])
        answer = mlflow_model.infer(body)
        output = tensors.outputs_by_name(answer.json).get(name, {})
        told = f"{tensors.brief(output['data'])} came back" if "data" in output else "answered"
        label = spec.content_type if spec.datatype == "BYTES" else spec.datatype
        behaviour(label or spec.datatype, told if answer.status == 200 else f"refused ({answer.status})")


def _simple(specs: Sequence[TensorSpec]) -> Row:
    """A row of plain elements."""
    return {spec.name: [_plain(spec)] * spec.row_size for spec in specs}


def _plain(spec: TensorSpec) -> Any:
    """An element that any model should take."""
    row = DATATYPES.get(spec.datatype)
    written = {"base64": "YQ==", "datetime": "2020-01-01T00:00:00", "pd_json": "{}"}
    plain = {"boolean": True, "integer": 1, "number": 1.0, "string": written.get(spec.content_type, "a")}
    return plain[row.element if row else "number"]


@requirement("signature.predictions.required-missing")
def test_required_missing(good: Model, oracle: Oracle) -> None:
    for name in _required(good, oracle):
        answer = good.infer(_without(good.base_body, {name}))
        check_status(answer, range(400, 600), f"the model can't predict without {name!r}")


def _required(model: Model, oracle: Oracle) -> list[str]:
    """Some inputs that the model needs, beside others."""
    told = {spec.name for spec in model.inputs}
    found = [one.spec.name for one in oracle.inputs if one.required and one.spec.name in told]
    if not found or len(told) < 2:
        not_implemented("the model has one input")
    return found if len(found) <= 4 else [*found[:2], *found[-2:]]


@requirement("signature.predictions.refusals")
def test_refusals(good: Model, oracle: Oracle) -> None:
    wrong = [_reshaped(good, spec.name) for spec in good.inputs if spec.row_shape not in ((), (1,))][:3]
    if len(good.inputs) > 1:
        wrong += [_without(good.base_body, {name}) for name in _required(good, oracle)]
    refused = [body for body in wrong if _refuses(oracle, body)]
    if not refused:
        not_implemented("the signature refuses nothing that could be tried")
    for body in refused:
        check_status(good.infer(body), range(400, 500), "the signature does not allow it")


def _reshaped(model: Model, name: str) -> dict[str, Any]:
    """The good request with one more element in the last dimension of a tensor."""
    body = model.base_body
    for tensor in body["inputs"]:
        if tensor["name"] == name:
            *outer, last = tensor["shape"]
            tensor["shape"] = [*outer, last + 1]
            tensor["data"] = (tensors.flat(tensor["data"]) * 2)[: math.prod(tensor["shape"])]
    return body


def _refuses(oracle: Oracle, body: Mapping[str, Any]) -> bool:
    try:
        oracle.predict(body)
    except Refused as refusal:
        return refusal.by_schema
    return False


@requirement("signature.predictions.extra-inputs")
def test_extra_inputs(good: Model, behaviour: Callable[[str, str], None]) -> None:
    body = good.base_body
    extra = body["inputs"][0] | {"name": UNKNOWN}
    behaviour("at the end", _told(good, good.infer(body | {"inputs": [*body["inputs"], extra]})))
    behaviour("at the start", _told(good, good.infer(body | {"inputs": [extra, *body["inputs"]]})))


@requirement("signature.predictions.no-signature")
def test_no_signature(mlflow_model: Model, oracle: Oracle) -> None:
    if oracle.signature is not None:
        not_implemented("the model has a signature")
    column = {"name": "x", "shape": [1, 1], "datatype": "FP64", "data": [1.0]}
    known = [request for request in (mlflow_model.sample, mlflow_model.known) if request]
    for body in (*known, {"inputs": [column]}):
        explicit = content_types.explicit(body, [TensorSpec("x", "FP64", (-1, 1), "np")], "pd")
        check_status(mlflow_model.infer(explicit), range(200, 500), "the request says how to read it")


# The scoring protocol


@pytest.fixture(scope="session")
def endpoint(target: Target, rows: Rows, mlflow_model: Model) -> Invocations:
    """The scoring endpoint of a model whose rows are known."""
    if "mlflow" in target.missing:
        not_implemented(target.missing["mlflow"])
    found = Invocations(mlflow_model)
    if not found.forms:
        not_implemented("no form of scoring request holds the inputs of this model")
    return found


def _scoring_request(endpoint: Invocations, oracle: Oracle, data: st.DataObject) -> dict[str, Any]:
    """A scoring request with some optional cells null and some params."""
    form = data.draw(st.sampled_from(endpoint.forms), label="form")
    portable = form not in (SPLIT, RECORDS)  # elsewhere MLflow keeps bytes as base64, and null as None
    rows: list[Row] = [dict(row) for row in data.draw(endpoint.rows(portable=portable))]
    optional = [one.spec.name for one in oracle.inputs if not one.required]
    if optional and endpoint.table and not portable:
        null = data.draw(st.sets(st.sampled_from(optional)), label="null")
        place = data.draw(st.integers(0, len(rows) - 1), label="row")
        rows[place] = {**rows[place], **{name: [None] for name in null}}
    params = {p["name"]: _PARAMS[p["type"]] for p in oracle.params if p["shape"] is None}
    given = data.draw(st.fixed_dictionaries({}, optional=params), label="params")
    return endpoint.body(rows, form) | ({"params": given} if given else {})


def _score(oracle: Oracle, body: Any) -> Any:
    try:
        return oracle.score(body)
    except Refused:
        assume(False)


@requirement("signature.predictions.invocations-accepted")
@given(data=st.data())
def test_invocations_accepted(endpoint: Invocations, oracle: Oracle, data: st.DataObject) -> None:
    body = _scoring_request(endpoint, oracle, data)
    _score(oracle, body)
    check_status(endpoint.post(body), range(200, 500), "MLflow's scoring code answers the request")


def _with_nulls(endpoint: Invocations, oracle: Oracle) -> Iterator[tuple[dict[str, Any], Any, str]]:
    """Tables whose last row has a null in an optional column, what MLflow makes of them, and the column."""
    optional = [one.spec.name for one in oracle.inputs if not one.required]
    if not optional or not endpoint.table:
        not_implemented("no column is optional")
    if endpoint.base is None:
        no_request(PATH)
    for name in optional:
        last = {**endpoint.base_rows[0], name: [None]}
        for rows in ([last], [*endpoint.base_rows, last]):
            body = endpoint.body(rows, SPLIT)
            with suppress(Refused):
                yield body, oracle.score(body)["predictions"], name


@requirement("signature.predictions.invocations-accepted")
def test_invocations_null(endpoint: Invocations, oracle: Oracle) -> None:
    for body, _, name in _with_nulls(endpoint, oracle):
        message = f"MLflow's scoring code answers null in {name!r}"
        check_status(endpoint.post(body), range(200, 500), message)


def _check_scores(endpoint: Invocations, answer: Exchange, expected: Any) -> None:
    """The predictions are those of MLflow's scoring code."""
    __tracebackhide__ = True
    got = predictions(answer)
    same = tensors.close(got, expected, TOLERANCE[endpoint.datatype])
    message = "the predictions are not those of MLflow's scoring code"
    check(same, message, answer, got=tensors.brief(got), expected=tensors.brief(expected))


@requirement("signature.predictions.invocations-equal")
def test_invocations_null_equal(endpoint: Invocations, oracle: Oracle) -> None:
    for body, expected, _ in _with_nulls(endpoint, oracle):
        answer = endpoint.post(body)
        if answer.status == 200:
            _check_scores(endpoint, answer, expected)


@requirement("signature.predictions.invocations-equal")
@given(data=st.data())
def test_invocations_equal(endpoint: Invocations, oracle: Oracle, data: st.DataObject) -> None:
    body = _scoring_request(endpoint, oracle, data)
    expected = _score(oracle, body)["predictions"]
    answer = endpoint.post(body)
    assume(answer.status == 200)
    _check_scores(endpoint, answer, expected)
