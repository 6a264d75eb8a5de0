"""Nothing that comes in at /invocations becomes another value: it is kept, or refused with its column."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.server.echoes import CSV, SCALARS, STRUCTURES, Ask

pytestmark = pytest.mark.filterwarnings("ignore:.*type hint:UserWarning")  # MLflow advises


def forms(name: str, cell: str) -> dict[str, str]:
    """A row with ``cell``, a JSON text, in every form."""
    return {
        "dataframe_split": f'{{"dataframe_split": {{"columns": ["{name}"], "data": [[{cell}]]}}}}',
        "dataframe_records": f'{{"dataframe_records": [{{"{name}": {cell}}}]}}',
        "instances": f'{{"instances": [{{"{name}": {cell}}}]}}',
        "inputs by row": f'{{"inputs": [{{"{name}": {cell}}}]}}',
        "inputs by column": f'{{"inputs": {{"{name}": [{cell}]}}}}',
    }


KEPT = [
    ("boolean", "true", True),
    ("integer", "-2147483648", -(2**31)),
    ("integer", "2.0", 2),
    ("long", "9223372036854775807", 2**63 - 1),
    ("long", "9007199254740993", 2**53 + 1),
    ("long", "1e3", 1000),
    ("float", "0.5", 0.5),
    ("float", "16777216", 2.0**24),
    ("float", "null", None),
    ("double", "1", 1.0),
    ("double", "18446744073709551616", 2.0**64),
    ("double", "1.7976931348623157e308", 1.7976931348623157e308),
    ("double", "NaN", None),
    ("double", "null", None),
    ("string", '"01/02/2020"', "01/02/2020"),
    ("string", '"NaN"', "NaN"),
    ("string", '"a\\u0000"', "a\0"),
    ("string", "null", None),
    ("binary", '"aGk="', "aGk=\n"),
    ("binary", '"aG\\nk=\\n"', "aGk=\n"),
    ("datetime", '"2020-01-01"', "2020-01-01T00:00:00"),
    ("datetime", '"2020-01-01T00:00:00.123456789"', "2020-01-01T00:00:00.123456789"),
    ("datetime", '"20200101T0102"', "2020-01-01T01:02:00"),
    ("datetime", "null", None),
    ("datetime", '"NaT"', None),  # as MLflow's client writes a missing time
]


@pytest.mark.parametrize(("name", "cell", "value"), KEPT)
def test_a_cell_is_kept(ask: Ask, name: str, cell: str, value: Any) -> None:
    for form, body in forms(name, cell).items():
        assert ask(name, body) == (200, {"predictions": [{name: value}]}), form


@pytest.mark.parametrize(
    ("name", "cell", "value"), [("boolean", "null", None), ("binary", "null", None), ("boolean", "NaN", None)]
)
def test_an_optional_column_keeps_what_is_missing(ask: Ask, name: str, cell: str, value: Any) -> None:
    for form, body in forms(name, cell).items():
        assert ask("optional", body) == (200, {"predictions": [{name: value}]}), form
        assert ask(name, body)[0] == 400, form


REFUSED = [
    *(("boolean", cell) for cell in ("0", "1", "1.5", '"false"', '"x"', "null", "NaN")),
    *(("integer", cell) for cell in ("2147483648", "18446744073709551616", "1.5", "true", '"1"', "null")),
    *(("long", cell) for cell in ("9223372036854775808", "18446744073709551616", "-1e300", "1.5")),
    *(("long", cell) for cell in ("true", '"1"', "null", "NaN", "Infinity")),
    *(("float", cell) for cell in ("1e300", "-3.5e38", "true", '"1"', "[1]")),
    *(("double", cell) for cell in ("true", '"1"', '"x"', "{}")),
    *(("string", cell) for cell in ("1", "1.5", "true", "{}", "Infinity")),
    *(("binary", cell) for cell in ('"aGk$"', '"a"', '"2020-01-01"', "1", "null")),
    *(("datetime", cell) for cell in ('"01/02/2020"', '"13/02/2020"', '"x"', '"2020"', "0", "1577836800")),
    *(("datetime", cell) for cell in ("true", '"2020-01-01T00:00:00Z"', '"0001-01-01"', '"2020-13-01"')),
]  # fmt: skip


@pytest.mark.parametrize(("name", "cell"), REFUSED)
def test_a_cell_that_its_column_cannot_hold_is_refused(ask: Ask, name: str, cell: str) -> None:
    for form, body in forms(name, cell).items():
        status, answer = ask(name, body)
        assert status == 400, form
        assert f"column '{name}': row 0 is " in answer["message"], form
        assert f"which is no {name}" in answer["message"], form


def test_an_integer_beside_a_fraction_and_a_number_beyond_a_double_keep_their_digits(ask: Ask) -> None:
    rows = '{"dataframe_split": {"columns": ["long"], "data": [[9007199254740993], [1.0]]}}'
    assert ask("long", rows) == (200, {"predictions": [{"long": 2**53 + 1}, {"long": 1}]})
    assert ask("double", '{"inputs": {"double": [1e999]}}')[0] == 400
    assert ask("string", '{"inputs": {"string": ["\\ud800"]}}')[0] == 400


def test_times_of_several_formats_are_read_alike(ask: Ask) -> None:
    texts = ["2020-01-01T00:00:00", "2020-01-01T00:00:00.5", "2020-01-01 00:00", "2020-01-01"]
    status, answer = ask("datetime", {"dataframe_records": [{"datetime": text} for text in texts]})
    found = [row["datetime"] for row in answer["predictions"]]
    assert (status, found) == (
        200,
        [
            "2020-01-01T00:00:00",
            "2020-01-01T00:00:00.500000",
            "2020-01-01T00:00:00",
            "2020-01-01T00:00:00",
        ],
    )


STRUCTURES_KEPT = [
    ("texts", ["a", "b"], ["a", "b"]),
    ("doubles", [1, 2], [1.0, 2.0]),
    ("floats", [1, 0.5], [1.0, 0.5]),
    ("integers", [1, 2], [1, 2]),
    ("longs", [2**63 - 1, 1.0], [2**63 - 1, 1]),
    ("booleans", [True], [True]),
    ("matrix", [[1], [2, 3.5]], [[1.0], [2.0, 3.5]]),
    ("map", {"k": 1}, {"k": 1.0}),
    ("object", {"d": 1, "i": 2, "f": 3, "v": [4, 5]}, {"d": 1.0, "i": 2, "f": 3.0, "v": [4.0, 5.0]}),
    ("object", {"t": "2020-01-01", "s": "x"}, {"t": "2020-01-01T00:00:00", "s": "x"}),
    ("object", {"d": None, "v": None}, {"d": None, "v": None}),
]
STRUCTURES_REFUSED = [
    ("texts", ["a", None]),
    ("texts", ["a", 1]),
    ("texts", [["a"]]),
    ("doubles", [True]),
    ("doubles", ["1"]),
    ("doubles", [[]]),
    ("floats", [1e300]),
    ("integers", [2**31]),
    ("longs", [2**64]),
    ("longs", [1.5]),
    ("booleans", [None]),
    ("booleans", [1]),
    ("times", ["01/02/2020"]),
    ("matrix", [[1, "x"]]),
    ("map", {"k": "x"}),
    ("object", {"i": 1.5}),
    ("object", {"f": 1e300}),
    ("object", {"s": 1}),
    ("object", {"t": "01/02/2020"}),
]


def structure_forms(name: str, value: Any) -> dict[str, Any]:
    return {
        "dataframe_split": {"dataframe_split": {"columns": [name], "data": [[value]]}},
        "dataframe_records": {"dataframe_records": [{name: value}]},
        "instances": {"instances": [{name: value}]},
        "inputs by row": {"inputs": [{name: value}]},
        "one row of inputs": {"inputs": {name: value}},
    }


def infer(name: str, value: Any) -> dict[str, Any]:
    return {
        "inputs": [{"name": name, "shape": [1, 1], "datatype": "BYTES", "data": [json.dumps(value)]}],
    }


@pytest.mark.parametrize(("name", "value", "expected"), STRUCTURES_KEPT)
def test_a_structure_is_kept_at_both_endpoints(ask: Ask, name: str, value: Any, expected: Any) -> None:
    for form, body in structure_forms(name, value).items():
        assert ask("structures", body) == (200, {"predictions": [{name: expected}]}), form
    status, answer = ask("structures", infer(name, value), path="/v2/models/m/infer")
    assert status == 200, answer


@pytest.mark.parametrize(("name", "value"), STRUCTURES_REFUSED)
def test_a_structure_with_an_element_of_another_type_is_refused(ask: Ask, name: str, value: Any) -> None:
    for form, body in structure_forms(name, value).items():
        status, answer = ask("structures", body)
        assert status == 400, form
        assert f"column '{name}': row 0" in answer["message"], form
    status, answer = ask("structures", infer(name, value), path="/v2/models/m/infer")
    assert status == 400
    assert f"'{name}'" in answer["error"]


def test_null_among_doubles_is_missing(ask: Ask) -> None:
    for form, body in structure_forms("doubles", [1, None]).items():
        assert ask("structures", body) == (200, {"predictions": [{"doubles": [1.0, None]}]}), form


def test_a_list_for_an_array_column_is_one_row(ask: Ask) -> None:
    for data in ({"v": ["a", "b"]}, ["a", "b"]):
        assert ask("texts", {"inputs": data}) == (200, {"predictions": [{"v": ["a", "b"]}]})
        assert ask("texts", {"instances": data}) == (200, {"predictions": [{"v": ["a", "b"]}]})
    rows = {"inputs": [{"v": ["a", "b"]}, {"v": []}]}
    assert ask("texts", rows) == (200, {"predictions": [{"v": ["a", "b"]}, {"v": []}]})


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("float64", [[1, None], [2.5, 3]], [[1.0, None], [2.5, 3.0]]),
        ("float32", [[0.5, 1]], [[0.5, 1.0]]),
        ("int64", [[2**53 + 1, 1.0]], [[2**53 + 1, 1]]),
        ("uint8", [[0, 255]], [[0, 255]]),
        ("bool", [[True, False]], [[True, False]]),
        ("str", ["a", "bcd"], ["a", "bcd"]),
    ],
)
def test_a_tensor_is_kept(ask: Ask, name: str, data: Any, expected: Any) -> None:
    for body in ({"inputs": data}, {"instances": data}, {"dataframe_split": {"data": data}}):
        assert ask(name, body) == (200, {"predictions": expected}), body


TENSORS_REFUSED: dict[str, list[Any]] = {
    "float64": [[[1, True]], [[1, "1"]], [[1, "x"]], [[1, {}]], [[1], [2, 3]], [[], None], [[1, 2], None]],
    "float32": [[[1, 1e300]]],
    "int64": [[[1, 1.5]], [[1, 2**63]], [[1, True]], [[1, None]], [[1, "1"]]],
    "uint8": [[[1, 256]], [[1, -1]]],
    "bool": [[[True, 1]], [[True, None]], [[True, "false"]]],
    "str": [["a", 1], ["a", None], ["a\0"]],
}


@pytest.mark.parametrize(
    ("name", "data"), [(name, data) for name, bad in TENSORS_REFUSED.items() for data in bad]
)
def test_a_tensor_of_another_type_is_refused(ask: Ask, name: str, data: Any) -> None:
    for body in ({"inputs": data}, {"instances": data}, {"dataframe_split": {"data": data}}):
        status, answer = ask(name, body)
        assert (status, answer["error_code"]) == (400, "BAD_REQUEST"), body


def test_columns_without_names_have_a_type_each(ask: Ask) -> None:
    for body in (
        {"inputs": [[1, 2.5]]},
        {"instances": [[1, 2.5]]},
        {"dataframe_split": {"data": [[1, 2.5]]}},
    ):
        assert ask("unnamed", body) == (200, {"predictions": [{"0": 1, "1": 2.5}]})
    status, answer = ask("unnamed", {"inputs": [[1.5, 2.5]]})
    assert (status, "column 0: row 0 is 1.5" in answer["message"]) == (400, True)


def test_columns_named_by_numbers_are_found_by_number_and_by_text(ask: Ask) -> None:
    rows = ({"dataframe_split": {"data": [[1, 2]]}}, {"inputs": [[1, 2]]}, {"inputs": {"0": [1], "1": [2]}})
    for body in (*rows, {"dataframe_records": [{"1": 2, "0": 1}]}):
        assert ask("numbered", body) == (200, {"predictions": [{"0": 1, "1": 2.0}]})
    assert ask("numbered", "0,1\n1,2\n", CSV) == (200, {"predictions": [{"0": 1, "1": 2.0}]})


@pytest.mark.parametrize(
    "body",
    [
        {"dataframe_records": [{"id": 2**53 + 1}, {"id": None}]},
        {"dataframe_split": {"columns": ["id"], "data": [[2**53 + 1], [1.5]]}},
        {"instances": [{"id": 2**53 + 1}, {"id": 0.5}]},
        {"inputs": [2**63 + 1, -1]},
        {"inputs": {"id": [2**53 + 1, 0.5]}},
    ],
)
def test_without_a_signature_no_integer_becomes_another(ask: Ask, body: Any) -> None:
    status, answer = ask("none", body)
    assert status == 400
    assert "would become" in answer["message"]


def test_without_a_signature_integers_keep_their_digits(ask: Ask) -> None:
    for numbers in ([2**53 + 1, 1], [2**64, 1], [2**53, 0.5]):
        assert ask("none", {"inputs": numbers}) == (200, {"predictions": numbers})
        records = [{"id": number} for number in numbers]
        assert ask("none", {"dataframe_records": records}) == (200, {"predictions": records})


TEXTS = st.sampled_from([*SCALARS, *STRUCTURES, "0", "1", "columns", "data", "index", "x"])
JSON_VALUES = st.recursive(
    st.sampled_from([None, True, 0, 1.5, 2**70, float("nan"), float("-inf"), "", "x", "2020-01-01"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=12,
)
FORMS = st.sampled_from(["dataframe_split", "dataframe_records", "instances", "inputs", "messages", "params"])
SPLITS = st.fixed_dictionaries({"data": JSON_VALUES}, optional={"columns": JSON_VALUES, "index": JSON_VALUES})


@pytest.mark.parametrize(
    "model", ["none", "optional", "structures", "numbered", "unnamed", "params", "float64"]
)
def test_any_json_is_answered_or_refused(ask: Ask, model: str) -> None:
    @settings(max_examples=60, deadline=None, derandomize=True, database=None)
    @given(
        st.dictionaries(FORMS, JSON_VALUES, max_size=2) | st.fixed_dictionaries({"dataframe_split": SPLITS})
    )
    def check(body: Any) -> None:
        status, answer = ask(model, body)
        infinite = "Infinity, which no JSON number" in str(answer)  # the model returns it
        assert status in (200, 400) or infinite, (body, answer)

    check()


def test_a_column_that_is_given_twice_is_refused(ask: Ask) -> None:
    status, answer = ask("long", {"dataframe_split": {"columns": ["long", "long"], "data": [[1, 2]]}})
    assert (status, answer["message"]) == (400, "column 'long' is given twice")


@pytest.mark.parametrize(
    ("name", "value", "kind", "shown"),
    [
        ("long", 2**63 - 1, "int", str(2**63 - 1)),
        ("long", 2.0, "int", "2"),
        ("double", 3, "float", "3.0"),
        ("float", 0.1, "float", "0.1"),
        ("boolean", False, "bool", "False"),
        ("string", "7", "str", "7"),
        ("datetime", "2020-01-02", "date", "2020-01-02"),
        ("datetime", "2020-01-02T03:04:05.5", "datetime", "2020-01-02 03:04:05.500000"),
        ("longs", [1, 2**53 + 1], "list", "[1, 9007199254740993]"),
        ("object", {"d": 2}, "dict", "{'d': 2.0}"),
    ],
)
def test_a_parameter_is_kept(ask: Ask, name: str, value: Any, kind: str, shown: str) -> None:
    status, answer = ask("params", {"inputs": {"x": [1]}, "params": {name: value}})
    assert status == 200, answer
    assert [name, kind, shown] in answer["predictions"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("long", value) for value in (2**63, 1.5, True, "1", [1])),
        *(("integer", value) for value in (2**31, 0.5)),
        *(("double", value) for value in ("1", True)),
        ("float", 1e300),
        ("string", 1),
        *(("boolean", value) for value in (1, "false")),
        *(("datetime", value) for value in ("01/02/2020", "2020", 0, "2020-01-01T00:00:00Z")),
        ("datetime", "2020-01-01T00:00:00.123456789"),
        *(("longs", value) for value in ([2**64], [1.5], 1)),
        *(("object", value) for value in ({"d": "x"}, {"d": True}, {}, 1)),
    ],
)
def test_a_parameter_of_another_type_is_refused(ask: Ask, name: str, value: Any) -> None:
    status, answer = ask("params", {"inputs": {"x": [1]}, "params": {name: value}})
    assert status == 400, answer
    assert f"parameter '{name}'" in answer["message"]


@pytest.mark.parametrize("media_type", ["application/jsonlines", "text/plain", ""])
def test_another_media_type_is_told_which_there_are(ask: Ask, media_type: str) -> None:
    status, answer = ask("none", "{}", {"Content-Type": media_type})
    assert status == 415
    for name in ("text/csv", "application/json", "application/vnd.apache.parquet"):
        assert name in answer["message"]


def test_v2_stays_strict_and_says_what_to_write(ask: Ask) -> None:
    body = '{"inputs": [{"name": "double", "shape": [1], "datatype": "FP64", "data": [NaN]}]}'
    status, answer = ask("double", body, path="/v2/models/m/infer")
    assert (status, "NaN is no JSON: write null" in answer["error"]) == (400, True)


def test_records_of_tensors_have_the_same_members(ask: Ask) -> None:
    for place, gap in enumerate(({"b": 1}, {"a": 1})):
        status, answer = ask("tensors", {"instances": [{"a": 1, "b": 1}, gap]})
        assert status == 400, place
        assert f"row 1 has {list(gap)}, and row 0 has ['a', 'b']" in answer["message"]


def test_parquet_that_lacks_values_is_refused_with_the_column(tmp_path: Path, ask: Ask) -> None:
    pd.DataFrame({"boolean": pd.array([True, None], "boolean")}).to_parquet(tmp_path / "table")
    headers = {"Content-Type": "application/vnd.apache.parquet"}
    status, answer = ask("boolean", (tmp_path / "table").read_bytes(), headers)
    assert (status, "there are missing values in 'boolean'" in answer["message"]) == (400, True)


@pytest.mark.parametrize(
    ("body", "fragment"),
    [
        ({"inputs": ["a\0"]}, "ends with NUL"),
        ({"instances": [{"a": 1}, {"b": 2}]}, "row 1 has ['b'], and row 0 has ['a']"),
        ({"dataframe_split": {"columns": ["a", "a"], "data": [[1, 2]]}}, "column 'a' is given twice"),
        ({"dataframe_split": {"index": [1, 2], "data": [[1]]}}, "index has 2 labels, data has 1 rows"),
    ],
)
def test_without_a_signature_too_nothing_is_lost(ask: Ask, body: Any, fragment: str) -> None:
    status, answer = ask("none", body)
    assert (status, fragment in answer["message"]) == (400, True), answer


def test_an_index_does_not_repeat_a_row(ask: Ask) -> None:
    split = {"columns": ["double"], "data": [[1]]}
    assert ask("double", {"dataframe_split": split | {"index": ["x"]}})[0] == 200
    assert ask("double", {"dataframe_split": split | {"index": ["x", "y"]}})[0] == 400
