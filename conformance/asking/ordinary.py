"""Ordinary elements of a tensor: small numbers, short texts, made by a pseudo-random generator. Pure."""

import base64
import datetime
import struct
from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from conformance.wire.tensors import TensorSpec
from spec.tables import DATATYPES

_FIRST, _DAYS = datetime.datetime(1970, 1, 2), 84_000  # until the year 2199
_LONGEST = 12  # characters, or bytes
# What a text is made of, ASCII twice as often: first and last code points; none of them is a surrogate.
_ALPHABETS = ((0x20, 0x7E), (0x20, 0x7E), (0x00, 0x1F), (0x7F, 0x2FF), (0x300, 0xD7FF), (0xE000, 0x10FFFF))


def simplest(spec: TensorSpec) -> Any:
    """The element that a failure is best shown with."""
    return _SIMPLEST[_kind(spec)]


def ordinary(spec: TensorSpec, random: Random) -> Any:
    """Some element: numbers to 1000, texts of at most 12 characters, times of 1970 to 2199."""
    return _MADE[_kind(spec)](spec, random)


def _kind(spec: TensorSpec) -> str:
    row = DATATYPES.get(spec.datatype)
    kind = row.element if row else "number"
    return spec.content_type if kind == "string" and spec.content_type in _MADE else kind


def _integer(spec: TensorSpec, random: Random) -> int:
    row = DATATYPES[spec.datatype]
    assert row.minimum is not None
    assert row.maximum is not None
    return random.randint(max(row.minimum, -100), min(row.maximum, 100))


def _number(spec: TensorSpec, random: Random) -> float:
    """One that FP32 holds, for FP64 too: a column may be converted on its way."""
    made = random.choice(_NUMBERS)(random)
    width = "f" if spec.datatype in ("FP32", "FP64") else "e"
    return float(struct.unpack(width, struct.pack(width, made))[0])


_NUMBERS: tuple[Callable[[Random], float], ...] = (
    lambda random: random.randint(-10, 10),
    lambda random: random.randint(-4000, 4000) / 4,
    lambda random: random.uniform(-1, 1) / 2 ** random.randrange(12),
    lambda random: random.uniform(-1000, 1000),
)


def _text(spec: TensorSpec, random: Random) -> str:
    return "".join(
        chr(random.randint(*random.choice(_ALPHABETS))) for _ in range(random.randint(0, _LONGEST))
    )


def _base64(spec: TensorSpec, random: Random) -> str:
    return base64.b64encode(random.randbytes(random.randint(0, _LONGEST))).decode("ascii")


def _datetime(spec: TensorSpec, random: Random) -> str:
    """With a fraction of a second, or without."""
    since = datetime.timedelta(random.randrange(_DAYS), random.randrange(86_400))
    fraction = random.choice((0, 500_000, random.randrange(10**6)))
    return (_FIRST + since).replace(microsecond=fraction).isoformat()


_SIMPLEST: Mapping[str, Any] = {
    "boolean": False,
    "integer": 0,
    "number": 0.0,
    "string": "",
    "base64": "",
    "datetime": "2000-01-01T00:00:00",
    "pd_json": "{}",
}
_MADE: Mapping[str, Callable[[TensorSpec, Random], Any]] = {
    "boolean": lambda spec, random: random.random() < 0.5,
    "integer": _integer,
    "number": _number,
    "string": _text,
    "base64": _base64,
    "datetime": _datetime,
    "pd_json": lambda spec, random: "{}",
}
