"""Inference: the versions of a model."""

from collections.abc import Callable

import pytest

from conformance.asking import demands
from conformance.asking.inference import (
    check_same,
)
from conformance.asking.model import Model
from conformance.checks.assertions import check
from conformance.checks.skips import not_implemented

requirement = pytest.mark.requirement


@requirement("v2.infer.model-version")
def test_model_version(scored: Model) -> None:
    demands.listed_versions(scored)


@requirement("v2.infer.model-version")
def test_model_version_named(steady: Model) -> None:
    body = steady.base_body | {"id": "conformance"}
    usual = steady.infer(body)
    version = usual.model_version
    if version not in steady.versions:
        not_implemented("the answer names no version that the metadata lists")
    answer = steady.infer(body, version)
    if answer.answered:
        check_same(answer, usual, f"version {version} answered, and answers otherwise at its own path")


@requirement("v2.infer.version-named")
def test_version_named(scored: Model) -> None:
    if not scored.versions:
        not_implemented("the metadata lists no versions")
    answer = scored.infer(scored.base_body)
    got = answer.model_version
    check(got in scored.versions, "the version is not named", answer, got=got, expected=scored.versions)


@requirement("v2.infer.no-version")
def test_no_version(scored: Model, behaviour: Callable[[str, str], None]) -> None:
    if scored.versions:
        not_implemented("the metadata lists versions")
    answer = scored.infer(scored.base_body)
    got = answer.model_version
    behaviour("model_version", "absent" if got is None else "named")
