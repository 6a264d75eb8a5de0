"""What MLflow's scoring protocol answers, read and compared. Pure functions.

Source: MLflow, mlflow/utils/proto_json_utils.py.
"""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from conformance.wire import content_types, tensors


def leaves(document: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Every scalar (and empty array or object) of a JSON document with its path."""
    if isinstance(document, dict) and document:
        for name, value in document.items():
            yield from leaves(value, (*path, name))
    elif isinstance(document, list) and document:
        for position, value in enumerate(document):
            yield from leaves(value, (*path, position))
    else:
        yield path, document


def difference(one: Any, two: Any, datatype: str = "FP64") -> str:
    """The first difference between two predictions; empty when they agree.

    Floating-point numbers are compared as the datatype allows, each column for itself.
    """
    if json.dumps(one) == json.dumps(two):
        return ""  # most of very many; to look at each leaf takes longer
    left, right = dict(leaves(one)), dict(leaves(two))
    if set(left) != set(right):
        return f"{tensors.brief(one)} against {tensors.brief(two)}"
    columns: dict[tuple[Any, ...], list[tuple[Any, ...]]] = {}
    for path in left:
        columns.setdefault(tuple(part for part in path if isinstance(part, str)), []).append(path)
    for name, paths in columns.items():
        ours, theirs = [left[p] for p in paths], [right[p] for p in paths]
        if not tensors.equal_data(ours, theirs, datatype):
            where = f"column {name[-1]!r}: " if name else ""
            return f"{where}{tensors.brief(ours)} against {tensors.brief(theirs)}"
    return ""


def rows_of(predictions: Any, count: int) -> list[Any] | None:
    """The predictions of ``count`` rows one by one; None when they are not by rows."""
    if isinstance(predictions, list):
        return predictions if len(predictions) == count else None
    if isinstance(predictions, dict) and predictions:
        columns = [v if isinstance(v, list) and len(v) == count else None for v in predictions.values()]
        if None not in columns:
            return [{k: v[i] for k, v in predictions.items()} for i in range(count)]
    return None


def columns_of(predictions: Any) -> dict[str, list[Any]]:
    """The predictions by output: the columns of records, named tensors, or one that has the name ''."""
    if isinstance(predictions, dict):
        return {name: tensors.flat(value) for name, value in predictions.items()}
    if isinstance(predictions, list) and predictions and all(isinstance(p, dict) for p in predictions):
        names = dict.fromkeys(name for record in predictions for name in record)
        return {name: [record.get(name) for record in predictions] for name in names}
    return {"": tensors.flat(predictions)}


def meant(element: Any, content_type: str) -> Any:
    """What an element of a V2 tensor stands for, as ``predicted`` has it. Raises ValueError."""
    return _comparable(content_types.meaning(content_type, element) if isinstance(element, str) else element)


def predicted(element: Any, content_type: str) -> Any:
    """What a prediction stands for. Raises ValueError.

    MLflow breaks the lines of base64, and writes structures as JSON, where V2 has their text.
    """
    if content_type == "pd_json" or not isinstance(element, str):
        return _comparable(element)
    return meant("".join(element.split()) if content_type == "base64" else element, content_type)


def _comparable(value: Any) -> Any:
    """A value that JSON can hold: moments and bytes as texts, NaN as null."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    return None if value != value else value
