"""Liveness and readiness."""

from collections.abc import Callable
from typing import Any

import pytest

from conformance.asking.rest import RestModel
from conformance.asking.server import UNKNOWN, denies, index, unknown_versions
from conformance.checks.assertions import check, check_ok
from conformance.checks.http import check_status
from conformance.checks.skips import no_request, not_implemented, untested
from conformance.harness.target import Target
from conformance.transport import rest
from conformance.transport.exchange import Exchange
from conformance.transport.http import UNAVAILABLE, Client
from spec.validation import is_valid

requirement = pytest.mark.requirement
_WAITING = ("UNAVAILABLE", "LOADING")


def _says(answer: Exchange, member: str, value: object) -> None:
    """A JSON object in the body that has the member gives it this value."""
    if isinstance(answer.json, dict) and member in answer.json:
        got = answer.json[member]
        check(got is value or got == value, f"the member {member} is wrong", answer, got=got, expected=value)


def _all_loaded(target: Target, answer: Exchange) -> None:
    """Go on unless the server is not ready because of one of its models."""
    if not denies(answer):
        return
    listed = index(target.client).json
    rows = listed if is_valid("mlserver/repository-index", listed) else []
    waiting = [row["name"] for row in rows if row.get("state", "READY") != "READY"]
    waiting += [m.name for m in target.models if denies(m.client.get(m.path("ready")))]
    if waiting:
        untested(f"the server is not ready, and nor is its model {waiting[0]}")


@requirement("v2.health.live")
def test_live(client: Client) -> None:
    check_ok(client.get("/v2/health/live"), "the server is live")


@requirement("v2.health.live-body")
def test_live_body(client: Client) -> None:
    _says(client.get("/v2/health/live"), "live", True)


@requirement("v2.health.ready")
def test_ready(client: Client, target: Target) -> None:
    answer = client.get("/v2/health/ready")
    _all_loaded(target, answer)
    check_ok(answer, "the server is ready")


@requirement("v2.health.ready-body")
def test_ready_body(client: Client, target: Target) -> None:
    answer = client.get("/v2/health/ready")
    _all_loaded(target, answer)
    _says(answer, "ready", True)
    _says(answer, "live", True)


def _unloaded(rows: Any) -> set[str]:
    """The models of an index that should be ready, and of which no version is."""
    by_name: dict[str, list[Any]] = {}
    for row in rows if is_valid("mlserver/repository-index", rows) else []:
        by_name.setdefault(row["name"], []).append(row)
    return {
        name
        for name, versions in by_name.items()
        if any(row.get("state") in _WAITING and row.get("reason") != "unloaded" for row in versions)
        and all(row.get("state") != "READY" for row in versions)
    }


@requirement("v2.health.ready-index")
def test_ready_index(client: Client) -> None:
    before = index(client)
    if before.status != 200:
        not_implemented("there is no repository index")
    ready, after = client.get("/v2/health/ready"), index(client)
    unloaded = _unloaded(before.json) & _unloaded(after.json)  # what is loading may just have been loaded
    # An index that says so of a model that is ready is v2.server.index-complete's finding.
    unloaded = {name for name in unloaded if client.get(rest.path(name, "ready")).status != 200}
    if ready.status == 200 and not denies(ready):
        message = "the server is ready, and its index has models that are not"
        check(not unloaded, message, ready, after, got=sorted(unloaded))


@requirement("v2.health.model-ready")
def test_model_ready(model: RestModel) -> None:
    check_ok(model.client.get(model.path("ready")), "the model is loaded")


@requirement("v2.health.model-ready-body")
def test_model_ready_body(model: RestModel) -> None:
    answer = model.client.get(model.path("ready"))
    _says(answer, "ready", True)
    _says(answer, "name", model.name)


@requirement("v2.health.model-ready-unknown")
def test_model_ready_unknown(client: Client) -> None:
    _check_not_ready(client.get(rest.path(UNKNOWN, "ready")), "a model")


def _check_not_ready(answer: Exchange, what: str) -> None:
    """The status is an error, or the body says that it is not ready."""
    if isinstance(answer.json, dict) and answer.json.get("ready") is False:
        return
    check_status(answer, range(400, 600), f"{what} that is not there is not ready")


@requirement("v2.health.version-ready")
def test_version_ready(model: RestModel) -> None:
    if not model.versions:
        not_implemented("the metadata lists no versions")
    for version in model.versions:
        answer = model.client.get(model.path("versions", version, "ready"))
        check_ok(answer, f"version {version} is listed")
        _says(answer, "ready", True)
        _says(answer, "name", model.name)


@requirement("v2.health.version-ready-unknown")
def test_version_ready_unknown(model: RestModel) -> None:
    for version in unknown_versions(model):
        _check_not_ready(model.client.get(model.path("versions", version, "ready")), "a version")


@requirement("v2.health.ready-means-infer")
def test_ready_means_infer(model: RestModel) -> None:
    ready = model.client.get(model.path("ready"))
    if ready.status != 200:
        untested("the model does not say that it is ready")
    answer = model.post(model.base_body if model.base is not None else _guess(model))
    elsewhere = answer.status == 501 and is_valid("v2/error", answer.json)  # over gRPC, or as a stream
    if model.base is None and (elsewhere or answer.status not in (200, *UNAVAILABLE)):
        no_request(model.name)
    check_ok(answer, "the model says that it is ready")


def _guess(model: RestModel) -> dict[str, Any]:
    """A request that the model may accept, made from its metadata."""
    return model.body(next(iter(model.candidates()), []))


@requirement("v2.health.body-form")
def test_body_form(client: Client, behaviour: Callable[[str, str], None]) -> None:
    for path in ("live", "ready"):
        answer = client.get(f"/v2/health/{path}")
        keys = ", ".join(answer.json) if isinstance(answer.json, dict) else answer.response.media_type
        behaviour(path, f"object with {keys}" if isinstance(answer.json, dict) else keys or "empty")


@requirement("v2.health.head")
def test_head(client: Client, behaviour: Callable[[str, str], None]) -> None:
    behaviour("HEAD", str(client.send("HEAD", "/v2/health/live").status))


@requirement("v2.health.survives")
def test_survives(client: Client) -> None:
    client.get("/v2/health/live")  # whatever the answer: that there is none raises
