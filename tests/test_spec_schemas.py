"""The schemas and tables of spec/: well formed, sourced, and of one mind in both engines."""

import copy
import json
import math
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from mlflow.types import ParamSchema, Schema
from referencing import Registry, Resource

from spec.catalogue import sources
from spec.tables import DATATYPES, MLFLOW_TYPES
from spec.validation import is_valid, names, schema, urn, violations

NAMES = names()
EXAMPLES = [(name, example) for name in NAMES for example in schema(name)["examples"]]
CONDITIONS = {"if", "then", "else", "anyOf", "oneOf", "not", "prefixItems"}
NESTED = {"items", "additionalProperties", "propertyNames", "if", "then", "else", "not"}


def subschemas(node: Any, conditional: bool = False) -> Iterator[tuple[Any, bool]]:
    """Every schema in ``node``, itself first, and whether it stands in a condition."""
    yield node, conditional
    if not isinstance(node, dict):
        return
    for keyword, value in node.items():
        inside = conditional or keyword in CONDITIONS
        if keyword in ("properties", "$defs"):
            children = list(value.values())
        elif keyword in ("allOf", "anyOf", "oneOf", "prefixItems"):
            children = value
        else:
            children = [value] if keyword in NESTED else []
        for child in children:
            yield from subschemas(child, inside)


def members(name: str) -> Iterator[tuple[str, Any, bool]]:
    """Every member that the schema speaks of: its name, its schema, whether in a condition."""
    for node, conditional in subschemas(schema(name)):
        if isinstance(node, dict):
            for member, child in node.get("properties", {}).items():
                yield member, child, conditional


def sourced(node: Any, folder: str) -> bool:
    """Whether the description ends in sources that spec/sources.toml lists, each with a section."""
    found = re.search(r" Source: (.+)\.$", node.get("description", "")) if isinstance(node, dict) else None
    if found is None or folder == "suite":
        return found is not None and found[1] == "this project"
    parts = [part.partition(", ") for part in found[1].split("; ")]
    return all(key in sources() and section for key, _, section in parts)


@pytest.mark.parametrize("name", NAMES)
def test_schema_is_well_formed(name: str) -> None:
    document = schema(name)
    Draft202012Validator.check_schema(document)
    assert document["$schema"] == Draft202012Validator.META_SCHEMA["$id"]
    assert document["$id"] == urn(name)
    assert document["title"]


@pytest.mark.parametrize("name", NAMES)
def test_every_member_names_its_source(name: str) -> None:
    """A condition may name a member without a source when its folder describes that member elsewhere."""
    folder = name.split("/")[0]
    described = {
        member for other in NAMES if other.startswith(f"{folder}/")
        for member, node, _ in members(other) if sourced(node, folder)
    }  # fmt: skip
    unsourced = [
        member for member, node, conditional in members(name)
        if not sourced(node, folder) and not (conditional and member in described)
    ]  # fmt: skip
    assert sourced(schema(name), folder)
    assert unsourced == []


@pytest.mark.parametrize("name", NAMES)
def test_every_reference_resolves(name: str) -> None:
    resources = [(urn(other), Resource.from_contents(schema(other))) for other in NAMES]
    registry: Registry[Any] = Registry().with_resources(resources)
    for node, _ in subschemas(schema(name)):
        if isinstance(node, dict) and "$ref" in node:
            assert registry.resolver(urn(name)).lookup(node["$ref"]).contents


@pytest.mark.parametrize(("name", "example"), EXAMPLES)
def test_example_is_valid(name: str, example: Any) -> None:
    assert violations(name, example) == []
    assert is_valid(name, example)


TENSOR = {"name": "x", "shape": [2], "datatype": "FP64", "data": [0.5, 1.5]}
METADATA = {"name": "x", "datatype": "FP64", "shape": [-1]}
COLUMN = {"type": "double", "name": "x", "required": True}
ARRAY = {"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": [-1]}}
MODEL = {"name": "m", "platform": ""}
ANSWER = {"model_name": "m", "outputs": []}
WRONG = {"content_type": 1}
ASKED = {"name": "y", "parameters": WRONG}
PARAM = {"name": "p", "type": "long", "default": 1, "shape": None}

