"""``serve.py REPOSITORY --http-port P --grpc-port P --metrics-port P``: MLflow models behind Triton.

Runs in the target's own environment (CPython 3.10), by PyTriton. What is on the wire is tritonserver's: the
model sees and returns NumPy arrays only.
"""

# mypy: allow-untyped-decorators

import argparse
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
from pytriton.decorators import batch
from pytriton.model_config import ModelConfig, Tensor
from pytriton.triton import Triton, TritonConfig

DTYPES = {
    "boolean": np.bool_,
    "integer": np.int32,
    "long": np.int64,
    "float": np.float32,
    "double": np.float64,
    "string": np.object_,
}


def tensors(schema: Any) -> list[Tensor]:
    """The columns of an MLflow schema, each a tensor of shape [-1, 1]: rows are the batch."""
    return [Tensor(name=c.name, dtype=DTYPES[c.type.name], shape=(1,)) for c in schema.inputs]


def inference(model: Any) -> Any:
    """The model as the function that PyTriton calls: named arrays of shape [rows, 1] in and out."""
    outputs = tensors(model.metadata.signature.outputs)

    @batch
    def infer(**columns: Any) -> dict[str, Any]:
        result = np.asarray(model.predict(pd.DataFrame({n: values(a) for n, a in columns.items()})))
        table = result.reshape(len(result), len(outputs))
        return {t.name: table[:, [i]].astype(t.dtype) for i, t in enumerate(outputs)}

    return infer


def values(array: Any) -> Any:
    """One column: BYTES are text."""
    column = array[:, 0]
    return [item.decode() for item in column] if array.dtype == np.object_ else column


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("repository", type=Path)
    for name in ("http", "grpc", "metrics"):
        parser.add_argument(f"--{name}-port", type=int, required=True)
    options = parser.parse_args()
    config = TritonConfig(
        http_address="127.0.0.1",
        http_port=options.http_port,
        grpc_address="127.0.0.1",
        grpc_port=options.grpc_port,
        metrics_address="127.0.0.1",
        metrics_port=options.metrics_port,
    )
    with Triton(config=config) as triton:
        for file in sorted(options.repository.glob("*/model/MLmodel")):
            model = mlflow.pyfunc.load_model(str(file.parent))
            triton.bind(
                model_name=file.parent.parent.name,
                infer_func=inference(model),
                inputs=tensors(model.metadata.get_input_schema()),
                outputs=tensors(model.metadata.get_output_schema()),
                config=ModelConfig(max_batch_size=100_000),
            )
        triton.serve()


if __name__ == "__main__":
    main()
