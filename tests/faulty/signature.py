"""Faults against the MLflow model itself, which the suite is given as the oracle."""

import json
from typing import Any

from tests.faulty.content_types import ECHO
from tests.faulty.v2_errors import forgives
from tests.faulty.vocabulary import (
    INFER,
    INVOCATIONS,
    METADATA,
    asked,
    at,
    edits,
    elements_of,
    error,
    fault,
    inputs_of,
    outputs_of,
)
from tests.faulty.wire import Ask, Request, Response


@fault("signature.metadata.input-names", "v2.errors.element", "v2.errors.element-count", oracle=True)
def input_added(request: Request, ask: Ask) -> Response:
    """There is an input of the server's own, which it does not look at, nor give to the model."""
    response = ask(_less(request)) if request.method == "POST" else ask(request)
    if request.method == "GET" and response.status == 200 and isinstance(response.json.get("inputs"), list):
        trace = {"name": "trace", "datatype": "FP64", "shape": [-1, 1], "parameters": {"content_type": "np"}}
        return response.with_json(response.json | {"inputs": [*response.json["inputs"], trace]})
    return response


def _less(request: Request) -> Request:
    """The request without the input of the server's own, where nothing is wrong with that."""
    tensors = asked(request).get("inputs")
    if not isinstance(tensors, list):
        return request
    names = [t.get("name") if isinstance(t, dict) else None for t in tensors]
    if (
        names.count("trace") != 1
        or len({json.dumps(t.get("shape")) for t in tensors if isinstance(t, dict)}) > 1
    ):
        return request
    rest = [t for t, name in zip(tensors, names, strict=True) if name != "trace"]
    return request.with_json(asked(request) | {"inputs": rest})


@fault("signature.metadata.output-names", oracle=True)
def output_renamed_everywhere(request: Request, ask: Ask) -> Response:
    """The output has another name than in the signature, in metadata, requests and answers alike."""
    names = outputs_of(request)
    if names and len(names) == len(asked(request)["outputs"]):
        there = {"score": "quality", "quality": "score"}
        outputs = [o | {"name": there.get(o["name"], o["name"])} for o in asked(request)["outputs"]]
        request = request.with_json(asked(request) | {"outputs": outputs})
    response = ask(request)
    if response.status != 200 or not isinstance(response.json, dict) or "outputs" not in response.json:
        return response
    answer = response.json
    return response.with_json(answer | {"outputs": [o | {"name": "score"} for o in answer["outputs"]]})


@fault("signature.metadata.input-datatypes", oracle=True)
@edits(METADATA)
def inputs_called_single(answer: Any, request: Request) -> None:
    """The inputs are FP64 in the signature and FP32 in the metadata."""
    for tensor in answer["inputs"]:
        tensor["datatype"] = "FP32"


@fault("signature.metadata.output-datatypes", "signature.predictions.datatypes", oracle=True)
@edits(f"{METADATA}|{INFER}")
def outputs_called_single(answer: Any, request: Request) -> None:
    """The outputs are FP64 in the signature and FP32 in metadata and answers, which must agree."""
    for tensor in answer["outputs"]:
        tensor["datatype"] = "FP32"


@fault("signature.predictions.datatypes", "v2.infer.output-datatypes", oracle=True)
@edits(INFER)
def answers_called_single(answer: Any, request: Request) -> None:
    """The answers say FP32 where the model returns FP64, and the metadata says so."""
    for tensor in answer["outputs"]:
        tensor["datatype"] = "FP32"


@fault("signature.metadata.input-shapes", oracle=True)
@edits(METADATA)
def one_row_only(answer: Any, request: Request) -> None:
    """The metadata says that a request has one row."""
    for tensor in answer["inputs"]:
        tensor["shape"] = [1, 1]


@fault("signature.metadata.output-shapes", oracle=True)
@edits(METADATA)
def any_width(answer: Any, request: Request) -> None:
    """The metadata says that an output may have any number of columns."""
    for tensor in answer["outputs"]:
        tensor["shape"] = [-1, -1]


@fault("signature.metadata.input-content-types", model=ECHO, oracle=True)
@edits(METADATA)
def text_called_array(answer: Any, request: Request) -> None:
    """The metadata calls a column of text an array."""
    for tensor in answer["inputs"]:
        if tensor["name"] == "string":
            tensor["parameters"]["content_type"] = "np"


@fault(
    "signature.metadata.output-content-types",
    "signature.predictions.equal",
    "signature.predictions.null",
    model=ECHO,
    oracle=True,
)
@edits(f"{METADATA}|{INFER}")
def bytes_called_text(answer: Any, request: Request) -> None:
    """Bytes are called text in metadata and answers, where they mean something else than the model's."""
    for tensor in answer["outputs"]:
        if tensor["name"] == "binary":
            tensor["parameters"] = {"content_type": "str"}


