"""Models whose Python modules have one name: none answers with the code of another."""

import importlib
from pathlib import Path
from typing import Any

import cloudpickle
import mlflow.pyfunc
import pytest

from reference_server import create_app
from reference_server.errors import RepositoryError
from reference_server.modules import clash
from tests.server.conftest import Client, running, start
from tests.server.handmade import served, write

ONE, TWO = "x = 1\n", "x = 2\n"
DIFFERING = [
    ("prep", {"prep.py": ONE}, {"prep.py": TWO}),
    ("prep", {"prep/__init__.py": "", "prep/f.py": ONE}, {"prep/__init__.py": "", "prep/f.py": TWO}),
    ("prep", {"prep/__init__.py": ""}, {"prep/__init__.py": "", "prep/f.py": TWO}),
    ("prep", {"prep/__init__.py": "", "prep/w.json": "1"}, {"prep/__init__.py": "", "prep/w.json": "2"}),
    ("prep", {"prep.py": ONE}, {"prep/__init__.py": ONE}),
    ("prep", {"prep.abi3.so": ONE}, {"prep.abi3.so": TWO}),
    ("prep", {"prep.pyc": ONE}, {"prep.py": ONE}),
    ("team.prep", {"team/prep.py": ONE}, {"team/prep.py": TWO}),
    ("team", {"team/a.py": ONE}, {"team/__init__.py": "", "team/b.py": ONE}),
    ("team", {"team/a.py": ONE}, {"team.py": ONE}),
    ("prep", {"prep.py": ONE, "weights.json": "1"}, {"prep.py": ONE, "weights.json": "2"}),
    ("prep", {"prep.py": ONE, "data/w.json": "1"}, {"prep.py": ONE}),
]
ALIKE = [
    ({"prep.py": ONE}, {"prep.py": ONE}),
    ({"prep.py": ONE}, {"other.py": TWO}),
    ({"prep.py": ONE, "__pycache__/prep.pyc": "1"}, {"prep.py": ONE, "__pycache__/prep.pyc": "2"}),
    ({"team/a.py": ONE}, {"team/b.py": TWO}),
    ({"a.py": ONE, "weights.json": "1"}, {"b.py": ONE, "weights.json": "2"}),
    ({"read-me/x.py": ONE, "a.py": ONE}, {"read-me/x.py": TWO, "b.py": ONE}),
]


def lay(folder: Path, files: dict[str, str]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    return folder


@pytest.mark.parametrize(("module", "one", "two"), DIFFERING)
def test_modules_that_differ(tmp_path: Path, module: str, one: dict[str, str], two: dict[str, str]) -> None:
    message = clash({"'m1'": [lay(tmp_path / "1", one)], "'m2'": [lay(tmp_path / "2", two)], "'m3'": []})
    assert message is not None
    assert message.startswith(f"models 'm1' and 'm2' bring different modules '{module}'")


@pytest.mark.parametrize(("one", "two"), ALIKE)
def test_modules_that_live_together(tmp_path: Path, one: dict[str, str], two: dict[str, str]) -> None:
    assert clash({"'m1'": [lay(tmp_path / "1", one)], "'m2'": [lay(tmp_path / "2", two)]}) is None


@pytest.mark.parametrize(
    "name", ["flask.py", "spec/__init__.py", "reference_server/x.py", "random.py", "sys.py"]
)
def test_a_module_that_this_server_has_itself(tmp_path: Path, name: str) -> None:
    importlib.import_module("reference_server.app")
    message = clash({"'m'": [lay(tmp_path, {name: ONE})]})
    assert message is not None
    assert message.startswith(f"model 'm' brings a module '{name.partition('/')[0].removesuffix('.py')}'")


def test_a_module_that_is_installed_matters_to_other_models_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(lay(tmp_path / "site", {"installed.py": ONE}))
    same, other = lay(tmp_path / "1", {"installed.py": ONE}), lay(tmp_path / "2", {"installed.py": TWO})
    assert clash({"'m'": [other]}) is None
    assert clash({"'m'": [other], "'n'": [other]}) is None
    assert clash({"'m'": [same], "'n'": []}) is None
    assert "'m' brings a module 'installed'" in str(clash({"'m'": [other], "'n'": []}))


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        ([{"name": "a"}, {"name": "b"}], "'a' and 'b'"),
        (
            [{"parameters": {"uri": "./model", "version": v}} for v in "12"],
            "'m' version '1' and 'm' version '2'",
        ),
    ],
)
def test_the_server_refuses_to_start(tmp_path: Path, settings: list[dict[str, Any]], names: str) -> None:
    for place, own in enumerate(settings, 1):
        predict = "from prep import f; return [f(v) for v in data]"
        code = {"prep.py": f"f = lambda x: x * 0 + {place}"}
        served(tmp_path / str(place), predict, code=code, settings={"name": "m"} | own)
    with pytest.raises(RepositoryError, match=f"^models {names} bring different modules 'prep': serve each"):
        create_app(tmp_path)


