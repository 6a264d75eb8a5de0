"""Faults of inference: the members of the request and of the answer."""

import gzip
import random
from dataclasses import replace
from typing import Any

from tests.faulty.vocabulary import (
    ERROR,
    INFER,
    METADATA,
    MODEL_INFER,
    VERSION_INFER,
    WINE,
    asked,
    at,
    edits,
    elements_of,
    error,
    fault,
    headed,
    inputs_of,
    outputs_of,
    path_of,
    permitted,
    responds,
    text,
    without_outputs,
)
from tests.faulty.wire import Ask, Request, Response


@fault("v2.infer.answers")
@at(INFER)
def several_rows_break(request: Request, ask: Ask) -> Response:
    """Several rows are a failure of the server, of which the metadata says nothing."""
    several = any(t.get("shape") not in ([1], [1, 1]) for t in inputs_of(request))
    response = ask(request)
    return error(500, "one row, please") if response.status == 200 and several else response


@fault("v2.infer.answers")
@at(INFER)
def large_numbers_end_in_500(request: Request, ask: Ask) -> Response:
    """Numbers beyond 900 are too much for the server, of which the metadata says nothing."""
    numbers = [x for t in inputs_of(request) for x in elements_of(t.get("data")) if isinstance(x, float)]
    return error(500, "oops") if max(numbers, default=0) > 900 else ask(request)


@fault("v2.infer.schema")
@edits(INFER)
def output_without_shape(answer: Any, request: Request) -> None:
    """The outputs have no shape."""
    for output in answer["outputs"]:
        del output["shape"]


@fault("v2.infer.schema")
@edits(INFER)
def headers_in_parameters(answer: Any, request: Request) -> None:
    """The answer repeats the headers of the request, as an object among its parameters."""
    answer["parameters"] = {**answer.get("parameters", {}), "headers": {"host": "127.0.0.1"}}


@fault("v2.infer.schema")
@edits(INFER)
def shape_as_text(answer: Any, request: Request) -> None:
    """Dimensions are strings."""
    for output in answer["outputs"]:
        output["shape"] = [str(d) for d in output["shape"]]


@fault("v2.infer.schema")
@edits(INFER)
def shape_with_minus_one(answer: Any, request: Request) -> None:
    """The shape of an answer is copied from the metadata."""
    for output in answer["outputs"]:
        output["shape"] = [-1, 1]


@fault("v2.infer.schema")
@edits(INFER)
def datatype_lower_case(answer: Any, request: Request) -> None:
    """The datatype of an output is written in lower case."""
    for output in answer["outputs"]:
        output["datatype"] = output["datatype"].lower()


@fault("v2.infer.schema")
@edits(INFER)
def datatype_camel_case(answer: Any, request: Request) -> None:
    """The member datatype is called dataType."""
    for output in answer["outputs"]:
        output["dataType"] = output.pop("datatype")


@fault("v2.infer.schema")
@edits(INFER)
def answer_without_model(answer: Any, request: Request) -> None:
    """The answer does not name the model."""
    del answer["model_name"]


@fault("v2.infer.content-type")
@responds(INFER)
def answer_as_html(response: Response, request: Request) -> Response:
    """The answer is JSON, and called HTML, as a string returned to Flask is."""
    return headed(response, content_type="text/html; charset=utf-8")


@fault("v2.infer.content-type")
@at(INFER)
def json_not_acceptable(request: Request, ask: Ask) -> Response:
    """A client that accepts JSON alone is refused."""
    other = request.headers.get("accept") == "application/json"
    return text(406, "Not Acceptable") if other else ask(request)


@fault("v2.infer.content-type")
@at(INFER)
def anything_not_acceptable(request: Request, ask: Ask) -> Response:
    """A client that accepts anything is refused: only application/json will do."""
    given = request.headers.get("accept", "application/json")
    return ask(request) if given == "application/json" else error(406)


@fault("v2.infer.content-type")
@responds(INFER)
def html_for_browsers(response: Response, request: Request) -> Response:
    """A client that accepts anything counts as a browser: JSON is in HTML."""
    browser = "*/*" in request.headers.get("accept", "")
    return text(200, f"<pre>{response.body.decode()}</pre>", "text/html") if browser else response


@fault("v2.infer.strict-json")
@edits(INFER)
def nan_token(answer: Any, request: Request) -> None:
    """A parameter of the answer is NaN, which JSON does not have."""
    answer["parameters"] = {"seconds": float("nan")}


@fault("v2.infer.strict-json")
@responds(INFER)
def byte_order_mark(response: Response, request: Request) -> Response:
    """The answer begins with a byte order mark."""
    return replace(response, body=b"\xef\xbb\xbf" + response.body)


