"""The elements of binary tensor data: what a model that returns its inputs makes of hard ones."""

import pytest

from conformance.asking.binary import ask, for_all
from conformance.asking.rest import RestModel
from conformance.harness.target import Target
from conformance.oracles import exact
from conformance.oracles.exact import Ways

requirement = pytest.mark.requirement


@pytest.fixture(scope="session")
def ways(scored: RestModel) -> Ways:
    """Binary data, there and back."""
    return {"binary": lambda body: ask(scored, for_all(body))}


@requirement("binary.data.exact-integers")
def test_exact_integers(scored: RestModel, target: Target, ways: Ways) -> None:
    exact.check_exact("integers", scored, target.answers, ways)


@requirement("binary.data.exact-floats")
def test_exact_floats(scored: RestModel, target: Target, ways: Ways) -> None:
    exact.check_exact("floats", scored, target.answers, ways)


@requirement("binary.data.exact-specials")
def test_exact_specials(scored: RestModel, target: Target, ways: Ways) -> None:
    exact.check_exact("specials", scored, target.answers, ways)


@requirement("binary.data.exact-booleans")
def test_exact_booleans(scored: RestModel, target: Target, ways: Ways) -> None:
    exact.check_exact("booleans", scored, target.answers, ways)


@requirement("binary.data.exact-text")
def test_exact_text(scored: RestModel, target: Target, ways: Ways) -> None:
    exact.check_exact("text", scored, target.answers, ways)


@requirement("binary.data.exact-bytes")
def test_exact_bytes(scored: RestModel, target: Target, ways: Ways) -> None:
    exact.check_exact("bytes", scored, target.answers, ways)


@requirement("binary.data.lengths")
def test_lengths(scored: RestModel, target: Target, ways: Ways) -> None:
    exact.check_lengths(scored, target.answers, ways)
