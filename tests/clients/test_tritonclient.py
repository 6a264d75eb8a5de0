"""tritonclient[http], as it comes with MLServer, reads what it sent."""

from typing import Any

import pytest

from tests.clients.conftest import read_by
from tests.clients.values import LABELS

Read = dict[str, Any]


@pytest.fixture(scope="module")
def read(url: str) -> Read:
    return read_by("tritonclient", "mlserver", url)


def test_health_and_metadata(read: Read) -> None:
    assert read["live"] is True
    assert read["ready"] == [True, True]
    assert read["ready, unknown model"] is False
    assert read["server"]["name"] == "reference-server"
    outputs = {o["name"]: (o["datatype"], o["shape"]) for o in read["metadata"]["outputs"]}
    assert outputs == {
        "sum": ("FP64", [-1, 1]),
        "floor": ("INT64", [-1, 1]),
        "larger": ("BOOL", [-1, 1]),
        "sign": ("BYTES", [-1, 1]),
    }
    assert {"wine-classifier", "echo-columns"} <= set(read["index"])


def test_understands_an_error(read: Read) -> None:
    assert read["error"] == ["400", "inputs[0].name: 'y' is not an input; use ['x']"]


def test_binary_data(read: Read) -> None:
    """What the client sends and asks for by default, and numbers that JSON does not have."""
    assert "binary_tensor_data" in read["server"]["extensions"]
    assert read["by default"]["data"] == [[label] for label in LABELS]
    nan, *infinities = read["special"]["vector"]["data"]
    assert nan != nan
    assert infinities == [float("inf"), float("-inf")]
