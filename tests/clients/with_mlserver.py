"""MLServer's types and codecs at a V2 server: ``python -m tests.clients.with_mlserver URL``.

Requests are written by ``model_dump_json`` and answers read by ``model_validate_json``, as MLServer's own
REST endpoints do; ``requests`` carries them.
"""

import sys
from typing import Any

import pandas as pd
import requests
from mlserver import types
from mlserver.codecs import Base64Codec, DatetimeCodec, NumpyCodec, PandasCodec, StringCodec

from tests.clients.values import (
    BINARY,
    DATETIME,
    NUMBERS,
    PAIR,
    SIGNED,
    STRING,
    TENSORS,
    WINE,
    Array,
    tell,
)


def main(url: str) -> None:
    """Tell what the codecs read."""
    v2 = f"{url}/v2"
    server = types.MetadataServerResponse.model_validate_json(requests.get(v2).content)
    tell("server", server.name)
    metadata = requests.get(f"{v2}/models/echo-columns").content
    tell("metadata", content_types(types.MetadataModelResponse.model_validate_json(metadata)))
    index = requests.post(f"{v2}/repository/index", json={}).content
    tell("index", [(m.name, m.state) for m in types.RepositoryIndexResponse.model_validate_json(index)])
    wine = PandasCodec.encode_request(pd.DataFrame(WINE))
    tell("wine", frame(infer(v2, "wine-classifier", wine)))
    pair = pd.DataFrame({name: array[:, 0] for name, array in PAIR.items()})
    tell("outputs", frame(infer(v2, "multi-output", PandasCodec.encode_request(pair))))
    tell("columns", columns(infer(v2, "echo-columns", types.InferenceRequest(inputs=column_inputs()))))
    tensors = types.InferenceRequest(inputs=tensor_inputs())
    tell("tensors", {o.name: NumpyCodec.decode_output(o) for o in infer(v2, "tensors", tensors).outputs})
    labels = infer(v2, "string-labels", types.InferenceRequest(id="a-1", inputs=[signed()]))
    tell("labels", [labels.id, StringCodec.decode_output(labels.outputs[0])])
    tell("labels as np", NumpyCodec.decode_output(infer(v2, "string-labels", as_numpy()).outputs[0]))
    wrong = types.InferenceRequest(inputs=[NumpyCodec.encode_input("y", SIGNED)])
    tell("error", refusal(v2, "string-labels", wrong))


def infer(v2: str, model: str, request: Any) -> Any:
    """The answer as an InferenceResponse of MLServer."""
    answer = post(v2, model, request)
    assert answer.status_code == 200, answer.text
    return types.InferenceResponse.model_validate_json(answer.content)


def post(v2: str, model: str, request: Any) -> requests.Response:
    """The answer to an InferenceRequest of MLServer."""
    headers = {"Content-Type": "application/json"}
    return requests.post(f"{v2}/models/{model}/infer", request.model_dump_json().encode(), headers=headers)


def frame(response: Any) -> Any:
    """The answer as a DataFrame: its columns with their dtypes."""
    read = PandasCodec.decode_response(response)
    return {name: [str(read[name].dtype), read[name].tolist()] for name in read}


def column_inputs() -> list[Any]:
    """The columns of echo-columns, each by the codec of its type."""
    return [
        *(NumpyCodec.encode_input(name, array) for name, array in NUMBERS.items()),
        StringCodec.encode_input("string", STRING),
        Base64Codec.encode_input("binary", BINARY),
        DatetimeCodec.encode_input("datetime", DATETIME),
    ]


def columns(response: Any) -> dict[str, Any]:
    """The columns of echo-columns, each by the codec of its type."""
    codecs = {"string": StringCodec, "binary": Base64Codec, "datetime": DatetimeCodec}
    return {
        output.name: codecs.get(output.name, NumpyCodec).decode_output(output) for output in response.outputs
    }


def tensor_inputs() -> list[Any]:
    """The tensors; NumpyCodec says [N, 1] for an array of shape [N], which these do not mean."""
    made = [tensor_input(name, array) for name, array in TENSORS.items()]
    for tensor, array in zip(made, TENSORS.values(), strict=True):
        tensor.shape = list(array.shape)
    return made


def tensor_input(name: str, array: Array) -> Any:
    """An array by NumpyCodec, which takes texts as ``str_`` only."""
    return NumpyCodec.encode_input(name, array.astype(str) if array.dtype == object else array)


def signed() -> Any:
    return NumpyCodec.encode_input("x", SIGNED)


def as_numpy() -> Any:
    """A request for labels with the content type of arrays."""
    asked = types.RequestOutput(name="label", parameters=types.Parameters(content_type="np"))
    return types.InferenceRequest(inputs=[signed()], outputs=[asked])


def content_types(metadata: Any) -> dict[str, Any]:
    """Datatype, shape and content type of each input."""
    return {i.name: [i.datatype, i.shape, i.parameters.content_type] for i in metadata.inputs}


def refusal(v2: str, model: str, request: Any) -> list[Any]:
    """Status and message of an error."""
    answer = post(v2, model, request)
    return [answer.status_code, types.InferenceErrorResponse.model_validate_json(answer.content).error]


if __name__ == "__main__":
    main(sys.argv[1])
