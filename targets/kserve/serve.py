"""``serve.py REPOSITORY --http_port PORT --grpc_port PORT``: MLflow models behind KServe's ``ModelServer``.

Runs in the target's own environment. What is on the wire is the SDK's: the model reads the request with
``InferRequest.as_dataframe`` and answers with ``get_predict_response``, as KServe's own servers do.
"""

# mypy: allow-subclassing-any

import argparse
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import grpc
import kserve.model_server
import kserve.protocol.grpc.server
import mlflow
import pandas as pd
from kserve import InferRequest, InferResponse, Model, ModelServer
from kserve.protocol.rest.server import RESTServer
from kserve.utils.utils import get_predict_response

DATATYPES = {
    "boolean": "BOOL",
    "integer": "INT32",
    "long": "INT64",
    "float": "FP32",
    "double": "FP64",
    "string": "BYTES",
    "binary": "BYTES",
    "datetime": "BYTES",
}


class MLflowModel(Model):
    """One MLflow model with a signature of columns."""

    def __init__(self, name: str, folder: Path) -> None:
        super().__init__(name)
        self.folder = folder

    def load(self) -> bool:
        self.model = mlflow.pyfunc.load_model(str(self.folder))
        self.signature = self.model.metadata.signature
        self.ready = True
        return self.ready

    def get_input_types(self) -> list[dict[str, Any]]:
        return columns(self.signature.inputs)

    def get_output_types(self) -> list[dict[str, Any]]:
        return columns(self.signature.outputs)

    def predict(
        self,
        payload: InferRequest,
        headers: dict[str, str] | None = None,
        response_headers: dict[str, str] | None = None,
    ) -> InferResponse:
        result = self.model.predict(payload.as_dataframe())
        names = self.signature.outputs.input_names()
        return get_predict_response(payload, pd.DataFrame(result, columns=names), self.name)


def columns(schema: Any) -> list[dict[str, Any]]:
    """The metadata of the columns of an MLflow schema, each a tensor of shape [-1]."""
    return [
        {"name": column.name, "datatype": DATATYPES[column.type.name], "shape": [-1]}
        for column in schema.inputs
    ]


def local_server(*arguments: Any, **options: Any) -> Any:
    """A gRPC server that listens on 127.0.0.1, where the SDK says all addresses."""
    server = grpc.aio.server(*arguments, **options)
    listen = server.add_insecure_port
    setattr(server, "add_insecure_port", lambda address: listen(address.replace("[::]", "127.0.0.1")))  # noqa: B010
    return server


class LocalServer(RESTServer):
    """KServe's HTTP server on 127.0.0.1: the SDK listens on all addresses, and has no option for that."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.config.host = "127.0.0.1"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(parents=[kserve.model_server.parser])
    parser.add_argument("repository", type=Path)
    settings = sorted(parser.parse_args().repository.glob("*/model/MLmodel"))
    models = [MLflowModel(file.parent.parent.name, file.parent) for file in settings]
    for model in models:
        model.load()
    kserve.model_server.RESTServer = LocalServer
    setattr(kserve.protocol.grpc.server, "aio", SimpleNamespace(server=local_server))  # noqa: B010
    ModelServer().start(models)
