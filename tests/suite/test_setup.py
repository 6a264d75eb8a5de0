"""What can't be tested ends with an exit status of its own and one line that says why."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.suite.conftest import Suite, Tiny, serving

SETUP = 10


def _one_line(errors: str) -> str:
    lines = [line for line in errors.splitlines() if line]
    assert len(lines) == 1, errors
    return lines[0]


def test_dead_target(suite: Suite) -> None:
    run = suite("--target", "http://127.0.0.1:1")
    assert run.status == SETUP
    line = _one_line(run.errors)
    assert line.startswith("cannot test: nothing answers at http://127.0.0.1:1")
    assert line.endswith("is the server running?")


def test_no_target(suite: Suite) -> None:
    run = suite()
    assert run.status == SETUP
    assert _one_line(run.errors) == (
        "cannot test: give the server's base URL: --target URL, or its gRPC service: --grpc-target HOST:PORT"
    )


def test_which_model(suite: Suite, tiny: str) -> None:
    run = suite("--target", tiny)
    assert run.status == SETUP
    assert "which model?" in _one_line(run.errors)
    assert "--model NAME" in run.errors


def test_unknown_model(suite: Suite, tiny: str) -> None:
    run = suite("--target", tiny, "--model", "triple")
    assert run.status == SETUP
    assert "no model 'triple'" in _one_line(run.errors)


def test_neither_protocol(suite: Suite) -> None:
    class Silent(Tiny):
        def do_GET(self) -> None:
            self.answer(404, {})

        def do_POST(self) -> None:
            self.answer(404, {})

    with serving(Silent) as url:
        run = suite("--target", url)
    assert run.status == SETUP
    assert "speaks neither protocol" in _one_line(run.errors)


def test_profile_that_is_not_there(suite: Suite, tiny: str) -> None:
    run = suite("--target", tiny, "--model", "double", "--profile", "mlflow")
    assert run.status == SETUP
    assert _one_line(run.errors) == "cannot test: --profile mlflow: the target has no /invocations"


def test_unknown_requirement(suite: Suite, tiny: str) -> None:
    run = suite("--target", tiny, "--model", "double", "--requirement", "v2.infer.idecho")
    assert run.status == SETUP
    assert "v2.infer.idecho: there is no such requirement" in _one_line(run.errors)


def test_nothing_selected(suite: Suite, tiny: str) -> None:
    run = suite("--target", tiny, "--model", "double", "-k", "nothing_is_called_so")
    assert run.status == SETUP
    assert "no test was selected" in run.output


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "Expecting property name"),
        (json.dumps({"input": []}), "it is no inference request"),
    ],
)
def test_bad_sample(suite: Suite, tiny: str, tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "sample.json"
    file.write_text(text)
    run = suite("--target", tiny, "--model", "double", "--sample", file)
    assert run.status == SETUP
    line = _one_line(run.errors)
    assert f"--sample {file}" in line
    assert told in line


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ("--target=127.0.0.1:8080", "write http://HOST:PORT"),
        ("--target=http://127.0.0.1:8080/v2/", "leave out /v2"),
        ("--header=no colon", "write 'Name: value'"),
        ("--max-examples=0", "give 1 or more"),
        ("--timeout=0", "give seconds, more than 0"),
        ("--seed=x", "invalid int value"),
        ("--answers=no/such/folder", "there is no no/such/folder"),
        ("--sample=no-such-file", "there is no file no-such-file"),
        ("--ca-cert=no-such-file", "there is no file no-such-file"),
        ("--cert=no-such-file", "there is no file no-such-file"),
        ("--wait=0", "give seconds, more than 0"),
        ("--target=http://me:word@127.0.0.1", "the URL holds credentials"),
        ("--header=X: \x1b", "write 'Name: value'"),
        ("--report-json=no/such/file", "there is no folder no/such"),
        ("--write-known-failures=/", "/ is a folder"),
    ],
)
def test_a_wrong_option_is_told_before_anything_is_sent(suite: Suite, option: str, told: str) -> None:
    run = suite("--target", "http://127.0.0.1:1", option)
    assert run.status == 4
    assert f"argument {option.partition('=')[0]}: " in run.errors
    assert told in run.errors


def test_the_command_runs_from_any_folder(tiny: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "conformance", "--target", tiny, "--model", "double", "-k", "id_empty"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout
