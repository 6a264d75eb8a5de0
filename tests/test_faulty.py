"""The suite against servers with one fault each, and against unusual servers that are right."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from reference_server import create_app
from spec.catalogue import requirements
from tests.faulty.catalogue import FAULTS, PERMITTED
from tests.faulty.reference import remembered
from tests.faulty.server import serve
from tests.faulty.vocabulary import WINE, Variant, text
from tests.faulty.wire import Ask, Request, Response

# The models compute with whatever numbers the suite draws, in this process.
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

ROOT = Path(__file__).parent.parent
SECONDS = 120


@dataclass(frozen=True)
class Served:
    """What a variant is made from: the folder of its model, the reference server over it."""

    folder: Path
    ask: Ask


@pytest.fixture(scope="session")
def served(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Served]:
    """The reference server over one model; each is loaded once in a process."""
    known: dict[str, Served] = {}

    def serve_model(model: str) -> Served:
        if model not in known:
            folder = repository / model
            if model == "versioned":
                folder = _versioned(repository / WINE, tmp_path_factory.mktemp("models"))
            known[model] = Served(folder, remembered(create_app(folder)))
        return known[model]

    return serve_model


def _versioned(model: Path, parent: Path) -> Path:
    """A folder with two versions of the model."""
    for version in ("1", "2"):
        folder = Path(shutil.copytree(model, parent / version))
        settings = json.loads((folder / "model-settings.json").read_text("utf-8"))
        settings["parameters"]["version"] = version
        (folder / "model-settings.json").write_text(json.dumps(settings), "utf-8")
    return parent


@dataclass(frozen=True)
class Run:
    """What the suite found."""

    status: int
    printed: str
    report: dict[str, Any]

    @property
    def red(self) -> dict[str, str]:
        """The requirements of level MUST and SHOULD that failed, each with the first message."""
        return {r["id"]: r["failures"][0]["message"] for r in self.report["requirements"] if r["failures"]}

    @property
    def errors(self) -> list[str]:
        """The tests that ended in an error of the suite's own."""
        told = {f["test"] for r in self.report["requirements"] for f in r["failures"]}
        lines = [x.split() for x in self.printed.splitlines() if x.startswith(("FAILED ", "ERROR "))]
        return [line[1] for line in lines if line[1] not in told]


def _speaking(variant: Variant, ask: Ask) -> Ask:
    """The variant, with nothing at the paths of a protocol that it does not have."""

    def answer(request: Request) -> Response:
        protocol = "v2" if request.target.startswith("/v2") else "mlflow"
        absent = variant.speaks not in (protocol, "both")
        return text(404, "Not Found") if absent else variant.middleware(request, ask)

    return answer


def _sample(model: Path, folder: Path) -> Path:
    """A file with a scoring request that the model accepts: without V2, nothing else tells what it takes."""
    cases = json.loads((model / "answers.json").read_text("utf-8"))["cases"]
    good = [
        case["request"] for case in cases if case["protocol"] == "mlflow" and case["response"] is not None
    ]
    plain = next(request for request in good if "params" not in request)
    file = folder / "sample.json"
    file.write_text(json.dumps(plain), "utf-8")
    return file


def _echo(model: str, folder: Path) -> Path:
    """Known answers without a case: the model returns its inputs."""
    file = folder / "answers.json"
    file.write_text(json.dumps({"model": model, "echo": True, "cases": []}), "utf-8")
    return file


def _modules(variant: Variant) -> list[str]:
    """The test folders of what the variant has; all the others would only say that it lacks theirs."""
    spoken = {"v2": ("v2", "content_types", "robustness"), "mlflow": ("mlflow", "robustness")}
    names = ("",) if variant.oracle or variant.speaks == "both" else spoken[variant.speaks]
    return [f"conformance/{name}" for name in names]


class Suite:
    """Runs the suite as a user does, in processes that need not load everything again."""

    def __init__(self) -> None:
        self._runner = subprocess.Popen(
            [sys.executable, "-m", "tests.faulty.runner"],
            cwd=ROOT,
            # Without the plugins that happen to be installed: some take seconds to load.
            env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def stop(self) -> None:
        """End the process."""
        assert self._runner.stdin is not None
        assert self._runner.stdout is not None
        self._runner.stdin.close()
        self._runner.wait(SECONDS)
        self._runner.stdout.close()

    def test(self, variant: Variant, served: Served, folder: Path) -> Run:
        """Run the whole suite against a variant."""
        report, printed = folder / "report.json", folder / "printed.txt"
        with serve(_speaking(variant, served.ask)) as url:
            options = ["--target", url, "--level", "should", "--report-json", str(report), *variant.options]
            options += ["--answers", str(served.folder)] * variant.answers
            options += ["--answers", str(_echo(variant.model, folder))] * variant.echo
            if variant.speaks == "mlflow":
                options += ["--sample", str(_sample(served.folder, folder))]
            options += ["--mlmodel", str(served.folder / "model")] * variant.oracle
            without = ("cacheprovider", "unraisableexception", "threadexception")  # these collect garbage
            plugins = [*(f"-pno:{name}" for name in without), "-p_hypothesis_pytestplugin"]
            examples = ["--max-examples", "3" if variant.breaks else "5"]
            arguments = [*_modules(variant), "-q", "-rfE", *plugins, *examples, *options]
            status = self._order({"arguments": arguments, "printed": str(printed), "seconds": SECONDS})
        told = printed.read_text("utf-8")
        assert report.exists(), told
        return Run(status, told, json.loads(report.read_text("utf-8")))

    def _order(self, order: dict[str, Any]) -> int:
        assert self._runner.stdin is not None
        assert self._runner.stdout is not None
        self._runner.stdin.write(json.dumps(order) + "\n")
        self._runner.stdin.flush()
        return int(self._runner.stdout.readline())


@pytest.fixture(scope="session")
def suite() -> Iterator[Suite]:
    """The suite, ready to run."""
    started = Suite()
    yield started
    started.stop()


@pytest.mark.parametrize("variant", FAULTS, ids=lambda v: v.name)
def test_a_fault_turns_exactly_its_requirements_red(
    variant: Variant, suite: Suite, served: Callable[[str], Served], tmp_path: Path
) -> None:
    found = suite.test(variant, served(variant.model), tmp_path)
    assert set(found.red) == variant.breaks, found.red
    assert not found.errors, found.printed
    assert found.status == 1


@pytest.mark.parametrize("variant", PERMITTED, ids=lambda v: v.name)
def test_a_permitted_variation_turns_nothing_red(
    variant: Variant, suite: Suite, served: Callable[[str], Served], tmp_path: Path
) -> None:
    found = suite.test(variant, served(variant.model), tmp_path)
    assert not found.red, found.red
    assert not found.errors, found.printed
    assert found.status == 0


def test_each_must_is_broken_by_a_fault() -> None:
    testable = {r.id for r in requirements().values() if r.level == "MUST" and not r.untestable}
    broken = {name for variant in FAULTS for name in variant.breaks}
    assert broken <= set(requirements())
    assert testable <= broken
