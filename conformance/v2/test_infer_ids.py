"""Inference: the id of a request, which its answer returns."""

from collections.abc import Callable

import pytest
from hypothesis import given

from conformance.asking import demands
from conformance.asking.inference import (
    check_id,
)
from conformance.asking.model import Model
from conformance.asking.strategies import HARD_IDS, ids
from conformance.checks.assertions import check, check_ok

requirement = pytest.mark.requirement


@requirement("v2.infer.id-echo")
def test_id_echo(scored: Model) -> None:
    for id in HARD_IDS:
        check_id(scored, id)


@requirement("v2.infer.id-echo")
@given(id=ids)
def test_id_echo_drawn(scored: Model, id: str) -> None:
    check_id(scored, id)


@requirement("v2.infer.id-echo")
def test_id_echo_beside(scored: Model) -> None:
    demands.id_beside(scored)


@requirement("v2.infer.id-empty")
def test_id_empty(scored: Model) -> None:
    check_id(scored, "")


@requirement("v2.infer.id-absent")
def test_id_absent(scored: Model) -> None:
    body = {k: v for k, v in scored.base_body.items() if k != "id"}
    one, two = scored.infer(body | {"id": "conformance-other"}), scored.infer(body)
    check_ok(two, "the id is optional")
    check(two.id != "conformance-other", "the id is that of another request", one, two, got=two.id)


@requirement("v2.infer.id-none-asked")
def test_id_none_asked(scored: Model, behaviour: Callable[[str, str], None]) -> None:
    answer = scored.infer({k: v for k, v in scored.base_body.items() if k != "id"})
    got = answer.message.get("id", "absent")
    behaviour("id", {"absent": "absent", None: "null", "": "empty"}.get(got, "made by the server"))
