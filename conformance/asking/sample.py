"""The request of ``--sample``: as it is given, and as an inference request where it has that form."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from conformance.wire import scoring
from conformance.wire.scoring import FORMS, RECORDS, SPLIT
from spec.validation import is_valid, violations

# What makes a body a request to a language model. MLflow, scoring_server/__init__.py, _is_llm_input.
_LANGUAGE_MODEL = ("messages", "prompt", "input")


@dataclass(frozen=True)
class Sample:
    """A request that the user gives as valid.

    request: it as an inference request; None where it has no such form, and ``reason`` tells why. scored: it
    as a scoring request, where it was one. left_out: what of it no request will hold.
    """

    request: dict[str, Any] | None = None
    reason: str = ""
    scored: dict[str, Any] | None = None
    left_out: Sequence[str] = field(default_factory=tuple)


def load(text: str) -> Sample:
    """The sample in a file's text: an inference request, or what /invocations takes as JSON.

    Missing numbers may be null or NaN, as MLflow writes them. Raises ValueError saying what is wrong.
    """
    try:
        given = json.loads(text)
    except RecursionError:
        raise ValueError("it nests too deeply") from None
    if is_valid("v2/inference-request", given):
        return Sample(dict(given))
    wrong = f"it is no inference request: {violations('v2/inference-request', given)[0]}"
    if not isinstance(given, dict) or not any(name in given for name in (*FORMS, *_LANGUAGE_MODEL)):
        raise ValueError(f"{wrong}; and no scoring request, which has one of {', '.join(FORMS)}")
    found = violations("mlflow/scoring-request", given)
    if found or any(name in given for name in _LANGUAGE_MODEL):
        return Sample(None, wrong, given)
    try:
        whole, left_out = _whole(given)
        request = scoring.sample_of(whole)
    except ValueError as error:
        return Sample(None, f"it has no form as an inference request: {error}", given)
    more = sorted(set(given) - {*FORMS, "params"})
    left_out = [*left_out, *(f"the member {name!r}" for name in more)]
    params = given.get("params") or {}
    scalars = {name: value for name, value in params.items() if not isinstance(value, list | dict)}
    left_out += [f"the param {name!r}, at /infer" for name in params if name not in scalars]
    return Sample(request | ({"parameters": scalars} if scalars else {}), "", given, left_out)


def _whole(given: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """A scoring request whose table has names and rows without holes, and what was left out for that.

    Rows where nothing is missing stay; where there is none, the first one without the columns that it lacks.
    """
    form = next(form for form in FORMS if form in given)
    rows = list(_rows(form, given[form]))
    if not rows:
        return dict(given), []
    names = list(dict.fromkeys(name for row in rows for name in row))
    complete = [row for row in rows if not any(_is_missing(row.get(name)) for name in names)]
    left_out = [f"{len(rows) - len(complete)} rows with missing values"] if len(complete) < len(rows) else []
    if not complete and all(map(_is_missing, rows[0].values())):
        raise ValueError("its first row has no values")
    if not complete:
        complete = [{name: value for name, value in rows[0].items() if not _is_missing(value)}]
        missing = [name for name in names if name not in complete[0]]
        left_out = [f"the column {name!r}, which is missing" for name in missing]
        left_out += [f"the rows after the first, {len(rows) - 1} of them"] if len(rows) > 1 else []
    table = {"columns": list(complete[0]), "data": [[row[n] for n in complete[0]] for row in complete]}
    if form == SPLIT and given[form].get("index"):
        left_out.append("the index")
    return {SPLIT: table} if form in (SPLIT, RECORDS) else {form: complete}, left_out


def _rows(form: str, data: Any) -> Iterator[Mapping[str, Any]]:
    """The rows of a table, by column; none of what is no table. Columns without names are counted."""
    if form == SPLIT:
        names = data["columns"] if isinstance(data.get("columns"), list) else None
        if not isinstance(data["data"], list) or not all(isinstance(row, list) for row in data["data"]):
            raise ValueError("the data of 'dataframe_split' must be a list of rows, each a list")
        for row in data["data"]:
            yield {str(n): v for n, v in zip(names or range(len(row)), row, strict=True)}
    elif isinstance(data, list) and all(isinstance(row, dict) for row in data):
        yield from data


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))
