"""The hot path answers what the plain path answers, byte for byte, mistakes included.

Two applications serve the same models; one of them has no hot path. Requests are written by hand, number by
number, with what a request can have and with what it should not have.
"""

import dataclasses
import json
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import mlflow.sklearn
import numpy as np
import pandas as pd
import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given, settings
from mlflow.models import ModelSignature, infer_signature
from mlflow.types import ColSpec, Schema
from sklearn.cluster import KMeans
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from reference_server import app, repository
from reference_server.repository import Repository
from reference_server.runtime import Model
from spec.tables import DATATYPES
from tests.saving import save

pytestmark = pytest.mark.filterwarnings("ignore")  # MLflow advises, scikit-learn complains of numbers

NUMBERS = ("double", "float", "long", "integer")
TABLES = [*((kind, kind) for kind in NUMBERS), ("long", "double"), ("float", "integer"), NUMBERS]
ESTIMATORS = {
    "linear": LinearRegression(),
    "classes": LogisticRegression(),
    "pipeline": make_pipeline(StandardScaler(), LinearRegression()),
    "forest": RandomForestRegressor(3, random_state=0),
    "neighbours": KNeighborsClassifier(2),
    "clusters": KMeans(2, random_state=0, n_init=1),
}
KINDS = ("double", "float", "mixed")
ALIKE = '"parameters":{"content_type":"np"}'
# Each is a number of JSON, or nearly so.
SPELLED = ["-0", "-0.0", "1.0", "1e2", "1E+2", "1e-400", "1e400", "01", "1.", "+1", "0x1", "NaN", "Infinity"]
SPELLED += [
    "16777217",
    "16777217.0",
    "9007199254740993",
    "9223372036854775807",
    "9223372036854775808",
    "1e19",
]
SPELLED += ["18446744073709551616", "-9223372036854775809", "2147483648", "3.5e38", "1e-46", "123456789012.5"]
ODD = ["null", "true", '"1"', "[1]", "[]", "{}", '"["', ""]


@dataclasses.dataclass(frozen=True)
class Pair:
    """A model behind both paths."""

    model: Model
    hot: FlaskClient
    plain: FlaskClient

    def answers(self, path: str, body: bytes) -> list[tuple[int, bytes]]:
        """The status and the body of each path's answer."""
        sent = [
            client.post(path, data=body, content_type="application/json") for client in (self.hot, self.plain)
        ]
        return [(answer.status_code, answer.data) for answer in sent]


def pair(model: Model) -> Pair:
    """``model`` with and without a hot path."""
    plain = dataclasses.replace(model, columns=None, shortcut=None)
    applications: list[Flask] = [app.build(Repository([one])) for one in (model, plain)]
    return Pair(model, *(one.test_client() for one in applications))


@pytest.fixture(scope="module")
def pairs(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Pair]:
    """Every fixture, a model for each table of numbers, and estimators of scikit-learn."""
    folder = tmp_path_factory.mktemp("hot")
    for kinds in TABLES:
        columns = [ColSpec(kind, f"{'[' * place}{kind}:") for place, kind in enumerate(kinds)]
        signature = ModelSignature(Schema(columns))
        save(folder / "-".join(kinds), "x.assign(total=x.sum(axis=1))", signature=signature)
    rows = np.random.default_rng(0).random((40, 3)) * 9
    frames = {
        "double": pd.DataFrame(rows, columns=["a", "b", "c"]),
        "float": pd.DataFrame(rows.astype("float32"), columns=["a", "b", "c"]),
        "mixed": pd.DataFrame(rows, columns=["a", "b", "c"]).astype({"b": "int64"}),
    }
    labels = (rows[:, 0] > 4).astype(int)
    for name, estimator in ESTIMATORS.items():
        for kind in KINDS[: 3 if name == "linear" else 1]:
            frame = frames[kind]
            fitted = estimator.fit(frame, labels)
            _save(fitted, frame, folder / f"{name}-{kind}")
    saved = [*folder.iterdir(), *(one for one in repository.glob("*/") if one.name != "slow")]
    return {one.name: pair(_load(one / "model", one.name)) for one in saved}


def _save(estimator: Any, frame: pd.DataFrame, folder: Path) -> None:
    signature = infer_signature(frame, estimator.predict(frame))
    mlflow.sklearn.save_model(
        estimator,
        folder / "model",
        signature=signature,
        pip_requirements=["mlflow"],
        serialization_format=mlflow.sklearn.SERIALIZATION_FORMAT_PICKLE,
    )


def _load(folder: Path, name: str) -> Model:
    (model,) = repository.load(folder).models()
    return dataclasses.replace(model, name=name)


