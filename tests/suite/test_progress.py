"""What a terminal shows while the suite runs, and last."""

import os
import pty
import re
import subprocess
import sys

import pytest

from tests.conftest import ROOT
from tests.suite.conftest import Suite


def _on_a_terminal(*arguments: str) -> list[str]:
    """The lines that a run shows on a terminal; those written over too."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "pytest", "conformance/", "-pno:cacheprovider", *arguments]
    with subprocess.Popen(command, cwd=ROOT, stdout=theirs, stderr=theirs, env=_environment()) as process:
        os.close(theirs)
        shown = b""
        try:
            while read := os.read(ours, 65536):
                shown += read
        except OSError:
            pass  # so does Linux tell that nobody writes any longer
        assert process.wait(60) == 1
    os.close(ours)
    text = re.sub(r"\x1b\[[0-9;]*m", "", shown.decode())
    return [line.rstrip() for line in re.split(r"[\r\n]+", text)]


def _environment() -> dict[str, str]:
    return {**os.environ, "COLUMNS": "100", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}


@pytest.mark.parametrize(
    "more", [(), ("-q",), ("-p", "xdist.plugin", "-n", "2")], ids=["usual", "quiet", "two"]
)
def test_one_line_tells_how_far_the_run_is(forgetful: str, more: tuple[str, ...]) -> None:
    lines = _on_a_terminal("--target", forgetful, "--model=double", "--max-examples=2", "-k", "infer", *more)
    told = [line for line in lines if re.match(r"\d+ of \d+ tests, ", line)]
    done = re.fullmatch(
        r"(\d+) of \1 tests, (\d+) requirements, ([\d,]+) requests, (\d+) failed, done", told[-1]
    )
    assert done, told[-1]
    assert int(done[2]) > 20
    assert int(done[3].replace(",", "")) > 100
    assert int(done[4]) >= 1
    assert all(re.search(r", about \d+ s left$", line) for line in told[:-1])
    assert max(len(line) for line in told) < 100
    assert not [line for line in lines if re.match(r"[.sF]+(?: |$)|\S+\.py ", line)]
    assert lines.count("failed: v2.infer.id-echo (MUST)") == 1
    assert "exit status 1: something fails, or a known failure passes" in lines


def test_what_is_no_terminal_gets_letters(suite: Suite, forgetful: str) -> None:
    run = suite("--target", forgetful, "--model=double", "--requirement=v2.infer.id-echo", "-q")
    assert re.search(r"^F[.Fs]*", run.output, re.M)
    assert "s left" not in run.output


def test_the_exit_status_is_told(suite: Suite, tiny: str) -> None:
    right = suite("--target", tiny, "--model=double", "--requirement=v2.health.live", "-q")
    assert "\nexit status 0: nothing fails that is not known to\n" in right.output
    nothing = suite("--target", tiny, "--model=double", "--requirement=v2.health.live", "-k", "zzz", "-q")
    assert nothing.status == 10
    assert "\nexit status 10: it can't be tested\n" in nothing.output
    listed = suite("--target", tiny, "--model=double", "--collect-only", "-k", "zzz", "-q")
    assert "\nexit status 5: nothing is selected\n" in listed.output
