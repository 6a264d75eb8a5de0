"""Models that return what they are given, one for each kind of signature, behind the scoring endpoint."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema, TensorSpec
from mlflow.types.schema import Array, Map, Object, Property

from reference_server import create_app
from tests.saving import save

JSON = {"Content-Type": "application/json"}
CSV = {"Content-Type": "text/csv"}
SCALARS = ("boolean", "integer", "long", "float", "double", "string", "binary", "datetime")
STRUCTURES = {
    "texts": Array(DataType.string),
    "doubles": Array(DataType.double),
    "floats": Array(DataType.float),
    "integers": Array(DataType.integer),
    "longs": Array(DataType.long),
    "booleans": Array(DataType.boolean),
    "times": Array(DataType.datetime),
    "matrix": Array(Array(DataType.double)),
    "map": Map(DataType.double),
    "object": Object(
        [
            Property("d", DataType.double, required=False),
            Property("i", DataType.integer, required=False),
            Property("f", DataType.float, required=False),
            Property("t", DataType.datetime, required=False),
            Property("s", DataType.string, required=False),
            Property("v", Array(DataType.double), required=False),
        ]
    ),
}
PARAMS = {
    "long": ParamSpec("long", DataType.long, 1),
    "integer": ParamSpec("integer", DataType.integer, 1),
    "double": ParamSpec("double", DataType.double, 1.0),
    "float": ParamSpec("float", DataType.float, 1.0),
    "string": ParamSpec("string", DataType.string, ""),
    "boolean": ParamSpec("boolean", DataType.boolean, True),
    "datetime": ParamSpec("datetime", DataType.datetime, "2020-01-01"),
    "longs": ParamSpec("longs", DataType.long, [1], (-1,)),
    "object": ParamSpec("object", Object([Property("d", DataType.double)]), {"d": 1.5}),
}
TENSORS: dict[str, tuple[int, ...]] = dict.fromkeys(("float64", "float32", "int64", "uint8", "bool"), (-1, 2))
TENSORS["str"] = (-1,)

ECHO = "x"
PARAMETERS = "[[name, type(value).__name__, str(value)] for name, value in params.items()]"
SIGNATURES: dict[str, ModelSignature] = {
    "optional": ModelSignature(Schema([ColSpec(name, name, required=False) for name in SCALARS])),
    "structures": ModelSignature(Schema([ColSpec(k, n, required=False) for n, k in STRUCTURES.items()])),
    "texts": ModelSignature(Schema([ColSpec(STRUCTURES["texts"], "v")])),
    "numbered": ModelSignature(Schema([ColSpec("long", 0), ColSpec("double", 1)])),
    "unnamed": ModelSignature(Schema([ColSpec("long"), ColSpec("double")])),
    "params": ModelSignature(Schema([ColSpec("double", "x")]), params=ParamSchema(list(PARAMS.values()))),
    "tensors": ModelSignature(Schema([TensorSpec(np.dtype("float64"), (-1,), name) for name in "ab"])),
    **{name: ModelSignature(Schema([ColSpec(name, name)])) for name in SCALARS},
    **{name: ModelSignature(Schema([TensorSpec(np.dtype(name), shape)])) for name, shape in TENSORS.items()},
}

Ask = Callable[..., tuple[int, Any]]


def asking(root: Path) -> Ask:
    """Posts a body to /invocations of a model of ``SIGNATURES``, or to another path: the status, the JSON.

    The models are saved under ``root`` when they are asked for; any other name is that of one without a
    signature.
    """
    clients: dict[str, Any] = {}

    def post(model: str, body: Any, headers: Any = JSON, path: str = "/invocations") -> tuple[int, Any]:
        if model not in clients:
            expression = PARAMETERS if model == "params" else ECHO
            folder = save(root / model, expression, signature=SIGNATURES.get(model, False))
            clients[model] = create_app(folder).test_client()
        data = body if isinstance(body, str | bytes) else json.dumps(body)
        answer = clients[model].post(path, data=data, headers=headers)
        return answer.status_code, answer.json

    return post
