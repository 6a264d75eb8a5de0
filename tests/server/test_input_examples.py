"""The serving_input_example.json that MLflow saves with a model: what MLflow's scoring server answers, the
reference server answers alike.

The models tell what they were given: its type, the types of its parts, and the values.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import mlflow.pyfunc
import numpy as np
import pandas as pd
import pytest
from mlflow.pyfunc import scoring_server

from reference_server import create_app
from tests.saving import SEEN, save
from tests.server.conftest import JSON, running, start

pytestmark = pytest.mark.filterwarnings("ignore:.*type hint:UserWarning")  # MLflow advises
NAN, NOW = float("nan"), datetime(2020, 1, 2, 3, 4, 5, 678900)


@dataclass(frozen=True)
class Kind:
    """An input example, the type hint of its model, and whether the model gets a signature."""

    example: Any
    hint: str = ""
    signature: bool = True


KINDS = {
    "text": Kind("hello"),
    "integer": Kind(7),
    "number": Kind(1.5),
    "boolean": Kind(True),
    "texts": Kind(["a", "b"]),
    "one text": Kind(["a"]),
    "numbers": Kind([1.5, 2.0]),
    "integers": Kind([1, 2]),
    "lists": Kind([[1, 2], [3, 4]]),
    "records": Kind([{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]),
    "records with gaps": Kind([{"a": 1, "b": "x"}, {"a": 2}]),
    "row": Kind({"a": 1, "b": "x"}),
    "row of numbers": Kind({"a": 1.0, "b": 2}),
    "row with null": Kind({"a": None, "b": "x"}),
    "list in an object": Kind({"texts": ["a", "b"]}),
    "numbers in an object": Kind({"numbers": [1, 2.5]}),
    "integers in an object": Kind({"integers": [1, 2], "name": "x"}),
    "lists in an object": Kind({"lists": [["a"], ["b", "c"]]}),
    "empty list in an object": Kind({"texts": [], "name": "x"}),
    "nested objects": Kind({"a": {"b": {"c": [1, 2], "d": "x"}}, "e": 1.5}),
    "objects in a list": Kind({"items": [{"name": "a", "price": 1.5}, {"name": "b", "price": 2.0}]}),
    "objects with gaps": Kind({"items": [{"name": "a", "price": 1.5}, {"name": "b"}]}),
    "messages": Kind({"messages": [{"role": "user", "content": "hi"}]}),
    "messages with more": Kind({"messages": [{"role": "user", "content": "hi"}], "temperature": 0.5}),
    "messages and params": Kind(({"messages": [{"role": "user", "content": "hi"}]}, {"top_k": 3})),
    "prompt": Kind({"prompt": "hi", "n": 1}),
    "input": Kind({"input": "hi"}),
    "inputs of embeddings": Kind({"input": ["hi", "there"]}),
    "not a number": Kind(NAN),
    "array": Kind(np.array([1.5, 2.5])),
    "matrix": Kind(np.array([[1.5, NAN], [3.5, 4.5]])),
    "integer matrix": Kind(np.array([[1, 2], [3, 4]])),
    "single precision": Kind(np.array([[[0.1, 2]]], "float32")),
    "bytes of an image": Kind(np.array([[0, 255]], "uint8")),
    "boolean array": Kind(np.array([[True, False]])),
    "array of texts": Kind(np.array(["a", "bcd"])),
    "arrays": Kind({"x": np.array([[1.0, 2.0]]), "y": np.array([3])}),
    "frame": Kind(pd.DataFrame({"x": [1.5, 2.5], "s": ["a", "b"]})),
    "frame of numbers": Kind(pd.DataFrame(np.array([[1.5, 2.5], [3.5, 4.5]]))),
    "frame with NaN": Kind(pd.DataFrame({"x": [1.5, NAN], "s": ["a", None]})),
    "frame of integers": Kind(pd.DataFrame({"n": [2**62 + 1, 2], "i": np.array([1, 2], "int32")})),
    "frame of floats": Kind(pd.DataFrame({"f": np.array([0.1, 2], "float32"), "b": [True, False]})),
    "frame of times": Kind(pd.DataFrame({"t": pd.to_datetime([NOW, datetime(2020, 1, 1)]), "x": [1, 2]})),
    "frame with NaT": Kind(pd.DataFrame({"t": [pd.Timestamp(NOW), pd.NaT], "x": [1, 2]})),
    "frame of bytes": Kind(pd.DataFrame({"b": [b"\0\xff", b"hi" * 60]})),
    "frame of categories": Kind(pd.DataFrame({"c": pd.Categorical(["a", "b", "a"]), "x": [1.0, 2.0, 3.0]})),
    "frame of optional integers": Kind(pd.DataFrame({"n": pd.array([1, None], "Int64")})),
    "frame of dates": Kind(pd.DataFrame({"d": [NOW.date()]})),
    "frame of anything": Kind(pd.DataFrame({"x": [1, "a"]})),
    "frame of nothing": Kind(pd.DataFrame({"x": [None, None]})),
    "frame of lists": Kind(pd.DataFrame({"v": [["a", "b"], ["c"]], "w": [[1.0], [2.0, 3.5]]})),
    "frame of integer lists": Kind(pd.DataFrame({"v": [[1, 2], [3]]})),
    "frame of arrays": Kind(pd.DataFrame({"v": [np.array([1.0, 2.0]), np.array([3.0, 4.0])]})),
    "frame of objects": Kind(pd.DataFrame({"o": [{"a": 1, "b": [1.5]}, {"a": 2, "b": [2.0, 3.0]}]})),
    "frame with an index": Kind(pd.DataFrame({"x": [1.5, 2.5]}, index=["r1", "r2"])),
    "frame with params": Kind((pd.DataFrame({"x": [1.5]}), {"k": 2, "w": [0.5, 1.0], "s": "a", "f": 1.0})),
    "list with params": Kind((["a"], {"n": 2})),
    "hint list[str]": Kind(["a", "b"], "list[str]"),
    "hint list[int]": Kind([1, 2], "list[int]"),
    "hint list[float]": Kind([1, 2.5], "list[float]"),
    "hint list[dict]": Kind([{"a": "x"}], "list[dict[str, str]]"),
    "hint list[list]": Kind([[1.5], []], "list[list[float]]"),
    "hint list[datetime]": Kind([NOW], "list[datetime.datetime]"),
    "hint list[Item]": Kind([{"name": "a", "price": 1, "tags": ["t"]}], "list[Item]"),
    "hint list[Any]": Kind(["a", 1], "list[Any]"),
    "hint DataFrame": Kind(pd.DataFrame({"x": [1.5, NAN]}), "pd.DataFrame"),
    "no signature, row": Kind({"a": 1, "b": "x"}, signature=False),
    "no signature, mixed": Kind([[1, "a"], [2, "b"]], signature=False),
    "no signature, nested": Kind({"a": {"b": [1, {"c": None}]}}, signature=False),
    "no signature, frame": Kind(pd.DataFrame({"x": [1.5, NAN], "t": [NOW, NOW]}), signature=False),
    "no signature, array": Kind(np.array([[1, 2]], "int8"), signature=False),
    "no signature, messages": Kind({"messages": [{"role": "user", "content": "hi"}]}, signature=False),
    "hint list[str] with params": Kind((["a"], {"k": 2}), "list[str]"),
}  # fmt: skip
# Its readers of lists of lists and of times, in two formats, fail; its check of list[float] takes no integer.
REFUSED_BY_MLFLOW = {"lists in an object", "frame of times", "hint list[float]"}


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Saves a kind, once, as a model in a folder of its own."""
    root = tmp_path_factory.mktemp("examples")

    def folder(name: str) -> Path:
        kind, path = KINDS[name], root / name.replace(" ", "-")
        if not path.exists():
            signature = None if kind.signature else False
            save(path, SEEN, hint=kind.hint, input_example=kind.example, signature=signature)
        return path

    return folder