NAMES = ["-".join(kinds) for kinds in TABLES]
NAMES += [f"{name}-{kind}" for name in ESTIMATORS for kind in KINDS[: 3 if name == "linear" else 1]]
NAMES += ["wine-classifier", "dtypes", "multi-output", "string-labels", "nonfinite", "raises", "params"]


def column(draw: st.DrawFn, datatype: str, rows: int) -> list[str]:
    """The elements of a column: mostly such as the datatype has, sometimes others."""
    row = DATATYPES[datatype]
    if row.element == "number":
        usual = st.floats(width=32 if datatype == "FP32" else 64, allow_nan=False, allow_infinity=False).map(
            json.dumps
        )
    else:
        usual = st.integers(row.minimum or 0, row.maximum or 1).map(str)
    usual = st.one_of(usual, st.integers(-100, 100).map(str))
    unusual = st.sampled_from(SPELLED) if draw(st.integers(0, 9)) < 8 else st.sampled_from(SPELLED + ODD)
    rare = draw(st.integers(0, 5)) == 0
    return draw(st.lists(unusual | usual if rare else usual, min_size=rows, max_size=rows))


def seldom(draw: st.DrawFn, usual: Any, *others: Any) -> Any:
    """``usual``, or, once in a dozen, one of the others."""
    return draw(st.sampled_from(others)) if draw(st.integers(0, 11)) == 11 else usual


@st.composite
def inferences(draw: st.DrawFn, model: Model) -> bytes:
    """The text of a request to /infer."""
    rows = draw(st.sampled_from([1, 1, 2, 3, 17]))
    tensors = list(model.inputs.tensors.values()) if model.inputs else []
    shape = seldom(
        draw, f"[{rows}]", f"[{rows},1]", f"[1,{rows}]", f"[{rows + 1}]", f"[{rows}.0]", "[]", "[0]"
    )
    texts = []
    for tensor in draw(st.permutations(tensors)) if draw(st.booleans()) else tensors:
        given_type = seldom(draw, tensor.datatype, *DATATYPES, "FP65")
        elements = column(draw, given_type if given_type in DATATYPES else "FP64", rows)
        nested = [f"[{element}]" for element in elements]
        data = ",".join(seldom(draw, elements, nested, elements[1:], [*elements, "1"]))
        name = json.dumps(seldom(draw, tensor.name, "other", tensor.name + "["))
        name = seldom(draw, name, name.replace("[", "\\u005b"))
        own = seldom(draw, shape, "[2]", "[-1]", "null", "[true]", f"[{rows},true]", f"[{rows}.0]")
        members = [f'"name":{name}', f'"shape":{own}']
        members += [f'"datatype":"{given_type}"', f'"data":[{data}]']
        members += seldom(
            draw, [], [ALIKE], ['"parameters":{}'], ['"parameters":{"x":[1]}'], [members[0]], ['"a":[]']
        )
        texts.append("{" + ",".join(draw(st.permutations(members)) if draw(st.booleans()) else members) + "}")
    if draw(st.integers(0, 15)) == 0 and texts:
        texts = seldom(draw, texts[1:], [*texts, texts[0]])
    members = [f'"inputs":[{",".join(texts)}]']
    members += seldom(draw, [], ['"id":"a[b:"'], ['"id":5'], ['"id":"\\u005b"'], ['"id":"1","id":"2"'])
    members += seldom(
        draw, [], ['"parameters":{"content_type":"pd"}'], ['"parameters":{"content_type":"np"}'], [ALIKE]
    )
    output = next(iter(model.outputs.tensors), "output-0") if model.outputs else "output-0"
    asked = [f'"outputs":[{{"name":{json.dumps(name)}}}]' for name in (output, "other")]
    members += seldom(
        draw, [], asked[:1], asked[1:], ['"outputs":[]'], ['"outputs":[1]'], ['"other":{"a":1,"a":2}']
    )
    return framed(draw, "{" + ",".join(draw(st.permutations(members))) + "}")


@st.composite
def splits(draw: st.DrawFn, model: Model) -> bytes:
    """The text of a dataframe_split."""
    rows = draw(st.sampled_from([1, 1, 2, 3, 17]))
    tensors = list(model.inputs.tensors.values()) if model.inputs else []
    tensors = draw(st.permutations(tensors)) if draw(st.booleans()) else tensors
    cells = [column(draw, tensor.datatype, rows) for tensor in tensors]
    lines = [",".join(line) for line in zip(*cells, strict=True)]
    lines = [seldom(draw, f"[{line}]", line, f"[[{line}]]", "[]", f"[{line},1]") for line in lines]
    names = [json.dumps(seldom(draw, tensor.name, "other", 0)) for tensor in tensors]
    columns = (
        f'"columns":[{",".join(seldom(draw, names, names[1:], [*names, names[0]] if names else ["1"]))}]'
    )
    members = [columns, f'"data":[{",".join(seldom(draw, lines, []))}]']
    members += seldom(draw, [], ['"index":[5]'], [columns])
    split = f'"dataframe_split":{{{",".join(draw(st.permutations(members)))}}}'
    return framed(draw, "{" + seldom(draw, split, f"{split},{split}", split + ',"params":{"a":1}') + "}")


