"""What is demanded of a model whichever transport carries its requests; each raises NonConformance."""

from conformance.asking.batches import accepted_neighbours
from conformance.asking.inference import (
    PARAMETERS,
    asking,
    check_id_of,
    check_same,
    check_selected,
    declared,
    output_names,
    paired,
    versions,
    with_parameters,
)
from conformance.asking.model import Model
from conformance.checks.assertions import (
    check,
    check_no_failure,
    check_ok,
    check_refused,
    check_takes,
)
from conformance.checks.skips import not_implemented
from conformance.transport.answer import Answer
from conformance.transport.outcome import Outcome
from conformance.wire import tensors
from conformance.wire.tensors import Row

NO_OUTPUT = "no-such-output"
_NOT_THERE = {"502"}  # what stands before the server may say so while that starts
_LEFT_OUT = 8  # inputs that are left out, one at a time


def answers(model: Model, rows: list[Row]) -> None:
    """Rows that fit the metadata are answered."""
    __tracebackhide__ = True
    answer = model.predict(rows)
    if not answer.answered and model.sample is None:
        check_takes(model.name, [a for a in (model.predict([row]) for row in rows) if not a.answered])
    check_ok(answer, "the request fits the metadata")


def answers_batch(model: Model) -> None:
    """A row that is accepted, twice, is no failure."""
    __tracebackhide__ = True
    if model.limit > 1:
        answer = model.predict([*model.base_rows] * 2)
        check_no_failure(answer, "a row that is accepted stands there twice")


def fails_still(model: Model) -> None:
    """What failed before anything was accepted is no good request a moment later."""
    __tracebackhide__ = True
    for body, failure in model.failures:
        if failure.evidence.outcome is Outcome.FAILURE and failure.status not in _NOT_THERE:
            answer = model.infer(body)
            check(not answer.answered, "the same request failed at first", failure, answer)


def listed_versions(model: Model) -> None:
    """Each version that the metadata lists answers, and names itself where it names one."""
    __tracebackhide__ = True
    if not model.versions:
        not_implemented("the metadata lists no versions")
    for version in model.versions:
        answer = model.infer(model.base_body, version)
        check_ok(answer, f"version {version} is listed")
        got = answer.model_version
        check(got in (None, version), "another version answered", answer, got=got, expected=version)


def id_beside(model: Model) -> None:
    """The id comes back whatever else the request has, and of whichever version."""
    __tracebackhide__ = True
    rows = [*model.base_rows] * (2 if model.batched else 1)
    outputs = [{"name": name} for name in output_names(model)]
    for members in ({}, {"outputs": outputs}, {"parameters": PARAMETERS}):
        body = model.body(rows, id="conformance", **members)
        for version in versions(model):
            answer = model.infer(body, version)
            if answer.answered:
                check_id_of(answer, "conformance")


def all_outputs(model: Model) -> None:
    """Where none are asked for, the outputs are those of the metadata."""
    __tracebackhide__ = True
    expected = declared(model)
    answer = model.infer({k: v for k, v in model.base_body.items() if k != "outputs"})
    got = set(answer.outputs)
    message = "the outputs are not the metadata's"
    check(got == expected, message, answer, got=sorted(got), expected=sorted(expected))


def output_datatypes(model: Model, answer: Answer) -> None:
    """Each output has the datatype of the metadata; that it has one is another demand."""
    __tracebackhide__ = True
    for spec, output in paired(model, answer):
        got = str(output.get("datatype", spec.datatype)).upper()
        message = f"output {spec.name!r} has not the datatype of the metadata"
        check(got == spec.datatype, message, answer, model.metadata, got=got, expected=spec.datatype)


def output_shapes(model: Model, answer: Answer) -> None:
    """Each output has a shape of the metadata; that it is one is another demand."""
    __tracebackhide__ = True
    for spec, output in paired(model, answer):
        got = output.get("shape")
        if not tensors.is_shape(got):
            continue
        fits = tensors.unifies(got, spec.shape)
        message = f"output {spec.name!r} has not a shape of the metadata"
        check(fits, message, answer, model.metadata, got=got, expected=list(spec.shape))


def outputs_subset(model: Model) -> None:
    """All outputs together, and the first and the last alone, can be asked for."""
    __tracebackhide__ = True
    names = output_names(model)
    for wanted in (names, names[:1], names[-1:]) if names else ():
        answer = asking(model, wanted)
        check_ok(answer, "these are outputs of the model")
        got = sorted(answer.outputs)
        check(got == wanted, "the outputs are not those asked for", answer, got=got, expected=wanted)


def outputs_data(model: Model) -> None:
    """An output of a batch has the same data asked for alone."""
    __tracebackhide__ = True
    rows = [*model.base_rows] * min(model.limit, 2)
    usual = model.predict(rows)
    for name in output_names(model):
        answer = model.predict(rows, outputs=[{"name": name}])
        if usual.answered and answer.answered:
            check_selected(answer, usual)


def unknown_output(model: Model) -> None:
    """An output that is not there is refused."""
    __tracebackhide__ = True
    for names in ([NO_OUTPUT], [*output_names(model)[:1], NO_OUTPUT]):
        check_refused(asking(model, names), f"there is no output {NO_OUTPUT}")


def missing_inputs(model: Model) -> None:
    """A request that lacks an input is answered, where it is, as if none had come before it."""
    __tracebackhide__ = True
    rows = accepted_neighbours(model)[:3]
    inputs = model.base_body["inputs"]
    for tensor in inputs[:_LEFT_OUT] if len(inputs) > 1 else ():
        lacking = model.base_body | {"inputs": [one for one in inputs if one is not tensor]}
        if not model.infer(lacking).answered:
            continue
        answers = []
        for row in rows:
            model.predict([row])
            answers.append(model.infer(lacking))
        for answer in answers[1:]:
            told = f"{tensor['name']!r} is missing, and is taken from the request before"
            check_same(answers[0], answer, told)


def parameters_harmless(model: Model) -> None:
    """Parameters that nobody defined do not change the prediction, at any level."""
    __tracebackhide__ = True
    for level in ("request", "inputs", "outputs"):
        usual, answer = (with_parameters(model, level, some) for some in ({}, PARAMETERS))
        if answer.answered and usual.answered:
            check_same(answer, usual, f"parameters of the {level} changed the prediction")
