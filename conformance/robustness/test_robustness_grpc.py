"""Calls that may bring a gRPC server down. Opt-in: --profile robustness."""

import pytest

from conformance.asking.rpc import RpcModel
from conformance.checks.assertions import check, check_no_failure
from conformance.checks.skips import no_request, not_implemented
from conformance.harness.target import Target
from conformance.mistakes import hostile_rpc
from conformance.mistakes.hostile_rpc import HUGE, RpcSiege
from conformance.transport.rpc import INFER, read
from conformance.wire.messages import Form
from spec.service import calls

requirement = pytest.mark.requirement
_ROWS = 10_000
_AT_ONCE = 16


@pytest.fixture(scope="session")
def siege(target: Target) -> RpcSiege:
    """The first model, under hostile calls."""
    model: RpcModel = target.rpc_models[0]
    if model.base is None:
        no_request(model.name)
    return RpcSiege(model, model.base_body, model.base.outputs)


@requirement("robustness.grpc-shapes")
def test_shapes(siege: RpcSiege) -> None:
    for form, changes in hostile_rpc.shapes():
        siege.check_stands(*siege.changed(changes, form))


@requirement("robustness.grpc-long-texts")
def test_long_texts(siege: RpcSiege) -> None:
    siege.check_stands(*siege.changed(hostile_rpc.texts()))


@requirement("robustness.grpc-many-members")
def test_many_members(siege: RpcSiege) -> None:
    siege.check_stands(*siege.changed(hostile_rpc.many()))


@requirement("robustness.grpc-lengths")
def test_lengths(siege: RpcSiege) -> None:
    siege.check_stands(*siege.changed(hostile_rpc.lengths(), Form.RAW))


@requirement("robustness.grpc-wire")
def test_wire(siege: RpcSiege) -> None:
    for what, message in hostile_rpc.wire(siege.model.message().SerializeToString()).items():
        siege.check_stands(siege.send(what, message, read=False))


@requirement("robustness.grpc-metadata")
def test_metadata(siege: RpcSiege) -> None:
    good = siege.model.message().SerializeToString()
    flood = [(f"x-conformance-{place}", "x" * 200) for place in range(200)]
    siege.check_stands(
        siege.send("200 keys of metadata", good, *flood),
        siege.send("64 kB of metadata", good, ("x-conformance", "x" * 2**16)),
    )


@requirement("robustness.grpc-huge-message")
def test_huge_message(siege: RpcSiege) -> None:
    message = siege.model.message()
    message.parameters["conformance"].string_param = "x" * HUGE
    siege.check_stands(siege.send("a message of 100 MB", message.SerializeToString()))


@requirement("robustness.grpc-dropped")
def test_dropped(siege: RpcSiege) -> None:
    sent = [siege.model.message().SerializeToString()] * _AT_ONCE
    siege.model.channel.drop(calls()[INFER].path, sent)
    for _ in range(3):  # the server may not be done with the others at once
        siege.check_usual(siege.usual(), f"after a connection that ended with {_AT_ONCE} calls under way")


@requirement("robustness.grpc-at-once")
def test_at_once(siege: RpcSiege) -> None:
    good = siege.model.message()
    bad = siege.model.message()
    bad.inputs[0].shape[:] = [7, 7, 7]
    sent = [good.SerializeToString(), bad.SerializeToString()] * (_AT_ONCE // 2)
    for reply in siege.model.channel.together(calls()[INFER].path, sent)[::2]:
        siege.check_usual(read(reply), "among malformed ones")


@requirement("robustness.grpc-large-batch")
def test_large_batch(siege: RpcSiege) -> None:
    if not siege.model.batched:
        not_implemented(f"{siege.model.name} takes no batches")
    answer = siege.model.predict(list(siege.model.base_rows) * _ROWS)
    if answer.answered:
        check(bool(answer.outputs), "the answer has no outputs", answer)
    check_no_failure(answer, f"{_ROWS:,} rows are predicted, or too many")


@requirement("robustness.grpc-answered")
def test_answered(siege: RpcSiege) -> None:
    siege.check_answered()


@requirement("robustness.grpc-client-status")
def test_client_status(siege: RpcSiege) -> None:
    siege.check_no_failure()
