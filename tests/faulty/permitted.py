"""Unusual servers that are right: what the sources permit."""

import gzip
import re
import time
from dataclasses import replace
from email.utils import formatdate
from typing import Any

import numpy as np

from tests.faulty.v2_data import nan_as
from tests.faulty.vocabulary import (
    ANY,
    ERROR,
    INDEX,
    INFER,
    INVOCATIONS,
    LIVE,
    METADATA,
    MODEL_INFER,
    MODEL_METADATA,
    MODEL_READY,
    READY,
    SERVER,
    V2,
    answered,
    at,
    edits,
    elements_of,
    error,
    headed,
    inputs_of,
    path_of,
    permitted,
    responds,
    scoring_error,
    text,
)
from tests.faulty.wire import Ask, Request, Response

_HEALTH = f"{LIVE}|{READY}|{MODEL_READY}"


@permitted()
@edits(INFER)
def nested_answers(answer: Any, request: Request) -> None:
    """The data of answers is nested."""
    for output in answer["outputs"]:
        output["data"] = [[x] for x in output["data"]]


@permitted()
@edits(SERVER)
def replicas_with_names(answer: Any, request: Request) -> None:
    """The server's name is that of the replica which answers."""
    request.memory["count"] = request.memory.get("count", 0) + 1
    answer["name"] = f"replica-{request.memory['count'] % 3}"


@permitted()
@responds(ANY)
def problem_details(response: Response, request: Request) -> Response:
    """Errors of the protocol are declared as RFC 9457's problem details, which may have more members."""
    problem = (
        response.status >= 400 and path_of(request).startswith("/v2") and isinstance(response.json, dict)
    )
    return headed(response, content_type="application/problem+json") if problem else response


@permitted()
@responds(_HEALTH)
def empty_health(response: Response, request: Request) -> Response:
    """Health is told by the status alone."""
    return text(200, "")


@permitted()
@edits(_HEALTH)
def talkative_health(answer: Any, request: Request) -> None:
    """Health has members of its own."""
    answer |= {"uptime": 12.5, "status": "SERVING"}


@permitted()
@edits(_HEALTH)
def health_in_text(answer: Any, request: Request) -> Any:
    """Health is a JSON string."""
    return "ok"


@permitted()
@edits(V2)
def extra_members(answer: Any, request: Request) -> None:
    """Objects have members that the protocol does not define."""
    if isinstance(answer, dict):
        answer |= {"took": 0.5, "trace": {"span": "1"}, "cached": None}
        for tensor in answer.get("outputs", []):
            tensor["unit"] = "points"


@permitted()
@responds(V2, [400])
def refuses_with_422(response: Response, request: Request) -> Response:
    """A request at fault is refused with 422."""
    return answered(response, 422)


@permitted()
@responds(V2, [415])
def refuses_with_400(response: Response, request: Request) -> Response:
    """A media type is refused with 400."""
    return answered(response, 400)


@permitted()
@responds(V2, [404])
def unknown_is_400(response: Response, request: Request) -> Response:
    """A model that is not there is a request at fault."""
    return answered(response, 400)


@permitted()
@responds(ANY)
def chunked_answers(response: Response, request: Request) -> Response:
    """Answers come in chunks."""
    return replace(response, framing="chunked")


@permitted()
@responds(ANY)
def closes_connections(response: Response, request: Request) -> Response:
    """The server closes the connection after each answer."""
    return replace(response, headers={**response.headers, "Connection": "close"})


@permitted()
@at(ANY)
def http_1_0(request: Request, ask: Ask) -> Response:
    """The answers are HTTP/1.0: their end is the connection's, and chunks are not understood."""
    refused = "transfer-encoding" in request.headers
    return replace(error(400) if refused else ask(request), framing="close")


@permitted()
def slow(request: Request, ask: Ask) -> Response:
    """Every answer takes a while."""
    time.sleep(0.005)
    return ask(request)


@permitted(model="versioned")
@responds(ANY)
def versions(response: Response, request: Request) -> Response:
    """The model has two versions."""
    return response


@permitted()
@edits(INFER)
def id_made_by_the_server(answer: Any, request: Request) -> None:
    """A request without an id has one in its answer."""
    answer.setdefault("id", "made-by-the-server")


