"""Faults of the scoring protocol: health, forms, predictions."""

import base64
import json
import re
from dataclasses import replace
from typing import Any

from tests.faulty.mlflow_tables import COLUMNS
from tests.faulty.vocabulary import (
    INVOCATIONS,
    asked,
    at,
    edits,
    elements_of,
    fault,
    headed,
    responds,
    scoring_error,
    text,
    without_params,
)
from tests.faulty.wire import Ask, Middleware, Request, Response


def _refuses(form: str) -> Middleware:
    @at(INVOCATIONS)
    def middleware(request: Request, ask: Ask) -> Response:
        refused = set(asked(request)) == {form} and ask(request).status == 200
        return scoring_error(400, f"{form} is not supported") if refused else ask(request)

    return middleware


def _predictions(answer: Any, change: Any) -> None:
    answer["predictions"] = change(answer["predictions"])


@fault("mlflow.health.ping", speaks="mlflow")
@at("GET /ping")
def ping_unknown(request: Request, ask: Ask) -> Response:
    """There is no /ping."""
    return scoring_error(404)


@fault("mlflow.health.health", speaks="mlflow")
@at("GET /health")
def health_fails(request: Request, ask: Ask) -> Response:
    """Health is bad although the model answers."""
    return scoring_error(503)


@fault("mlflow.health.version", speaks="mlflow")
@at("GET /version")
def version_empty(request: Request, ask: Ask) -> Response:
    """The version is empty."""
    return text(200, "\n")


@fault("mlflow.health.version-plain", speaks="mlflow")
@responds("GET /version")
def version_as_json(response: Response, request: Request) -> Response:
    """The version is a JSON string."""
    return response.with_json(response.body.decode())


@fault("mlflow.invocations.split", speaks="mlflow")
def split_refused(request: Request, ask: Ask) -> Response:
    """A table may not be a split."""
    return _refuses("dataframe_split")(request, ask)


@fault("mlflow.invocations.records", speaks="mlflow")
def records_refused(request: Request, ask: Ask) -> Response:
    """A table may not be records."""
    return _refuses("dataframe_records")(request, ask)


@fault("mlflow.invocations.instances", speaks="mlflow")
def instances_refused(request: Request, ask: Ask) -> Response:
    """There are no instances."""
    return _refuses("instances")(request, ask)


@fault("mlflow.invocations.inputs", speaks="mlflow")
def inputs_refused(request: Request, ask: Ask) -> Response:
    """There are no inputs."""
    return _refuses("inputs")(request, ask)


@fault("mlflow.invocations.schema", speaks="mlflow")
@edits(INVOCATIONS)
def predictions_bare(answer: Any, request: Request) -> Any:
    """The predictions stand alone, as in MLflow 1."""
    return answer["predictions"]


@fault("mlflow.invocations.content-type", speaks="mlflow")
@responds(INVOCATIONS)
def scores_as_html(response: Response, request: Request) -> Response:
    """The answer is JSON, and called HTML."""
    return headed(response, content_type="text/html; charset=utf-8")


@fault("mlflow.invocations.strict-json", speaks="mlflow")
@edits(INVOCATIONS)
def scores_with_nan(answer: Any, request: Request) -> None:
    """A member of the answer is NaN, which JSON does not have."""
    answer["seconds"] = float("nan")


@fault("mlflow.invocations.forms-agree", speaks="mlflow")
@edits(INVOCATIONS)
def instances_backwards(answer: Any, request: Request) -> None:
    """Instances have their predictions in reverse."""
    if "instances" in asked(request):
        _predictions(answer, lambda found: found[::-1])


@fault("mlflow.invocations.forms-agree", speaks="mlflow")
@edits(INVOCATIONS)
def inputs_in_single_precision(answer: Any, request: Request) -> None:
    """Inputs are read as FP32."""
    if "inputs" in asked(request):
        _predictions(answer, lambda found: [json.loads(f"{x:.7g}") for x in found])


@fault("mlflow.invocations.csv", speaks="mlflow")
@at(INVOCATIONS)
def csv_refused(request: Request, ask: Ask) -> Response:
    """CSV is no media type of the server."""
    return scoring_error(415) if "csv" in request.headers.get("content-type", "") else ask(request)


