"""Faults in the answers to scoring requests that are wrong."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tests.faulty.vocabulary import INVOCATIONS, asked, at, edits, error, fault, responds, text
from tests.faulty.wire import Ask, Middleware, Request, Response, json_response


def answers(wrong: Callable[[Request], bool]) -> Middleware:
    """A server that answers with no predictions what the reference server refuses and the function picks."""

    @at(INVOCATIONS)
    def middleware(request: Request, ask: Ask) -> Response:
        response = ask(request)
        if response.status == 400 and wrong(request):
            return json_response({"predictions": []})
        return response

    middleware.__name__, middleware.__doc__ = wrong.__name__, wrong.__doc__
    return middleware


def _split(request: Request) -> dict[str, Any]:
    split = asked(request).get("dataframe_split")
    return split if isinstance(split, dict) else {}


@fault("mlflow.errors.broken-csv", speaks="mlflow")
@answers
def empty_csv_scored(request: Request) -> bool:
    """An empty CSV has no predictions."""
    return request.headers.get("content-type") == "text/csv" and not request.body


@fault("mlflow.errors.broken-json", speaks="mlflow")
@answers
def empty_body_scored(request: Request) -> bool:
    """An empty body has no predictions."""
    return request.headers.get("content-type") == "application/json" and not request.body


@fault("mlflow.errors.not-object", speaks="mlflow")
@answers
def array_scored(request: Request) -> bool:
    """A body that is an array has no predictions."""
    return isinstance(request.json, list)


@fault("mlflow.errors.no-form", speaks="mlflow")
@answers
def empty_object_scored(request: Request) -> bool:
    """An empty object has no predictions."""
    return bool(request.json == {})


@fault("mlflow.errors.two-forms", speaks="mlflow")
@answers
def first_form_scored(request: Request) -> bool:
    """Of two forms the empty one counts."""
    return len(asked(request)) == 2 and "params" not in asked(request)


@fault("mlflow.errors.form-shape", speaks="mlflow")
@answers
def records_of_any_kind(request: Request) -> bool:
    """Records that are no array have no predictions."""
    return isinstance(asked(request).get("dataframe_records"), dict)


@fault("mlflow.errors.ragged-rows", speaks="mlflow")
@answers
def short_row_scored(request: Request) -> bool:
    """A row that is shorter than the columns is dropped."""
    rows = _split(request).get("data")
    columns = _split(request).get("columns")
    if not isinstance(rows, list) or not isinstance(columns, list) or not rows:
        return False
    return isinstance(rows[0], list) and len(rows[0]) < len(columns)


@fault("mlflow.errors.missing-column", speaks="both")
@answers
def columns_may_miss(request: Request) -> bool:
    """A table without the columns of the model has no predictions."""
    return _split(request).get("columns") == ["conformance"]


@fault("mlflow.errors.wrong-type", speaks="mlflow")
@answers
def words_scored(request: Request) -> bool:
    """A row with a word for a number is dropped."""
    rows = _split(request).get("data")
    return isinstance(rows, list) and any("conformance" in row for row in rows if isinstance(row, list))


@fault("mlflow.errors.deep", speaks="mlflow")
@answers
def deep_inputs_scored(request: Request) -> bool:
    """Inputs that are nested too deep have no predictions."""
    return request.body.count(b"[") > 400


def _fails(name: str, doc: str, picks: Callable[[Request], bool], *breaks: str) -> None:
    """Register a server for which a refusal is a failure of its own."""

    @at(INVOCATIONS)
    def middleware(request: Request, ask: Ask) -> Response:
        response = ask(request)
        return replace(response, status=500) if 400 <= response.status < 500 and picks(request) else response

    middleware.__name__, middleware.__doc__ = name, doc
    fault(*breaks, speaks="mlflow")(middleware)


_fails(
    "broken_scoring_json_breaks",
    "A body that is no JSON is a failure of the server.",
    lambda request: request.body == b"{",
    "mlflow.errors.broken-json-status",
)
_fails(
    "no_form_breaks",
    "An object without a form is a failure of the server.",
    lambda request: request.json == {},
    "mlflow.errors.no-form-status",
)
_fails(
    "deep_inputs_break",
    "Inputs that are nested too deep are a failure of the server.",
    lambda request: request.body.count(b"[") > 400,
    "mlflow.errors.deep-status",
)


@fault("mlflow.errors.body", speaks="mlflow")
@responds(INVOCATIONS, [400])
def scoring_detail(response: Response, request: Request) -> Response:
    """Errors are the framework's."""
    return json_response({"detail": response.json["message"]}, 400)


@fault("mlflow.errors.body", speaks="mlflow")
@responds(INVOCATIONS, [400])
def scoring_error_as_html(response: Response, request: Request) -> Response:
    """Errors are pages for people."""
    return text(400, f"<h1>Bad Request</h1><p>{response.json['message']}</p>", "text/html")


@fault("mlflow.errors.no-traceback", speaks="mlflow")
@edits(INVOCATIONS, [400])
def scoring_stack_trace(answer: Any, request: Request) -> None:
    """Errors have a member with the traceback."""
    answer["stack_trace"] = 'Traceback (most recent call last):\n  File "/srv/scoring.py", line 5, in predict'


@fault("mlflow.errors.recovers", speaks="mlflow")
@at(INVOCATIONS)
def fails_once_after_wrong_scoring(request: Request, ask: Ask) -> Response:
    """The request after one that is nested too deep is refused."""
    if request.body.count(b"[") > 400:
        request.memory["poisoned"] = True
        return ask(request)
    return error(500) if request.memory.pop("poisoned", False) else ask(request)


@fault("mlflow.errors.media-type", speaks="mlflow")
@at(INVOCATIONS)
def any_media_type(request: Request, ask: Ask) -> Response:
    """The media type is not looked at."""
    text_like = request.headers.get("content-type") == "text/plain"
    return ask(request.with_header("content-type", "application/json")) if text_like else ask(request)


@fault("mlflow.errors.names-forms", speaks="mlflow")
@edits(INVOCATIONS, [400])
def scoring_error_says_nothing(answer: Any, request: Request) -> None:
    """The message for an object without a form does not name the forms."""
    if not set(asked(request)) & {"dataframe_split", "dataframe_records", "instances", "inputs"}:
        answer["message"] = "Invalid input."
