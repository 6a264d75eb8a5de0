"""The suite against gRPC servers with one fault each, and against unusual ones that are right."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from reference_server import app
from reference_server.repository import load
from tests.faulty import rpc
from tests.faulty.catalogue import RPC_VARIANTS
from tests.faulty.reference import remembered
from tests.faulty.rpc import Calls, RpcVariant
from tests.faulty.server import serve
from tests.faulty.suite import Run, Suite, echo, versioned
from tests.faulty.vocabulary import WINE
from tests.faulty.wire import Ask

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

FAULTS = [variant for variant in RPC_VARIANTS.values() if variant.breaks]
PERMITTED = [variant for variant in RPC_VARIANTS.values() if not variant.breaks]


@dataclass(frozen=True)
class Served:
    """The folder of a model, its name, and the reference server over it: its HTTP, its gRPC."""

    folder: Path
    name: str
    ask: Ask
    calls: Calls


@pytest.fixture(scope="session")
def loaded(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Served]:
    """The models; each is loaded once in a process."""
    known: dict[str, Served] = {}

    def loaded_model(model: str) -> Served:
        if model not in known:
            folder = repository / model
            if model == "versioned":
                folder = versioned(repository / WINE, tmp_path_factory.mktemp("models"))
            models = load(folder)
            (name,) = models.names()
            known[model] = Served(folder, name, remembered(app.build(models)), rpc.remembered(models))
        return known[model]

    return loaded_model


def _tested(suite: Suite, variant: RpcVariant, served: Served, folder: Path) -> Run:
    with rpc.serve(variant, served.calls) as address, serve(served.ask) as url:
        profiles = ["robustness"] if variant.robustness else ["grpc", "signature"][: 1 + variant.oracle]
        options = ["--grpc-target", address, "--model", served.name]
        options += [option for profile in profiles for option in ("--profile", profile)]
        options += ["--mlmodel", str(served.folder / "model")] * variant.oracle
        options += ["--target", url] * variant.beside
        options += ["--answers", str(served.folder)] * variant.known
        options += ["--answers", str(echo(served.name, folder))] * (variant.echo and not variant.known)
        return suite.run([f"conformance/{profile}" for profile in profiles], options, 3, folder)


@pytest.mark.parametrize("variant", FAULTS, ids=lambda v: v.name)
def test_a_fault_turns_exactly_its_requirements_red(
    variant: RpcVariant, suite: Suite, loaded: Callable[[str], Served], tmp_path: Path
) -> None:
    found = _tested(suite, variant, loaded(variant.model), tmp_path)
    assert set(found.red) == variant.breaks, found.red
    assert not found.errors, found.printed
    assert found.status == 1


@pytest.mark.parametrize("variant", PERMITTED, ids=lambda v: v.name)
def test_a_permitted_variation_turns_nothing_red(
    variant: RpcVariant, suite: Suite, loaded: Callable[[str], Served], tmp_path: Path
) -> None:
    found = _tested(suite, variant, loaded(variant.model), tmp_path)
    assert not found.red, found.red
    assert not found.errors, found.printed
    assert found.status == 0
