"""What the tests share."""

from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from fixtures.build import build
from tests.faulty.suite import Suite

ROOT = Path(__file__).parent.parent
# How fast the machine is fails no test.
hypothesis.settings.register_profile(
    "tests", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("tests")


@pytest.fixture(scope="session")
def repository() -> Path:
    """A model repository with every fixture; built once, and again only when a recipe changed."""
    folder = ROOT / ".cache" / "fixtures"
    build(folder)
    return folder


@pytest.fixture(scope="session")
def suite() -> Iterator[Suite]:
    """The suite, ready to run."""
    started = Suite()
    yield started
    started.stop()
