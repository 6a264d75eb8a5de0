"""Binary tensor data: that a client can know of it."""

import pytest

from conformance.asking.binary import NAME
from conformance.checks.assertions import check
from conformance.checks.skips import untested
from conformance.harness.target import Target
from conformance.transport.http import Client

requirement = pytest.mark.requirement


@requirement("binary.server.advertised")
def test_advertised(client: Client, target: Target) -> None:
    listed = target.server.get("extensions")
    if not isinstance(listed, list):
        untested("the server lists no extensions: v2.server.metadata")
    told = "binary tensor data works, and the server does not list it"
    check(NAME in listed, told, client.get("/v2"), got=listed, expected=NAME)