PERMITTED: list[tuple[str, Any]] = [
    ("v2/inference-request", {"inputs": [], "unknown": None}),
    ("v2/request-input", TENSOR | {"shape": [2**64 - 1], "unknown": {}}),
    ("v2/request-input", TENSOR | {"shape": [], "data": []}),
    ("v2/response-output", TENSOR | {"data": [[[True]], "a", 1]}),
    ("v2/metadata-tensor", METADATA | {"shape": [-1, 0, 2**70]}),
    ("v2/model-metadata", {"name": "m", "platform": "sklearn_mlflow", "parameters": {"content_type": "pd"}}),
    ("v2/server-ready", {"ready": False, "live": True}),
    ("v2/parameters", {"": 10**30, "content_type": 5}),
    ("mlserver/content-type", "of a runtime's own"),
    ("mlserver/model-settings", {"implementation": "a.B", "max_batch_size": 5, "parameters": {"extra": {}}}),
    ("mlflow/scoring-request", {"instances": None, "params": None, "signature_name": "x"}),
    ("mlflow/dataframe-split", {"data": {"a": [1]}, "columns": None, "index": None}),
    ("mlflow/scoring-response", {"predictions": None, "explanations": []}),
    ("mlflow/error", {"error_code": "BAD_REQUEST", "message": "", "stack_trace": "..."}),
    ("mlflow/column-spec", {"type": "double", "name": 0}),
    ("mlflow/column-spec", {"type": "any", "name": "x", "required": None, "unknown": 1}),
    ("mlflow/signature", {"inputs": None, "outputs": None, "params": []}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "instance"), PERMITTED)
def test_what_the_sources_permit_is_valid(name: str, instance: Any) -> None:
    assert violations(name, instance) == []
    assert is_valid(name, instance)


