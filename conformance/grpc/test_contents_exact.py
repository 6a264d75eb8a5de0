"""The contents of tensors: what a model that returns its inputs makes of hard elements, in both forms."""

from functools import partial

import pytest

from conformance.asking.rpc import RpcModel
from conformance.harness.target import Target
from conformance.oracles import exact
from conformance.oracles.exact import Ways
from conformance.wire.messages import Form

requirement = pytest.mark.requirement


@pytest.fixture(scope="session")
def ways(rpc_scored: RpcModel) -> Ways:
    """Both forms of contents."""
    return {form.value: partial(rpc_scored.infer_as, form) for form in Form}


@requirement("grpc.contents.exact-integers")
def test_exact_integers(rpc_scored: RpcModel, target: Target, ways: Ways) -> None:
    exact.check_exact("integers", rpc_scored, target.answers, ways)


@requirement("grpc.contents.exact-floats")
def test_exact_floats(rpc_scored: RpcModel, target: Target, ways: Ways) -> None:
    exact.check_exact("floats", rpc_scored, target.answers, ways)


@requirement("grpc.contents.exact-specials")
def test_exact_specials(rpc_scored: RpcModel, target: Target, ways: Ways) -> None:
    exact.check_exact("specials", rpc_scored, target.answers, ways)


@requirement("grpc.contents.exact-booleans")
def test_exact_booleans(rpc_scored: RpcModel, target: Target, ways: Ways) -> None:
    exact.check_exact("booleans", rpc_scored, target.answers, ways)


@requirement("grpc.contents.exact-text")
def test_exact_text(rpc_scored: RpcModel, target: Target, ways: Ways) -> None:
    exact.check_exact("text", rpc_scored, target.answers, ways)


@requirement("grpc.contents.exact-bytes")
def test_exact_bytes(rpc_scored: RpcModel, target: Target, ways: Ways) -> None:
    exact.check_exact("bytes", rpc_scored, target.answers, ways)


@requirement("grpc.contents.bytes-raw")
def test_bytes_raw(rpc_scored: RpcModel, target: Target, ways: Ways) -> None:
    exact.check_lengths(rpc_scored, target.answers, {"raw": ways["raw"]})
