"""Faults of the scoring protocol in how requests are written and answers are sent."""

import math
import re
from dataclasses import replace
from typing import Any

from tests.faulty.vocabulary import INVOCATIONS, asked, at, edits, fault, responds, scoring_error, zipped
from tests.faulty.wire import Ask, Request, Response


def _is_csv(request: Request) -> bool:
    return "csv" in request.headers.get("content-type", "")


@fault("mlflow.invocations.accept", speaks="mlflow")
@at(INVOCATIONS)
def scoring_star_not_acceptable(request: Request, ask: Ask) -> Response:
    """Accept must name JSON alone."""
    other = request.headers.get("accept", "application/json") != "application/json"
    return scoring_error(406) if other else ask(request)


@fault("mlflow.invocations.content-coding", speaks="mlflow")
@responds(INVOCATIONS)
def scores_always_gzip(response: Response, request: Request) -> Response:
    """Predictions are compressed, whether the client takes that or not."""
    return zipped(response)


@fault("mlflow.invocations.content-coding", speaks="mlflow")
@responds(INVOCATIONS)
def many_scores_gzip(response: Response, request: Request) -> Response:
    """Large answers are compressed, whether the client takes that or not."""
    return zipped(response) if len(response.body) > 500 else response


@fault("mlflow.invocations.strict-json", speaks="mlflow")
@edits(INVOCATIONS)
def scores_infinity_token(answer: Any, request: Request) -> None:
    """Predictions from numbers of more than 300 digits overflow to the token Infinity."""
    if re.search(rb"e\+3\d\d", request.body):
        answer["predictions"] = [math.inf for _ in answer["predictions"]]


@fault("mlflow.invocations.json-spelling", speaks="mlflow")
@at(INVOCATIONS)
def scoring_escapes_refused(request: Request, ask: Ask) -> Response:
    """Escapes of letters are refused."""
    refused = asked(request) and b"\\u" in request.body and ask(request).status == 200
    return scoring_error(400, "broken JSON") if refused else ask(request)


@fault("mlflow.invocations.json-spelling", speaks="mlflow", model="text")
@at(INVOCATIONS)
def scored_surrogates_lost(request: Request, ask: Ask) -> Response:
    """Pairs of escapes become question marks."""
    pairs = rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    return ask(replace(request, body=re.sub(pairs, b"??", request.body)))


@fault("mlflow.invocations.csv", speaks="mlflow", model="text")
@at(INVOCATIONS)
def csv_lines_split(request: Request, ask: Ask) -> Response:
    """CSV is cut at each line end, those in quotes too."""
    cut = _is_csv(request) and re.search(rb'"[^"]*\n[^"]*"', request.body)
    return scoring_error(400, "a row is short") if cut else ask(request)


@fault("mlflow.invocations.csv", speaks="mlflow", model="text")
@at(INVOCATIONS)
def csv_commas_split(request: Request, ask: Ask) -> Response:
    """CSV is cut at each comma, those in quotes too."""
    cut = _is_csv(request) and re.search(rb'"[^"\n]*,[^"\n]*', request.body)
    return scoring_error(400, "a row is long") if cut else ask(request)


@fault("mlflow.invocations.csv-text", speaks="mlflow", model="text")
@at(INVOCATIONS)
def csv_quotes_doubled(request: Request, ask: Ask) -> Response:
    """A quote within quotes stays doubled."""
    doubled = re.sub(rb'(?<=a )""(?=b)', b'""""', request.body)
    return ask(replace(request, body=doubled)) if _is_csv(request) else ask(request)


@fault("mlflow.invocations.csv-text", speaks="mlflow", model="text")
@at(INVOCATIONS)
def csv_trims(request: Request, ask: Ask) -> Response:
    """White space before a cell of CSV is lost."""
    trimmed = re.sub(rb"(?m)^ +", b"", request.body)
    return ask(replace(request, body=trimmed)) if _is_csv(request) else ask(request)


@fault("mlflow.invocations.csv-bom", speaks="mlflow")
@at(INVOCATIONS)
def csv_bom_refused(request: Request, ask: Ask) -> Response:
    """The byte order mark of CSV is taken for a part of the first name."""
    marked = request.body.startswith(b"\xef\xbb\xbf")
    return scoring_error(400, "no column fixed acidity") if marked else ask(request)
