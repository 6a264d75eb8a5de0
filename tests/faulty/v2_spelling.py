"""Faults in how integers are written."""

from typing import Any

from tests.faulty.vocabulary import INFER, METADATA, edits, fault
from tests.faulty.wire import Request


@fault("v2.data.integer-spelling")
@edits(INFER)
def dimensions_as_floats(answer: Any, request: Request) -> None:
    """The shapes of outputs are written as 1.0."""
    for output in answer["outputs"]:
        output["shape"] = [float(dimension) for dimension in output["shape"]]


@fault("v2.data.integer-spelling")
@edits(METADATA)
def declared_as_floats(answer: Any, request: Request) -> None:
    """The shapes in metadata are written as -1.0."""
    for tensor in answer["inputs"] + answer["outputs"]:
        tensor["shape"] = [float(dimension) for dimension in tensor["shape"]]


@fault("v2.data.integer-spelling", model="multi-output")
@edits(INFER)
def integers_as_floats(answer: Any, request: Request) -> None:
    """Integers, where a double can hold them, are written with a fraction."""
    for output in answer["outputs"]:
        if output["datatype"] == "INT64":
            output["data"] = [float(x) if abs(x) < 2**53 else x for x in output["data"]]
