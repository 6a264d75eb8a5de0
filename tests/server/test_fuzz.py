"""A small part of ``make fuzz``."""

import subprocess
import sys

from tests.conftest import ROOT


def test_hostile_requests() -> None:
    command = [sys.executable, "-m", "tests.fuzz", "--count", "4000", "--seed", "1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout
    assert "4000 requests" in done.stdout
