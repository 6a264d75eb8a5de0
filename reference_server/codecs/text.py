"""Content types of BYTES tensors: str, base64, datetime, pd_json.

Each ``decode_*`` takes flat JSON elements, each ``encode_*`` gives them; both raise ``CodecError``.
Source: MLServer 1.7.1, mlserver/codecs/{string,base64,datetime,pandas,json}.py.
"""

import base64
import binascii
import json
from collections.abc import Callable, Iterable
from datetime import date, datetime
from typing import Any

import numpy as np
import pandas as pd

from reference_server import jsonio
from reference_server.codecs.elements import CodecError
from reference_server.errors import BadRequest


def decode_str(elements: list[Any]) -> list[str]:
    """Text, as it is."""
    return _all(elements, str, "BYTES takes string elements")


def decode_base64(elements: list[Any]) -> list[bytes]:
    """Bytes from base64 text (RFC 4648, section 4)."""
    return [_each(_from_base64, "base64", place, e) for place, e in enumerate(decode_str(elements))]


def decode_datetime(elements: list[Any]) -> pd.DatetimeIndex:
    """Points in time from ISO 8601 text, with or without a UTC offset but all alike."""
    texts = decode_str(elements)
    for place, text in enumerate(texts):
        _each(datetime.fromisoformat, "an ISO 8601 date and time", place, text)
    try:
        return pd.DatetimeIndex(pd.to_datetime(texts, format="ISO8601"))
    except ValueError:
        raise CodecError("data mixes or misses UTC offsets, or leaves the years that can be held") from None


def decode_json(elements: list[Any]) -> list[Any]:
    """Any values, each from a JSON text of its own."""
    return [_each(_from_json, "JSON", place, e) for place, e in enumerate(decode_str(elements))]


def encode_str(values: Iterable[Any]) -> list[str]:
    """Text, as it is."""
    return _all(list(values), str, "the output is text")


def encode_base64(values: Iterable[Any]) -> list[str]:
    """Base64 text of bytes, or of the UTF-8 bytes of text."""
    raw = [value.encode() if isinstance(value, str) else value for value in values]
    return [base64.b64encode(value).decode() for value in _all(raw, bytes, "the output is bytes")]


def encode_datetime(values: Iterable[Any]) -> list[str]:
    """ISO 8601 text of points in time."""
    points = [pd.Timestamp(v) if isinstance(v, np.datetime64) else v for v in values]
    if any(point is pd.NaT for point in points):
        raise CodecError(f"element {points.index(pd.NaT)} is not a time")
    return [point.isoformat() for point in _all(points, date, "the output is dates and times")]


def encode_json(values: Iterable[Any]) -> list[str]:
    """A JSON text of each value."""
    return [_each(_to_json, "a JSON value", place, value) for place, value in enumerate(values)]


def _all(values: list[Any], kind: type, rule: str) -> list[Any]:
    odd = next((place for place, value in enumerate(values) if not isinstance(value, kind)), None)
    if odd is not None:
        raise CodecError(f"data[{odd}] is {type(values[odd]).__name__}: {rule}")
    return values


def _each(function: Callable[[Any], Any], what: str, place: int, value: Any) -> Any:
    try:
        return function(value)
    except (ValueError, TypeError, binascii.Error, BadRequest):
        raise CodecError(f"data[{place}] is not {what}") from None


def _from_base64(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def _from_json(text: str) -> Any:
    return jsonio.loads(text.encode())


def _to_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain)


def _plain(value: Any) -> Any:
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is not a JSON value")
