"""KServe's gRPC client at a V2 server: ``python -m tests.clients.with_kserve_grpc ADDRESS``. It sends typed
contents."""

import asyncio
import sys
from typing import Any

import grpc
from kserve import InferenceGRPCClient, InferInput, InferRequest
from kserve.protocol.infer_type import RequestedOutput
from kserve.utils.numpy_codec import from_np_dtype

from tests.clients.values import PAIR, SIGNED, TENSORS, Array, columns, tell, text, wine


async def main(address: str) -> None:
    """Tell what the client reads."""
    async with InferenceGRPCClient(address) as client:
        tell("live", await client.is_server_live())
        tell("ready", [await client.is_server_ready(), await client.is_model_ready("tensors")])
        tell("wine", await infer(client, "wine-classifier", wine()))
        tell("columns", await infer(client, "echo-columns", columns()))
        tell("tensors", await infer(client, "tensors", TENSORS))
        tell("labels", await infer(client, "string-labels", {"x": SIGNED}))
        tell("outputs", await infer(client, "multi-output", PAIR))
        tell("some outputs", await infer(client, "multi-output", PAIR, ["floor", "sum"]))
        tell("id", (await client.infer(request("string-labels", {"x": SIGNED}))).id)
        tell("error", await refusal(client, request("string-labels", {"y": SIGNED})))


def request(model: str, tensors: dict[str, Array], outputs: list[str] | None = None) -> Any:
    """A request of the client."""
    inputs = [InferInput(name, list(a.shape), from_np_dtype(a.dtype)) for name, a in tensors.items()]
    for tensor, array in zip(inputs, tensors.values(), strict=True):
        tensor.set_data_from_numpy(array, binary_data=False)
    asked = [RequestedOutput(name) for name in outputs or []]
    return InferRequest(model, inputs, request_id="a-1", request_outputs=asked)


async def infer(
    client: Any, model: str, tensors: dict[str, Array], outputs: list[str] | None = None
) -> dict[str, Array]:
    """The outputs that the client reads."""
    response = await client.infer(request(model, tensors, outputs))
    return {output.name: text(output.as_numpy()) for output in response.outputs}


async def refusal(client: Any, refused: Any) -> list[Any]:
    """Status and message of the exception that the client raises."""
    try:
        await client.infer(refused)
    except grpc.RpcError as error:
        return [error.code().name, error.details()]
    raise AssertionError("the request was not refused")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