@permitted()
@edits(V2, ERROR)
def errors_with_more(answer: Any, request: Request) -> None:
    """Errors have members beside error."""
    answer |= {"code": 3, "details": []}


@permitted()
@edits(V2)
def members_reordered(answer: Any, request: Request) -> Any:
    """Members come in alphabetical order."""
    return dict(sorted(answer.items())) if isinstance(answer, dict) else answer


@permitted(model="multi-output")
@edits(INFER)
def outputs_reordered(answer: Any, request: Request) -> None:
    """Outputs come in another order than the metadata's and the request's."""
    answer["outputs"].reverse()


@permitted()
@edits(V2, range(200, 600), indent=2)
def pretty_printed(answer: Any, request: Request) -> None:
    """JSON is indented."""


@permitted(model="echo-columns", speaks="v2", answers=True)
@edits(V2, range(200, 600), ensure_ascii=True)
def letters_escaped(answer: Any, request: Request) -> None:
    """Letters beyond ASCII are escaped in JSON."""


@permitted(model="echo-columns", speaks="v2", answers=True)
@edits(V2, range(200, 600), ensure_ascii=False)
def letters_not_escaped(answer: Any, request: Request) -> None:
    """Letters beyond ASCII are not escaped in JSON."""


@permitted()
@at(INFER)
def single_precision_refused(request: Request, ask: Ask) -> Response:
    """FP32 is refused where the metadata says FP64."""
    other = any(t.get("datatype") == "FP32" for t in inputs_of(request))
    return error(400, "datatype must be FP64") if other else ask(request)


@permitted()
@at(INFER)
def rank_must_match(request: Request, ask: Ask) -> Response:
    """The shape [N] is refused where the metadata says [-1, 1]."""
    response = ask(request)
    other = response.status == 200 and any(len(t["shape"]) != 2 for t in inputs_of(request))
    return error(400, "the shape must have two dimensions") if other else response


@permitted()
@at(INFER)
def integers_refused(request: Request, ask: Ask) -> Response:
    """Integers are refused in a floating-point tensor."""
    whole = any(isinstance(x, int) for t in inputs_of(request) for x in elements_of(t.get("data")))
    return error(400, "elements must have a decimal point") if whole else ask(request)


@permitted(options=("--model", "wine-classifier"))
@at(INDEX)
def no_index(request: Request, ask: Ask) -> Response:
    """There is no repository index."""
    return error(404, "there is no such endpoint")


@permitted()
@responds(ANY, range(200, 600))
def charset_told(response: Response, request: Request) -> Response:
    """Content-Type names the charset."""
    kind = response.headers.get("Content-Type", "")
    return headed(response, content_type=f"{kind}; charset=utf-8") if ";" not in kind else response


@permitted()
@edits(INFER)
def whole_numbers(answer: Any, request: Request) -> None:
    """Floating-point numbers without a fraction are written without one."""
    for output in answer["outputs"]:
        output["data"] = [int(x) if x == int(x) else x for x in output["data"]]


@permitted()
@edits(METADATA)
def no_platform_known(answer: Any, request: Request) -> None:
    """The platform is not one of the names in the specification, and there is no version list."""
    answer |= {"platform": "house_made", "versions": []}


@permitted()
@edits(f"{METADATA}|{INFER}")
def no_content_types(answer: Any, request: Request) -> None:
    """Nothing of MLServer's additions: no parameters in metadata and answers."""
    for holder in [answer, *answer.get("inputs", []), *answer["outputs"]]:
        holder.pop("parameters", None)


@permitted()
@responds(ANY)
def gzip_when_accepted(response: Response, request: Request) -> Response:
    """Answers are gzipped for clients that take it."""
    wanted = request.headers.get("accept-encoding", "")
    if "gzip" not in wanted or "q=0" in wanted or not response.body:
        return response
    return headed(replace(response, body=gzip.compress(response.body)), content_encoding="gzip")


@permitted(speaks="v2")
@responds(ANY)
def no_mlflow(response: Response, request: Request) -> Response:
    """There is no MLflow protocol."""
    return response


