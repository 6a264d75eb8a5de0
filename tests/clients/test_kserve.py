"""KServe's REST client reads what it sent."""

from typing import Any

import pytest

from tests.clients.conftest import read_by
from tests.clients.values import LABELS, OUTPUTS, SCORES, TENSORS, columns, plain

Read = dict[str, Any]


@pytest.fixture(scope="module")
def read(url: str) -> Read:
    return read_by("kserve", "kserve", url)


def test_health(read: Read) -> None:
    assert read["live"] is True
    assert read["ready"] == [True, True]
    assert read["ready, unknown model"] is False


def test_scores_the_wine_rows(read: Read) -> None:
    quality = read["wine"]["quality"]
    assert (quality["dtype"], quality["shape"]) == ("float64", [2, 1])
    assert [score for (score,) in quality["data"]] == pytest.approx(SCORES, abs=1e-9)


def test_reads_back_what_it_sent(read: Read) -> None:
    assert read["columns"] == plain(columns())
    assert read["tensors"] == plain(TENSORS)


def test_reads_outputs_of_several_types(read: Read) -> None:
    assert read["labels"]["label"]["data"] == [[label] for label in LABELS]
    assert read["outputs"] == plain(OUTPUTS)
    assert list(read["some outputs"]) == ["floor", "sum"]
    assert read["some outputs"] == plain({name: OUTPUTS[name] for name in ("floor", "sum")})
    assert read["id"] == "a-1"


def test_understands_an_error(read: Read) -> None:
    status, message = read["error"]
    assert status == 400
    assert message.startswith("inputs[0].name: 'y' is not an input; use ['x'], '400 ")


def test_binary_input_is_refused(read: Read) -> None:
    status, message = read["binary input"]
    assert status == 415
    assert message.startswith(
        "Content-Type 'application/octet-stream' is not supported; send application/json"
    )
