"""Server metadata and the repository index."""

import pytest

from conformance.asking.extensions import EXTENSIONS
from conformance.asking.rest import RestModel
from conformance.asking.server import denies, index
from conformance.checks.assertions import check, check_ok
from conformance.checks.http import check_schema, check_status
from conformance.checks.nulls import nulls
from conformance.checks.skips import not_implemented, untested
from conformance.harness.target import Target
from conformance.transport import rest
from conformance.transport.exchange import Exchange
from conformance.transport.http import Client
from conformance.wire.jsontext import flaw
from spec.validation import is_valid

requirement = pytest.mark.requirement
_AGAIN = 4


def _metadata(client: Client) -> Exchange:
    """The answer at /v2, else that at /v2/."""
    answer = client.get("/v2")
    return answer if answer.status == 200 else client.get("/v2/")


def _index(client: Client) -> Exchange:
    answer = index(client)
    if answer.status != 200:
        not_implemented("there is no repository index")
    return answer


@requirement("v2.server.metadata")
def test_metadata(client: Client) -> None:
    answer = _metadata(client)
    check_ok(answer, "the server describes itself")
    check_schema(answer, "v2/server-metadata")


@requirement("v2.server.content-type")
def test_content_type(client: Client) -> None:
    answer = _metadata(client)
    got = answer.response.media_type
    check(got == "application/json", "the media type is wrong", answer, got=got, expected="application/json")


@requirement("v2.server.strict-json")
def test_strict_json(client: Client) -> None:
    answer = _metadata(client)
    found = flaw(answer.response.body) if isinstance(answer.json, dict) else ""
    check(not found, "the metadata is no strict JSON", answer, got=found)


@requirement("v2.server.both-paths")
def test_both_paths(client: Client) -> None:
    bare, slash = client.get("/v2"), client.get("/v2/")
    check_ok(bare, "/v2 must answer")
    check_ok(slash, "/v2/ must answer")
    again = [client.get("/v2") for _ in range(_AGAIN)]
    for member in ("name", "version", "extensions"):
        one, other, *others = (
            a.json.get(member) if isinstance(a.json, dict) else None for a in (bare, slash, *again)
        )
        if all(each == one for each in others):  # else replicas answer, each by its own name
            check(one == other, f"/v2 and /v2/ differ in {member}", bare, slash, got=other, expected=one)


@requirement("v2.server.names-itself")
def test_names_itself(client: Client) -> None:
    answer = _metadata(client)
    for member in ("name", "version"):
        value = answer.json.get(member) if isinstance(answer.json, dict) else None
        check(value != "", f"the {member} is empty", answer)


@requirement("v2.server.null-members")
def test_null_members(client: Client) -> None:
    answer = _metadata(client)
    found = nulls(answer.json)
    check(not found, "members are null", answer, got=", ".join(found), expected="absent members")


@requirement("v2.server.method")
def test_method(client: Client) -> None:
    answer = client.send("DELETE", "/v2")
    check_status(answer, [*range(400, 500), 501], "DELETE is no method of server metadata")


@requirement("v2.server.extensions")
def test_extensions(scored: RestModel) -> None:
    claimed = _metadata(scored.client)
    listed = claimed.json.get("extensions") if isinstance(claimed.json, dict) else None
    names = [name for name in listed if name in EXTENSIONS] if isinstance(listed, list) else []
    if not names:
        not_implemented("the server lists no extension that can be asked for")
    for name in names:
        told = EXTENSIONS[name](scored)
        check(told.there, f"the server lists {name}: {told.wanted}", claimed, told.answer, got=told.got)


@requirement("v2.server.repository-index")
def test_repository_index(client: Client) -> None:
    check_schema(_index(client), "mlserver/repository-index")


@requirement("v2.server.index-agrees")
def test_index_agrees(client: Client, target: Target) -> None:
    answer = _index(client)
    rows = answer.json if is_valid("mlserver/repository-index", answer.json) else []
    for row in rows:
        if row.get("state") == "READY":
            path = rest.path(row["name"], version=target.version)
            check_ok(client.get(path), f"the index lists {row['name']} as READY")


@requirement("v2.server.index-complete")
def test_index_complete(client: Client, target: Target) -> None:
    answer = _index(client)
    if not is_valid("mlserver/repository-index", answer.json):
        untested("the index can't be read: v2.server.repository-index")
    for model in target.models:
        ready = client.get(model.path("ready"))
        states = [row.get("state") for row in answer.json if row["name"] == model.name]
        if ready.status == 200 and not denies(ready):
            check(bool(states), f"the index lacks {model.name}, which is ready", answer, ready)
            told = f"the index says UNAVAILABLE of {model.name}, which is ready"
            check(set(states) != {"UNAVAILABLE"}, told, answer, ready)
