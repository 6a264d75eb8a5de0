"""Input for models whose signature comes from type hints: MLflow leaves it to the model to check.

JSON does not tell 1 from 1.0, which Python's types do; and MLflow reads times and bytes of text, but not in
pydantic's models. Source: MLflow, mlflow.types.type_hints, _validate_data_against_type_hint,
_parse_data_for_datatype_hint (ISO 8601 and base64).
"""

from collections.abc import Callable
from typing import Any

from mlflow.types import DataType
from mlflow.types.schema import Array, Map, Object
from pydantic import TypeAdapter, ValidationError

from reference_server.codecs import numeric, text
from reference_server.codecs.elements import CodecError

# Kinds of errors whose text the model's author wrote.
_PRIVATE = ("value_error", "assertion_error")

_TEXTS: dict[DataType, tuple[str, Callable[[str], Any]]] = {
    DataType.datetime: (
        "an ISO 8601 date and time, of microseconds at most",
        lambda value: text.python_times(text.decode_datetime([value]))[0],
    ),
    # MLflow writes lines of base64.
    DataType.binary: ("base64", lambda value: text.decode_base64(["".join(value.split())])[0]),
}


def convert(value: Any, kind: Any, where: str) -> Any:
    """``value``, parsed JSON, as the type hint has it that made ``kind``; what does not fit stays as it is.

    Raises ``CodecError`` for a text that is no time, or no base64, with its path after ``where``.
    """
    match value, kind:
        case list(), Array():
            return [convert(part, kind.dtype, f"{where}[{place}]") for place, part in enumerate(value)]
        case dict(), Map():
            return {key: convert(part, kind.value_type, f"{where}.{key}") for key, part in value.items()}
        case dict(), Object():
            kinds = {found.name: found.dtype for found in kind.properties}
            return {key: convert(part, kinds.get(key), f"{where}.{key}") for key, part in value.items()}
        case int(), DataType.double if not isinstance(value, bool):
            return numeric.decode([value], "FP64", [1]).tolist()[0]
        case float(), DataType.long if value.is_integer() and abs(value) < numeric.EXACT:
            return int(value)
        case str(), DataType.datetime | DataType.binary:
            what, read = _TEXTS[kind]
            try:
                return read(value)
            except CodecError:
                raise CodecError(f"{where} is not {what}") from None
    return value


def violation(data: Any, hint: Any) -> str:
    """What in ``data`` breaks the type hint, as ``[0].a: Field required``; empty when nothing does.

    Nothing of what the model's author wrote is told, except names.
    """
    try:
        TypeAdapter(hint).validate_python(data, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"])
        return f"{path}: {'refused' if first['type'] in _PRIVATE else first['msg']}"
    return ""
