"""KServe's REST client at a V2 server: ``python -m tests.clients.with_kserve URL``.

Its tensors are binary data where the URL ends in ``#binary``.
"""

import asyncio
import sys
from typing import Any

import httpx
from kserve import InferenceRESTClient, InferInput, InferRequest
from kserve.inference_client import RESTConfig
from kserve.protocol.infer_type import RequestedOutput
from kserve.utils.numpy_codec import from_np_dtype

from tests.clients.values import OUTPUTS, PAIR, SIGNED, TENSORS, Array, columns, tell, wine


async def main(url: str) -> None:
    """Tell what the client reads."""
    url, _, binary = url.partition("#")
    async with InferenceRESTClient(RESTConfig(protocol="v2")) as client:
        tell("live", await client.is_server_live(url))
        tell("ready", [await client.is_server_ready(url), await client.is_model_ready(url, "tensors")])
        tell("ready, unknown model", await client.is_model_ready(url, "unknown"))
        tell("wine", await infer(client, url, request("wine-classifier", wine(), ["quality"], binary)))
        echoed = request("echo-columns", columns(), list(columns()), binary)
        tell("columns", await infer(client, url, echoed))
        tell("tensors", await infer(client, url, request("tensors", TENSORS, list(TENSORS), binary)))
        labels = request("string-labels", {"x": SIGNED}, ["label"], binary)
        tell("labels", await infer(client, url, labels))
        tell("outputs", await infer(client, url, request("multi-output", PAIR, list(OUTPUTS), binary)))
        some = request("multi-output", PAIR, ["floor", "sum"], binary)
        tell("some outputs", await infer(client, url, some))
        tell("id", (await client.infer(url, labels, "string-labels")).id)
        wrong = request("string-labels", {"y": SIGNED}, ["label"], binary)
        tell("error", await refusal(client, url, wrong))


def request(model: str, tensors: dict[str, Array], outputs: list[str], binary: object) -> Any:
    """A request of the client, in JSON unless binary."""
    inputs = [InferInput(name, list(a.shape), from_np_dtype(a.dtype)) for name, a in tensors.items()]
    for tensor, array in zip(inputs, tensors.values(), strict=True):
        tensor.set_data_from_numpy(array, binary_data=bool(binary))
    asked = [RequestedOutput(name, {"binary_data": bool(binary)}) for name in outputs]
    return InferRequest(model, inputs, request_id="a-1", request_outputs=asked)


async def infer(client: Any, url: str, asked: Any) -> dict[str, Array]:
    """The outputs that the client reads."""
    response = await client.infer(url, asked, model_name=asked.model_name)
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
