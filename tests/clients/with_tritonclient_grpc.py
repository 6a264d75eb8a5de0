"""tritonclient[grpc] at a V2 server: ``python -m tests.clients.with_tritonclient_grpc ADDRESS``. It sends raw
contents, and reads both forms."""

import sys
from typing import Any

from tritonclient.grpc import InferenceServerClient, InferInput, InferRequestedOutput
from tritonclient.utils import InferenceServerException, np_to_triton_dtype

from tests.clients.values import OUTPUTS, PAIR, SIGNED, SPECIAL, TENSORS, Array, columns, tell, text, wine


def main(address: str) -> None:
    """Tell what the client reads."""
    client = InferenceServerClient(address)
    tell("live", client.is_server_live())
    tell("ready", [client.is_server_ready(), client.is_model_ready("wine-classifier")])
    tell("server", client.get_server_metadata(as_json=True))
    outputs = client.get_model_metadata("multi-output").outputs
    tell("metadata", {output.name: [output.datatype, list(output.shape)] for output in outputs})
    tell("wine", infer(client, "wine-classifier", wine(), ["quality"]))
    tell("columns", infer(client, "echo-columns", columns(), list(columns())))
    tell("tensors", infer(client, "tensors", TENSORS, list(TENSORS)))
    tell("labels", infer(client, "string-labels", {"x": SIGNED}, ["label"]))
    tell("outputs", infer(client, "multi-output", PAIR, list(OUTPUTS)))
    tell("some outputs", infer(client, "multi-output", PAIR, ["floor", "sum"]))
    tell("id", client.infer("string-labels", [tensor("x", SIGNED)], request_id="a-1").get_response().id)
    tell("error", refusal(client, [tensor("y", SIGNED)]))
    tell("special", infer(client, "tensors", SPECIAL, ["vector"]))
    client.close()


def tensor(name: str, array: Array) -> Any:
    """An input of the client."""
    made = InferInput(name, list(array.shape), np_to_triton_dtype(array.dtype))
    return made.set_data_from_numpy(array)


def infer(client: Any, model: str, tensors: dict[str, Array], outputs: list[str]) -> dict[str, Array]:
    """The outputs that the client reads."""
    asked = [InferRequestedOutput(name) for name in outputs]
    result = client.infer(model, [tensor(*each) for each in tensors.items()], outputs=asked)
    return {name: text(result.as_numpy(name)) for name in outputs}


def refusal(client: Any, inputs: list[Any]) -> list[str]:
    """Status and message of the exception that the client raises."""
    try:
        client.infer("string-labels", inputs)
    except InferenceServerException as error:
        return [error.status(), error.message()]
    raise AssertionError("the request was not refused")


if __name__ == "__main__":
    main(sys.argv[1])