@fault("v2.infer.strict-json")
@responds(INFER)
def utf_16(response: Response, request: Request) -> Response:
    """The answer is JSON in UTF-16."""
    return replace(response, body=response.body.decode().encode("utf-16"))


@fault("v2.infer.strict-json")
@responds(INFER)
def member_twice(response: Response, request: Request) -> Response:
    """The answer has a member twice."""
    return replace(response, body=b'{"model_name":"' + WINE.encode() + b'",' + response.body.lstrip(b"{"))


@fault("v2.infer.strict-json")
@edits(INFER, ERROR)
def error_with_nan(answer: Any, request: Request) -> None:
    """An error has a member that is NaN."""
    answer["seconds"] = float("nan")


@fault("v2.infer.model-name")
@edits(INFER)
def model_path_as_name(answer: Any, request: Request) -> None:
    """The answer names the file behind the model."""
    answer["model_name"] = "models/wine.pkl"


@fault("v2.infer.model-version", model="versioned")
@edits(VERSION_INFER)
def latest_version_answers(answer: Any, request: Request) -> None:
    """The latest version answers, whichever was asked for."""
    answer["model_version"] = "2"


@fault("v2.infer.model-version", model="versioned")
@at(VERSION_INFER)
def versions_do_not_infer(request: Request, ask: Ask) -> Response:
    """Versions are listed, and have no inference endpoint."""
    return error(404, "there is no such endpoint")


@fault("v2.infer.version-named", model="versioned")
@edits(INFER)
def version_not_named(answer: Any, request: Request) -> None:
    """The answer does not name the version."""
    del answer["model_version"]


@permitted()
@edits(INFER)
def version_not_listed(answer: Any, request: Request) -> None:
    """A model whose versions can't be asked for, and are not listed, names the one that answers."""
    answer["model_version"] = "1"


@fault("v2.infer.unknown-model")
@at(MODEL_INFER)
def default_model_answers(request: Request, ask: Ask) -> Response:
    """A model that is not there has the answers of another one."""
    return ask(replace(request, target=f"/v2/models/{WINE}/infer"))


@fault("v2.infer.unknown-version")
@at(VERSION_INFER)
def default_version_answers(request: Request, ask: Ask) -> Response:
    """A version that is not there has the answers of the model."""
    return ask(replace(request, target=path_of(request).partition("/versions/")[0] + "/infer"))


@fault("v2.infer.null-members")
@edits(INFER)
def version_null(answer: Any, request: Request) -> None:
    """A model without versions answers with a version that is null."""
    answer["model_version"] = None


@fault("v2.infer.output-names")
@at(INFER)
def output_renamed(request: Request, ask: Ask) -> Response:
    """The output has another name in the answers, and in the requests, than in the metadata."""
    document = dict(asked(request))
    if outputs_of(request) == ["output-1"]:
        document["outputs"] = [{"name": "quality"}]
    response = ask(request.with_json(document) if document.get("outputs") else request)
    if response.status != 200:
        return response
    answer = response.json
    for output in answer.get("outputs", []):
        output["name"] = "output-1"
    return response.with_json(answer)


@fault("v2.infer.output-datatypes")
@edits(METADATA)
def metadata_says_integer(answer: Any, request: Request) -> None:
    """The metadata says INT64 of an output that is FP64, as a signature does that was made from labels."""
    answer["outputs"][0]["datatype"] = "INT64"


@fault("v2.infer.output-datatypes")
@edits(INFER)
def batches_called_single(answer: Any, request: Request) -> None:
    """Several rows are FP32 where the metadata says FP64."""
    for output in answer["outputs"]:
        output["datatype"] = "FP32" if output["shape"][0] > 1 else output["datatype"]


@fault("v2.infer.output-shapes")
@edits(INFER)
def output_without_column(answer: Any, request: Request) -> None:
    """The metadata says [-1, 1], the answers [N]."""
    for output in answer["outputs"]:
        output["shape"] = output["shape"][:1]


@fault("v2.infer.output-unique")
@edits(INFER)
def output_twice(answer: Any, request: Request) -> None:
    """The answer has the output twice."""
    answer["outputs"] *= 2


@fault("v2.infer.outputs-subset", model="multi-output")
@at(INFER)
def selection_ignored(request: Request, ask: Ask) -> Response:
    """The answer has all outputs, whichever were asked for."""
    response = ask(request)
    return ask(without_outputs(request)) if response.status == 200 and outputs_of(request) else response


