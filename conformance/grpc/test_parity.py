"""The two transports side by side."""

import pytest

from conformance.asking.batches import accepted_neighbours
from conformance.asking.content_types import declared
from conformance.asking.inference import check_same
from conformance.asking.rest import RestModel
from conformance.asking.rpc import RpcModel
from conformance.checks.assertions import check, check_ok, fail
from conformance.checks.skips import no_request, not_implemented
from conformance.harness.target import Target
from conformance.wire import content_types, tensors

requirement = pytest.mark.requirement
_MEMBERS = ("name", "versions", "platform", "inputs", "outputs")
_DIFFERENT = "HTTP and gRPC have different predictions"
_TENSOR = ("name", "datatype", "shape")


def _twin(model: RpcModel, target: Target) -> RestModel:
    """The same model over HTTP."""
    if "v2" in target.missing:
        not_implemented(f"the target has no HTTP beside gRPC: {target.missing['v2']}")
    twin = next(one for one in target.models if one.name == model.name)
    if twin.base is None:
        no_request(f"{model.name} over HTTP")
    return twin


@requirement("grpc.parity.predictions")
def test_predictions(rpc_steady: RpcModel, target: Target) -> None:
    twin = _twin(rpc_steady, target)
    alone = [[row] for row in [*rpc_steady.probes, *accepted_neighbours(rpc_steady)]]
    for rows in [*alone, [*rpc_steady.base_rows] * min(rpc_steady.limit, 2)]:
        one, two = twin.infer(rpc_steady.body(rows)), rpc_steady.predict(rows)
        if one.answered and two.answered and not tensors.has_null(one.outputs):
            check_same(one, two, _DIFFERENT)


@requirement("grpc.parity.content-types")
def test_content_types(rpc_steady: RpcModel, target: Target) -> None:
    twin = _twin(rpc_steady, target)
    declared(twin)
    for plain in (twin.body([row]) for row in twin.probes):
        if tensors.difference(twin.infer(plain).outputs, rpc_steady.infer(plain).outputs):
            continue  # grpc.parity.predictions
        body = content_types.explicit(plain, twin.inputs, twin.content_type)
        one, two = twin.infer(body), rpc_steady.infer(body)
        if one.answered and not tensors.has_null(one.outputs):
            check_ok(two, "the same request is answered over HTTP")
            check_same(one, two, _DIFFERENT)


@requirement("grpc.parity.refusals")
def test_refusal_of_all(rpc_model: RpcModel, target: Target) -> None:
    twin, refusal = _twin(rpc_model, target), rpc_model.refusal
    if rpc_model.base is None and twin.base is not None and refusal is not None:
        fail("HTTP answers a good request, gRPC refuses all", twin.base, refusal, got=refusal.status)


@requirement("grpc.parity.refusals")
def test_refusals(rpc_scored: RpcModel, target: Target) -> None:
    """A good request with an output, a version or a name that is not there; and with an input less."""
    twin, unknown = _twin(rpc_scored, target), "conformance-unknown"
    body = rpc_scored.base_body
    requests = [(body | {"outputs": [{"name": unknown}]}, ""), (body, unknown)]
    requests += [(body | {"inputs": body["inputs"][1:]}, "")]
    for request, version in requests:
        one, two = twin.infer(request, version), rpc_scored.infer(request, version)
        message = "one transport answers what the other refuses"
        check(one.answered == two.answered, message, one, two, got=two.status, expected=one.status)


@requirement("grpc.parity.metadata")
def test_metadata(rpc_model: RpcModel, target: Target) -> None:
    twin = _twin(rpc_model, target)
    for member in _MEMBERS if rpc_model.metadata.answered and twin.metadata.answered else ():
        one, two = twin.described.get(member), rpc_model.described.get(member)
        if isinstance(one, list) and member in ("inputs", "outputs"):
            one = [{name: t.get(name) for name in _TENSOR} for t in one if isinstance(t, dict)]
        left_out = member == "versions" and not one  # optional over HTTP
        different = not left_out and (one or None) != (two or None)
        check(
            not different,
            f"{member} is told otherwise",
            twin.metadata,
            rpc_model.metadata,
            got=two,
            expected=one,
        )
