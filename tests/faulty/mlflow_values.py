"""Faults of the scoring protocol in single values, single rows, and what is left of a request."""

import json
import re
from typing import Any

from tests.faulty.content_types import ECHO
from tests.faulty.vocabulary import (
    INVOCATIONS,
    answered,
    asked,
    at,
    edits,
    fault,
    kept_for_the_next,
    responds,
    scoring_error,
    text,
)
from tests.faulty.wire import Ask, Request, Response


def _mended(request: Request, ask: Ask, pattern: str, other: str) -> Response:
    """The answer to a request that is refused, with something else in the place of a pattern."""
    response = ask(request)
    if response.status != 400 or not asked(request):
        return response
    mended = ask(request.with_json(json.loads(re.sub(pattern, other, json.dumps(asked(request))))))
    return mended if mended.status == 200 else response


@fault("mlflow.values.integer-range", model=ECHO, speaks="mlflow", echo=True)
@at(INVOCATIONS)
def large_integers_wrap(request: Request, ask: Ask) -> Response:
    """Integers beyond 64 bits are cut to them, as C does."""
    return _mended(request, ask, r"\b18446744073709551617\b", "1")


@fault("mlflow.values.integer-range", model=ECHO, speaks="mlflow", echo=True)
@at(INVOCATIONS)
def large_integers_saturate(request: Request, ask: Ask) -> Response:
    """The first integer beyond 64 bits is the largest within."""
    return _mended(request, ask, r"\b9223372036854775808\b", "9223372036854775807")


@fault("mlflow.values.fraction", model=ECHO, speaks="mlflow", echo=True)
@at(INVOCATIONS)
def fractions_cut(request: Request, ask: Ask) -> Response:
    """A fraction in a column of integers is cut."""
    return _mended(request, ask, r"\b1\.5\b", "1")


@fault("mlflow.values.datetime-guessed", model=ECHO, speaks="mlflow", echo=True)
@at(INVOCATIONS)
def days_guessed(request: Request, ask: Ask) -> Response:
    """A day with slashes is read as people in one country do."""
    return _mended(request, ask, r"\b(\d\d)/(\d\d)/(\d{4})\b", r"\3-\2-\1")


@fault("mlflow.values.one-row", speaks="mlflow")
@edits(INVOCATIONS)
def one_prediction_bare(answer: Any, request: Request) -> None:
    """The prediction of one row is no list."""
    if isinstance(answer.get("predictions"), list) and len(answer["predictions"]) == 1:
        (answer["predictions"],) = answer["predictions"]


@fault(
    "mlflow.isolation.params", "mlflow.predictions.concurrent", model="params", speaks="mlflow", answers=True
)
@at(INVOCATIONS)
def params_stay(request: Request, ask: Ask) -> Response:
    """Params stay for the next request that has none, which concurrent requests tell too."""
    split = "dataframe_split" in asked(request)
    return kept_for_the_next(request, ask, "params") if split else ask(request)


@fault("mlflow.predictions.deterministic", model="string-labels", speaks="mlflow")
@edits(INVOCATIONS)
def one_score_in_twenty(answer: Any, request: Request) -> None:
    """One answer in twenty has another text."""
    request.memory["count"] = count = request.memory.get("count", 0) + 1
    if count % 20 == 0:
        answer["predictions"] = [x + "!" for x in answer["predictions"]]


@fault("mlflow.health.version-form", speaks="mlflow")
@responds("GET /version")
def version_unknown(response: Response, request: Request) -> Response:
    """Nobody knows the version."""
    return text(200, "unknown")


@fault("mlflow.invocations.chunked", speaks="mlflow")
@at(INVOCATIONS)
def scoring_chunks_not_read(request: Request, ask: Ask) -> Response:
    """A body in chunks is taken for none."""
    chunks = "transfer-encoding" in request.headers
    return scoring_error(400, "the body is empty") if chunks else ask(request)


@fault("mlflow.invocations.content-coding", speaks="mlflow")
@at(INVOCATIONS)
def scoring_deflate_breaks(request: Request, ask: Ask) -> Response:
    """A body in deflate coding without the header of zlib is a failure of the server."""
    coded = request.headers.get("content-encoding") == "deflate"
    return answered(ask(request), 500) if coded and request.body[:1] != b"\x78" else ask(request)
