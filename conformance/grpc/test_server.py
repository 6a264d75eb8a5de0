"""Server metadata over gRPC."""

import pytest

from conformance.checks.assertions import check, check_ok
from conformance.checks.skips import untested
from conformance.transport.channel import Channel

requirement = pytest.mark.requirement


@requirement("grpc.server.metadata")
def test_metadata(channel: Channel) -> None:
    check_ok(channel.ask("ServerMetadata"), "the server describes itself")


@requirement("grpc.server.names-itself")
def test_names_itself(channel: Channel) -> None:
    reply = channel.ask("ServerMetadata")
    if reply.message is None:
        untested("there is no server metadata: grpc.server.metadata")
    for member in ("name", "version"):
        check(bool(getattr(reply.message, member)), f"the server's {member} is empty", reply)