def test_a_module_from_a_folder_that_was_on_the_path(tmp_path: Path) -> None:
    load = "sys.path.insert(0, path); import strayed; sys.path.remove(path)"
    for place in ("a", "b"):
        folder = served(tmp_path / place, "import strayed; return [strayed.f]", load)
        (folder / "model" / "strayed.py").write_text(f"f = {place!r}")
    with pytest.raises(RepositoryError, match=r"^models 'a' and 'b' bring different modules 'strayed': "):
        create_app(tmp_path)


@pytest.mark.filterwarnings("ignore:.*Add type hints", "ignore:.*Type hint used")
def test_models_that_share_what_may_be_shared(tmp_path: Path) -> None:
    """The same module; a class pickled in two states; models as code, whose files have one name."""
    root = tmp_path / "models"
    for place in (1, 2):
        served(
            root / f"same{place}",
            f"from prep import f; return [f(v) + {place} for v in data]",
            code={"prep.py": "f = lambda x: 0"},
        )
        as_code(root / f"code{place}", place)
    pickled(root)
    with running(*start(root)) as client:
        for kind in ("same", "code", "pickled"):
            assert [ask(client, f"{kind}{place}") for place in (1, 2)] == [1.0, 2.0]


def ask(client: Client, model: str) -> float:
    inputs = [{"name": "x", "datatype": "FP64", "shape": [1], "data": [5.0]}]
    answer = client.infer(model, {"inputs": inputs})
    assert answer.status == 200, answer
    return float(answer.json["outputs"][0]["data"][0])


FLAVOR = """
flavors:
  python_function:
    loader_module: mlflow.pyfunc.model
    python_version: 3.11.0
"""


def pickled(root: Path) -> None:
    """Two models of one class, which cloudpickle takes by value; its state changes in between."""

    class Constant(mlflow.pyfunc.PythonModel):  # type: ignore[misc]
        value = 0.0

        def predict(self, context: Any, model_input: Any, params: Any = None) -> list[float]:
            return [self.value for _ in model_input]

    for place in (1, 2):
        Constant.value = float(place)
        folder = root / f"pickled{place}"
        write(folder, {"parameters": {"uri": "./model"}})
        (folder / "model").mkdir()
        (folder / "model" / "python_model.pkl").write_bytes(cloudpickle.dumps(Constant()))
        version = f"cloudpickle_version: {cloudpickle.__version__}"
        (folder / "model" / "MLmodel").write_text(
            f"{FLAVOR}    python_model: python_model.pkl\n    {version}\n"
        )


def as_code(folder: Path, place: int) -> None:
    write(folder, {"parameters": {"uri": "./model"}})
    (folder / "model").mkdir()
    (folder / "model" / "model.py").write_text(
        "import mlflow\n"
        "class Constant(mlflow.pyfunc.PythonModel):\n"
        "    def predict(self, context, model_input, params=None):\n"
        f"        return [float({place}) for _ in model_input]\n"
        "mlflow.models.set_model(Constant())\n"
    )
    (folder / "model" / "MLmodel").write_text(f"{FLAVOR}    model_code_path: model.py\n")
