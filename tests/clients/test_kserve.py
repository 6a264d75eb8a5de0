"""KServe's REST client reads what it sent."""

from typing import Any

import pytest

from tests.clients.conftest import read_by

Read = dict[str, Any]


@pytest.fixture(scope="module")
def read(url: str) -> Read:
    return read_by("kserve", "kserve", url)


def test_health(read: Read) -> None:
    assert read["live"] is True
    assert read["ready"] == [True, True]
    assert read["ready, unknown model"] is False


def test_understands_an_error(read: Read) -> None:
    status, message = read["error"]
    assert status == 400
    assert message.startswith("inputs[0].name: 'y' is not an input; use ['x'], '400 ")
