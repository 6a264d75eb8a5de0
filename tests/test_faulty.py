"""The suite against servers with one fault each, and against unusual servers that are right."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from reference_server import create_app
from spec.catalogue import requirements
from tests.faulty.binary import without_binary
from tests.faulty.catalogue import FAULTS, PERMITTED, RPC_VARIANTS
from tests.faulty.reference import remembered
from tests.faulty.server import serve
from tests.faulty.suite import Run, Suite, echo, versioned
from tests.faulty.vocabulary import WINE, Variant, text
from tests.faulty.wire import Ask, Request, Response

# The models compute with whatever numbers the suite draws, in this process.
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


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
                folder = versioned(repository / WINE, tmp_path_factory.mktemp("models"))
            known[model] = Served(folder, remembered(create_app(folder)))
        return known[model]

    return serve_model


def _speaking(variant: Variant, ask: Ask) -> Ask:
    """The variant, with nothing at the paths of a protocol that it does not have."""

    if variant.speaks == "binary":
        return lambda request: variant.middleware(request, ask)
    ask = without_binary(ask)

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


def _modules(variant: Variant) -> list[str]:
    """The test folders of what the variant has; all the others would only say that it lacks theirs."""
    if variant.speaks == "binary":
        return ["conformance/binary", "conformance/v2/test_server.py"]
    spoken = {"v2": ("v2", "content_types", "robustness"), "mlflow": ("mlflow", "robustness")}
    names = ("",) if variant.oracle or variant.speaks == "both" else spoken[variant.speaks]
    return [f"conformance/{name}" for name in names]


def _tested(suite: Suite, variant: Variant, served: Served, folder: Path) -> Run:
    """Run the whole suite against a variant."""
    with serve(_speaking(variant, served.ask)) as url:
        options = ["--target", url, *variant.options]
        options += ["--answers", str(served.folder)] * variant.answers
        options += ["--answers", str(echo(variant.model, folder))] * variant.echo
        if variant.speaks == "mlflow":
            options += ["--sample", str(_sample(served.folder, folder))]
        options += ["--mlmodel", str(served.folder / "model")] * variant.oracle
        return suite.run(_modules(variant), options, 3 if variant.breaks else 5, folder)


@pytest.mark.parametrize("variant", FAULTS, ids=lambda v: v.name)
def test_a_fault_turns_exactly_its_requirements_red(
    variant: Variant, suite: Suite, served: Callable[[str], Served], tmp_path: Path
) -> None:
    found = _tested(suite, variant, served(variant.model), tmp_path)
    assert set(found.red) == variant.breaks, found.red
    assert not found.errors, found.printed
    assert found.status == 1


@pytest.mark.parametrize("variant", PERMITTED, ids=lambda v: v.name)
def test_a_permitted_variation_turns_nothing_red(
    variant: Variant, suite: Suite, served: Callable[[str], Served], tmp_path: Path
) -> None:
    found = _tested(suite, variant, served(variant.model), tmp_path)
    assert not found.red, found.red
    assert not found.errors, found.printed
    assert found.status == 0


def test_each_must_is_broken_by_a_fault() -> None:
    testable = {r.id for r in requirements().values() if r.level == "MUST" and not r.untestable}
    broken = {name for variant in FAULTS for name in variant.breaks}
    broken |= {name for variant in RPC_VARIANTS.values() for name in variant.breaks}
    assert broken <= set(requirements())
    assert testable <= broken
