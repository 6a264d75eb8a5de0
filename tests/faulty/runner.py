"""Runs of the suite, each in a fork of one process that has loaded what the suite imports.

Its arguments are more modules to load. It reads orders from standard input, one JSON object a line with
``arguments`` (of pytest), ``printed`` (the file for the output) and ``seconds`` (allowed), and answers each
with a line: the exit status.
"""

import contextlib
import gc
import importlib
import inspect
import io
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.harness import recorder
from spec import validation
from spec.catalogue import requirements

_ROOT = Path(__file__).parent.parent.parent
_MODULES = sorted(
    f"conformance.{file.parent.name}.{file.stem}"
    for file in (_ROOT / "conformance").glob("*/[!_]*.py")
    if not file.stem.startswith("test_")
)
# Neither the tests nor conftest.py: pytest loads these, and rewrites their assertions.
_IMPORTED = (
    *_MODULES,
    "hypothesis.strategies",
    "jsonschema",
    "jsonschema_rs",
    "numpy",
    "pyarrow.parquet",
    "spec.validation",
    "urllib3",
)


def main() -> None:
    """Load, and read the catalogue and the schemas, once; serve orders until there are no more."""
    for name in (*_IMPORTED, *sys.argv[1:]):
        importlib.import_module(name)
    requirements()
    for name in validation.names():
        validation.is_valid(name, None)
        validation.violations(name, None)
    _collect()
    inspect.getmodule(main.__code__)  # looks at the file of every module, once
    _draw()
    recorder.SHRINKING = 1  # which requirements are red is asked here, not the smallest request
    gc.freeze()
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            os._exit(_run(order))
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


def _collect() -> None:
    """Import the tests as pytest does, with their assertions rewritten."""
    with contextlib.redirect_stdout(io.StringIO()):
        pytest.main(
            [
                "conformance",
                "--collect-only",
                "--noconftest",
                "-pno:cacheprovider",
                "-p_hypothesis_pytestplugin",
            ]
        )


@settings(database=None)
@given(st.integers())
def _draw(number: int) -> None:
    """Let Hypothesis read the constants of all that is imported."""


def _run(order: dict[str, Any]) -> int:
    gc.disable()  # a short life
    signal.alarm(order["seconds"])  # its default is to end the process
    with Path(order["printed"]).open("w", encoding="utf-8") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        status = int(pytest.main(order["arguments"]))
        with contextlib.suppress(OSError):
            sys.stdout.flush()
    return status


if __name__ == "__main__":
    main()