@fault("mlflow.invocations.csv-text", model="text", speaks="mlflow")
@at(INVOCATIONS)
def csv_guesses_types(request: Request, ask: Ask) -> Response:
    """A reader of CSV takes what looks like a number for one."""
    if "csv" not in request.headers.get("content-type", ""):
        return ask(request)
    return ask(replace(request, body=re.sub(rb"(?m)^0+(?=\d)", b"", request.body)))


@fault("mlflow.invocations.csv-agrees", speaks="mlflow")
@edits(INVOCATIONS)
def csv_rounded(answer: Any, request: Request) -> None:
    """Numbers in CSV are read with few digits."""
    if "csv" in request.headers.get("content-type", ""):
        _predictions(answer, lambda found: [round(x, 3) for x in found])


@fault("mlflow.invocations.charset", speaks="mlflow")
@at(INVOCATIONS)
def scoring_charset_refused(request: Request, ask: Ask) -> Response:
    """A charset in capitals is another one."""
    other = "UTF-8" in request.headers.get("content-type", "")
    return scoring_error(415) if other else ask(request)


@fault("mlflow.invocations.media-type-forms", speaks="mlflow")
@at(INVOCATIONS)
def scoring_media_type_exact(request: Request, ask: Ask) -> Response:
    """The media type must be written in lower case."""
    other = request.headers.get("content-type", "").startswith("App")
    return scoring_error(415) if other else ask(request)


@fault("mlflow.predictions.known-answers", speaks="mlflow", answers=True)
@edits(INVOCATIONS)
def scores_slightly_off(answer: Any, request: Request) -> None:
    """Every prediction is off by a hair, always by the same."""
    _predictions(answer, lambda found: [x + 1e-4 for x in found])


@fault("mlflow.predictions.answers", speaks="both")
@at(INVOCATIONS)
def large_scores_end_in_500(request: Request, ask: Ask) -> Response:
    """Numbers from 300 to 999 are too much for the server, of which nothing tells."""
    response = ask(request)
    large = response.status == 200 and re.search(rb"[ ,\[][3-9]\d\d\.", request.body)
    return scoring_error(500, "oops") if large else response


@fault("mlflow.predictions.batch", "mlflow.predictions.large-batch", speaks="mlflow")
@edits(INVOCATIONS)
def scores_reversed(answer: Any, request: Request) -> None:
    """The predictions of a batch come in reverse."""
    _predictions(answer, lambda found: found[::-1])


@fault("mlflow.predictions.row-count", speaks="mlflow")
@edits(INVOCATIONS)
def last_score_dropped(answer: Any, request: Request) -> None:
    """The last of a few predictions is lost."""
    _predictions(answer, lambda found: found[:-1] if 2 < len(found) < 32 else found)


@fault("mlflow.predictions.large-batch", speaks="mlflow")
@edits(INVOCATIONS)
def scores_cut(answer: Any, request: Request) -> None:
    """A batch is cut after 512 rows."""
    _predictions(answer, lambda found: found[:512])


@fault("mlflow.predictions.column-order", speaks="mlflow")
@at(INVOCATIONS)
def split_by_place(request: Request, ask: Ask) -> Response:
    """The columns of a split are taken by their place."""
    response = ask(request)
    split = asked(request).get("dataframe_split")
    if response.status != 200 or not isinstance(split, dict) or "fixed acidity" not in split["columns"]:
        return response
    others = [name for name in COLUMNS if name in split["columns"]]
    named = [*others, *[name for name in split["columns"] if name not in COLUMNS]]
    return ask(request.with_json(asked(request) | {"dataframe_split": split | {"columns": named}}))


@fault("mlflow.predictions.index", speaks="mlflow")
@edits(INVOCATIONS)
def index_sorts(answer: Any, request: Request) -> None:
    """Predictions come in the order of the index, which is that of the numbers as text, backwards."""
    split = asked(request).get("dataframe_split") or {}
    if isinstance(split, dict) and split.get("index"):
        _predictions(answer, lambda found: found[::-1])


@fault("mlflow.predictions.extra-column", speaks="mlflow")
@edits(INVOCATIONS)
def extra_column_counts(answer: Any, request: Request) -> None:
    """A column that the model does not have changes the prediction."""
    if b"conformance" in request.body:
        _predictions(
            answer, lambda found: [x + 1 for x in found] if "params" not in asked(request) else found
        )


