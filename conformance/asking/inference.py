"""Inference requests that differ from a good one by a member, and what of their answers is compared."""

import json
from typing import Any

from hypothesis import assume
from hypothesis import strategies as st

from conformance.asking.model import Model
from conformance.checks.assertions import check, check_ok, check_status
from conformance.checks.skips import not_implemented, untested
from conformance.transport.exchange import Exchange
from conformance.transport.http import JSON
from conformance.wire import tensors
from spec.validation import is_valid

PARAMETERS: dict[str, Any] = {
    "conformance_s": "text",
    "conformance_i": 7,
    "conformance_f": 0.5,
    "conformance_b": True,
}


def check_same(one: Exchange, two: Exchange, message: str) -> None:
    """Two answers hold the same outputs."""
    __tracebackhide__ = True
    different = tensors.difference(one.json, two.json)
    check(not different, message, one, two, got=different)


def check_selected(answer: Exchange, usual: Exchange) -> None:
    """The outputs that were asked for are the same as where all came."""
    __tracebackhide__ = True
    everything = tensors.outputs_by_name(usual.json)
    for name, output in tensors.outputs_by_name(answer.json).items():
        same = tensors.equal_data(
            output.get("data"), everything.get(name, {}).get("data"), str(output.get("datatype"))
        )
        message = f"output {name!r} has other data when asked for"
        check(name not in everything or same, message, answer, usual)


def infer_paths(model: Model) -> list[str]:
    """Where the model can be asked: at its own path, and at those of its versions."""
    return [model.path("infer"), *(model.path("versions", v, "infer") for v in model.versions)]


def check_id(model: Model, id: str) -> None:
    """The good request with this id is answered, with the id."""
    __tracebackhide__ = True
    answer = model.infer(model.base_body | {"id": id})
    check_ok(answer, "the request differs from a good one only by its id")
    check_id_of(answer, id)


def check_id_taken(model: Model, id: str) -> None:
    """Where the good request with this id, in ASCII, is taken, the answer has the id."""
    __tracebackhide__ = True
    body = json.dumps(model.base_body | {"id": id}).encode()
    answer = model.client.send("POST", model.path("infer"), body, JSON)
    check_status(answer, range(200, 500), "the request differs from a good one only by its id")
    if answer.status == 200:
        check_id_of(answer, id)


def check_id_of(answer: Exchange, id: str) -> None:
    """The answer has the id."""
    __tracebackhide__ = True
    got = answer.json.get("id") if isinstance(answer.json, dict) else None
    check(got == id, "the id is not the request's", answer, got=got, expected=id)


def declared(model: Model) -> set[str]:
    """The outputs that the metadata declares. Skips when it declares none."""
    if not model.outputs:
        not_implemented("the metadata lists no outputs")
    return {spec.name for spec in model.outputs}


def output_names(model: Model) -> list[str]:
    """The outputs of the model as it answers them."""
    assert model.base is not None
    return sorted(tensors.outputs_by_name(model.base.json))


def choices(model: Model) -> st.SearchStrategy[list[str]]:
    """Some of the outputs."""
    names = output_names(model)
    if not names:
        untested("the answer has no outputs to choose from")
    return st.lists(st.sampled_from(names), min_size=1, unique=True)


def drawn(model: Model, data: st.DataObject) -> Exchange:
    """A good answer, to a request for all outputs or for some."""
    names = data.draw(st.one_of(st.just([]), choices(model)))
    members = {"outputs": [{"name": name} for name in names]} if names else {}
    answer = model.predict(data.draw(model.rows()), **members)
    assume(answer.status == 200)
    return answer


def asking(model: Model, names: list[str]) -> Exchange:
    """The answer to the good request for these outputs."""
    return model.infer(model.base_body | {"outputs": [{"name": name} for name in names]})


def paired(model: Model, answer: Exchange) -> list[tuple[tensors.TensorSpec, dict[str, Any]]]:
    """Each declared output with the one in the answer.

    A single output is paired whatever its name: names are a requirement of their own.
    """
    outputs = tensors.outputs_by_name(answer.json)
    if len(outputs) == len(model.outputs) == 1:
        return [(model.outputs[0], next(iter(outputs.values())))]
    return [(spec, outputs[spec.name]) for spec in model.outputs if spec.name in outputs]


def with_parameters(model: Model, level: str, parameters: dict[str, Any]) -> Exchange:
    """The answer to the good request with parameters at the level of the request, its inputs or outputs."""
    return model.infer(parametrised(model, level, parameters))


def parametrised(model: Model, level: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """The good request with parameters at the level of the request, its inputs or its outputs."""
    body = json.loads(json.dumps(model.base_body))
    assert model.base is not None
    if level == "outputs":
        body["outputs"] = [{"name": name} for name in tensors.outputs_by_name(model.base.json)]
    for holder in ([body] if level == "request" else body[level]) if parameters else []:
        holder["parameters"] = holder.get("parameters", {}) | parameters
    return dict(body)


def with_empty_parameters(model: Model, level: str) -> Exchange:
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
        check_status(answer, range(200, 500), f"a parameter of the {level} is no server error")
    check_ok(with_empty_parameters(model, level), f"the {level} may have parameters of which there are none")


def order_of(answer: Exchange, wanted: list[str], of: int) -> str:
    """Which of all the outputs an answer has, in words: ``wanted`` were asked for, there are ``of``."""
    got = list(tensors.outputs_by_name(answer.json))
    told = {0: "no output", of: "all outputs"}.get(len(got), f"{len(got)} output")
    return "as asked" if got == wanted and wanted else told


def check_refused_alike(model: Model, body: bytes) -> None:
    """What the model's own path refuses in the protocol's form, the paths of its versions refuse so too."""
    __tracebackhide__ = True
    own, *others = (model.client.send("POST", path, body, JSON) for path in infer_paths(model))
    if own.status not in range(400, 500) or not is_valid("v2/error", own.json):
        untested("the model's own path does not refuse it with a 4xx status and an error object: v2.errors")
    for answer in others:
        told = "the model's own path refuses it with a 4xx status and an error object"
        check_status(answer, range(400, 500), told)
        check(is_valid("v2/error", answer.json), told, answer, own)