REFUSED: list[tuple[str, Any, str]] = [
    ("v2/datatype", "fp64", ""),
    ("v2/parameters", {"a": None}, "a"),
    ("v2/parameters", {"a": [1]}, "a"),
    ("v2/tensor-data", 1, ""),
    ("v2/tensor-data", [[1, None]], "[0][1]"),
    ("v2/tensor-data", [1, [[{}]]], "[1][0][0]"),
    ("v2/request-input", TENSOR | {"shape": [2**64]}, "shape[0]"),
    ("v2/request-input", TENSOR | {"shape": [2, -1]}, "shape[1]"),
    ("v2/request-input", TENSOR | {"shape": [1.5]}, "shape[0]"),
    ("v2/request-input", TENSOR | {"shape": [True]}, "shape[0]"),
    ("v2/request-input", TENSOR | {"shape": 2}, "shape"),
    ("v2/request-input", TENSOR | {"datatype": "FLOAT"}, "datatype"),
    ("v2/request-input", {"shape": [2], "datatype": "FP64", "data": []}, ""),
    ("v2/request-output", {"name": 1}, "name"),
    ("v2/inference-request", {}, ""),
    ("v2/inference-request", {"id": 42, "inputs": []}, "id"),
    ("v2/inference-request", {"id": None, "inputs": []}, "id"),
    ("v2/inference-request", {"inputs": {"x": [1]}}, "inputs"),
    ("v2/inference-request", {"inputs": [TENSOR, TENSOR | {"name": None}]}, "inputs[1].name"),
    ("v2/inference-request", {"inputs": [], "outputs": [{"name": 1}, ASKED]}, "outputs[0].name"),
    ("v2/response-output", TENSOR | {"shape": [-1]}, "shape[0]"),
    ("v2/response-output", TENSOR | {"parameters": None}, "parameters"),
    ("v2/inference-response", ANSWER | {"model_version": None}, "model_version"),
    ("v2/inference-response", ANSWER | {"outputs": [TENSOR | {"data": [None]}]}, "outputs[0].data[0]"),
    ("v2/inference-response", {"outputs": []}, ""),
    ("v2/error", {"error": {"message": "no"}}, "error"),
    ("v2/error", {"detail": "no"}, ""),
    ("v2/metadata-tensor", METADATA | {"shape": [-2]}, "shape[0]"),
    ("v2/model-metadata", {"name": "m"}, ""),
    ("v2/model-metadata", MODEL | {"versions": [1]}, "versions[0]"),
    ("v2/model-metadata", MODEL | {"inputs": [METADATA | {"shape": None}]}, "inputs[0].shape"),
    ("v2/model-metadata", MODEL | {"properties": {"a": 1}}, "properties.a"),
    ("v2/server-metadata", {"name": "s", "version": "1", "extensions": [None]}, "extensions[0]"),
    ("v2/server-live", {"live": "true"}, "live"),
    ("v2/server-ready", {}, ""),
    ("v2/server-ready", {"ready": 1}, "ready"),
    ("v2/model-ready", {"name": "m", "ready": None}, "ready"),
    ("mlserver/content-type", None, ""),
    ("mlserver/parameters", {"content_type": 5}, "content_type"),
    ("mlserver/parameters", {"headers": {}}, "headers"),
    ("mlserver/request-input", TENSOR | {"parameters": {"content_type": False}}, "parameters.content_type"),
    ("mlserver/request-input", TENSOR | {"shape": [2**64]}, "shape[0]"),
    ("mlserver/inference-request", {"inputs": [TENSOR | {"data": 1}]}, "inputs[0].data"),
    ("mlserver/inference-request", {"inputs": [], "outputs": [ASKED]}, "outputs[0].parameters.content_type"),
    ("mlserver/response-output", TENSOR | {"datatype": None}, "datatype"),
    ("mlserver/inference-response", ANSWER | {"parameters": WRONG}, "parameters.content_type"),
    ("mlserver/metadata-tensor", METADATA | {"parameters": WRONG}, "parameters.content_type"),
    ("mlserver/model-metadata", MODEL | {"outputs": [METADATA | {"name": 0}]}, "outputs[0].name"),
    ("mlserver/repository-index", [{"name": "m", "state": "ready", "reason": ""}], "[0].state"),
    ("mlserver/repository-index", {"models": []}, ""),
    ("mlserver/model-settings", {"name": "m"}, ""),
    ("mlserver/model-settings", {"implementation": "B", "parameters": {"version": 1}}, "parameters.version"),
    ("mlflow/scoring-request", {"params": {}}, ""),
    ("mlflow/scoring-request", {"inputs": [1], "instances": None}, ""),
    ("mlflow/scoring-request", {"inputs": [1], "messages": []}, ""),
    ("mlflow/scoring-request", {"inputs": [1], "params": [1]}, "params"),
    ("mlflow/scoring-request", {"dataframe_split": {"columns": ["a"]}}, "dataframe_split"),
    ("mlflow/scoring-request", {"dataframe_split": [[1]]}, "dataframe_split"),
    ("mlflow/scoring-request", {"dataframe_records": {"a": [1]}}, "dataframe_records"),
    ("mlflow/dataframe-split", {"data": [], "dtypes": []}, ""),
    ("mlflow/dataframe-split", {"data": [[1]], "columns": "a"}, "columns"),
    ("mlflow/dataframe-records", None, ""),
    ("mlflow/params", "depth=1", ""),
    ("mlflow/scoring-response", [5.5], ""),
    ("mlflow/error", {"error_code": 400, "message": "no"}, "error_code"),
    ("mlflow/datatype", "int64", ""),
    ("mlflow/column-spec", {"type": "double", "optional": True}, ""),
    ("mlflow/column-spec", {"type": "tensor"}, "type"),
    ("mlflow/column-spec", {"type": "array", "name": "a"}, ""),
    ("mlflow/column-spec", {"type": "array", "items": {"type": "map", "values": {}}}, "items.values"),
    ("mlflow/column-spec", {"type": "object", "properties": {}}, "properties"),
    ("mlflow/column-spec", {"type": "object", "properties": {"p": {"type": "map"}}}, "properties.p"),
    ("mlflow/tensor-spec", ARRAY | {"type": "array"}, "type"),
    ("mlflow/tensor-spec", ARRAY | {"tensor-spec": {"dtype": "int8"}}, "tensor-spec"),
    ("mlflow/param-spec", PARAM | {"type": "binary"}, "type"),
    ("mlflow/param-spec", PARAM | {"shape": [2]}, "shape"),
    ("mlflow/param-spec", PARAM | {"shape": [-1]}, "default"),
    ("mlflow/param-spec", PARAM | {"default": [1]}, "default"),
    ("mlflow/param-spec", PARAM | {"type": "object", "default": {}}, ""),
    ("mlflow/signature", {"inputs": None}, ""),
    ("mlflow/signature", {"inputs": []}, "inputs"),
    ("mlflow/signature", {"inputs": [COLUMN, ARRAY]}, "inputs[1].type"),
    ("mlflow/signature", {"inputs": [COLUMN, {"type": "long"}]}, "inputs[1]"),
    ("mlflow/signature", {"inputs": [{"type": "long"}, COLUMN]}, "inputs[1]"),
    ("mlflow/signature", {"inputs": [{"type": "long", "required": False}]}, "inputs[0].required"),
    ("mlflow/signature", {"outputs": [ARRAY, ARRAY]}, "outputs"),
    ("mlflow/signature", {"params": [PARAM, {}]}, "params[1]"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "instance", "path"), REFUSED)
