"""Server metadata over gRPC."""

import pytest

from conformance.checks.assertions import check, check_ok
from conformance.checks.skips import not_implemented, untested
from conformance.transport.channel import Channel
from conformance.transport.reply import Reply
from spec.service import NAME

requirement = pytest.mark.requirement

# The call by which each extension is asked for without harm, where the request is empty.
# Source: Triton Inference Server 2.51.0, docs/protocol/extension_*.md, GRPC.
_EXTENSIONS = {
    "cuda_shared_memory": "CudaSharedMemoryStatus",
    "logging": "LogSettings",
    "model_configuration": "ModelConfig",
    "model_repository": "RepositoryIndex",
    "model_repository(unload_dependents)": "RepositoryIndex",
    "statistics": "ModelStatistics",
    "system_shared_memory": "SystemSharedMemoryStatus",
    "trace": "TraceSetting",
}
# Where MLServer has it. Source: MLServer 1.7.1, proto/model_repository.proto.
_REPOSITORY = "/inference.model_repository.ModelRepositoryService/"


def _metadata(channel: Channel) -> Reply:
    reply = channel.ask("ServerMetadata")
    if reply.message is None:
        untested("there is no server metadata: grpc.server.metadata")
    return reply


@requirement("grpc.server.metadata")
def test_metadata(channel: Channel) -> None:
    check_ok(channel.ask("ServerMetadata"), "the server describes itself")


@requirement("grpc.server.names-itself")
def test_names_itself(channel: Channel) -> None:
    reply = _metadata(channel)
    for member in ("name", "version"):
        check(bool(getattr(reply.message, member)), f"the server's {member} is empty", reply)


@requirement("grpc.server.extensions")
def test_extensions(channel: Channel) -> None:
    claimed = _metadata(channel)
    assert claimed.message is not None
    names = [name for name in claimed.message.extensions if name in _EXTENSIONS]
    if not names:
        not_implemented("the server lists no extension that has a call")
    for name in names:
        call = _EXTENSIONS[name]
        there = channel.send(f"/{NAME}/{call}", b"")
        if there.code == "UNIMPLEMENTED" and call == "RepositoryIndex":
            there = channel.send(_REPOSITORY + call, b"")
        check(there.code != "UNIMPLEMENTED", f"the server lists {name}: there must be {call}", claimed, there)
