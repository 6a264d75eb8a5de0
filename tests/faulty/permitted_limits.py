"""Unusual servers that are right: limits, extensions, codings and missing values."""

import re
import zlib
from dataclasses import replace
from typing import Any

from tests.faulty.v2_errors import forgives
from tests.faulty.vocabulary import (
    ANY,
    INDEX,
    INFER,
    INVOCATIONS,
    V2,
    asked,
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


def _rows(request: Request) -> int:
    """The rows of a good request, to either endpoint; those of CSV and Parquet too."""
    sent = asked(request)
    if "inputs" in sent and path_of(request) != "/invocations":
        return int(sent["inputs"][0]["shape"][0])
    return 0


def _limited(request: Request, ask: Ask, most: int, status: int, words: str) -> Response:
    """A server that takes at most so many rows at once, at both endpoints."""
    response = ask(request)
    if response.status != 200:
        return response
    predictions = (response.json or {}).get("predictions")
    rows = len(predictions) if isinstance(predictions, list) else _rows(request)
    refuse = error if predictions is None else scoring_error
    return refuse(status, words) if rows > most else response


@permitted()
@at(f"{INFER}|{INVOCATIONS}")
def four_rows_at_most(request: Request, ask: Ask) -> Response:
    """The batch has a limit, as a model of Triton's may have."""
    return _limited(request, ask, 4, 400, "inference request batch-size must be <= 4 for 'wine-classifier'")


@permitted()
@at(f"{INFER}|{INVOCATIONS}")
def one_row_at_most(request: Request, ask: Ask) -> Response:
    """One row is taken at a time."""
    return _limited(request, ask, 1, 422, "one row, please")


@permitted(model="echo-columns", echo=True)
@at(f"{INFER}|{INVOCATIONS}")
def two_rows_at_most(request: Request, ask: Ask) -> Response:
    """Two rows are taken at a time, of columns of all types."""
    return _limited(request, ask, 2, 413, "payload too large")


@permitted(speaks="v2")
@at(INFER)
def elements_limited(request: Request, ask: Ask) -> Response:
    """A request may hold sixty elements."""
    response = ask(request)
    held = sum(len(elements_of(t.get("data"))) for t in inputs_of(request))
    return error(413, "at most 60 elements") if response.status == 200 and held > 60 else response


@permitted()
@edits(INDEX)
def index_with_unloaded(answer: Any, request: Request) -> None:
    """Models that were unloaded, and one with a broken version beside a good one, as Triton tells of them."""
    answer += [
        {"name": "old", "version": "1", "state": "UNAVAILABLE", "reason": "unloaded"},
        {"name": answer[0]["name"], "version": "9", "state": "UNAVAILABLE", "reason": "no model.py"},
    ]


@permitted()
@edits(V2)
def extensions_of_others(answer: Any, request: Request) -> None:
    """Extensions have names that nobody else knows, or can't be asked for."""
    if "extensions" in answer:
        answer["extensions"] = ["model_repository_extension", "sequence", "schedule_policy", "house/metrics"]


@permitted()
def extensions_guarded(request: Request, ask: Ask) -> Response:
    """Extensions are there, for those who may use them, or who ask in other words."""
    path, parameters = path_of(request), asked(request).get("parameters")
    if re.search("/(stats|config|logging|setting|status)$", path):
        return error(403, "this API is restricted")
    if path.endswith("/infer") and isinstance(parameters, dict) and "binary_data_output" in parameters:
        return error(400, "binary data are for clients with a token")
    response = ask(request)
    if path.rstrip("/") != "/v2" or response.status != 200:
        return response
    listed = ["binary_tensor_data", "statistics", "logging", "trace", "model_configuration"]
    listed += ["model_repository", "system_shared_memory"]
    return response.with_json(response.json | {"extensions": listed})


@permitted()
@responds("GET /version")
def version_of_its_own(response: Response, request: Request) -> Response:
    """The version is the server's, with what git says."""
    return text(200, "v2.0.0rc1-14-g8a1b2c3+local")


@permitted()
@at(f"{INFER}|{INVOCATIONS}")
def deflate_refused(request: Request, ask: Ask) -> Response:
    """Bodies in deflate coding are not read."""
    refuse = scoring_error if path_of(request) == "/invocations" else error
    coded = request.headers.get("content-encoding") == "deflate"
    return refuse(415, "no deflate, please") if coded else ask(request)


@permitted()
@responds(ANY)
def deflate_when_accepted(response: Response, request: Request) -> Response:
    """Answers are in deflate coding for clients that take it."""
    if "deflate" not in request.headers.get("accept-encoding", "") or not response.body:
        return response
    return headed(replace(response, body=zlib.compress(response.body)), content_encoding="deflate")


@permitted()
@at(INVOCATIONS)
def length_required(request: Request, ask: Ask) -> Response:
    """The scoring endpoint demands a Content-Length."""
    chunks = "transfer-encoding" in request.headers
    return scoring_error(411, "length required") if chunks else ask(request)


@permitted(speaks="v2", oracle=True, model="optional-columns")
@at(INFER)
def null_refused(request: Request, ask: Ask) -> Response:
    """A null in a tensor is refused, where the model has optional columns too."""
    lacks = any(x is None for t in inputs_of(request) for x in elements_of(t.get("data")))
    return error(400, "null is no element") if lacks else ask(request)


@permitted(speaks="v2")
@forgives
def gaps_filled(document: Any) -> None:
    """The model itself fills a gap with 0, which can't be told from a server that does."""
    for tensor in document["inputs"]:
        tensor["data"] = [0.0 if x is None else x for x in tensor["data"]]
