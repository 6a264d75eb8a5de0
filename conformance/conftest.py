"""The suite as a pytest plugin: options, preflight, selection, and the fixtures of every test."""

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from conformance.asking.invocations import PATH, Invocations
from conformance.asking.rest import RestModel
from conformance.asking.sample import Sample
from conformance.asking.sample import load as load_sample
from conformance.checks.skips import no_request, untested
from conformance.harness import known_failures, options
from conformance.harness.known_failures import KnownFailures
from conformance.harness.pace import Announcer
from conformance.harness.preflight import Asked, discover, handed, taken_over, waited
from conformance.harness.recorder import BEHAVIOUR, SURVIVES, Recorder, hypothesis_settings, requirement_of
from conformance.harness.report import SETUP_EXIT, Reporter, ReportOptions
from conformance.harness.target import SetupError, Target
from conformance.oracles import answers
from conformance.oracles.mlmodel import Oracle
from conformance.oracles.mlmodel import check as check_mlmodel
from conformance.transport.credentials import Credentials, redacted
from conformance.transport.http import Client
from conformance.transport.route import Route, proxy_for
from conformance.transport.text import clean, cleaned, mapped
from spec.catalogue import PROFILES, requirements

_TARGET = pytest.StashKey[Target]()
_OPT_IN = {"robustness"}
_HANDED = "conformance"
_NAMED = 10  # models in the header


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of the suite."""
    options.add(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Register the mark, so that the suite runs from any folder."""
    config.addinivalue_line("markers", "requirement(id): the requirement that the test checks")
    for name in ("must", "should", "characterise", *(p.replace("-", "_") for p in PROFILES)):
        config.addinivalue_line("markers", f"{name}: set by the requirement")
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
        target, known = _prepare(config)
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
            write_known=options.given(config, "write_known_failures"),
            shown=_shown(config),
        )
        config.pluginmanager.register(Reporter(_described(target), told), "conformance-reporter")
        config.pluginmanager.register(_announcer(config, target), "conformance-announcer")
    return None


def _prepare(config: pytest.Config) -> tuple[Target, KnownFailures]:
    def option(name: str) -> Any:
        return options.given(config, name)

    if not option("target"):
        raise SetupError("give the server's base URL: --target URL")
    unknown = [name for name in option("requirement") if name not in requirements()]
    if unknown:
        raise SetupError(f"--requirement {unknown[0]}: there is no such requirement")
    listed = option("known_failures")
    known = known_failures.load(listed) if listed else KnownFailures({})
    if option("mlmodel"):
        check_mlmodel(option("mlmodel"))
    asked = Asked(
        names=list(dict.fromkeys(option("model"))),
        sample=_sample(option("sample")) if option("sample") else Sample(),
        answers=answers.load(option("answers")) if option("answers") else {},
        row_wise=not option("not_row_wise"),
        mlmodel=option("mlmodel"),
        version=option("model_version"),
        scoring_only=option("profile") == ["mlflow"],
    )
    target = _found(config, _client(config), asked)
    for profile in option("profile"):
        if profile in target.missing:
            raise SetupError(f"--profile {profile}: {target.missing[profile]}")
    target.client.shared.begun = True
    return target, known


def _found(config: pytest.Config, client: Client, asked: Asked) -> Target:
    if handed_over := getattr(config, "workerinput", {}).get(_HANDED):
        return taken_over(client, asked, handed_over)
    seconds = options.given(config, "wait")
    try:
        return waited(lambda: discover(client, asked, ready=seconds > 0), seconds)
    except SetupError as error:
        raise SetupError(client.shared.credentials.hide(str(error))) from error


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Hand the target to a process of pytest-xdist."""
    node.workerinput[_HANDED] = handed(node.config.stash[_TARGET])


def _client(config: pytest.Config) -> Client:
    url, timeout, ca_cert, cert, key = (
        options.given(config, name) for name in ("target", "timeout", "ca_cert", "cert", "key")
    )
    headers, command = dict(options.given(config, "header")), options.given(config, "header_command")
    handed_over = getattr(config, "workerinput", {}).get(_HANDED, {})
    credentials = Credentials(headers, command, handed_over.get("headers"))
    return Client(Route(url, timeout, ca_cert, cert, key, proxy_for(url)), credentials)


def _announcer(config: pytest.Config, target: Target) -> Announcer:
    processes = getattr(config.option, "numprocesses", None) or 1
    return Announcer(
        target.missing,
        target.pace,
        len(target.models),
        options.given(config, "max_examples"),
        processes,
        [clean(f"--sample: no request holds {what}") for what in target.left_out],
    )


def _sample(file: Path) -> Sample:
    try:
        sample = load_sample(file.read_text("utf-8-sig"))
    except ValueError as error:
        raise SetupError(f"--sample {file}: {error}") from error
    return replace(sample, reason=sample.reason and f"--sample {file}: {sample.reason}")


_SHOWN = (
    "model", "model_version", "profile", "requirement", "max_examples", "seed", "timeout", "not_row_wise",
)  # fmt: skip


def _shown(config: pytest.Config) -> dict[str, Any]:
    shown = {name: options.given(config, name) for name in _SHOWN}
    return cleaned(shown | {"header": redacted(dict(options.given(config, "header")))})


def _described(target: Target) -> dict[str, Any]:
    told = {key: value for key, value in target.server.items() if key in ("name", "version")}
    told = {key: value for key, value in told.items() if isinstance(value, str)}
    told = mapped(told, target.client.shared.credentials.hide)
    return cleaned({"url": target.client.url, "models": [model.name for model in target.models], **told})


def pytest_report_header(config: pytest.Config) -> list[str]:
    """What is tested."""
    target = config.stash.get(_TARGET, None)
    if target is None:
        return []
    described = _described(target)
    more = len(described["models"]) - _NAMED
    if more > 0:
        described["models"][_NAMED:] = [f"… and {more} more"]
    lacks = [clean(f"not tested: {profile} ({reason})") for profile, reason in target.missing.items()]
    taken = [f"{name} is the suite's here, not another plugin's" for name in options.taken(config)]
    return [f"conformance: {json.dumps(described, ensure_ascii=False)}", *lacks, *taken]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that asks for a model once for each model."""
    target = metafunc.config.stash[_TARGET]
    models = target.models
    if "mlflow_model" in metafunc.fixturenames:
        metafunc.parametrize("mlflow_model", models[:1], ids=lambda m: m.name, scope="session")
    elif "model" in metafunc.fixturenames:
        metafunc.parametrize("model", models, ids=lambda m: m.name, scope="session")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Check the requirement that each test names, mark the test by it, and select."""
    profiles = set(options.given(config, "profile")) or set(PROFILES) - _OPT_IN
    wanted = set(options.given(config, "requirement"))
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
    items[:] = sorted(chosen, key=lambda item: requirement_of(item).id == SURVIVES)
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
    if model.base is None:
        no_request(model.name)
    return model


@pytest.fixture(scope="session")
def steady(scored: RestModel) -> RestModel:
    """A model that gives the same answer to the same request."""
    if not scored.deterministic:
        untested(f"{scored.name} answers the same request differently")
    return scored


@pytest.fixture(scope="session")
def batched(steady: RestModel) -> RestModel:
    """A steady model whose inputs take any number of rows, each predicted for itself."""
    if steady.limit == 1 or not steady.row_wise:
        untested(f"{steady.name} takes no batches of independent rows")
    return steady


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
