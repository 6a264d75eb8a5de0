"""What the tests share."""

from pathlib import Path

import pytest

from fixtures.build import build

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def repository() -> Path:
    """A model repository with every fixture; built once, and again only when a recipe changed."""
    folder = ROOT / ".cache" / "fixtures"
    build(folder)
    return folder
