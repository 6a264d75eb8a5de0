"""Models behind gRPC, as far as they are known."""

import pytest

from conformance.asking import conditions
from conformance.asking.rpc import RpcModel
from conformance.checks.skips import untested
from conformance.harness.target import Target
from conformance.transport.channel import Channel


@pytest.fixture(scope="session")
def channel(target: Target) -> Channel:
    """The gRPC client."""
    assert target.channel is not None
    return target.channel


@pytest.fixture(scope="session")
def absent(target: Target) -> bool:
    """Whether there is no such service: all its calls are UNIMPLEMENTED."""
    assert target.channel is not None
    model = target.rpc_models[0]
    replies = [target.channel.ask(name) for name in ("ServerLive", "ServerReady", "ServerMetadata")]
    return {*(reply.code for reply in replies), model.ready().code, model.metadata.status} == {
        "UNIMPLEMENTED"
    }


@pytest.fixture(autouse=True)
def _service(request: pytest.FixtureRequest, absent: bool) -> None:
    """Without the service, nothing is found out but that."""
    mark = request.node.get_closest_marker("requirement")
    if absent and mark.args[0] not in ("grpc.service.path", "grpc.health.survives"):
        untested("the server has no such service: grpc.service.path")


@pytest.fixture(scope="session")
def rpc_scored(rpc_model: RpcModel) -> RpcModel:
    """A model with a request that it is known to accept."""
    return conditions.accepting(rpc_model)


@pytest.fixture(scope="session")
def rpc_steady(rpc_scored: RpcModel) -> RpcModel:
    """A model that gives the same answer to the same request."""
    return conditions.steady(rpc_scored)


@pytest.fixture(scope="session")
def rpc_batched(rpc_steady: RpcModel) -> RpcModel:
    """A steady model whose inputs take any number of rows, each predicted for itself."""
    return conditions.batched(rpc_steady)
