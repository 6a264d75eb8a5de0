"""What every client sends, and how it tells what it read back.

The clients run in environments of their own, which need not have more than numpy: this module neither.
"""

import base64
import json
import sys
from datetime import datetime
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

_ROW = {
    "fixed acidity": 7.4,
    "volatile acidity": 0.7,
    "citric acid": 0.0,
    "residual sugar": 1.9,
    "chlorides": 0.076,
    "free sulfur dioxide": 11.0,
    "total sulfur dioxide": 34.0,
    "density": 0.9978,
    "pH": 3.51,
    "sulphates": 0.56,
    "alcohol": 9.4,
}
# The row that MLServer's example sends, then the same with 12 % of alcohol.
WINE: dict[str, list[float]] = {name: [value, value] for name, value in _ROW.items()} | {
    "alcohol": [9.4, 12.0]
}
SCORES = [5.576883967129615, 5.784892658815009]

# The columns of echo-columns: numbers, then texts, bytes, and times.
NUMBERS: dict[str, Array] = {
    "boolean": np.array([[True], [False], [True]]),
    "integer": np.array([[0], [-(2**31)], [2**31 - 1]], np.int32),
    "long": np.array([[2**53 + 1], [-(2**63)], [2**63 - 1]], np.int64),
    "float": np.array([[0.5], [0.1], [-3.4028234663852886e38]], np.float32),
    "double": np.array([[0.1], [5e-324], [-1.7976931348623157e308]], np.float64),
}
STRING = ["", "naïve ☃ 𝄞 日本語", 'quote " backslash \\ line\nend']
BINARY = [b"", bytes(range(256)), b"\xff\x00\xfe"]
DATETIME = [
    datetime(2026, 1, 2, 3, 4, 5, 1),
    datetime(1969, 12, 31, 23, 59, 59, 999999),
    datetime(2024, 2, 29, 12, 30, 0, 500000),
]

TENSORS: dict[str, Array] = {
    "pairs": np.array([[0.5, 1.5], [-2.0, 0.1]], np.float32),
    "vector": np.array([0.1, 5e-324, -1.7976931348623157e308]),
    "cube": np.array([[[2**53 + 1, -(2**63)], [2**63 - 1, 0]]], np.int64),
    "fixed": np.array([[-(2**31), 2**31 - 1], [0, 1]], np.int32),
    "pixels": np.array([[0, 128, 255], [1, 2, 3]], np.uint8),
    "mask": np.array([[True], [False]]),
    "text": np.array([["naïve ☃"], ["日本語 𝄞"]], object),
}

# The same with numbers that JSON does not have.
SPECIAL = TENSORS | {"vector": np.array([np.nan, np.inf, -np.inf])}

# The input of string-labels, and the labels of its rows.
SIGNED = np.array([[2.5], [-1.5], [0.0]])
LABELS = ["正 𝄞", "négatif", "zéro ☃"]

# The inputs of multi-output, and its outputs.
PAIR = {"x": np.array([[1.5], [-3.25]]), "y": np.array([[2.0], [-4.5]])}
OUTPUTS: dict[str, Array] = {
    "sum": np.array([[3.5], [-7.75]]),
    "floor": np.array([[1], [-4]], np.int64),
    "larger": np.array([[False], [True]]),
    "sign": np.array([["≥0"], ["<0"]], object),
}


def wine() -> dict[str, Array]:
    """The wine rows, a tensor of shape [2, 1] a column."""
    return {name: np.array(values).reshape(-1, 1) for name, values in WINE.items()}


def columns() -> dict[str, Array]:
    """The columns of echo-columns for a client without content types: base64 and ISO 8601 are texts."""
    texts = {
        "string": STRING,
        "binary": [base64.b64encode(value).decode() for value in BINARY],
        "datetime": [value.isoformat() for value in DATETIME],
    }
    return NUMBERS | {name: np.array(rows, object).reshape(-1, 1) for name, rows in texts.items()}


def text(array: Array) -> Array:
    """An array of bytes as one of text; any other as it is."""
    if array.dtype != object:
        return array
    return np.array([element.decode() for element in array.flat], object).reshape(array.shape)


def plain(value: Any) -> Any:
    """``value`` as JSON gives it back: an array with its dtype and shape, bytes and times by name."""
    return json.loads(json.dumps(value, default=_say))


def tell(case: str, read: Any) -> None:
    """Write what was read in ``case`` as a line of JSON."""
    sys.stdout.write(json.dumps({"case": case, "read": plain(read)}) + "\n")


def _say(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return {"dtype": str(value.dtype), "shape": value.shape, "data": value.tolist()}
    if isinstance(value, bytes):
        return {"bytes": base64.b64encode(value).decode()}
    if isinstance(value, datetime):
        return {"time": value.isoformat()}
    raise TypeError(f"{type(value).__name__} is no value that a client reads")
