"""Errors over gRPC: whose mistake it is, and what is told of it."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from conformance.asking.inference import check_same
from conformance.asking.rpc import RpcModel
from conformance.checks.assertions import check, check_ok, check_refused
from conformance.checks.leaks import leak_in
from conformance.transport.answer import Answer
from conformance.transport.rpc import carried

requirement = pytest.mark.requirement
_UNKNOWN = "conformance-unknown"
# What names the class of an exception, or the inside of a program.
_CLASS = re.compile(r"<class '|\b[a-z_]+(?:\.[a-z_]+)+\.[A-Z]\w+(?:Error|Exception|NotFound)\b")


def _malformed(model: RpcModel) -> Iterator[tuple[str, str, Answer]]:
    """Each mistake, what an error should name, and the answer."""
    name = model.base_body["inputs"][0]["name"]

    def change(what: str, named: str, **members: Any) -> tuple[str, str, Answer]:
        message = model.message()
        for member, value in members.items():
            if member == "shape":
                message.inputs[0].shape[:] = value
            else:
                setattr(message.inputs[0], member, value)
        return what, named, model.send(message)

    def without(message: Any) -> None:
        del message.inputs[:]

    def twice(message: Any) -> None:
        message.inputs.append(message.inputs[0])

    shape = model.base_body["inputs"][0]["shape"]
    if model.described.get("inputs"):  # else it may take any, and none
        yield "there are no inputs", "", model.changed(without)
    yield "an input stands twice", name, model.changed(twice)
    yield change("an input has a datatype that is none", "", datatype="conformance")
    yield change("an input has no datatype", "", datatype="")
    if shape:
        yield change("a dimension is -1", name, shape=[-1, *shape[1:]])
        yield change("a dimension is beyond 32 bits", name, shape=[2**32 + shape[0], *shape[1:]])
        yield change("a dimension is huge", name, shape=[2**62, *shape[1:]])
        yield change("the product of the dimensions overflows", name, shape=[2**62, 2**62, *shape[1:]])
    if len(shape) > 1:
        yield change("two dimensions are negative", name, shape=[-shape[0], -shape[1], *shape[2:]])
    if model.described.get("inputs"):
        yield change("an input is none of the model's", _UNKNOWN, name=_UNKNOWN)


@requirement("grpc.errors.client-status")
def test_client_status(rpc_scored: RpcModel) -> None:
    for what, _, answer in _malformed(rpc_scored):
        if not answer.answered:  # which of them are mistakes is grpc.errors.refused
            check_refused(answer, what)


@requirement("grpc.errors.refused")
def test_refused(rpc_scored: RpcModel) -> None:
    for what, _, answer in _malformed(rpc_scored):
        check(not answer.answered, f"{what}, and the request is answered", answer)


@requirement("grpc.errors.message")
def test_message(rpc_scored: RpcModel) -> None:
    for what, _, answer in _malformed(rpc_scored):
        if not answer.answered:
            check(bool(carried(answer).details.strip()), f"{what}, and the status has no details", answer)


@requirement("grpc.errors.no-leak")
def test_no_leak(rpc_scored: RpcModel) -> None:
    answers = [answer for _, _, answer in _malformed(rpc_scored)]
    replies = [carried(answer) for answer in answers if not answer.answered]
    replies += [rpc_scored.ready(_UNKNOWN), rpc_scored.channel.ask("ModelReady", name=_UNKNOWN)]
    for reply in replies:
        found = leak_in(reply.details, rpc_scored.published) or _CLASS.search(reply.details)
        told = found if isinstance(found, str) else found.group() if found else ""
        check(not told, "the details tell of the server's inside", reply, got=told)


@requirement("grpc.errors.next-call")
def test_next_call(rpc_steady: RpcModel) -> None:
    usual, ready = rpc_steady.infer(rpc_steady.base_body), rpc_steady.ready()
    for what, _, _ in _malformed(rpc_steady):
        before = f"the call before was wrong ({what})"
        if ready.message is not None and ready.message.ready:  # else grpc.health.model-ready
            again = rpc_steady.ready()
            still = again.message is not None and again.message.ready
            check(still, f"{before}, and the model is not ready any more", again)
        answer = rpc_steady.infer(rpc_steady.base_body)
        check_ok(answer, before)
        check_same(usual, answer, f"{before}, and changed the prediction")
