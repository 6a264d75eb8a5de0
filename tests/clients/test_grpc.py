"""What tritonclient[grpc] and KServe's gRPC client read beside values."""

from typing import Any

import pytest

from tests.clients.conftest import read_by

Read = dict[str, Any]
CLIENTS = [("tritonclient_grpc", "triton"), ("kserve_grpc", "kserve")]


@pytest.fixture(scope="module", params=CLIENTS, ids=lambda p: p[0])
def read(request: pytest.FixtureRequest, address: str) -> Read:
    client, target = request.param
    return read_by(client, target, address)


def test_health(read: Read) -> None:
    assert read["live"] is True
    assert read["ready"] == [True, True]


def test_understands_an_error(read: Read) -> None:
    status, message = read["error"]
    assert status.endswith("INVALID_ARGUMENT")
    assert message == "inputs[0].name: 'y' is not an input; use ['x']"


@pytest.fixture(scope="module")
def triton(address: str) -> Read:
    return read_by(*CLIENTS[0], address)


def test_tritonclient_reads_metadata(triton: Read) -> None:
    assert triton["server"]["name"] == "reference-server"
    assert triton["metadata"] == {
        "sum": ["FP64", [-1, 1]],
        "floor": ["INT64", [-1, 1]],
        "larger": ["BOOL", [-1, 1]],
        "sign": ["BYTES", [-1, 1]],
    }


def test_tritonclient_reads_what_json_cannot_say(triton: Read) -> None:
    nan, *infinities = triton["special"]["vector"]["data"]
    assert nan != nan
    assert infinities == [float("inf"), float("-inf")]
