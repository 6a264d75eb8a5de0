"""MLflow's scoring server: /ping, /health and /version."""

import re
from collections.abc import Callable

import pytest

from conformance.checks.assertions import check, check_ok
from conformance.checks.skips import not_implemented, untested
from conformance.transport.exchange import shown
from conformance.transport.http import Client

requirement = pytest.mark.requirement
_VERSION = re.compile(r"[^\s<>]*\d[^\s<>]*")


@requirement("mlflow.health.ping")
def test_ping(client: Client) -> None:
    check_ok(client.get("/ping"), "the model is loaded")


@requirement("mlflow.health.health")
def test_health(client: Client) -> None:
    check_ok(client.get("/health"), "the model is loaded")


@requirement("mlflow.health.version")
def test_version(client: Client) -> None:
    answer = client.get("/version")
    check_ok(answer, "the server has a version")
    check(bool(answer.response.body.strip()), "the version is empty", answer)


@requirement("mlflow.health.version-plain")
def test_version_plain(client: Client) -> None:
    answer = client.get("/version")
    if answer.status != 200:
        not_implemented("the target tells no version")
    quoted = isinstance(answer.json, str)
    check(
        not quoted,
        "the version is a JSON string",
        answer,
        got=shown(answer.response.body),
        expected=answer.json,
    )


@requirement("mlflow.health.version-form")
def test_version_form(client: Client) -> None:
    answer = client.get("/version")
    if answer.status != 200:
        not_implemented("the target tells no version")
    told = answer.response.body.decode("utf-8", "replace")
    if not told.strip('" \n'):
        untested("the version is empty: mlflow.health.version")
    message = "the body does not look like a version"
    check(
        bool(_VERSION.fullmatch(told.strip())),
        message,
        answer,
        got=shown(answer.response.body),
        expected="3.17.2",
    )


@requirement("mlflow.health.bodies")
def test_bodies(client: Client, behaviour: Callable[[str, str], None]) -> None:
    for path in ("/ping", "/health", "/version"):
        answer = client.get(path)
        kind = answer.response.media_type or "no media type"
        behaviour(path, f"{answer.status} {answer.response.body[:40]!r}, {kind}")


@requirement("mlflow.health.head")
def test_head(client: Client, behaviour: Callable[[str, str], None]) -> None:
    behaviour("HEAD", str(client.send("HEAD", "/ping").status))
    behaviour("POST", str(client.send("POST", "/ping", b"").status))