def test_violation_is_refused_and_its_place_named(name: str, instance: Any, path: str) -> None:
    assert not is_valid(name, instance)
    assert path in [violation.path for violation in violations(name, instance)]


def test_every_schema_that_refuses_anything_has_a_refused_case() -> None:
    permissive = {"mlflow/inputs", "mlflow/instances"}
    ours = {name for name in NAMES if not name.startswith("suite/")}
    assert {name for name, _, _ in REFUSED} == ours - permissive


# The members without which an example is no longer valid.
REQUIRED = {
    "v2/request-input": "name shape datatype data",
    "v2/request-output": "name",
    "v2/inference-request": "inputs",
    "v2/response-output": "name shape datatype data",
    "v2/inference-response": "model_name outputs",
    "v2/error": "error",
    "v2/metadata-tensor": "name datatype shape",
    "v2/model-metadata": "name platform",
    "v2/server-metadata": "name version extensions",
    "v2/server-live": "live",
    "v2/server-ready": "live ready",
    "v2/model-ready": "name ready",
    "mlserver/request-input": "name shape datatype data",
    "mlserver/inference-request": "inputs",
    "mlserver/response-output": "name shape datatype data",
    "mlserver/inference-response": "model_name outputs",
    "mlserver/metadata-tensor": "name datatype shape",
    "mlserver/model-metadata": "name platform",
    "mlserver/model-settings": "implementation",
    "mlflow/scoring-request": "dataframe_split dataframe_records instances inputs",
    "mlflow/dataframe-split": "data",
    "mlflow/scoring-response": "predictions",
    "mlflow/error": "error_code message",
    "mlflow/column-spec": "type items properties values",
    "mlflow/tensor-spec": "type tensor-spec",
    "mlflow/param-spec": "name default type dtype shape properties",
    "mlflow/signature": "inputs",
}


@pytest.mark.parametrize("name", [name for name in NAMES if not name.startswith("suite/")])
def test_required_members_and_no_others_are_missed(name: str) -> None:
    objects = [example for example in schema(name)["examples"] if isinstance(example, dict)]
    missed = {
        member for example in objects for member in example
        if not is_valid(name, {key: value for key, value in example.items() if key != member})
    }  # fmt: skip
    assert missed == set(REQUIRED.get(name, "").split())


EDGES = [2**64 - 1, 2**64, 2**64 + 1, -(2**63) - 1, 10**30, 1.0, -0.0, -1.0, 1.5, 2.0**64, 1e300, 5e-324]
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from(EDGES)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5)
)
VOCABULARY = sorted({member for name in NAMES for member, _, _ in members(name)})
KEYS = st.sampled_from(VOCABULARY) | st.text(max_size=3)


