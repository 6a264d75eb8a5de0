"""The suite as a pytest plugin: options, preflight, selection, and the fixtures of every test."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from conformance.asking import conditions
from conformance.asking.invocations import PATH, Invocations
from conformance.asking.rest import RestModel
from conformance.checks.skips import no_request, untested
from conformance.harness import opening, options
from conformance.harness.preflight import handed
from conformance.harness.progress import Progress, fits
from conformance.harness.recorder import (
    BEHAVIOUR,
    GRPC_SURVIVES,
    SURVIVES,
    Recorder,
    hypothesis_settings,
    requirement_of,
)
from conformance.harness.report import SETUP_EXIT, Reporter, ReportOptions
from conformance.harness.setup import HANDED, again, prepare
from conformance.harness.target import SetupError, Target
from conformance.oracles.mlmodel import Oracle
from conformance.transport.http import Client
from conformance.transport.text import clean
from spec.catalogue import LEVELS, PROFILES

_TARGET = pytest.StashKey[Target]()
_OPT_IN = {"robustness"}


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of the suite."""
    options.add(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Register the mark, so that the suite runs from any folder."""
    config.addinivalue_line("markers", "requirement(id): the requirement that the test checks")
    for name in (*map(str.lower, LEVELS), *(p.replace("-", "_") for p in PROFILES)):
        config.addinivalue_line("markers", f"{name}: set by the requirement")
    if config.option.reportchars == "fE" and not any(
        a.startswith("-r") for a in config.invocation_params.args
    ):
        config.option.reportchars = ""  # the verdict has a line for each requirement that fails
    hypothesis.settings.register_profile(
        "conformance", hypothesis_settings(options.given(config, "max_examples"))
    )
    hypothesis.settings.load_profile("conformance")


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> int | None:
    """Ask the target what it has, before anything else; a set-up error ends the run with one line."""
    if config.option.help or config.option.version:
        return None
    try:
        target, known = prepare(config)
    except (SetupError, OSError, ValueError) as error:
        print(f"cannot test: {clean(str(error))}", file=sys.stderr)
        return SETUP_EXIT
    config.stash[_TARGET] = target
    level = options.given(config, "level")
    config.pluginmanager.register(Recorder(target, level, known), "conformance-recorder")
    if not hasattr(config, "workerinput"):
        told = ReportOptions(
            level=level,
            known=known,
            json_file=options.given(config, "report_json"),
            html_file=options.given(config, "report_html"),
            write_known=options.given(config, "write_known_failures"),
            shown=opening.shown(config),
            implementation=dict(options.given(config, "implementation")),
        )
        config.pluginmanager.register(Reporter(opening.described(target), told), "conformance-reporter")
        config.pluginmanager.register(opening.announcer(config, target), "conformance-announcer")
    return None


def pytest_sessionstart(session: pytest.Session) -> None:
    """Tell on a terminal how far the run is."""
    plugins = session.config.pluginmanager
    terminal = plugins.get_plugin("terminalreporter")
    if terminal and fits(terminal):
        plugins.register(Progress(terminal), "conformance-progress")


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Hand the target to a process of pytest-xdist."""
    node.workerinput[HANDED] = handed(node.config.stash[_TARGET])


def pytest_report_header(config: pytest.Config) -> list[str]:
    """What is tested."""
    target = config.stash.get(_TARGET, None)
    return opening.header(target, config) if target else []


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that asks for a model once for each model."""
    target = metafunc.config.stash[_TARGET]
    models = target.models
    if "rpc_model" in metafunc.fixturenames:
        metafunc.parametrize("rpc_model", target.rpc_models, ids=lambda m: m.name, scope="session")
    elif "mlflow_model" in metafunc.fixturenames:
        metafunc.parametrize("mlflow_model", [target.first], ids=lambda m: m.name, scope="session")
    elif "model" in metafunc.fixturenames:
        metafunc.parametrize("model", models, ids=lambda m: m.name, scope="session")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out the tests of gRPC, which need its library, where that is not tested."""
    grpc = collection_path == Path(__file__).parent / "grpc" or collection_path.name.endswith("_grpc.py")
    return True if grpc and config.stash[_TARGET].channel is None else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Check the requirement that each test names, mark the test by it, and select."""
    profiles = set(options.given(config, "profile")) or set(PROFILES) - _OPT_IN
    wanted = set(options.given(config, "requirement")) | set(again(config))
    seed = options.given(config, "seed")
    chosen: list[pytest.Item] = []
    dropped: list[pytest.Item] = []
    for item in items:
        requirement = requirement_of(item)
        item.add_marker(requirement.level.lower())
        item.add_marker(requirement.profile.replace("-", "_"))
        if seed is not None and isinstance(item, pytest.Function):
            _reseed(item, seed)
        named = requirement.id in wanted if wanted else requirement.profile in profiles
        (chosen if named else dropped).append(item)
    items[:] = sorted(chosen, key=lambda item: requirement_of(item).id in (SURVIVES, GRPC_SURVIVES))
    if dropped:
        config.hook.pytest_deselected(items=dropped)


def _reseed(item: pytest.Function, seed: int) -> None:
    if hypothesis.is_hypothesis_test(item.obj):
        item.obj = hypothesis.seed(seed)(item.obj)


def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, str] | None:
    """Name what a level or a known failure excuses."""
    why = getattr(report, "wasxfail", "")
    if why == "SHOULD":
        return "should findings", "s", "SHOULD"
    if why.startswith("known failure"):
        return "known failures", "k", "KNOWN"
    return None


@pytest.fixture(scope="session")
def target(pytestconfig: pytest.Config) -> Target:
    """The target."""
    return pytestconfig.stash[_TARGET]


@pytest.fixture(scope="session")
def client(target: Target) -> Client:
    """The client for the target."""
    return target.client


@pytest.fixture(scope="session")
def scored(model: RestModel) -> RestModel:
    """A model with a request that it is known to accept."""
    return conditions.accepting(model)


@pytest.fixture(scope="session")
def steady(scored: RestModel) -> RestModel:
    """A model that gives the same answer to the same request."""
    return conditions.steady(scored)


@pytest.fixture(scope="session")
def batched(steady: RestModel) -> RestModel:
    """A steady model whose inputs take any number of rows, each predicted for itself."""
    return conditions.batched(steady)


@pytest.fixture(scope="session")
def scoring(mlflow_model: RestModel) -> Invocations:
    """The scoring endpoint, with a request that it is known to accept."""
    endpoint = Invocations(mlflow_model)
    if endpoint.base is None:
        no_request(PATH)
    return endpoint


@pytest.fixture(scope="session")
def steady_scoring(scoring: Invocations) -> Invocations:
    """A scoring endpoint that gives the same answer to the same request."""
    if not scoring.deterministic:
        untested("/invocations answers the same request differently")
    return scoring


@pytest.fixture(scope="session")
def batched_scoring(steady_scoring: Invocations) -> Invocations:
    """A steady scoring endpoint that takes any number of rows and predicts each for itself."""
    if not steady_scoring.batched:
        untested("/invocations takes no batches of independent rows")
    return steady_scoring


@pytest.fixture(scope="session")
def oracle(target: Target) -> Oracle:
    """The MLflow model behind the first model of the target."""
    assert target.mlmodel is not None
    return Oracle(target.mlmodel)


@pytest.fixture
def behaviour(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Record what the target does: ``behaviour(label, value)``."""
    found: dict[str, str] = request.node.stash.setdefault(BEHAVIOUR, {})
    return found.__setitem__