@permitted(speaks="mlflow")
@responds(ANY)
def no_v2(response: Response, request: Request) -> Response:
    """There is the MLflow protocol alone."""
    return response


@permitted()
@at(f"{INFER}|{INVOCATIONS}")
def narrow_domain(request: Request, ask: Ask) -> Response:
    """Numbers beyond 900 are refused: the model takes less than its metadata can say."""
    response = ask(request)
    large = response.status == 200 and re.search(rb"[ ,\[](9\d\d|1\d\d\d)\.", request.body)
    if not large:
        return response
    refuse = scoring_error if path_of(request) == "/invocations" else error
    return refuse(400, "numbers must be below 900")


@permitted()
@at(INFER)
def small_batches_only(request: Request, ask: Ask) -> Response:
    """More than 64 rows are too many, and the server says so."""
    response = ask(request)
    large = response.status == 200 and any(t["shape"][0] > 64 for t in inputs_of(request))
    return error(413, "at most 64 rows") if large else response


@permitted(model="tensor")
@edits(METADATA)
def plain_tensors(answer: Any, request: Request) -> None:
    """A model of tensors without names of their own."""
    answer["platform"] = "numpy"


@permitted(model="tensors")
@edits(METADATA)
def properties_told(answer: Any, request: Request) -> None:
    """A model of named tensors; the metadata has properties."""
    answer["properties"] = {"owner": "somebody"}


@permitted(model="echo-columns", speaks="v2", answers=True)
@edits(INFER)
def shortest_digits(answer: Any, request: Request) -> None:
    """FP32 numbers have the digits that tell them apart from other FP32 numbers, and no more."""
    for output in answer["outputs"]:
        if output["datatype"] == "FP32":
            output["data"] = [float(str(np.float32(x))) for x in output["data"]]


@permitted(model="nonfinite", speaks="v2", oracle=True)
@at(INFER)
def nan_is_null(request: Request, ask: Ask) -> Response:
    """A prediction that is NaN is null."""
    return nan_as(request, ask, None)


@permitted()
def rate_limited(request: Request, ask: Ask) -> Response:
    """Every 300th request is one too many, which is told in different ways."""
    request.memory["count"] = count = request.memory.get("count", 0) + 1
    if count % 300:
        return ask(request)
    ways = ((429, "1"), (429, None), (503, formatdate(time.time() + 1, usegmt=True)))
    status, retry_after = ways[count // 300 % len(ways)]
    return headed(error(status, "too many requests"), retry_after=retry_after)


@permitted(speaks="v2")
@at(INFER)
def streams_alone(request: Request, ask: Ask) -> Response:
    """A model that is ready is for streams over gRPC alone: Triton's decoupled ones."""
    return error(501, "HTTP doesn't support models with a decoupled transaction policy")


@permitted(speaks="v2", model="versioned", options=("--model-version", "2"))
@at(f"{MODEL_METADATA}|{MODEL_READY}|{MODEL_INFER}")
def version_demanded(request: Request, ask: Ask) -> Response:
    """Nothing is answered without a version."""
    return error(400, "name the version: /v2/models/M/versions/V")


@permitted()
@edits(V2, range(400, 500))
def errors_repeat_the_request(answer: Any, request: Request) -> None:
    """An error repeats what was sent, with the address and the folder that the server is known by."""
    answer["error"] += f" (http://ml.example.rs:8080/srv/app{request.target}) {request.body[:500]!r}"


@permitted()
@responds(ANY, [405])
def method_not_implemented(response: Response, request: Request) -> Response:
    """A method that an endpoint does not have is not implemented."""
    return answered(response, 501)


@permitted(speaks="v2")
@edits(INFER)
def missing_values_are_null(answer: Any, request: Request) -> None:
    """The model returns NaN for some rows, which the protocol can't write: it is null."""
    for output in answer["outputs"]:
        output["data"] = [None if x < 5 else x for x in output["data"]]


@permitted()
@edits(INDEX)
def index_as_of_triton(answer: Any, request: Request) -> None:
    """The index gives no reason where there is none, and no state of what is not loaded."""
    for row in answer:
        del row["reason"]
    answer.append({"name": "not-loaded"})