def _containers(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4)


def _nested(depth: int) -> Any:
    return [_nested(depth - 1)] if depth else 1


JSON = st.recursive(SCALARS, _containers, max_leaves=12) | st.integers(1, 40).map(_nested)


def slots(node: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in ``node``: its container, and its key or index there."""
    pairs = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in pairs:
        yield node, key
        yield from slots(value)


@st.composite
def mutants(draw: st.DrawFn, name: str) -> Any:
    """An example of the schema with one to three members deleted, replaced or added."""
    root = [copy.deepcopy(draw(st.sampled_from(schema(name)["examples"])))]
    for _ in range(draw(st.integers(1, 3))):
        container, key = draw(st.sampled_from(list(slots(root))))
        action = draw(st.sampled_from(["delete", "replace", "add"]))
        if action == "delete" and container is not root:
            del container[key]
        elif action == "add" and isinstance(container[key], dict):
            container[key][draw(KEYS)] = draw(JSON)
        else:
            container[key] = draw(JSON)
    return root[0]


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_engines_agree(name: str, data: st.DataObject) -> None:
    instance = data.draw(JSON | mutants(name))
    assert is_valid(name, instance) == (not violations(name, instance))


@pytest.mark.parametrize("name", ["v2/request-input", "v2/metadata-tensor"])
@pytest.mark.parametrize("dimension", EDGES)
def test_engines_agree_on_edge_dimensions(name: str, dimension: float) -> None:
    instance = TENSOR | {"shape": [dimension]}
    least, most = (0, 2**64 - 1) if name == "v2/request-input" else (-1, math.inf)
    expected = dimension == math.floor(dimension) and least <= dimension <= most
    assert is_valid(name, instance) == (not violations(name, instance)) == expected


@pytest.mark.parametrize(
    "example", [e for n, e in EXAMPLES if n in ("mlflow/column-spec", "mlflow/tensor-spec")]
)
def test_mlflow_reads_every_example_of_a_column_or_tensor(example: dict[str, Any]) -> None:
    """MLflow's own parser takes the example, and what it writes back is valid again."""
    written = Schema.from_json(json.dumps([example])).to_dict()
    assert [column["type"] for column in written] == [example["type"]]
    assert violations("mlflow/signature", {"inputs": json.loads(json.dumps(written))}) == []


@pytest.mark.parametrize("example", schema("mlflow/param-spec")["examples"])
def test_mlflow_reads_every_example_of_a_parameter(example: dict[str, Any]) -> None:
    written = json.loads(ParamSchema.from_json(json.dumps([example])).to_json())
    assert [param["default"] for param in written] == [example["default"]]
    assert violations("mlflow/signature", {"params": written}) == []


@pytest.mark.parametrize("name", DATATYPES)
def test_datatype_agrees_with_numpy(name: str) -> None:
    datatype = DATATYPES[name]
    kind = np.dtype(datatype.numpy).kind
    assert {"b": "boolean", "i": "integer", "u": "integer", "f": "number", "O": "string"}[
        kind
    ] == datatype.element
    assert datatype.size == (None if name == "BYTES" else np.dtype(datatype.numpy).itemsize)
    if datatype.element == "integer":
        limits = np.iinfo(datatype.numpy)
        assert (datatype.minimum, datatype.maximum) == (limits.min, limits.max)
    else:
        assert (datatype.minimum, datatype.maximum) == (None, None)


def test_tables_and_schemas_name_the_same_types() -> None:
    kinds = schema("mlflow/column-spec")["$defs"]["type"]["properties"]["type"]["enum"]
    assert set(schema("v2/datatype")["enum"]) - {"BF16"} == set(DATATYPES)
    assert set(MLFLOW_TYPES) == set(kinds) - {"sparkml_vector"}
    assert {row.datatype for row in MLFLOW_TYPES.values()} <= set(DATATYPES)
    assert all(is_valid("mlserver/content-type", row.content_type) for row in MLFLOW_TYPES.values())
