"""tritonclient[http] at a V2 server: ``python -m tests.clients.with_tritonclient URL``.

Its tensors are binary data where the URL ends in ``#binary``.
"""

import sys
from typing import Any

from tritonclient.http import InferenceServerClient, InferInput, InferRequestedOutput
from tritonclient.utils import InferenceServerException, np_to_triton_dtype

from tests.clients.values import OUTPUTS, PAIR, SIGNED, SPECIAL, TENSORS, Array, columns, tell, text, wine


def main(url: str) -> None:
    """Tell what the client reads."""
    url, _, binary = url.partition("#")
    client = InferenceServerClient(url.removeprefix("http://"))
    tell("live", client.is_server_live())
    tell("ready", [client.is_server_ready(), client.is_model_ready("wine-classifier")])
    tell("ready, unknown model", client.is_model_ready("unknown"))
    tell("server", client.get_server_metadata())
    tell("metadata", client.get_model_metadata("multi-output"))
    tell("index", sorted(model["name"] for model in client.get_model_repository_index()))
    tell("wine", infer(client, "wine-classifier", wine(), ["quality"], binary))
    tell("columns", infer(client, "echo-columns", columns(), list(columns()), binary))
    tell("tensors", infer(client, "tensors", TENSORS, list(TENSORS), binary))
    tell("labels", infer(client, "string-labels", {"x": SIGNED}, ["label"], binary))
    tell("outputs", infer(client, "multi-output", PAIR, list(OUTPUTS), binary))
    tell("some outputs", infer(client, "multi-output", PAIR, ["floor", "sum"], binary))
    x = tensor("x", SIGNED, binary)
    tell("id", client.infer("string-labels", [x], request_id="a-1").get_response()["id"])
    tell("error", refusal(client, [tensor("y", SIGNED, binary)]))
    default = client.infer("string-labels", [tensor("x", SIGNED, binary=True)])
    tell("by default", text(default.as_numpy("label")))
    tell("special", infer(client, "tensors", SPECIAL, ["vector"], binary=True))
    client.close()


def tensor(name: str, array: Array, binary: object) -> Any:
    """An input of the client, in JSON unless binary."""
    made = InferInput(name, list(array.shape), np_to_triton_dtype(array.dtype))
    return made.set_data_from_numpy(array, binary_data=bool(binary))


def infer(
    client: Any, model: str, tensors: dict[str, Array], outputs: list[str], binary: object
) -> dict[str, Array]:
    """The outputs that the client reads, asked for in JSON unless binary."""
    asked = [InferRequestedOutput(name, binary_data=bool(binary)) for name in outputs]
    result = client.infer(model, [tensor(*each, binary) for each in tensors.items()], outputs=asked)
    answered = result.get_response()["outputs"]
    assert [output["name"] for output in answered] == outputs
    assert all(("data" in output) != bool(binary) for output in answered)
    return {name: text(result.as_numpy(name)) if binary else result.as_numpy(name) for name in outputs}


def refusal(client: Any, inputs: list[Any]) -> list[str]:
    """Status and message of the exception that the client raises."""
    try:
        client.infer("string-labels", inputs)
    except InferenceServerException as error:
        return [error.status(), error.message()]
    raise AssertionError("the request was not refused")


if __name__ == "__main__":
    main(sys.argv[1])
