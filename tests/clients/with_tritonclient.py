"""tritonclient[http] at a V2 server: ``python -m tests.clients.with_tritonclient URL``."""

import sys
from typing import Any

import numpy as np
from tritonclient.http import InferenceServerClient, InferInput, InferRequestedOutput
from tritonclient.utils import InferenceServerException, np_to_triton_dtype

from tests.clients.values import OUTPUTS, PAIR, SIGNED, TENSORS, Array, columns, tell, wine


def main(url: str) -> None:
    """Tell what the client reads."""
    client = InferenceServerClient(url.removeprefix("http://"))
    tell("live", client.is_server_live())
    tell("ready", [client.is_server_ready(), client.is_model_ready("wine-classifier")])
    tell("ready, unknown model", client.is_model_ready("unknown"))
    tell("server", client.get_server_metadata())
    tell("metadata", client.get_model_metadata("multi-output"))
    tell("index", sorted(model["name"] for model in client.get_model_repository_index()))
    tell("wine", infer(client, "wine-classifier", wine(), ["quality"]))
    tell("columns", infer(client, "echo-columns", columns(), list(columns())))
    tell("tensors", infer(client, "tensors", TENSORS, list(TENSORS)))
    tell("labels", infer(client, "string-labels", {"x": SIGNED}, ["label"]))
    tell("outputs", infer(client, "multi-output", PAIR, list(OUTPUTS)))
    tell("some outputs", infer(client, "multi-output", PAIR, ["floor", "sum"]))
    tell("id", client.infer("string-labels", [tensor("x", SIGNED)], request_id="a-1").get_response()["id"])
    tell("error", refusal(client, [tensor("y", SIGNED)]))
    tell("outputs as the client asks by default", unasked(client))
    tell("binary input", refusal(client, [tensor("x", SIGNED, binary_data=True)]))
    client.close()


def tensor(name: str, array: Array, binary_data: bool = False) -> Any:
    """An input of the client, in JSON unless binary."""
    made = InferInput(name, list(array.shape), np_to_triton_dtype(array.dtype))
    return made.set_data_from_numpy(array, binary_data=binary_data)


def infer(client: Any, model: str, tensors: dict[str, Array], outputs: list[str]) -> dict[str, Array]:
    """The outputs that the client reads, asked for in JSON."""
    asked = [InferRequestedOutput(name, binary_data=False) for name in outputs]
    result = client.infer(model, [tensor(*each) for each in tensors.items()], outputs=asked)
    assert [output["name"] for output in result.get_response()["outputs"]] == outputs
    return {name: result.as_numpy(name) for name in outputs}


def unasked(client: Any) -> Array:
    """The outputs when none is asked for: the client then sends ``binary_data_output``."""
    read: Array = client.infer("string-labels", [tensor("x", np.array([[2.5]]))]).as_numpy("label")
    return read


def refusal(client: Any, inputs: list[Any]) -> list[str]:
    """Status and message of the exception that the client raises."""
    try:
        client.infer("string-labels", inputs)
    except InferenceServerException as error:
        return [error.status(), error.message()]
    raise AssertionError("the request was not refused")


if __name__ == "__main__":
    main(sys.argv[1])
