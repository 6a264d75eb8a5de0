"""Inference requests that differ from a good one by a member, and what of their answers is compared."""

import json
import math
from collections.abc import Sequence
from typing import Any

from hypothesis import assume
from hypothesis import strategies as st

from conformance.asking.model import Model
from conformance.checks.assertions import check, check_no_failure, check_ok
from conformance.checks.skips import not_implemented, untested
from conformance.transport.answer import Answer
from conformance.wire import tensors
from conformance.wire.tensors import Row

PARAMETERS: dict[str, Any] = {
    "conformance_s": "text",
    "conformance_i": 7,
    "conformance_f": 0.5,
    "conformance_b": True,
}
_OTHER = {"FP64": "INT64", "INT64": "FP64", "FP32": "INT32", "INT32": "FP32"}  # of the same size


def check_same(one: Answer, two: Answer, message: str) -> None:
    """Two answers hold the same outputs."""
    __tracebackhide__ = True
    different = tensors.difference(one.outputs, two.outputs)
    check(not different, message, one, two, got=different)


def check_selected(answer: Answer, usual: Answer) -> None:
    """The outputs that were asked for are the same as where all came."""
    __tracebackhide__ = True
    everything = usual.outputs
    for name, output in answer.outputs.items():
        same = tensors.equal_data(
            output.get("data"), everything.get(name, {}).get("data"), str(output.get("datatype"))
        )
        message = f"output {name!r} has other data when asked for"
        check(name not in everything or same, message, answer, usual)


def versions(model: Model) -> list[str]:
    """The versions at which the model can be asked: that which the server chooses, and those listed."""
    return ["", *model.versions]


def check_id(model: Model, id: str) -> None:
    """The good request with this id is answered, with the id."""
    __tracebackhide__ = True
    answer = model.infer(model.base_body | {"id": id})
    check_ok(answer, "the request differs from a good one only by its id")
    check_id_of(answer, id)


def check_id_of(answer: Answer, id: str) -> None:
    """The answer has the id."""
    __tracebackhide__ = True
    check(answer.id == id, "the id is not the request's", answer, got=answer.id, expected=id)


def declared(model: Model) -> set[str]:
    """The outputs that the metadata declares. Skips when it declares none."""
    if not model.outputs:
        not_implemented("the metadata lists no outputs")
    return {spec.name for spec in model.outputs}


def output_names(model: Model) -> list[str]:
    """The outputs of the model as it answers them."""
    assert model.base is not None
    return sorted(model.base.outputs)


def choices(model: Model) -> st.SearchStrategy[list[str]]:
    """Some of the outputs."""
    names = output_names(model)
    if not names:
        untested("the answer has no outputs to choose from")
    return st.lists(st.sampled_from(names), min_size=1, unique=True)


def answered(model: Model, rows: Sequence[Row], **members: Any) -> Answer:
    """The prediction for rows that the metadata allows; a refusal is v2.infer.answers' finding."""
    answer = model.predict(rows, **members)
    assume(answer.answered)
    return answer


def good_or_drawn(model: Model) -> st.SearchStrategy[list[Row]]:
    """The good row, which comes first, or other rows."""
    return st.one_of(st.just(list(model.base_rows)), model.rows())


def drawn(model: Model, data: st.DataObject) -> Answer:
    """A good answer, to a request for all outputs or for some."""
    names = data.draw(st.one_of(st.just([]), choices(model)))
    members = {"outputs": [{"name": name} for name in names]} if names else {}
    answer = model.predict(data.draw(model.rows()), **members)
    assume(answer.answered)
    return answer


def asking(model: Model, names: list[str]) -> Answer:
    """The answer to the good request for these outputs."""
    return model.infer(model.base_body | {"outputs": [{"name": name} for name in names]})


def paired(model: Model, answer: Answer) -> list[tuple[tensors.TensorSpec, dict[str, Any]]]:
    """Each declared output with the one in the answer.

    A single output is paired whatever its name: names are a requirement of their own.
    """
    outputs = answer.outputs
    if len(outputs) == len(model.outputs) == 1:
        return [(model.outputs[0], next(iter(outputs.values())))]
    return [(spec, outputs[spec.name]) for spec in model.outputs if spec.name in outputs]


def with_parameters(model: Model, level: str, parameters: dict[str, Any]) -> Answer:
    """The answer to the good request with parameters at the level of the request, its inputs or outputs."""
    return model.infer(parametrised(model, level, parameters))


def parametrised(model: Model, level: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """The good request with parameters at the level of the request, its inputs or its outputs."""
    body = json.loads(json.dumps(model.base_body))
    assert model.base is not None
    if level == "outputs":
        body["outputs"] = [{"name": name} for name in model.base.outputs]
    for holder in ([body] if level == "request" else body[level]) if parameters else []:
        holder["parameters"] = holder.get("parameters", {}) | parameters
    return dict(body)


def with_empty_parameters(model: Model, level: str) -> Answer:
    """The good request where each holder of parameters at a level has the member, empty if it had none."""
    body = json.loads(json.dumps(model.base_body))
    body["outputs"] = [{"name": name} for name in output_names(model)]
    for holder in [body] if level == "request" else body[level]:
        holder.setdefault("parameters", {})
    if level != "outputs":
        del body["outputs"]
    return model.infer(body)


def check_parameters(model: Model, level: str) -> None:
    """Parameters of every scalar type are no server error at a level; there may be none."""
    __tracebackhide__ = True
    for name, value in PARAMETERS.items():
        answer = with_parameters(model, level, {name: value})
        check_no_failure(answer, f"a parameter of the {level} is no server error")
    check_ok(with_empty_parameters(model, level), f"the {level} may have parameters of which there are none")


def whole_numbers(model: Model) -> tuple[dict[str, Any], dict[str, Any]]:
    """The good request with whole numbers, and with these as another datatype whose elements have the same
    size."""
    row = {
        name: [float(int(e)) if isinstance(e, float) and math.isfinite(e) else e for e in data]
        for name, data in model.base_rows[0].items()
    }
    body = model.body([row])
    others = [
        tensor | {"datatype": _OTHER.get(tensor["datatype"], tensor["datatype"])} for tensor in body["inputs"]
    ]
    if others == body["inputs"]:
        not_implemented(f"the model has no input of {', '.join(_OTHER)}")
    return body, body | {"inputs": others}


def order_of(answer: Answer, wanted: list[str], of: int) -> str:
    """Which of all the outputs an answer has, in words: ``wanted`` were asked for, there are ``of``."""
    got = list(answer.outputs)
    told = {0: "no output", of: "all outputs"}.get(len(got), f"{len(got)} output")
    return "as asked" if got == wanted and wanted else told


def told(model: Model, answer: Answer) -> str:
    """What an answer is worth beside the one to the good request."""
    assert model.base is not None
    if not answer.answered:
        return f"refused ({answer.status})"
    changed = tensors.difference(model.base.outputs, answer.outputs)
    return "changes the prediction" if changed else "ignored"
