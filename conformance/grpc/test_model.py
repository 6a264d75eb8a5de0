"""Model metadata over gRPC."""

from collections.abc import Callable

import pytest

from conformance.asking.rpc import RpcModel
from conformance.asking.server import UNKNOWN, unknown_versions
from conformance.checks.absent import check_absent
from conformance.checks.assertions import check, check_ok, check_rejected
from conformance.checks.skips import not_implemented
from conformance.transport.channel import Channel
from conformance.wire.contents import KNOWN

requirement = pytest.mark.requirement
_STABLE = ("name", "versions", "platform", "inputs", "outputs")


@requirement("grpc.model.metadata")
def test_metadata(rpc_model: RpcModel) -> None:
    check_ok(rpc_model.metadata, "the model describes itself")


@requirement("grpc.model.name")
def test_name(rpc_model: RpcModel) -> None:
    if rpc_model.metadata.answered:
        got = rpc_model.described.get("name")
        message = "the name is not the model's"
        check(got == rpc_model.name, message, rpc_model.metadata, got=got, expected=rpc_model.name)


@requirement("grpc.model.tensors")
def test_tensors(rpc_model: RpcModel) -> None:
    for member in ("inputs", "outputs"):
        for tensor in rpc_model.described.get(member, []):
            where = f"{member}: {tensor['name']!r}"
            check(bool(tensor["name"]), f"one of the {member} has no name", rpc_model.metadata)
            known = tensor["datatype"] in KNOWN
            check(
                known, f"{where} has no datatype of the protocol", rpc_model.metadata, got=tensor["datatype"]
            )
            sizes = all(size >= -1 for size in tensor["shape"])
            check(sizes, f"{where} has a dimension below -1", rpc_model.metadata, got=tensor["shape"])


@requirement("grpc.model.tensors-declared")
def test_tensors_declared(rpc_model: RpcModel) -> None:
    for member in ("inputs", "outputs") if rpc_model.metadata.answered else ():
        told = bool(rpc_model.described.get(member)) or _has_none(rpc_model, member)
        check(told, f"the metadata lists no {member}", rpc_model.metadata)


def _has_none(model: RpcModel, member: str) -> bool:
    """Whether the model predicts without inputs, or answers without outputs."""
    if member == "inputs":
        return model.infer({"inputs": []}).answered
    return model.base is not None and not model.base.outputs


@requirement("grpc.model.unique-names")
def test_unique_names(rpc_model: RpcModel) -> None:
    for member in ("inputs", "outputs"):
        names = [tensor["name"] for tensor in rpc_model.described.get(member, [])]
        twice = sorted({name for name in names if names.count(name) > 1})
        check(not twice, f"{member} share a name", rpc_model.metadata, got=", ".join(twice))


@requirement("grpc.model.versions")
def test_versions(rpc_model: RpcModel) -> None:
    if not rpc_model.versions:
        not_implemented("the metadata lists no versions")
    for version in rpc_model.versions:
        answer = rpc_model.transport.metadata(rpc_model.name, version)
        check_ok(answer, f"version {version} is listed")
        got = answer.message.get("name")
        check(got == rpc_model.name, "the name is not the model's", answer, got=got, expected=rpc_model.name)


@requirement("grpc.model.unknown")
def test_unknown(channel: Channel) -> None:
    check_rejected(channel.ask("ModelMetadata", name=UNKNOWN), "there is no such model")


@requirement("grpc.model.unknown-version")
def test_unknown_version(rpc_model: RpcModel) -> None:
    for version in unknown_versions(rpc_model):
        answer = rpc_model.transport.metadata(rpc_model.name, version)
        check_rejected(answer, f"there is no version {version}")


@requirement("grpc.model.unknown-status")
def test_unknown_status(channel: Channel, rpc_model: RpcModel) -> None:
    transport, name = rpc_model.transport, rpc_model.name
    versions = [transport.metadata(name, version) for version in unknown_versions(rpc_model)]
    check_absent(channel.ask("ModelMetadata", name=UNKNOWN), versions)


@requirement("grpc.model.stable")
def test_stable(rpc_scored: RpcModel) -> None:
    rpc_scored.infer(rpc_scored.base_body)
    again = rpc_scored.transport.metadata(rpc_scored.name, rpc_scored.version)
    for member in _STABLE:
        before, got = rpc_scored.described.get(member), again.message.get(member)
        check(got == before, f"{member} changed", rpc_scored.metadata, again, got=got, expected=before)


@requirement("grpc.model.properties")
def test_properties(rpc_model: RpcModel, behaviour: Callable[[str, str], None]) -> None:
    behaviour("properties", ", ".join(sorted(rpc_model.described.get("properties", {}))) or "none")


@requirement("grpc.model.platform")
def test_platform(rpc_model: RpcModel, behaviour: Callable[[str, str], None]) -> None:
    behaviour("platform", repr(rpc_model.described.get("platform", "")))
