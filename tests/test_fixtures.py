"""The model repository: what is built, when, and that every known answer is MLflow's own."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import mlflow.pyfunc
import numpy as np
import pytest
from mlflow.pyfunc import scoring_server

from fixtures.build import FixtureError, build
from fixtures.zoo import RECIPES
from spec.tables import DATATYPES, MLFLOW_TYPES
from spec.validation import violations

ROOT = Path(__file__).parent.parent
CSV = Path(os.environ.get("OIP_WINE_CSV", ROOT.parent / "shared" / "data" / "winequality-red.csv"))
SEED_ROW = [7.4, 0.7, 0, 1.9, 0.076, 11, 34, 0.9978, 3.51, 0.56, 9.4]
MLFLOW_CASES = [
    pytest.param(name, case.name, id=f"{name}: {case.name}")
    for name, recipe in RECIPES.items()
    for case in recipe.cases
    if case.protocol == "mlflow"
]


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    """``python -m fixtures`` with these arguments."""
    command = [sys.executable, "-m", "fixtures", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=120)


def answers(repository: Path, model: str) -> Any:
    return json.loads((repository / model / "answers.json").read_text("utf-8"))


def post(app: Any, body: Any) -> tuple[int, Any]:
    """Status and JSON that MLflow's scoring server, an ASGI application, answers with on /invocations."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": json.dumps(body).encode(), "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope: dict[str, Any] = {"type": "http", "method": "POST", "path": "/invocations", "query_string": b""}
    scope |= {
        "root_path": "",
        "headers": [(b"content-type", b"application/json")],
        "asgi": {"version": "3.0"},
    }
    asyncio.run(app(scope, receive, send))
    return sent[0]["status"], json.loads(b"".join(message.get("body", b"") for message in sent))


@pytest.fixture(scope="session")
def served(repository: Path) -> Callable[[str], Any]:
    """MLflow's scoring server for a model, by name; each model is loaded once."""
    apps: dict[str, Any] = {}

    def app(name: str) -> Any:
        if name not in apps:
            apps[name] = scoring_server.init(mlflow.pyfunc.load_model(str(repository / name / "model")))
        return apps[name]

    return app


@pytest.fixture(scope="session")
def wine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A repository with the wine model alone, to be built upon: tests that change it use a copy."""
    folder = tmp_path_factory.mktemp("wine")
    build(folder, only=["wine-classifier"])
    yield folder
    shutil.rmtree(folder)


def score(repository: Path) -> float:
    model = mlflow.pyfunc.load_model(str(repository / "wine-classifier" / "model"))
    columns = model.metadata.get_input_schema().input_names()
    request = {"dataframe_split": {"columns": columns, "data": [SEED_ROW]}}
    return float(post(scoring_server.init(model), request)[1]["predictions"][0])


def test_every_model_has_the_layout_that_mlserver_reads(repository: Path) -> None:
    for name in RECIPES:
        settings = json.loads((repository / name / "model-settings.json").read_text("utf-8"))
        assert settings["name"] == name
        assert settings["implementation"] == "mlserver_mlflow.MLflowRuntime"
        uri = settings["parameters"]["uri"]
        assert uri.startswith("./")
        assert (repository / name / uri / "MLmodel").is_file()


@pytest.mark.parametrize(("model", "case"), MLFLOW_CASES)
def test_known_answer_is_what_mlflow_itself_answers(
    model: str, case: str, repository: Path, served: Callable[[str], Any]
) -> None:
    [known] = [
        c for c in answers(repository, model)["cases"] if (c["protocol"], c["name"]) == ("mlflow", case)
    ]
    status, body = post(served(model), known["request"])
    if known["response"] is None:
        assert f"{status // 100}xx" == known["status"]
    elif "tolerance" in known:
        expected = known["response"]["predictions"]
        assert body["predictions"] == pytest.approx(expected, rel=0, abs=known["tolerance"])
    else:
        assert body == known["response"]


def datatypes(schema: Any) -> dict[str, str]:
    """Name and V2 datatype of every output of a signature, named and typed as MLServer's metadata does."""
    tensors = {row.numpy: row.name for row in DATATYPES.values()} | {"str": "BYTES"}
    found = {}
    for position, spec in enumerate(schema.to_dict()):
        of_tensor = spec["type"] == "tensor"
        name = spec.get("name", f"output-{position}")
        found[name] = (
            tensors[spec["tensor-spec"]["dtype"]] if of_tensor else MLFLOW_TYPES[spec["type"]].datatype
        )
    return found