@fault("v2.infer.outputs-data", model="multi-output")
@at(INFER)
def selection_by_place(request: Request, ask: Ask) -> Response:
    """The outputs asked for have their names, and the data of the first ones of the model."""
    response, everything = ask(request), ask(without_outputs(request)).json
    if response.status != 200 or not outputs_of(request):
        return response
    answer = response.json
    for output, first in zip(answer["outputs"], everything["outputs"], strict=False):
        output["data"] = first["data"]
    return response.with_json(answer)


@fault("v2.infer.outputs-unknown")
@at(INFER)
def unknown_output_ignored(request: Request, ask: Ask) -> Response:
    """A request for an output that is not there is answered with all outputs."""
    if set(outputs_of(request)) <= {"quality"}:
        return ask(request)
    return ask(without_outputs(request))


@fault("v2.infer.outputs-unknown", "v2.infer.outputs-made-up")
@at(INFER)
def unknown_output_made_up(request: Request, ask: Ask) -> Response:
    """An output that is not there is made out of another one: such an answer is no refusal either."""
    names = outputs_of(request)
    if set(names) <= {"quality"}:
        return ask(request)
    answer = ask(without_outputs(request)).json
    answer["outputs"][0]["name"] = names[0]
    return ask(without_outputs(request)).with_json(answer)


@fault("v2.infer.deterministic")
@edits(INFER)
def noise(answer: Any, request: Request) -> None:
    """Dropout is left on: each prediction has some noise."""
    for output in answer["outputs"]:
        output["data"] = [x + random.random() for x in output["data"]]


def _parametrised(holders: list[Any]) -> bool:
    """Whether a holder of parameters has one that is a floating-point number."""
    found = [
        h["parameters"] for h in holders if isinstance(h, dict) and isinstance(h.get("parameters"), dict)
    ]
    return any(isinstance(value, float) for parameters in found for value in parameters.values())


def _listed(request: Request) -> list[Any]:
    outputs = asked(request).get("outputs")
    return outputs if isinstance(outputs, list) else []


@fault("v2.infer.request-parameters")
@at(INFER)
def request_parameters_break(request: Request, ask: Ask) -> Response:
    """Parameters of the request may be text only; a number is a failure of the server."""
    return error(500) if _parametrised([asked(request)]) else ask(request)


@fault("v2.infer.input-parameters")
@at(INFER)
def input_parameters_break(request: Request, ask: Ask) -> Response:
    """A number among the parameters of an input is a failure of the server."""
    return error(500) if _parametrised(inputs_of(request)) else ask(request)


@fault("v2.infer.output-parameters")
@at(INFER)
def output_parameters_break(request: Request, ask: Ask) -> Response:
    """A number among the parameters of a requested output is a failure of the server."""
    return error(500) if _parametrised(_listed(request)) else ask(request)


@fault("v2.infer.parameters-harmless")
@edits(INFER)
def parameters_go_to_the_model(answer: Any, request: Request) -> None:
    """Unknown parameters reach the model, which predicts something else."""
    if any(name.startswith("conformance") for name in asked(request).get("parameters", {})):
        for output in answer["outputs"]:
            output["data"] = [x + 1 for x in output["data"]]


@fault("v2.infer.charset")
@at(INFER)
def charset_refused(request: Request, ask: Ask) -> Response:
    """Content-Type is compared as a whole: a charset makes it another one."""
    other = ";" in request.headers.get("content-type", "")
    return error(415, "send application/json") if other else ask(request)


@fault("v2.infer.charset")
@at(INFER)
def media_type_case_sensitive(request: Request, ask: Ask) -> Response:
    """The media type must be written in lower case."""
    given = request.headers.get("content-type", "").partition(";")[0]
    return error(415, "send application/json") if given != given.lower() else ask(request)


@fault("v2.infer.chunked")
@at(INFER)
def chunks_refused(request: Request, ask: Ask) -> Response:
    """A request needs a Content-Length."""
    return error(400, "send a Content-Length") if "transfer-encoding" in request.headers else ask(request)


@fault("v2.infer.content-coding")
@responds(INFER)
def gzip_not_told(response: Response, request: Request) -> Response:
    """Answers are gzipped for clients that take it, and do not say so."""
    packed = replace(response, body=gzip.compress(response.body))
    return packed if "gzip" in request.headers.get("accept-encoding", "") else response


@fault("v2.infer.deterministic", model="string-labels")
@edits(INFER)
def one_text_in_twenty(answer: Any, request: Request) -> None:
    """One answer in twenty has another text."""
    request.memory["count"] = count = request.memory.get("count", 0) + 1
    if count % 20 == 0:
        for output in answer["outputs"]:
            output["data"] = [x + "!" for x in output["data"]]
