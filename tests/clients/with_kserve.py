"""KServe's REST client at a V2 server: ``python -m tests.clients.with_kserve URL``."""

import asyncio
import sys
from typing import Any

import httpx
from kserve import InferenceRESTClient, InferInput, InferRequest
from kserve.inference_client import RESTConfig
from kserve.protocol.infer_type import RequestedOutput
from kserve.utils.numpy_codec import from_np_dtype

from tests.clients.values import PAIR, SIGNED, TENSORS, Array, columns, tell, wine


async def main(url: str) -> None:
    """Tell what the client reads."""
    async with InferenceRESTClient(RESTConfig(protocol="v2")) as client:
        tell("live", await client.is_server_live(url))
        tell("ready", [await client.is_server_ready(url), await client.is_model_ready(url, "tensors")])
        tell("ready, unknown model", await client.is_model_ready(url, "unknown"))
        tell("wine", await infer(client, url, "wine-classifier", wine()))
        tell("columns", await infer(client, url, "echo-columns", columns()))
        tell("tensors", await infer(client, url, "tensors", TENSORS))
        tell("labels", await infer(client, url, "string-labels", {"x": SIGNED}))
        tell("outputs", await infer(client, url, "multi-output", PAIR))
        tell("some outputs", await infer(client, url, "multi-output", PAIR, ["floor", "sum"]))
        tell("id", (await client.infer(url, request("string-labels", {"x": SIGNED}), "string-labels")).id)
        tell("error", await refusal(client, url, request("string-labels", {"y": SIGNED})))
        binary = request("string-labels", {"x": SIGNED}, binary_data=True)
        tell("binary input", await refusal(client, url, binary))


def request(
    model: str, tensors: dict[str, Array], outputs: list[str] | None = None, binary_data: bool = False
) -> Any:
    """A request of the client, in JSON unless binary."""
    inputs = [InferInput(name, list(a.shape), from_np_dtype(a.dtype)) for name, a in tensors.items()]
    for tensor, array in zip(inputs, tensors.values(), strict=True):
        tensor.set_data_from_numpy(array, binary_data=binary_data)
    asked = [RequestedOutput(name) for name in outputs or []]
    return InferRequest(model, inputs, request_id="a-1", request_outputs=asked)


async def infer(
    client: Any, url: str, model: str, tensors: dict[str, Array], outputs: list[str] | None = None
) -> dict[str, Array]:
    """The outputs that the client reads."""
    response = await client.infer(url, request(model, tensors, outputs), model_name=model)
    return {output.name: output.as_numpy() for output in response.outputs}


async def refusal(client: Any, url: str, refused: Any) -> list[Any]:
    """Status and message of the exception that the client raises."""
    try:
        await client.infer(url, refused, model_name=refused.model_name)
    except httpx.HTTPStatusError as error:
        return [error.response.status_code, str(error)]
    raise AssertionError("the request was not refused")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
