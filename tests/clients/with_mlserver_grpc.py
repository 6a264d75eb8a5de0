"""MLServer's gRPC types at a V2 server: ``python -m tests.clients.with_mlserver_grpc ADDRESS``.

Its converters make messages of the types that REST has, and types of messages; the contents are raw where the
address ends in ``#raw``. Its NumpyCodec reads no texts of messages: they are bytes there.
"""

import sys
from typing import Any

import grpc
import pandas as pd
from mlserver import types
from mlserver.codecs import NumpyCodec, PandasCodec, StringCodec
from mlserver.grpc import converters
from mlserver.grpc.dataplane_pb2_grpc import GRPCInferenceServiceStub

from tests.clients.values import WINE, tell
from tests.clients.with_mlserver import column_inputs, columns, frame, signed, tensor_inputs


def main(address: str) -> None:
    """Tell what the codecs read."""
    address, _, raw = address.partition("#")
    stub = GRPCInferenceServiceStub(grpc.insecure_channel(address))

    def infer(model: str, request: Any) -> Any:
        """The answer as an InferenceResponse of MLServer."""
        message = converters.ModelInferRequestConverter.from_types(request, model, None, use_raw=bool(raw))
        return converters.ModelInferResponseConverter.to_types(stub.ModelInfer(message))

    tell("wine", frame(infer("wine-classifier", PandasCodec.encode_request(pd.DataFrame(WINE)))))
    tell("columns", columns(infer("echo-columns", types.InferenceRequest(inputs=column_inputs()))))
    tensors = infer("tensors", types.InferenceRequest(inputs=tensor_inputs())).outputs
    tell("tensors", {o.name: NumpyCodec.decode_output(o) for o in tensors if o.datatype != "BYTES"})
    labels = infer("string-labels", types.InferenceRequest(id="a-1", inputs=[signed()]))
    tell("labels", [labels.id, StringCodec.decode_output(labels.outputs[0])])


if __name__ == "__main__":
    main(sys.argv[1])
