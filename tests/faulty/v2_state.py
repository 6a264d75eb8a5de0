"""Faults of what stays for the next request, and of what stands for a missing value."""

from typing import Any

from tests.faulty.vocabulary import INFER, asked, at, error, fault, kept_for_the_next, receives
from tests.faulty.wire import Ask, Request, Response


@fault("v2.data.stateless", "v2.infer.known-answers", model="params", answers=True)
@at(INFER)
def parameters_stay(request: Request, ask: Ask) -> Response:
    """Parameters stay for the next request that has none, among those without an id."""
    return ask(request) if "id" in asked(request) else kept_for_the_next(request, ask, "parameters")


def _names_for(holders: Any, content_type: str) -> bool:
    """Whether one of the inputs or outputs of a request names the content type."""
    told = [h.get("parameters") for h in holders if isinstance(h, dict)] if isinstance(holders, list) else []
    return any(isinstance(p, dict) and p.get("content_type") == content_type for p in told)


@fault("v2.data.stateless")
@at(INFER)
def content_type_of_an_input_stays(request: Request, ask: Ask) -> Response:
    """What was refused as pd_json is refused once more, though nothing calls it so."""
    response = ask(request)
    if _names_for(asked(request).get("inputs"), "pd_json"):
        request.memory["pd_json"] = response
        return response
    return request.memory.pop("pd_json", response) if response.status == 200 else response


@fault("v2.data.stateless")
@at(INFER)
def content_type_of_an_output_stays(request: Request, ask: Ask) -> Response:
    """After an output was asked for as pd_json, the next is text too."""
    response = ask(request)
    if _names_for(asked(request).get("outputs"), "pd_json"):
        request.memory["as text"] = True
        return response
    if response.status != 200 or not request.memory.pop("as text", False):
        return response
    answer = response.json
    for output in answer["outputs"]:
        output |= {"datatype": "BYTES", "data": [str(x) for x in output["data"]]}
    return response.with_json(answer)


@fault("v2.data.null", model="echo-columns", echo=True)
@receives(INFER)
def null_float_is_zero(document: Any) -> None:
    """A null in a tensor of floating-point numbers counts as zero."""
    for tensor in document["inputs"]:
        if tensor["datatype"] in ("FP32", "FP64"):
            tensor["data"] = [0.0 if x is None else x for x in tensor["data"]]


@fault("v2.data.null", model="echo-columns", echo=True)
@receives(INFER)
def null_is_the_one_before(document: Any) -> None:
    """A null in a tensor of floating-point numbers is the number before it."""
    for tensor in document["inputs"]:
        if tensor["datatype"] in ("FP32", "FP64") and len(tensor["data"]) > 1:
            data = tensor["data"]
            tensor["data"] = [data[max(i - 1, 0)] if x is None else x for i, x in enumerate(data)]


@fault("v2.infer.deterministic")
@at(INFER)
def first_inference_fails(request: Request, ask: Ask) -> Response:
    """What is loaded with the first inference is not there for it."""
    first = not request.memory.get("asked")
    request.memory["asked"] = True
    return error(500, "the model is not loaded") if first else ask(request)
