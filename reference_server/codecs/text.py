"""Content types of BYTES tensors: str, base64, datetime, pd_json.

Each ``decode_*`` takes flat JSON elements, each ``encode_*`` gives them; both raise ``CodecError``. None is
taken when encoding alone: it is missing, and stays so.
Source: MLServer 1.7.1, mlserver/codecs/{string,base64,datetime,pandas,json}.py.
"""

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterable
from datetime import date, datetime, time
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.extensions import ExtensionArray
from pydantic import BaseModel

from reference_server import jsonio
from reference_server.codecs.elements import CodecError
from reference_server.errors import BadRequest

# What Python takes beyond ISO 8601, or takes for something else, is left out: other separators, a fraction of
# a minute, offsets with seconds, a week without its day, and 24:00, which only some of its versions know.
_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d|\d{8}|\d{4}-?W\d\d-?\d)"
    r"([Tt ]([01]\d|2[0-3])(:?\d\d(:?\d\d([.,]\d{1,6}(?P<finer>\d{0,3})0*)?)?)?([Zz]|[+-]\d\d(:?\d\d)?)?)?",
    re.ASCII,
)


def decode_str(elements: list[Any]) -> list[str]:
    """Text, as it is."""
    if None in elements:
        raise CodecError(f"data[{elements.index(None)}] is null: BYTES takes string elements")
    return _all(elements, str, "BYTES takes string elements")


def decode_base64(elements: list[Any]) -> list[bytes]:
    """Bytes from base64 text (RFC 4648, section 4)."""
    return [_each(_from_base64, "base64", place, e) for place, e in enumerate(decode_str(elements))]


def decode_datetime(elements: list[Any]) -> pd.DatetimeIndex:
    """Points in time from ISO 8601 text, with or without a UTC offset but all alike.

    Up to nine digits of a second, which may differ from text to text.
    """
    what = "an ISO 8601 date and time, of nanoseconds at most"
    texts = [_each(_iso, what, place, text) for place, text in enumerate(decode_str(elements))]
    try:
        return pd.DatetimeIndex(pd.to_datetime(texts, format="ISO8601"))
    except ValueError:
        raise CodecError("data mixes or misses UTC offsets, or leaves the years that can be held") from None


def naive(times: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """``times`` as MLflow's datetime has them: nanoseconds, without a UTC offset; else ``CodecError``."""
    if times.tz is not None:
        raise CodecError("the model takes times without a UTC offset")
    try:
        return times.as_unit("ns")
    except ValueError:
        raise CodecError("a time is outside of the years 1678 to 2261") from None


def python_times(times: pd.DatetimeIndex) -> list[datetime]:
    """``times`` as Python has them: microseconds. Raises ``CodecError`` for a finer one."""
    if (times.nanosecond != 0).any():
        raise CodecError("a time is finer than a microsecond")
    return list(times.to_pydatetime())


def decode_json(elements: list[Any]) -> list[Any]:
    """Any values, each from a JSON text of its own. The text "null" is None too."""
    return [_each(_from_json, "JSON", place, e) for place, e in enumerate(decode_str(elements))]


def encode_str(values: Iterable[Any]) -> list[str | None]:
    """Text, as it is."""
    return _all(list(values), str, "the output is text")


def encode_base64(values: Iterable[Any]) -> list[str | None]:
    """Base64 text of bytes, or of the UTF-8 bytes of text."""
    raw = [value.encode() if isinstance(value, str) else value for value in values]
    _all(raw, bytes, "the output is bytes")
    return [value if value is None else base64.b64encode(value).decode() for value in raw]


def encode_datetime(values: Iterable[Any]) -> list[str | None]:
    """ISO 8601 text of points in time."""
    points = [pd.Timestamp(v) if isinstance(v, np.datetime64) else v for v in values]
    _all(points, date, "the output is dates and times")
    return [point if point is None else point.isoformat() for point in points]


def encode_json(values: Iterable[Any]) -> list[str]:
    """A JSON text of each value. What is missing is null in the text, also deep inside: NaN, NaT, pd.NA."""
    return [_each(_to_json, "a JSON value", place, value) or "null" for place, value in enumerate(values)]


def _all(values: list[Any], kind: type, rule: str) -> list[Any]:
    odd = next(
        (p for p, value in enumerate(values) if value is not None and not isinstance(value, kind)), None
    )
    if odd is not None:
        raise CodecError(f"data[{odd}] is {type(values[odd]).__name__}: {rule}")
    return values


def _each(function: Callable[[Any], Any], what: str, place: int, value: Any) -> Any:
    try:
        return None if value is None else function(value)
    except (ValueError, TypeError, binascii.Error, BadRequest):
        raise CodecError(f"data[{place}] is not {what}") from None


def _from_base64(text: str) -> bytes:
    value = base64.b64decode(text, validate=True)
    if base64.b64encode(value).decode() != text:  # bits that decoding drops (RFC 4648, section 3.5)
        raise ValueError
    return value


def _iso(text: str) -> str:
    """``text`` in the one form of ISO 8601 that pandas reads: 2020-01-01T00:00:00.123456789+00:00."""
    found = _TIME.fullmatch(text)
    if found is None:
        raise ValueError
    point = datetime.fromisoformat(text.upper())
    if not (finer := found["finer"]):
        return point.isoformat()
    written = point.isoformat(timespec="microseconds")
    place = len("2020-01-01T00:00:00.123456")
    return written[:place] + finer + written[place:]


def _from_json(text: str) -> Any:
    return jsonio.loads(text.encode())


def _to_json(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_plain)
    if "NaN" not in text and "Infinity" not in text:
        return text
    return json.dumps(json.loads(text, parse_constant=_missing), ensure_ascii=False, separators=(",", ":"))


def _missing(token: str) -> None:
    if token != "NaN":
        raise ValueError


def plain_times(value: Any) -> Any:
    """A time of NumPy, or an array of them, as JSON has them: of nanoseconds NumPy itself makes integers."""
    if value.ndim:
        return list(value)
    point = value.item()
    return pd.Timestamp(value[()]).isoformat() if isinstance(point, int) else point and point.isoformat()


def _plain(value: Any) -> Any:
    if value is pd.NaT or value is pd.NA:
        return None
    if isinstance(value, (np.generic, np.ndarray)):
        return plain_times(value) if value.dtype.kind == "M" else value.tolist()
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, (pd.Series, pd.Index, ExtensionArray)):
        return value.tolist()
    if isinstance(value, pd.DataFrame):
        return value.to_dict(orient="records")
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, BaseModel):
        return value.model_dump()
    raise TypeError(f"{type(value).__name__} is not a JSON value")
