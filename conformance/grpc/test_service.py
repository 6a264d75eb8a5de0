"""The service as such: its path, its calls, and what is no call of it."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import grpc
import pytest

from conformance.asking.inference import check_same
from conformance.asking.rpc import RpcModel
from conformance.checks.assertions import check, check_ok, check_rejected
from conformance.checks.skips import not_implemented
from conformance.harness.target import Target
from conformance.transport.channel import Channel
from conformance.transport.lost import NoAnswer
from conformance.transport.reply import Reply
from conformance.transport.rpc import INFER, carried, read
from conformance.wire.messages import Form, parsed
from conformance.wire.protobuf import backwards, unpacked
from spec.service import NAME, calls

requirement = pytest.mark.requirement

_UNKNOWN_FIELD = b"\xf2\x7f\x0bconformance"  # number 2046, of bytes
_GARBAGE = b"\xff\xff\xff\xff conformance"
_SIZES = (2**20, 5 * 2**20, 17 * 2**20)  # bytes
_DEADLINES = [0.0005 * 2**n for n in range(7)]  # seconds: before, while and after the server works


def _each(channel: Channel, model: RpcModel) -> dict[str, Reply]:
    """A good request to each call."""
    named = {"name": model.name, "version": model.version}
    replies = {name: channel.ask(name, **(named if name.startswith("ModelM") else {})) for name in calls()}
    replies["ModelReady"] = model.ready()
    body = carried(model.base) if model.base is not None else None
    return replies | ({INFER: body} if body else {})


@requirement("grpc.service.path")
def test_path(channel: Channel, rpc_model: RpcModel) -> None:
    replies = list(_each(channel, rpc_model).values())
    there = any(reply.code != "UNIMPLEMENTED" for reply in replies)
    check(there, f"the server has no service {NAME}", *replies[:1])


@requirement("grpc.service.methods")
def test_methods(channel: Channel, rpc_model: RpcModel) -> None:
    replies = _each(channel, rpc_model)
    lacking = [name for name, reply in replies.items() if reply.code == "UNIMPLEMENTED"]
    check(not lacking, "calls of the protocol are missing", *(replies[n] for n in lacking[:1]), got=lacking)


@requirement("grpc.service.unknown-method")
def test_unknown_method(channel: Channel) -> None:
    reply = channel.send(f"/{NAME}/NoSuchCallOfTheConformanceSuite", b"")
    refused = reply.code in ("UNIMPLEMENTED", "PERMISSION_DENIED", "UNAUTHENTICATED")  # by a gateway
    check(refused, "there is no such call", reply, got=reply.code, expected="UNIMPLEMENTED")


@requirement("grpc.service.wire")
def test_wire(channel: Channel, rpc_model: RpcModel) -> None:
    for name, reply in _each(channel, rpc_model).items():
        if reply.code == "OK":
            why = ""
            try:
                parsed(name, reply.body)
            except ValueError as error:
                why = str(error)
            check(not why, f"the answer to {name} can't be read", reply, got=why)


@requirement("grpc.service.wire")
def test_wire_of_properties(rpc_model: RpcModel) -> None:
    """Field 6 of model metadata is a map of texts; a message in its place is read as text with its tags."""
    reply = carried(rpc_model.metadata)
    for name, value in dict(reply.message.properties if reply.message is not None else {}).items():
        odd = any(ord(c) < 32 for c in name + value)
        check(not odd, f"the property {name!r} is no text, but a message", reply, got=repr(value))


@requirement("grpc.service.unknown-fields")
def test_unknown_fields(rpc_steady: RpcModel) -> None:
    sent = rpc_steady.message().SerializeToString()
    usual, answer = rpc_steady.send(sent), rpc_steady.send(sent + _UNKNOWN_FIELD)
    check_ok(answer, "the request has a field that the protocol does not have, and is good otherwise")
    check_same(usual, answer, "a field that the protocol does not have changed the prediction")


@requirement("grpc.service.encoding")
@pytest.mark.parametrize("way", [unpacked, backwards], ids=["unpacked", "backwards"])
def test_encoding(rpc_steady: RpcModel, way: Callable[[Any], bytes]) -> None:
    """Numbers that are not packed, and fields in the opposite order."""
    for form in Form:
        message = rpc_steady.message(form)
        usual, answer = rpc_steady.send(message), rpc_steady.send(way(message))
        if usual.answered:
            check_ok(
                answer, f"the same message was accepted otherwise written ({form.value}, {way.__name__})"
            )
            check_same(usual, answer, "how the message is written changed the prediction")


@requirement("grpc.service.garbage")
def test_garbage(channel: Channel, rpc_scored: RpcModel) -> None:
    path = calls()[INFER].path
    for sent in (_GARBAGE, rpc_scored.message().SerializeToString()[:-1]):
        check_rejected(channel.send(path, sent), "the bytes are no message of the protocol")
        check_ok(rpc_scored.infer(rpc_scored.base_body), "the call before had no message")


@requirement("grpc.service.garbage-code")
def test_garbage_code(channel: Channel, behaviour: Callable[[str, str], None]) -> None:
    behaviour("status", channel.send(calls()[INFER].path, _GARBAGE).code)


@requirement("grpc.service.metadata-keys")
def test_metadata_keys(rpc_steady: RpcModel) -> None:
    sent = rpc_steady.message().SerializeToString()
    reply = rpc_steady.channel.send(calls()[INFER].path, sent, ("x-conformance", "1"), ("priority", "high"))
    check_ok(reply, "the call has metadata that nobody defined")
    check_same(rpc_steady.send(sent), read(reply), "metadata that nobody defined changed the prediction")


@requirement("grpc.service.metadata-keys")
def test_binary_metadata(rpc_scored: RpcModel) -> None:
    """As tracing sends it; its key ends in -bin."""
    sent = rpc_scored.message().SerializeToString()
    reply = rpc_scored.channel.send(calls()[INFER].path, sent, ("conformance-bin", b"\0\xff\x80"))
    check_ok(reply, "the call has binary metadata that nobody defined")


@requirement("grpc.service.compression")
def test_compression(rpc_steady: RpcModel) -> None:
    sent = rpc_steady.message().SerializeToString()
    reply = rpc_steady.channel.send(calls()[INFER].path, sent, compression=grpc.Compression.Gzip)
    if reply.code == "UNIMPLEMENTED":
        return
    check_ok(reply, "the message is compressed, and good otherwise")
    check_same(rpc_steady.send(sent), read(reply), "compression changed the prediction")


@requirement("grpc.service.message-size")
def test_message_size(rpc_scored: RpcModel, behaviour: Callable[[str, str], None]) -> None:
    """The good request with an id of so many bytes."""
    told = "taken"
    for size in _SIZES:
        message = rpc_scored.message()
        message.id = "x" * size
        try:
            code = carried(rpc_scored.send(message)).code
        except NoAnswer:
            code = "no answer"
        if code != "OK":
            told = f"{code} from {size / 2**20:.0f} MiB on"
            break
    behaviour("up to 17 MiB", told)


@requirement("grpc.service.far-deadline")
@pytest.mark.parametrize("seconds", [None, 24 * 3600.0], ids=["none", "day"])
def test_far_deadline(rpc_scored: RpcModel, seconds: float | None) -> None:
    reply = rpc_scored.channel.patient(calls()[INFER].path, rpc_scored.message().SerializeToString(), seconds)
    check_ok(reply, "the call has no deadline" if seconds is None else "the deadline is a day ahead")


@requirement("grpc.service.deadline")
def test_deadline(rpc_steady: RpcModel) -> None:
    channel, path, sent = rpc_steady.channel, calls()[INFER].path, rpc_steady.message().SerializeToString()
    usual = rpc_steady.send(sent)
    for seconds in _DEADLINES:
        with suppress(NoAnswer):
            channel.send(path, sent, timeout=seconds)
        answer = read(channel.alone(path, sent))
        check_ok(answer, "the call before was given up by its client")
        check_same(usual, answer, "a call that its client gave up changed the next prediction")


def _checked(channel: Channel, service: str) -> Reply:
    """The reply of grpc.health.v1 on a service: a message whose first field is its name."""
    name = service.encode()
    message = b"\x0a" + bytes([len(name)]) + name if name else b""
    return channel.send("/grpc.health.v1.Health/Check", message)


@requirement("grpc.service.health-v1")
def test_health_v1(channel: Channel, behaviour: Callable[[str, str], None]) -> None:
    reply = _checked(channel, "")
    if reply.code != "OK":
        behaviour("grpc.health.v1", reply.code)
        return
    behaviour("grpc.health.v1", "SERVING" if reply.body == b"\x08\x01" else f"status {reply.body.hex()}")
    behaviour("an unknown service", _checked(channel, "conformance.NoSuchService").code)


@requirement("grpc.service.reflection")
def test_reflection(channel: Channel, target: Target, behaviour: Callable[[str, str], None]) -> None:
    found = {
        version: channel.streams(
            f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo", b"\x3a\x00"
        )
        for version in ("v1", "v1alpha")
    }
    if not any(found.values()):
        behaviour("reflection", "none")
        not_implemented("the server has no reflection")
    for version, answer in found.items():
        if answer:
            behaviour(
                version, "lists the service" if NAME.encode() in answer else "does not list the service"
            )
