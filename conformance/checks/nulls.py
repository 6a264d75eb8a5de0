"""Members that are null where the schemas' types exclude it."""

from collections.abc import Iterator
from typing import Any


def nulls(document: Any) -> list[str]:
    """The paths of the protocol's members that are null, such as ``outputs[0].parameters``."""
    return [path.removeprefix(".") for path in _walk(document, "")]


# Those that the protocol has; a server may have others, with meanings of their own.
_MEMBERS = {"name", "version", "extensions", "versions", "platform", "inputs", "outputs", "datatype", "shape"}
_MEMBERS |= {"data", "parameters", "model_name", "model_version", "id"}


def _walk(document: Any, path: str) -> Iterator[str]:
    if isinstance(document, dict):
        for key, value in document.items():
            if value is None:
                if key in _MEMBERS or path.endswith(".parameters"):
                    yield f"{path}.{key}"
            elif key != "data":  # a null element of a tensor is another matter
                yield from _walk(value, f"{path}.{key}")
    elif isinstance(document, list):
        for position, value in enumerate(document):
            yield from _walk(value, f"{path}[{position}]")