@pytest.mark.parametrize("model", [name for name, recipe in RECIPES.items() if recipe.signature])
def test_known_answers_agree_with_the_signature(model: str, repository: Path) -> None:
    schema = mlflow.pyfunc.load_model(str(repository / model / "model")).metadata.get_output_schema()
    optional = set(schema.optional_input_names())
    declared = datatypes(schema)
    for case in answers(repository, model)["cases"]:
        if case["protocol"] == "v2" and case["response"] is not None:
            answered = {output["name"]: output["datatype"] for output in case["response"]["outputs"]}
            assert answered.items() <= declared.items()
            assert declared.keys() - answered.keys() <= optional


@pytest.mark.parametrize("model", [name for name, r in RECIPES.items() if any(c.response for c in r.cases)])
def test_requests_that_have_an_answer_are_valid(model: str, repository: Path) -> None:
    cases = [case for case in answers(repository, model)["cases"] if case["response"] is not None]
    for case in cases:
        name = "v2/inference-request" if case["protocol"] == "v2" else "mlflow/scoring-request"
        assert violations(name, case["request"]) == []


@pytest.mark.parametrize("model", [name for name, recipe in RECIPES.items() if recipe.echo])
def test_echo_answers_return_the_data_of_their_request(model: str, repository: Path) -> None:
    for case in answers(repository, model)["cases"]:
        if case["protocol"] == "v2" and case["response"] is not None:
            sent = [np.array(tensor["data"], dtype=object).ravel() for tensor in case["request"]["inputs"]]
            returned = [np.array(tensor["data"], dtype=object) for tensor in case["response"]["outputs"]]
            assert sorted(map(repr, sent)) == sorted(map(repr, returned))


@pytest.mark.parametrize(("x", "expected"), [(1.0, "nan"), (2.0, "inf"), (3.0, "-inf")])
def test_nonfinite_predicts_what_json_cannot_write(
    x: float, expected: str, served: Callable[[str], Any]
) -> None:
    _, body = post(served("nonfinite"), {"dataframe_split": {"columns": ["x"], "data": [[x]]}})
    assert str(body["predictions"][0]["y"]) == expected


def test_raises_fails_with_a_message_that_names_a_file(repository: Path) -> None:
    model = mlflow.pyfunc.load_model(str(repository / "raises" / "model"))
    with pytest.raises(RuntimeError, match="/srv/secrets/"):
        model.predict({"x": [1.0]})


def test_slow_takes_three_tenths_of_a_second(repository: Path) -> None:
    model = mlflow.pyfunc.load_model(str(repository / "slow" / "model"))
    start = time.monotonic()
    model.predict({"x": [1.0]})
    assert time.monotonic() - start >= 0.3


