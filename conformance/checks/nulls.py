"""Members that are null where the schemas' types exclude it."""

from collections.abc import Iterator
from typing import Any


def nulls(document: Any) -> list[str]:
    """The paths of the members of objects that are null, such as ``outputs[0].parameters``."""
    return [path.removeprefix(".") for path in _walk(document, "")]


def _walk(document: Any, path: str) -> Iterator[str]:
    if isinstance(document, dict):
        for key, value in document.items():
            if value is None:
                yield f"{path}.{key}"
            elif key != "data":  # a null element of a tensor is another matter
                yield from _walk(value, f"{path}.{key}")
    elif isinstance(document, list):
        for position, value in enumerate(document):
            yield from _walk(value, f"{path}[{position}]")