def framed(draw: st.DrawFn, text: str) -> bytes:
    """``text`` as a body."""
    body: bytes = seldom(
        draw, text, " " + text + "\n", "\ufeff" + text, text + "]", text[:-1], f"[{text}]"
    ).encode()
    return body.replace(b",", b" , ") if draw(st.booleans()) else body


def test_tables_of_numbers_take_the_hot_path(pairs: dict[str, Pair]) -> None:
    assert {name for name, pair in pairs.items() if pair.model.columns is not None} == set(NAMES)


def test_scikit_learn_is_asked_with_arrays(pairs: dict[str, Pair]) -> None:
    known = {name for name in NAMES if name.partition("-")[0] in ESTIMATORS} | {"wine-classifier"}
    assert {name for name, pair in pairs.items() if pair.model.shortcut is not None} == known


@pytest.mark.parametrize("name", NAMES)
def test_inference_is_answered_as_on_the_plain_path(pairs: dict[str, Pair], name: str) -> None:
    check(pairs[name], f"/v2/models/{name}/infer", inferences(pairs[name].model))


@pytest.mark.parametrize("name", NAMES)
def test_scoring_is_answered_as_on_the_plain_path(pairs: dict[str, Pair], name: str) -> None:
    check(pairs[name], "/invocations", splits(pairs[name].model))


@pytest.mark.parametrize(
    "members",
    [
        '"id":"\\u005b","inputs":[{"name":"double:","shape":[1],"datatype":"FP64","data":[[1]]},'
        '{"name":"[double:","shape":[1],"datatype":"FP64","data":[1]}]',
        '"inputs":[{"name":"double:","shape":[1],"datatype":"FP64","data":[[1]]},'
        '{"name":"\\u005bdouble:","shape":[1],"datatype":"FP64","data":[1]}]',
        '"inputs":[{"name":"double:","shape":[2],"datatype":"FP64","data":[1,[]]},'
        '{"name":"\\u005bdouble:","shape":[2],"datatype":"FP64","data":[1,1]}]',
        '"dataframe_split":{"columns":["double:","\\u005bdouble:"],"data":[[[],[1,2]]]}',
    ],
)
def test_a_bracket_in_a_text_is_no_array(pairs: dict[str, Pair], members: str) -> None:
    path = "/invocations" if "split" in members else "/v2/models/double-double/infer"
    hot, plain = pairs["double-double"].answers(path, f"{{{members}}}".encode())
    assert hot == plain
    assert hot[0] == 400


@pytest.mark.parametrize("shape", ["[true]", "[1,true]", "[1.0]", "[1,1.0]"])
@pytest.mark.parametrize("place", [0, 1])
def test_a_size_is_an_integer(pairs: dict[str, Pair], shape: str, place: int) -> None:
    """To Python, true is 1."""
    usual = "[1,1]" if "," in shape else "[1]"
    shapes = [shape if place == other else usual for other in (0, 1)]
    names = ("double:", "[double:")
    inputs = ",".join(
        f'{{"name":"{name}","shape":{size},"datatype":"FP64","data":[1]}}'
        for name, size in zip(names, shapes, strict=True)
    )
    hot, plain = pairs["double-double"].answers(
        "/v2/models/double-double/infer", f'{{"inputs":[{inputs}]}}'.encode()
    )
    assert hot == plain
    assert hot[0] == (400 if "true" in shape else 200)


def test_an_input_that_stands_twice_is_not_two_inputs(pairs: dict[str, Pair]) -> None:
    """Nor when its datatypes differ: they are read group by group."""
    pair = pairs["wine-classifier"]
    assert pair.model.columns is not None
    first, *others = pair.model.columns.places
    texts = [f'{{"name":"{name}","shape":[1],"datatype":"FP64","data":[1]}}' for name in (first, *others)]
    texts[-1] = texts[0].replace("FP64", "FP32")
    hot, plain = pair.answers(
        "/v2/models/wine-classifier/infer", f'{{"inputs":[{",".join(texts)}]}}'.encode()
    )
    assert hot == plain
    assert hot[0] == 400


def check(pair: Pair, path: str, bodies: st.SearchStrategy[bytes]) -> None:
    @settings(max_examples=50, deadline=None)
    @given(bodies)
    def holds(body: bytes) -> None:
        hot, plain = pair.answers(path, body)
        assert hot == plain

    holds()