def ask_mlflow(folder: Path, body: bytes) -> Any:
    """The answer of MLflow's scoring server; None when it refuses."""
    model = mlflow.pyfunc.load_model(str(folder / "model"))
    try:
        answer = scoring_server.invocations(
            body, JSON["Content-Type"], model, model.metadata.get_input_schema()
        )
    except Exception:
        return None
    return json.loads(answer.response)


@pytest.mark.parametrize("name", KINDS)
def test_what_mlflow_answers_is_answered_alike(saved: Callable[[str], Path], name: str) -> None:
    folder = saved(name)
    body = (folder / "model" / "serving_input_example.json").read_bytes()
    expected = ask_mlflow(folder, body)
    assert (expected is None) == (name in REFUSED_BY_MLFLOW)
    answer = create_app(folder).test_client().post("/invocations", data=body, headers=JSON)
    if expected is not None:
        assert answer.status_code == 200, answer.json
        assert answer.json == expected


@pytest.mark.parametrize("name", ["lists in an object", "frame of times"])
def test_what_its_signature_says_is_answered_though_mlflow_does_not(
    saved: Callable[[str], Path], name: str
) -> None:
    folder = saved(name)
    body = (folder / "model" / "serving_input_example.json").read_bytes()
    answer = create_app(folder).test_client().post("/invocations", data=body, headers=JSON)
    assert answer.status_code == 200, answer.json


def test_gunicorn_answers_as_the_application_does(saved: Callable[[str], Path]) -> None:
    folder = saved("frame with NaN")
    body = (folder / "model" / "serving_input_example.json").read_bytes()
    with running(*start(folder)) as client:
        assert client.post("/invocations", body).json == ask_mlflow(folder, body)
