"""Values of a V2 request as they reach the model: what was sent, missing where null was sent, or refused."""

import ast
from typing import Any

import pytest
from flask.testing import FlaskClient
from mlflow.models import ModelSignature
from mlflow.types.schema import ColSpec, ParamSchema, ParamSpec, Schema

from reference_server import create_app
from tests.saving import save
from tests.server.test_outputs import tensor

pytestmark = pytest.mark.filterwarnings("ignore:.*type hint:UserWarning")  # MLflow advises
TYPES = {
    "boolean": ("BOOL", True),
    "integer": ("INT32", 1),
    "long": ("INT64", 1),
    "float": ("FP32", 0.5),
    "string": ("BYTES", "a"),
    "binary": ("BYTES", "aGk="),
    "datetime": ("BYTES", "2020-01-01"),
}
PARAMS = {
    "long": 1,
    "integer": 1,
    "float": 1.0,
    "double": 1.0,
    "boolean": True,
    "string": "x",
    "datetime": "2020-01-01T00:00:00",
}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> FlaskClient:
    """A model that tells what it got. Of each type it has an optional column, a required one, and a param."""
    columns = [ColSpec(kind, f"{kind}{need}", need == "!") for kind in TYPES for need in "?!"]
    specs = [{"name": name, "type": name, "default": value, "shape": None} for name, value in PARAMS.items()]
    params = ParamSchema([ParamSpec.from_json_dict(**spec) for spec in specs])
    signature = ModelSignature(Schema(columns), params=params)
    told = "[repr(seen(x)), repr(seen(params))]"
    folder = save(tmp_path_factory.mktemp("values") / "m", told, signature=signature)
    return create_app(folder).test_client()


def infer(client: FlaskClient, name: str = "", datatype: str = "", data: Any = (), **params: Any) -> Any:
    """The cells of the column, or the params, that the model got, as Python writes them; or the error.

    The required columns are as in TYPES, in as many rows.
    """
    rows = len(data) or 1
    inputs = [tensor(f"{kind}!", dtype, [value] * rows) for kind, (dtype, value) in TYPES.items()]
    inputs = [i for i in inputs if i["name"] != name] + ([tensor(name, datatype, list(data))] if name else [])
    answer = client.post("/v2/models/m/infer", json={"inputs": inputs, "parameters": params})
    assert answer.json is not None
    if answer.status_code != 200:
        assert answer.status_code == 400, answer.json
        return answer.json["error"]
    (output,) = answer.json["outputs"]
    (_, cells), (_, given) = (ast.literal_eval(element) for element in output["data"])
    return [text for _, text in cells[name]] if name else given


@pytest.mark.parametrize("column", ["float?", "float!", "boolean?", "string?", "binary?", "datetime?"])
def test_null_is_a_missing_value(model: FlaskClient, column: str) -> None:
    datatype, value = TYPES[column[:-1]]
    found = infer(model, column, datatype, [value, None])
    assert found[1] in ("nan", "None", "NaT")
    assert found[0] not in ("nan", "None", "NaT")


@pytest.mark.parametrize(
    ("column", "why"),
    [
        ("boolean!", "this input is required"),
        ("string!", "this input is required"),
        ("binary!", "this input is required"),
        ("datetime!", "this input is required"),
        ("integer!", "integers have no missing value"),
        ("integer?", "integers have no missing value"),
        ("long?", "integers have no missing value"),
    ],
)
def test_null_is_refused_where_nothing_may_be_missing(model: FlaskClient, column: str, why: str) -> None:
    datatype, value = TYPES[column[:-1]]
    assert f"data[1] is null, and {why}" in infer(model, column, datatype, [value, None])


