"""Liveness and readiness over gRPC."""

from collections.abc import Callable, Iterator

import pytest

from conformance.asking.rpc import RpcModel
from conformance.asking.server import UNKNOWN, unknown_versions
from conformance.checks.absent import check_absent
from conformance.checks.assertions import check, check_ok, check_refused
from conformance.checks.skips import no_request, not_implemented, untested
from conformance.harness.target import Target
from conformance.transport.channel import Channel
from conformance.transport.outcome import Outcome
from conformance.transport.reply import Reply

requirement = pytest.mark.requirement


def _check_says(reply: Reply, member: str, message: str) -> None:
    """The answer is OK, and its member true."""
    __tracebackhide__ = True
    check_ok(reply, message)
    got = getattr(reply.message, member) if reply.message is not None else None
    check(got is True, message, reply, got=got, expected=True)


def _check_denied(reply: Reply, what: str) -> None:
    """The answer is an error, or not ready."""
    __tracebackhide__ = True
    ready = reply.code == "OK" and reply.message is not None and reply.message.ready
    check(not ready, f"{what} that is not there is said to be ready", reply)


def _unknown(channel: Channel, model: RpcModel) -> Iterator[tuple[str, Reply]]:
    """What is not there, and the reply to ModelReady for it."""
    yield "a model", channel.ask("ModelReady", name=UNKNOWN)
    for version in unknown_versions(model):
        yield "a version", model.ready(version)


@requirement("grpc.health.live")
def test_live(channel: Channel) -> None:
    _check_says(channel.ask("ServerLive"), "live", "the server is live")


@requirement("grpc.health.ready")
def test_ready(channel: Channel, target: Target) -> None:
    reply = channel.ask("ServerReady")
    waiting = [model.name for model in target.rpc_models if not getattr(model.ready().message, "ready", True)]
    if waiting:
        untested(f"the server may not be ready: its model {waiting[0]} is not")
    _check_says(reply, "ready", "the server is ready")


@requirement("grpc.health.model-ready")
def test_model_ready(rpc_model: RpcModel) -> None:
    _check_says(rpc_model.ready(), "ready", "the model is loaded")


@requirement("grpc.health.version-ready")
def test_version_ready(rpc_model: RpcModel) -> None:
    if not rpc_model.versions:
        not_implemented("the metadata lists no versions")
    for version in rpc_model.versions:
        _check_says(rpc_model.ready(version), "ready", f"version {version} is listed")


@requirement("grpc.health.model-ready-unknown")
def test_model_ready_unknown(channel: Channel) -> None:
    _check_denied(channel.ask("ModelReady", name=UNKNOWN), "a model")


@requirement("grpc.health.version-ready-unknown")
def test_version_ready_unknown(rpc_model: RpcModel) -> None:
    for version in unknown_versions(rpc_model):
        _check_denied(rpc_model.ready(version), "a version")


@requirement("grpc.health.unknown-form")
def test_unknown_form(channel: Channel, rpc_model: RpcModel, behaviour: Callable[[str, str], None]) -> None:
    for what, reply in _unknown(channel, rpc_model):
        behaviour(what, "ready is false" if reply.code == "OK" else reply.code)


@requirement("grpc.health.unknown-status")
def test_unknown_status(channel: Channel, rpc_model: RpcModel) -> None:
    (_, model), *versions = _unknown(channel, rpc_model)
    if all(reply.answered for reply in (model, *(reply for _, reply in versions))):
        not_implemented("what is not there is not ready, and no error")
    check_absent(model, [reply for _, reply in versions])


@requirement("grpc.health.no-name")
def test_no_name(channel: Channel) -> None:
    reply = channel.ask("ModelReady")
    if reply.code == "OK":
        _check_denied(reply, "a model without a name")
    else:
        check_refused(reply, "the request names no model")


@requirement("grpc.health.ready-means-infer")
def test_ready_means_infer(rpc_model: RpcModel) -> None:
    ready = rpc_model.ready()
    if ready.message is None or not ready.message.ready:
        untested("the model does not say that it is ready")
    if rpc_model.base is None:
        refusal = rpc_model.refusal
        if refusal is None or refusal.evidence.outcome not in (Outcome.BUSY, Outcome.NOT_FOUND):
            no_request(rpc_model.name)
        check_ok(refusal, "the model says that it is ready")
    check_ok(rpc_model.infer(rpc_model.base_body), "the model says that it is ready")


@requirement("grpc.health.survives")
def test_survives(channel: Channel) -> None:
    channel.ask("ServerLive")  # whatever the answer: that there is none raises
