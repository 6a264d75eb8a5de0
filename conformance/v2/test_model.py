"""Model metadata and versions."""

from collections.abc import Callable

import pytest

from conformance.asking.declared import specs
from conformance.asking.rest import RestModel
from conformance.asking.server import UNKNOWN, odd_models, unknown_versions
from conformance.checks.assertions import check, check_ok
from conformance.checks.http import check_error, check_schema, check_status
from conformance.checks.nulls import nulls
from conformance.checks.skips import not_implemented, untested
from conformance.transport import rest
from conformance.transport.answer import Answer
from conformance.transport.http import Client
from conformance.wire.jsontext import flaw

requirement = pytest.mark.requirement
_STABLE = ("name", "versions", "platform", "inputs", "outputs")
_MEMBERS = {*_STABLE, "properties"}


@requirement("v2.model.metadata")
def test_metadata(model: RestModel) -> None:
    check_ok(model.metadata, "the model describes itself")
    check_schema(model.page, "v2/model-metadata")


@requirement("v2.model.content-type")
def test_content_type(model: RestModel) -> None:
    got = model.page.response.media_type
    check(
        got == "application/json",
        "the media type is wrong",
        model.metadata,
        got=got,
        expected="application/json",
    )


@requirement("v2.model.strict-json")
def test_strict_json(model: RestModel) -> None:
    found = flaw(model.page.response.body) if model.described else ""
    check(not found, "the metadata is no strict JSON", model.metadata, got=found)


@requirement("v2.model.name")
def test_name(model: RestModel) -> None:
    got = model.described.get("name")
    check(got == model.name, "the name is not the model's", model.metadata, got=got, expected=model.name)


@requirement("v2.model.tensors")
def test_tensors(model: RestModel) -> None:
    for member in ("inputs", "outputs"):
        told = bool(model.described.get(member)) or (member == "inputs" and _needs_none(model))
        check(told, f"the metadata lists no {member}", model.metadata)


@requirement("v2.model.inputs-declared")
def test_inputs_declared(model: RestModel) -> None:
    request = model.sample or model.known
    declared = [spec.name for spec in specs(model.described.get("inputs"))]
    if request is None:
        untested("needs a valid request: give one with --sample FILE")
    if not declared:
        not_implemented("the metadata lists no inputs")
    if not model.infer(request).answered:
        untested(f"{model.name} refuses the request that was given")
    for tensor in request["inputs"]:
        if tensor["name"] not in declared:
            rest = [other for other in request["inputs"] if other != tensor]
            answer = model.infer({**request, "inputs": rest})
            message = f"the model needs {tensor['name']!r}, which is none of its inputs"
            check(answer.answered, message, answer, model.metadata, got=declared)


def _needs_none(model: RestModel) -> bool:
    """Whether the model has no inputs, says so, and predicts without."""
    return model.described.get("inputs") == [] and model.infer({"inputs": []}).answered


@requirement("v2.model.unique-names")
def test_unique_names(model: RestModel) -> None:
    for member, declared in (
        ("inputs", model.described.get("inputs")),
        ("outputs", model.described.get("outputs")),
    ):
        names = [t.get("name") for t in declared if isinstance(t, dict)] if isinstance(declared, list) else []
        twice = sorted({str(name) for name in names if names.count(name) > 1})
        check(not twice, f"{member} share a name", model.metadata, got=", ".join(twice))


@requirement("v2.model.null-members")
def test_null_members(model: RestModel) -> None:
    found = nulls(model.page.json)
    check(not found, "members are null", model.metadata, got=", ".join(found), expected="absent members")


@requirement("v2.model.unknown")
def test_unknown(client: Client) -> None:
    check_error(client.get(rest.path(UNKNOWN)), "there is no such model")


@requirement("v2.model.unknown-status")
def test_unknown_status(client: Client) -> None:
    answer = client.get(rest.path(UNKNOWN))
    if answer.status < 400:
        untested("it is not refused: v2.model.unknown")
    for refused in [answer, *(a for a in odd_models(client) if a.status >= 400)]:
        check_status(refused, range(400, 500), "the client asked for a model that is not there")


@requirement("v2.model.versions")
def test_versions(model: RestModel) -> None:
    if not model.versions:
        not_implemented("the metadata lists no versions")
    for version in model.versions:
        answer = model.client.get(model.path("versions", version))
        check_ok(answer, f"version {version} is listed")
        check_schema(answer, "v2/model-metadata")
        got = answer.json.get("name")
        check(got == model.name, "the name is not the model's", answer, got=got, expected=model.name)


def _datatypes(answer: Answer) -> dict[str, str]:
    """The datatypes of the outputs in metadata or in an inference response, by name."""
    return {spec.name: spec.datatype for spec in specs(answer.message.get("outputs"))}


@requirement("v2.model.versions")
def test_versions_answer(scored: RestModel) -> None:
    """A version answers with the outputs of its own metadata."""
    assert scored.base is not None
    if not scored.versions:
        not_implemented("the metadata lists no versions")
    if _datatypes(scored.metadata) != _datatypes(scored.base):
        untested("the outputs are not the metadata's: v2.infer.output-names, v2.infer.output-datatypes")
    for version in scored.versions:
        metadata = scored.transport.metadata(scored.name, version)
        answer = scored.infer(scored.base_body, version)
        if metadata.answered and answer.answered:
            told, got = map(_datatypes, (metadata, answer))
            check(
                told == got, f"version {version} has other outputs", metadata, answer, got=got, expected=told
            )


@requirement("v2.model.unknown-version")
def test_unknown_version(model: RestModel) -> None:
    for version in unknown_versions(model):
        check_error(model.client.get(model.path("versions", version)), f"there is no version {version}")


@requirement("v2.model.unknown-version-status")
def test_unknown_version_status(model: RestModel) -> None:
    answer = model.client.get(model.path("versions", UNKNOWN))
    if answer.status < 400:
        untested("it is not refused: v2.model.unknown-version")
    check_status(answer, range(400, 500), "the client asked for a version that is not there")


@requirement("v2.model.stable")
def test_stable(scored: RestModel) -> None:
    scored.infer(scored.base_body)
    again = scored.client.get(scored.path())
    check_status(again, [scored.page.status], "the metadata was there before")
    for member in _STABLE:
        before = scored.described.get(member)
        got = again.json.get(member) if isinstance(again.json, dict) else None
        check(got == before, f"{member} changed", scored.metadata, again, got=got, expected=before)


@requirement("v2.model.platform")
def test_platform(model: RestModel, behaviour: Callable[[str, str], None]) -> None:
    behaviour("platform", repr(model.described.get("platform")))


@requirement("v2.model.batch-dimension")
def test_batch_dimension(model: RestModel, behaviour: Callable[[str, str], None]) -> None:
    if not model.inputs:
        not_implemented("the metadata lists no inputs")
    behaviour("first dimension", "varies" if model.batched else "is fixed")


@requirement("v2.model.extra-members")
def test_extra_members(model: RestModel, behaviour: Callable[[str, str], None]) -> None:
    behaviour("members", ", ".join(sorted(set(model.described) - _MEMBERS)) or "none")
