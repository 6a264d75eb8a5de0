"""Binary tensor data: where it is looked for, and what is told of it."""

import subprocess
from pathlib import Path

import pytest

from reference_server import create_app
from tests.faulty.binary import without_binary
from tests.faulty.binary_requests import left_over_passed_over
from tests.faulty.reference import remembered
from tests.faulty.server import serve
from tests.faulty.wire import Ask
from tests.suite.conftest import Suite

MODEL = "--model=wine-classifier"
LEFT_OVER = "binary.errors.left-over"


@pytest.fixture(scope="module")
def reference(repository: Path) -> Ask:
    """The reference server over the wine model."""
    return remembered(create_app(repository / "wine-classifier"))


def test_the_line_of_a_failure_reproduces_it(suite: Suite, reference: Ask) -> None:
    """The bytes and the length of the JSON are in it."""
    with serve(lambda request: left_over_passed_over(request, reference)) as url:
        run = suite("--target", url, MODEL, f"--requirement={LEFT_OVER}", "--level=should")
        (line,) = run.row(LEFT_OVER)["failures"][0]["curl"]
        again = subprocess.run(["bash", "-c", line], capture_output=True, timeout=30)
    assert run.outcome(LEFT_OVER) == "failed"
    assert again.stdout.startswith(b"HTTP/1.1 200"), line


def test_a_server_without_it_is_told_so(suite: Suite, reference: Ask) -> None:
    with serve(without_binary(reference)) as url:
        run = suite("--target", url, MODEL, "--profile=binary")
        one = suite("--target", url, MODEL, "--requirement=v2.errors.binary-data", "--level=should")
    assert run.status == 10
    assert "--profile binary: requests and answers are JSON alone" in run.errors
    assert one.outcome("v2.errors.binary-data") == "passed"
