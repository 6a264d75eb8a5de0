"""CSV at /invocations: no field becomes another value, and the first line names the columns."""

from typing import Any

import pytest

from tests.server.echoes import CSV, Ask

pytestmark = pytest.mark.filterwarnings("ignore:.*type hint:UserWarning")  # MLflow advises


CSV_KEPT = [
    ("boolean", "TRUE", True),
    ("boolean", "0", False),
    ("integer", " 7", 7),
    ("long", "9007199254740993", 2**53 + 1),
    ("long", "1.0", 1),
    ("float", "0.5", 0.5),
    ("double", "", None),
    ("double", "NA", None),
    ("double", ".5", 0.5),
    ("string", "NA", "NA"),
    ("string", "007", "007"),
    ("string", "", None),
    ("binary", "aGk=", "aGk=\n"),
    ("datetime", "2020-01-01T00:00:00.5", "2020-01-01T00:00:00.500000"),
    ("datetime", "", None),
]
CSV_REFUSED = [
    *(("boolean", cell) for cell in ("yes", "2", "")),
    *(("integer", cell) for cell in ("2147483648", "1.5")),
    *(("long", cell) for cell in ("18446744073709551616", "1.5", "x", "", "true", "0x10", "1_0")),
    *((name, cell) for name in ("long", "double") for cell in ("9" * 5000, "\uff11")),
    *(("float", cell) for cell in ("1e300", "x")),
    *(("double", cell) for cell in ("1e999", "true", "1_0", "0x1")),
    *(("datetime", cell) for cell in ("01/02/2020", "1577836800", "2020-01-01T00:00:00Z")),
    ("binary", "a$"),
]


@pytest.mark.parametrize(("name", "cell", "value"), CSV_KEPT)
def test_a_field_of_csv_is_kept(ask: Ask, name: str, cell: str, value: Any) -> None:
    assert ask(name, f"other,{name}\nx,{cell}\n", CSV) == (200, {"predictions": [{name: value}]})


@pytest.mark.parametrize(("name", "cell"), CSV_REFUSED)
def test_a_field_of_csv_that_its_column_cannot_hold_is_refused(ask: Ask, name: str, cell: str) -> None:
    status, answer = ask(name, f"other,{name}\nx,{cell}\n", CSV)
    assert status == 400
    assert f"column '{name}': row 0 is " in answer["message"]


@pytest.mark.parametrize("model", ["none", "unnamed", "double", "float64"])
@pytest.mark.parametrize("body", ["1,2\n3,4\n", "1.5,-2e3\n", "2020-01-01,true\n1,2\n"])
def test_csv_without_a_line_of_names_is_refused(ask: Ask, model: str, body: str) -> None:
    status, answer = ask(model, body, CSV)
    assert status == 400
    assert "the names of the columns are missing" in answer["message"]


@pytest.mark.parametrize("body", ["x,1\n1,2\n", "0,1\n1,2\n", "a,b\n1,2\n"])
def test_what_pandas_writes_above_a_table_are_names(ask: Ask, body: str) -> None:
    status, answer = ask("none", body, CSV)
    assert (status, len(answer["predictions"])) == (200, 1)


def test_csv_whose_lines_are_longer_than_its_names_is_refused(ask: Ask) -> None:
    for model in ("none", "double"):
        status, answer = ask(model, "double,b\n1,2,3\n", CSV)
        assert (status, "more fields than the 2" in answer["message"]) == (400, True)


def test_a_column_of_the_signature_that_is_given_twice_is_refused(ask: Ask) -> None:
    status, answer = ask("double", "other,double,other,double\n1,2,3,4\n", CSV)
    assert (status, answer["message"]) == (400, "column 'double' is given twice")
    assert ask("double", "double,other,other\n1,2,3\n", CSV)[0] == 200


@pytest.mark.parametrize("field", ["9007199254740993", "1e400"])
def test_without_a_signature_too_a_number_is_kept_or_refused(ask: Ask, field: str) -> None:
    status, answer = ask("none", f"a,b\n,1\n{field},2\n", CSV)
    assert status == 400
    assert f"column 'a': row 1 is {field}, which would become " in answer["message"]