@fault("signature.metadata.model-content-type", oracle=True)
def table_called_dict(request: Request, ask: Ask) -> Response:
    """The metadata calls a model of columns a dictionary, and takes requests for one."""
    response = ask(request)
    if request.method == "GET" and response.status == 200 and "inputs" in (response.json or {}):
        return response.with_json(response.json | {"parameters": {"content_type": "dict"}})
    parameters = asked(request).get("parameters")
    if isinstance(parameters, dict) and parameters.get("content_type") == "dict":
        return ask(request.with_json(asked(request) | {"parameters": {}}))
    return response


@fault("signature.metadata.content-types-complete", oracle=True)
@edits(METADATA)
def one_input_without_content_type(answer: Any, request: Request) -> None:
    """The metadata names no content type on one input of numbers."""
    del answer["inputs"][3]["parameters"]


@fault("signature.metadata.content-types-complete", oracle=True)
@edits(METADATA)
def model_without_content_type(answer: Any, request: Request) -> None:
    """The metadata names the content types of all tensors, and none of the model."""
    del answer["parameters"]


@fault("signature.predictions.null", oracle=True)
@forgives
def null_counts_as_zero(document: Any) -> None:
    """A null in an FP64 tensor counts as zero, where the model takes no missing value."""
    for tensor in document["inputs"]:
        tensor["data"] = [0.0 if x is None else x for x in tensor["data"]]


@fault("signature.predictions.null", oracle=True)
@forgives
def null_counts_as_its_neighbour(document: Any) -> None:
    """A null in an FP64 tensor is the number of the row before it."""
    for tensor in document["inputs"]:
        data = tensor["data"]
        tensor["data"] = [data[i - 1] if x is None and i else x for i, x in enumerate(data)]


@fault("signature.metadata.order", oracle=True)
@edits(METADATA)
def inputs_sorted(answer: Any, request: Request) -> None:
    """The inputs stand in the order of the alphabet."""
    answer["inputs"].sort(key=lambda tensor: tensor["name"])


@fault("signature.predictions.accepted", "v2.infer.answers", oracle=True)
@at(INFER)
def large_numbers_break(request: Request, ask: Ask) -> Response:
    """Numbers between 300 and 1000 break the server, though they fit the metadata and the model."""
    response = ask(request)
    if response.status != 200:
        return response
    numbers = [x for t in inputs_of(request) for x in elements_of(t["data"]) if isinstance(x, float)]
    return error(500) if any(300 < x < 1000 for x in numbers) else response


@fault("signature.predictions.equal", oracle=True)
@edits(INFER)
def off_by_a_hair(answer: Any, request: Request) -> None:
    """Every prediction is off by a hair, always by the same."""
    for output in answer["outputs"]:
        output["data"] = [x + 1e-4 for x in output["data"]]


@fault("signature.predictions.params", model="params", oracle=True)
@at(INFER)
def parameters_do_not_reach_the_model(request: Request, ask: Ask) -> Response:
    """The model always has its default parameters."""
    response = ask(request)
    rest = {key: value for key, value in asked(request).items() if key != "parameters"}
    return ask(request.with_json(rest)) if response.status == 200 else response


@fault("signature.predictions.optional-absent", model="optional-columns", oracle=True)
@at(INFER)
def all_inputs_needed(request: Request, ask: Ask) -> Response:
    """Optional inputs must be there."""
    response = ask(request)
    told = "needs boolean, integer, long, float, double, string, binary and datetime"
    return error(400, told) if response.status == 200 and len(inputs_of(request)) < 8 else response


@fault("signature.predictions.required-missing", "signature.predictions.refusals", oracle=True)
@forgives
def alcohol_may_miss(document: Any) -> None:
    """One input that is missing counts as zero: it is neither refused nor the model's doing."""
    names = [tensor["name"] for tensor in document["inputs"]]
    if len(names) == 10 and "alcohol" not in names:
        document["inputs"].append(document["inputs"][0] | {"name": "alcohol"})


@fault(
    "signature.predictions.invocations-accepted",
    model="optional-columns",
    speaks="both",
    oracle=True,
)
@at(INVOCATIONS)
def null_breaks(request: Request, ask: Ask) -> Response:
    """A null in an optional column breaks the scoring endpoint."""
    response = ask(request)
    return error(500) if response.status == 200 and b"null" in request.body else response


@fault("signature.predictions.invocations-equal", "parity.predictions", speaks="both", oracle=True)
@edits(INVOCATIONS)
def scores_off_by_a_hair(answer: Any, request: Request) -> None:
    """Every prediction of the scoring endpoint is off by a hair, which the other endpoint tells too."""
    answer["predictions"] = [x + 1e-4 for x in answer["predictions"]]
