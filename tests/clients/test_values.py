"""What KServe's and Triton's clients read of the values that they sent: in JSON, as bytes, over gRPC."""

from typing import Any

import pytest

from tests.clients.conftest import read_by
from tests.clients.values import LABELS, OUTPUTS, SCORES, TENSORS, columns, plain

Read = dict[str, Any]


CLIENTS = [
    ("kserve", "kserve", ""),
    ("kserve", "kserve", "#binary"),
    ("tritonclient", "mlserver", ""),
    ("tritonclient", "mlserver", "#binary"),
    ("kserve_grpc", "kserve", ""),
    ("tritonclient_grpc", "triton", ""),
]


@pytest.fixture(scope="module", params=CLIENTS, ids=lambda p: p[0] + p[2])
def read(request: pytest.FixtureRequest, url: str, address: str) -> Read:
    client, target, form = request.param
    return read_by(client, target, address if client.endswith("grpc") else url + form)


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
