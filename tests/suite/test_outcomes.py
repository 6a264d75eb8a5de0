"""Outcomes, levels, known failures: what fails a run and what does not."""

import tomllib
from pathlib import Path

import pytest

from tests.suite.conftest import Run, Suite

MUST, SHOULD, CHARACTERISE = "v2.infer.id-echo", "v2.server.names-itself", "v2.infer.id-none-asked"
ECHOES = [
    f"v2/test_infer_{module}.py::test_id_echo{which}[double]"
    for module, which in (("ids", ""), ("ids", "_drawn"), ("ids", "_beside"), ("http", "_refusable"))
]
CHOSEN = [f"--requirement={name}" for name in (MUST, SHOULD, CHARACTERISE, "v2.infer.model-version")]


@pytest.fixture
def ask(suite: Suite, forgetful: str) -> Suite:
    """Run a few requirements against the server that is wrong in two ways."""

    def run(*arguments: object) -> Run:
        return suite("--target", forgetful, "--model", "double", *CHOSEN, *arguments)

    return run


def _known(folder: Path, *names: str) -> Path:
    file = folder / "known.toml"
    entries = [f'[[known-failure]]\nrequirement = "{name}"\nreason = "We forget it."\n' for name in names]
    file.write_text("\n".join(entries))
    return file


def test_a_right_server_passes(suite: Suite, tiny: str) -> None:
    run = suite("--target", tiny, "--model", "double", *CHOSEN)
    assert run.status == 0, run.output
    assert run.outcome(MUST) == run.outcome(SHOULD) == "passed"


def test_must_fails_the_run_and_should_does_not(ask: Suite) -> None:
    run = ask()
    assert run.status == 1
    assert run.outcome(MUST) == run.outcome(SHOULD) == "failed"
    assert "1 requirements fail at level must" in run.output
    assert ask("-m", "not must").status == 0


def test_should_fails_at_its_level(ask: Suite) -> None:
    run = ask("--level", "should", "-k", "names_itself")
    assert run.status == 1
    assert run.outcome(SHOULD) == "failed"


def test_a_skip_is_not_a_pass(ask: Suite) -> None:
    run = ask()
    row = run.row("v2.infer.model-version")
    assert row["outcome"] == "not-implemented"
    assert row["reason"] == "the metadata lists no versions"
    assert run.row("v2.health.live")["outcome"] == "not-selected"
    assert run.row("v2.health.overload")["outcome"] == "untested"
    counted = run.report["profiles"]["v2"]
    assert (counted["passed"], counted["failed"], counted["not-implemented"]) == (1, 2, 1)


def test_the_reasons_of_what_is_untested_are_told(suite: Suite, tiny: str) -> None:
    run = suite("--target", tiny, "--model", "double", "--requirement=v2.infer.known-answers")
    assert run.status == 0
    assert "needs known answers: --answers PATH: v2.infer.known-answers" in run.output


def test_characterise_records_and_never_fails(ask: Suite) -> None:
    run = ask("-k", "none_asked")
    assert run.status == 0
    assert run.row(CHARACTERISE)["behaviour"] == {"id": "absent"}
    assert f"{CHARACTERISE}: id: absent" in run.output


def test_known_failures_are_excused(ask: Suite, tmp_path: Path) -> None:
    run = ask("--known-failures", _known(tmp_path, MUST))
    assert run.status == 0, run.output
    assert run.outcome(MUST) == "failed"
    assert run.row(MUST)["known"] == "We forget it."
    assert f"{len(ECHOES)} known failures" in run.output


def test_a_known_failure_that_passes_fails_the_run(suite: Suite, tiny: str, tmp_path: Path) -> None:
    run = suite("--target", tiny, "--model", "double", *CHOSEN, "--known-failures", _known(tmp_path, MUST))
    assert run.status == 1
    assert "remove them from the file" in run.output


def _known_tests(folder: Path, *names: str) -> Path:
    file = folder / "known.toml"
    link = 'link = "https://example.org/1"'
    entries = [f'[[known-failure]]\ntest = "{name}"\nreason = "We forget it."\n{link}\n' for name in names]
    file.write_text("\n".join(entries))
    return file


def test_a_known_failure_may_be_one_test(ask: Suite, tmp_path: Path) -> None:
    written = tmp_path / "written.toml"
    all_of_it = ask("--known-failures", _known_tests(tmp_path, *ECHOES), "--write-known-failures", written)
    assert all_of_it.status == 0, all_of_it.output
    assert all_of_it.row(MUST)["known"] == "We forget it."
    entries = tomllib.loads(written.read_text())["known-failure"]
    assert sorted(e["test"] for e in entries if "test" in e) == sorted(ECHOES)
    assert {e.get("link") for e in entries if "test" in e} == {"https://example.org/1"}

    half = ask("--known-failures", _known_tests(tmp_path, ECHOES[0]))
    assert half.status == 1
    assert "known" not in half.row(MUST)
    assert "1 known failures" in half.output


def test_a_known_test_that_passes_fails_the_run(suite: Suite, tiny: str, tmp_path: Path) -> None:
    file = _known_tests(tmp_path, f"conformance/{ECHOES[0]}")
    run = suite("--target", tiny, "--model", "double", *CHOSEN, "--known-failures", file)
    assert run.status == 1
    assert "remove them from the file" in run.output
    assert ECHOES[0] in run.output


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            '[[known-failure]]\ntest = "v2/test_infer.py::test_no"\nreason = "x"',
            "is no test of this suite",
        ),
        ('[[known-failure]]\nreason = "x"', "is not valid under any of the given schemas"),
        ('[[known-failure]]\nrequirement = "v2.no.such"\nreason = "x"', "v2.no.such is no requirement"),
        ('[[known-failure]]\nrequirement = "v2.infer.id-echo"', "'reason' is a required property"),
        (f'[[known-failure]]\nrequirement = "{CHARACTERISE}"\nreason = "x"', "it records behaviour"),
        ("known-failure = 1", "is not of type 'array'"),
    ],
)
def test_a_wrong_file_of_known_failures(ask: Suite, tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "known.toml"
    file.write_text(text)
    run = ask("--known-failures", file)
    assert run.status == 10
    assert told in run.errors


def test_a_dead_target_is_never_excused(suite: Suite, tmp_path: Path) -> None:
    run = suite("--target", "http://127.0.0.1:1", "--known-failures", _known(tmp_path, MUST, SHOULD))
    assert run.status == 10


def test_written_known_failures_excuse_the_next_run(ask: Suite, tmp_path: Path) -> None:
    file = tmp_path / "written.toml"
    first = ask("--level", "should", "--write-known-failures", file)
    assert first.status == 1
    second = ask("--level", "should", "--known-failures", file)
    assert second.status == 0, second.output


def test_spread_over_processes(ask: Suite) -> None:
    alone, spread = ask(), ask("-n", "2")
    assert spread.status == alone.status == 1
    outcomes = [[(r["id"], r["outcome"]) for r in run.report["requirements"]] for run in (alone, spread)]
    assert outcomes[0] == outcomes[1]
    assert spread.report["requests"] > 0


def test_an_error_of_the_suite_itself_is_no_pass(suite: Suite, tiny: str) -> None:
    run = suite("--target", tiny, "--model", "double", *CHOSEN, "-p", "tests.suite.breaking")
    assert run.status == 1
    assert run.outcome(MUST) == "untested"
    assert "KeyError: 'a mistake'" in run.row(MUST)["reason"]
    assert "1 tests ended in an error of the suite itself" in run.output
