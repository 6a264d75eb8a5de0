"""MLServer's types take the server's answers, and its codecs read what they sent."""

from typing import Any

import pytest

from tests.clients.conftest import read_by
from tests.clients.values import (
    BINARY,
    DATETIME,
    LABELS,
    NUMBERS,
    OUTPUTS,
    SCORES,
    STRING,
    TENSORS,
    plain,
)

Read = dict[str, Any]


@pytest.fixture(scope="module")
def read(url: str) -> Read:
    return read_by("mlserver", "mlserver", url)


def test_metadata(read: Read) -> None:
    assert read["server"] == "reference-server"
    assert read["metadata"] == {
        "boolean": ["BOOL", [-1, 1], "np"],
        "integer": ["INT32", [-1, 1], "np"],
        "long": ["INT64", [-1, 1], "np"],
        "float": ["FP32", [-1, 1], "np"],
        "double": ["FP64", [-1, 1], "np"],
        "string": ["BYTES", [-1, 1], "str"],
        "binary": ["BYTES", [-1, 1], "base64"],
        "datetime": ["BYTES", [-1, 1], "datetime"],
    }
    assert ["wine-classifier", "READY"] in read["index"]


def test_pandas_codec_scores_the_wine_rows(read: Read) -> None:
    dtype, scores = read["wine"]["quality"]
    assert dtype == "float64"
    assert scores == pytest.approx(SCORES, abs=1e-9)


def test_pandas_codec_reads_a_data_frame(read: Read) -> None:
    columns = {name: rows for name, (_, rows) in read["outputs"].items()}
    assert columns == {name: array[:, 0].tolist() for name, array in OUTPUTS.items()}
    assert [read["outputs"][n][0] for n in ("sum", "floor", "larger")] == ["float64", "int64", "bool"]


def test_codecs_read_back_the_columns(read: Read) -> None:
    texts = {"string": STRING, "binary": BINARY, "datetime": DATETIME}
    assert read["columns"] == plain(NUMBERS | texts)


def test_numpy_codec_reads_back_the_tensors(read: Read) -> None:
    numbers = {name: array for name, array in TENSORS.items() if name != "text"}
    assert {name: read["tensors"][name] for name in numbers} == plain(numbers)
    assert read["tensors"]["text"]["data"] == TENSORS["text"].tolist()


def test_string_labels_are_read_as_texts_and_as_an_array(read: Read) -> None:
    assert read["labels"] == ["a-1", LABELS]
    assert read["labels as np"]["data"] == [[label] for label in LABELS]


def test_error_is_mlservers_type(read: Read) -> None:
    assert read["error"] == [400, "inputs[0].name: 'y' is not an input; use ['x']"]


@pytest.mark.parametrize("form", ["", "#raw"], ids=["typed", "raw"])
def test_codecs_read_messages_of_grpc(address: str, form: str) -> None:
    read = read_by("mlserver_grpc", "mlserver", address + form)
    assert read["wine"]["quality"] == ["float64", pytest.approx(SCORES, abs=1e-9)]
    assert read["columns"] == plain(NUMBERS | {"string": STRING, "binary": BINARY, "datetime": DATETIME})
    assert read["tensors"] == plain({name: array for name, array in TENSORS.items() if name != "text"})
    assert read["labels"] == ["a-1", LABELS]