def test_models_need_nothing_of_this_project(repository: Path) -> None:
    script = "import sys, mlflow.pyfunc\nfor path in sys.argv[1:]: mlflow.pyfunc.load_model(path)"
    models = [str(repository / name / "model") for name in RECIPES]
    loaded = subprocess.run(
        [sys.executable, "-P", "-c", script + "\nassert 'fixtures' not in sys.modules", *models],
        cwd=repository,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert loaded.returncode == 0, loaded.stderr


def test_wine_from_its_moments_scores_the_seed_row(wine: Path) -> None:
    assert score(wine) == pytest.approx(5.576883967129615, rel=0, abs=1e-9)


def test_wine_from_the_real_data_agrees_with_the_moments(wine: Path, tmp_path: Path) -> None:
    if not CSV.exists():
        pytest.skip(f"no winequality-red.csv at {CSV} (set OIP_WINE_CSV)")
    build(tmp_path, csv=CSV, only=["wine-classifier"])
    assert score(tmp_path) == pytest.approx(5.576883967129615, rel=0, abs=1e-9)
    fits = [mlflow.sklearn.load_model(str(f / "wine-classifier" / "model")) for f in (wine, tmp_path)]
    np.testing.assert_allclose(fits[0].coef_, fits[1].coef_, rtol=0, atol=1e-12)
    assert fits[0].intercept_ == pytest.approx(fits[1].intercept_, rel=0, abs=1e-12)


def test_another_source_of_wine_data_builds_the_model_again(wine: Path, tmp_path: Path) -> None:
    if not CSV.exists():
        pytest.skip(f"no winequality-red.csv at {CSV} (set OIP_WINE_CSV)")
    folder = tmp_path / "copy"
    shutil.copytree(wine, folder)
    assert build(folder, csv=CSV, only=["wine-classifier"]) == {"wine-classifier": True}
    assert build(folder, csv=CSV, only=["wine-classifier"]) == {"wine-classifier": False}


def _written(folder: Path) -> list[Path]:
    """The files of a repository, without those that Python adds when a model is loaded."""
    return [
        p for p in folder.rglob("*") if p.is_file() and "__pycache__" not in p.parts and p.name != ".lock"
    ]


def test_the_same_recipe_gives_the_same_files(repository: Path, tmp_path: Path) -> None:
    build(tmp_path)
    first, second = ({p.relative_to(f): p for p in _written(f)} for f in (repository, tmp_path))
    assert first.keys() - second.keys() == set()
    assert second.keys() - first.keys() == set()
    assert [str(name) for name in first if first[name].read_bytes() != second[name].read_bytes()] == []


def test_a_second_build_changes_nothing(repository: Path) -> None:
    before = {p: p.stat().st_mtime_ns for p in _written(repository)}
    command = run("build", repository)
    assert command.returncode == 0, command.stderr
    assert command.stdout.splitlines() == [f"{name}: up to date" for name in RECIPES]
    assert {p: p.stat().st_mtime_ns for p in _written(repository)} == before


def test_a_second_build_does_not_import_mlflow(repository: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from fixtures.build import build\n"
        "build(Path(sys.argv[1])); sys.exit('mlflow' in sys.modules)"
    )
    assert (
        subprocess.run([sys.executable, "-c", script, str(repository)], cwd=ROOT, timeout=60).returncode == 0
    )


def test_only_builds_the_models_named(tmp_path: Path) -> None:
    command = run("build", tmp_path, "--only", "tensor", "slow")
    assert command.stdout.splitlines() == ["tensor: built", "slow: built"]
    assert sorted(p.name for p in tmp_path.iterdir() if not p.name.startswith(".")) == ["slow", "tensor"]


def test_an_unknown_name_is_refused_with_the_names_there_are(tmp_path: Path) -> None:
    command = run("build", tmp_path, "--only", "wine")
    assert command.returncode == 2
    assert "no model is called 'wine'; there are: wine-classifier, " in command.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "message"), [(b"a;b\n1;2\n", "is not winequality-red.csv"), (None, "No such file")]
)
def test_other_data_is_refused(content: bytes | None, message: str, tmp_path: Path) -> None:
    csv = tmp_path / "wine.csv"
    if content is not None:
        csv.write_bytes(content)
    with pytest.raises(FixtureError, match=message):
        build(tmp_path / "models", csv=csv)
    assert not (tmp_path / "models").exists()


def test_an_unfinished_model_is_built_again(wine: Path, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(wine, folder)
    (folder / "wine-classifier").rename(folder / ".unfinished")
    assert build(folder, only=["wine-classifier"]) == {"wine-classifier": True}
    assert not (folder / ".unfinished").exists()


def test_a_model_of_another_recipe_is_built_again(wine: Path, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(wine, folder)
    (folder / "wine-classifier" / "recipe.sha256").write_text("0" * 64)
    assert build(folder, only=["wine-classifier"]) == {"wine-classifier": True}
    assert build(folder, only=["wine-classifier"]) == {"wine-classifier": False}


def test_builds_of_one_folder_at_once_build_each_model_once(tmp_path: Path) -> None:
    with ThreadPoolExecutor(3) as pool:
        commands = list(pool.map(lambda _: run("build", tmp_path, "--only", "tensor"), range(3)))
    assert sorted(c.stdout for c in commands) == [
        "tensor: built\n",
        "tensor: up to date\n",
        "tensor: up to date\n",
    ]
    mlflow.pyfunc.load_model(str(tmp_path / "tensor" / "model"))
