"""Faults at one of the two endpoints of a model."""

import json
import re
import threading
import time
from typing import Any

from tests.faulty.content_types import ECHO
from tests.faulty.vocabulary import (
    INFER,
    INVOCATIONS,
    asked,
    at,
    edits,
    error,
    fault,
    receives,
    scoring_error,
    without_params,
)
from tests.faulty.wire import Ask, Request, Response

_lock = threading.Lock()


@fault("parity.predictions", speaks="both")
@edits(INVOCATIONS)
def scores_in_single_precision(answer: Any, request: Request) -> None:
    """The scoring endpoint answers in single precision."""
    answer["predictions"] = [json.loads(f"{x:.7g}") for x in answer["predictions"]]


@fault("parity.predictions", speaks="both")
@edits(INFER)
def inference_scaled(answer: Any, request: Request) -> None:
    """The inference endpoint forgets to scale."""
    for output in answer["outputs"]:
        output["data"] = [x * 2 for x in output["data"]]


@fault("parity.integers", model=ECHO, speaks="both")
@edits(INVOCATIONS)
def scored_integers_through_double(answer: Any, request: Request) -> None:
    """Integers go through floating point at the scoring endpoint."""
    for row in answer["predictions"]:
        row["long"] = max(min(int(float(row["long"])), 2**63 - 1024), -(2**63))


@fault("parity.datetimes", model=ECHO, speaks="both")
@at(INVOCATIONS)
def scored_days_begin_at_noon(request: Request, ask: Ask) -> Response:
    """A date without a time is its noon at the scoring endpoint."""
    response = ask(request)
    if response.status != 200 or not isinstance(request.json, dict):
        return response
    noon = re.sub(r'("2020-\d\d-\d\d)"', r'\1T12:00:00"', json.dumps(request.json))
    return ask(request.with_json(json.loads(noon)))


@fault("parity.output-names", model="multi-output", speaks="both")
@edits(INVOCATIONS)
def scores_renamed(answer: Any, request: Request) -> None:
    """The columns of the scoring endpoint have names of its own."""
    answer["predictions"] = [{f"{k}_1": v for k, v in row.items()} for row in answer["predictions"]]


@fault("parity.missing-input", speaks="both")
@at(INVOCATIONS)
def alcohol_scored_without(request: Request, ask: Ask) -> Response:
    """A table without one of the columns is scored as if it were zero."""
    response = ask(request)
    split = asked(request).get("dataframe_split")
    if response.status != 400 or not isinstance(split, dict) or len(split.get("columns") or []) != 10:
        return response
    columns, rows = [*split["columns"], "alcohol"], [[*row, 0.0] for row in split["data"]]
    mended = ask(request.with_json({"dataframe_split": {"columns": columns, "data": rows}}))
    return mended if mended.status == 200 else response


@fault("parity.null", model="optional-columns", speaks="both")
@receives(INFER)
def inferred_null_is_zero(document: Any) -> None:
    """A null in a tensor of numbers is zero at the inference endpoint."""
    for tensor in document["inputs"]:
        if tensor["datatype"] in ("FP32", "FP64"):
            tensor["data"] = [0.0 if x is None else x for x in tensor["data"]]


@fault("parity.parameters", "mlflow.predictions.params", model="params", speaks="both", answers=True)
@at(INVOCATIONS)
def params_do_not_reach_the_model(request: Request, ask: Ask) -> Response:
    """Params have no effect at the scoring endpoint, which a known answer tells too."""
    response = ask(request)
    given = response.status == 200 and "params" in asked(request)
    return ask(without_params(request)) if given else response


def _harmed(request: Request, ask: Ask, by_scoring: bool) -> Response:
    """An error where the last request to one endpoint was refused, for the next to the other alone."""
    response, scored = ask(request), request.target.startswith("/invocations")
    if scored == by_scoring:
        request.memory["refused"] = response.status >= 400
        return response
    return error(500) if request.memory.pop("refused", False) else response


@fault("parity.errors", "v2.infer.deterministic", speaks="both")
@at(f"{INFER}|{INVOCATIONS}")
def wrong_scoring_hurts_inference(request: Request, ask: Ask) -> Response:
    """A refusal at the scoring endpoint, such as the preflight's, leaves something for the next inference."""
    return _harmed(request, ask, by_scoring=True)


@fault("parity.errors", speaks="both")
@at(f"{INFER}|{INVOCATIONS}")
def wrong_inference_hurts_scoring(request: Request, ask: Ask) -> Response:
    """A refusal of an inference request leaves something behind, for the next scoring request alone."""
    return _harmed(request, ask, by_scoring=False)


@fault("parity.concurrent", speaks="both")
@edits(f"{INFER}|{INVOCATIONS}")
def endpoints_share_a_place(answer: Any, request: Request) -> None:
    """Predictions wait in one place for both endpoints, where one is taken for the other's."""
    memory = request.memory
    ours, theirs = ("scored", "inferred") if "predictions" in answer else ("inferred", "scored")
    with _lock:
        memory[ours] = memory.get(ours, 0) + 1
    time.sleep(0.005)
    if memory.get(theirs):
        for holder, member in [(o, "data") for o in answer.get("outputs", [])] or [(answer, "predictions")]:
            holder[member] = [x + 1 for x in holder[member]]
    with _lock:
        memory[ours] -= 1


@fault("parity.answers", "v2.infer.answers", model="string-labels", speaks="both")
@at(INFER)
def labels_fail_in_v2(request: Request, ask: Ask) -> Response:
    """Text can't be written as a tensor: inference fails, scoring does not."""
    response = ask(request)
    return error(500, "object of type str is no number") if response.status == 200 else response


@fault("parity.answers", "mlflow.predictions.answers", model="string-labels", speaks="both")
@at(INVOCATIONS)
def some_labels_fail_in_scoring(request: Request, ask: Ask) -> Response:
    """One label in three breaks the scoring endpoint, and is answered by the other."""
    response = ask(request)
    breaks = response.status == 200 and "n\u00e9gatif" in response.json["predictions"]
    return scoring_error(500) if breaks else response