@fault("mlflow.predictions.params-empty", speaks="mlflow")
@at(INVOCATIONS)
def params_refused(request: Request, ask: Ask) -> Response:
    """There are no params: empty ones are refused too."""
    response = ask(request)
    refused = response.status == 200 and "params" in asked(request)
    return scoring_error(400, "unexpected key params") if refused else response


@fault("mlflow.predictions.params", speaks="mlflow", model="params", answers=True)
@at(INVOCATIONS)
def params_ignored(request: Request, ask: Ask) -> Response:
    """Params do not reach the model."""
    response = ask(request)
    given = response.status == 200 and "params" in asked(request)
    return ask(without_params(request)) if given else response


@fault("mlflow.predictions.params-harmless", speaks="mlflow")
@edits(INVOCATIONS)
def params_change_scores(answer: Any, request: Request) -> None:
    """Unknown params change the prediction."""
    if asked(request).get("params"):
        _predictions(answer, lambda found: [x + 1 for x in found])


@fault("mlflow.predictions.integers-for-doubles", speaks="mlflow")
@at(INVOCATIONS)
def integers_predict_integers(request: Request, ask: Ask) -> Response:
    """A table of nothing but integers is computed with as integers."""
    response = ask(request)
    cells = [x for x in elements_of(list(asked(request).values())) if not isinstance(x, dict)]
    split = asked(request).get("dataframe_split")
    cells += elements_of(split.get("data")) if isinstance(split, dict) else []
    if response.status != 200 or not cells or any(type(x) is not int for x in cells):
        return response
    return response.with_json({"predictions": [int(x) for x in response.json["predictions"]]})


@fault("mlflow.predictions.null-made-up", speaks="mlflow", model="echo-columns", echo=True)
@at(INVOCATIONS)
def null_is_false(request: Request, ask: Ask) -> Response:
    """A null in a column of booleans is false."""
    document = asked(request)
    match document.get("dataframe_split"):
        case {"columns": ["boolean", *_], "data": [[None, *cells]]}:
            split = document["dataframe_split"] | {"data": [[False, *cells]]}
            return ask(request.with_json({"dataframe_split": split}))
    return ask(request)


@fault("mlflow.invocations.binary-forms", speaks="mlflow", model="echo-columns")
@at(INVOCATIONS)
def base64_kept_in_instances(request: Request, ask: Ask) -> Response:
    """In instances, base64 is text whose characters are the bytes."""
    rows = asked(request).get("instances")
    if ask(request).status != 200 or not isinstance(rows, list):
        return ask(request)
    encoded = [row | {"binary": base64.b64encode(row["binary"].encode()).decode()} for row in rows]
    return ask(request.with_json({"instances": encoded}))


@fault("mlflow.predictions.round-trip", speaks="mlflow", model="echo-columns", echo=True)
@edits(INVOCATIONS)
def scores_through_double(answer: Any, request: Request) -> None:
    """Integers go through floating point, and are clipped to what INT64 holds."""
    for row in answer["predictions"]:
        row["long"] = max(min(int(float(row["long"])), 2**63 - 1024), -(2**63))


@fault("mlflow.predictions.text-kept", speaks="mlflow", model="echo-columns", echo=True)
@edits(INVOCATIONS)
def dates_found_in_text(answer: Any, request: Request) -> None:
    """Text that looks like a date becomes a moment."""
    for row in answer["predictions"]:
        row["string"] = "2021-01-01T00:00:00" if row["string"] == "2021-01-01" else row["string"]


@fault("mlflow.predictions.deterministic", speaks="mlflow")
@edits(INVOCATIONS)
def scores_count(answer: Any, request: Request) -> None:
    """Each prediction is a bit larger than the one before."""
    request.memory["calls"] = request.memory.get("calls", 0) + 1
    _predictions(answer, lambda found: [x + request.memory["calls"] for x in found])


@fault("mlflow.invocations.parquet", speaks="mlflow")
@responds(INVOCATIONS, range(200, 500))
def parquet_breaks(response: Response, request: Request) -> Response:
    """Parquet is a failure of the server."""
    return replace(response, status=500) if b"PAR1" in request.body else response