@pytest.mark.parametrize(
    ("column", "datatype", "value", "expected"),
    [
        ("long?", "INT64", 2**63 - 1, "9223372036854775807"),
        ("long?", "INT64", 2**63, "which is no INT64"),
        ("long?", "INT64", 2**64, "data[0] is 18446744073709551616, which is no INT64"),
        ("long?", "INT64", 10**30, "which is no INT64"),
        ("long?", "INT64", 1.5, "which is no INT64"),
        ("long?", "INT64", 2.0**53, "which is no INT64"),
        ("long?", "UINT64", 2**63, "cannot be given as INT64 without a loss"),
        ("long?", "UINT64", 2**64, "which is no UINT64"),
        ("long?", "FP64", 2**53 + 1, "does not tell which integer it was: send INT64"),
        ("long?", "FP64", None, "integers have no missing value"),
        ("long?", "FP32", 2**24 + 1, "which FP32 holds not exactly: send FP64"),
        ("integer?", "INT64", 2**31, "cannot be given as INT32 without a loss"),
        ("float?", "FP64", 0.1, "0.1"),
        ("float?", "FP32", 2**64, "1.8446744073709552e+19"),
        ("float?", "FP32", 2**24 + 1, "which FP32 holds not exactly: send FP64"),
        ("float?", "FP16", 65520, "out of the range of FP16"),
        ("float?", "INT32", 2**24 + 1, "cannot be given as FP32 without a loss"),
        ("datetime?", "BYTES", "2020-01-01T00:00:00.123456789", "2020-01-01 00:00:00.123456789"),
        ("datetime?", "BYTES", "2020-01-01T00:00:00.1234567891", "is not an ISO 8601 date and time"),
        ("datetime?", "BYTES", "01/02/2020", "is not an ISO 8601 date and time"),
        ("datetime?", "BYTES", "3000-01-01", "outside of the years 1678 to 2261"),
        ("binary?", "BYTES", "AB==", "is not base64"),
    ],
)
def test_a_value_is_kept_or_refused(
    model: FlaskClient, column: str, datatype: str, value: Any, expected: str
) -> None:
    found = infer(model, column, datatype, [value])
    assert expected in (found if isinstance(found, str) else found[0])


def test_times_with_and_without_fractions(model: FlaskClient) -> None:
    found = infer(model, "datetime?", "BYTES", ["2020-01-01T00:00:00", "2020-01-01T00:00:00.5"])
    assert [text.split("'")[1] for text in found] == ["2020-01-01 00:00:00", "2020-01-01 00:00:00.500000"]


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("long", 2**63 - 1, "'long': 9223372036854775807"),
        ("long", 1.0, "'long': 1,"),
        ("long", 2**63, "which is no long"),
        ("long", 2**64, "is 18446744073709551616, which is no long"),
        ("long", 1.5, "which is no long"),
        ("long", "1", "which is no long"),
        ("long", True, "is true, which is no long"),
        ("integer", 2**31, "which is no integer"),
        ("float", 0.1, "'float': 0.1,"),
        ("float", 1, "'float': 1.0,"),
        ("float", 1e39, "which is no float"),
        ("float", 2**24 + 1, "is 16777217, which is no float"),
        ("double", 1, "'double': 1.0"),
        ("double", True, "which is no double"),
        ("boolean", 1, "which is no boolean"),
        ("string", 1, "which is no string"),
        ("datetime", "2020-02-29T01:02:03.000004", "datetime.datetime(2020, 2, 29, 1, 2, 3, 4)"),
        ("datetime", "now", "which is no datetime"),
        ("datetime", "01/02/2020", "which is no datetime"),
        ("datetime", "2020-01-01T00:00:00+02:00", "which is no datetime"),
        ("datetime", "2020-01-01T00:00:00.1234567", "parameter 'datetime'"),
    ],
)
def test_a_param_is_kept_or_refused_by_both_endpoints(
    model: FlaskClient, name: str, value: Any, expected: str
) -> None:
    assert expected in infer(model, **{name: value})
    row = {f"{kind}!": cell for kind, (_, cell) in TYPES.items()}
    answer = model.post("/invocations", json={"dataframe_records": [row], "params": {name: value}}).json
    assert answer is not None
    assert expected in answer.get("message", "") + "".join(answer.get("predictions", []))
