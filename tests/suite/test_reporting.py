"""What people see of runs: pages, comparisons, runs again, and what is said of a requirement."""

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from conformance.reporting import claims, compare, github, page
from conformance.reporting.document import load
from spec.catalogue import sets
from tests.conftest import ROOT
from tests.suite.conftest import Suite, Tiny, serving

ID, NAN, OTHER = "v2.infer.id-echo", "v2.infer.media-types", "v2.http.allow"
HOSTILE = "<script>document.title='run'</script><img src=x onerror=\"document.title='run'\">"


def row(name: str, outcome: str, level: str = "MUST", **more: Any) -> dict[str, Any]:
    """A requirement's row in a report."""
    failed = outcome == "failed"
    failure = {"test": "t", "message": "no id", "curl": ["curl -s x"], "request": ["{}"], "response": ["200"]}
    shared = {"id": name, "level": level, "profile": name.partition(".")[0], "outcome": outcome, "tests": []}
    return shared | {"failures": [failure] * failed} | more


def report(*rows: Mapping[str, Any], name: str = "server", version: str = "1") -> dict[str, Any]:
    """A report with these rows."""
    return {
        "target": {"url": "http://127.0.0.1:1", "models": ["m"], "name": name, "version": version},
        "suite": {"version": "0.1.0", "sources": {}},
        "options": {},
        "level": "must",
        "started": "2026-01-01T00:00:00+00:00",
        "seconds": 1.5,
        "requests": 1,
        "times": {"/v2/models/M/infer": {"count": 3, "p50": 1.5, "p99": 20.25}},
        "profiles": {"v2": {"passed": 1}},
        "requirements": list(rows),
    }


def command(*arguments: object) -> "subprocess.CompletedProcess[str]":
    """Run oip-conformance."""
    told = [sys.executable, "-m", "conformance", *map(str, arguments)]
    return subprocess.run(told, capture_output=True, text=True, timeout=120)


def written(folder: Path, name: str, document: Mapping[str, Any]) -> Path:
    """The file of a report."""
    file = folder / f"{name}.json"
    file.write_text(json.dumps(document), "utf-8")
    return file


def test_a_page_shows_what_failed_and_how_long_it_took() -> None:
    shown = page.page(
        report(row(ID, "failed"), row(NAN, "passed", "CHARACTERISE", behaviour={"none": "200"}))
    )
    for told in (
        "Failed at level must",
        ID,
        "no id",
        "curl -s x",
        "none: 200",
        "20.25",
        "character for character",
    ):
        assert told in shown
    assert "http://" not in re.sub(r"http://127\.0\.0\.1:1|<a href=[^>]*>", "", shown)


def test_a_page_shows_what_a_server_sent_as_text() -> None:
    shown_lists = {key: [HOSTILE] for key in ("curl", "request", "response")}
    failure = {"test": HOSTILE, "message": HOSTILE, **shown_lists}
    rows = [
        row(ID, "failed", failures=[failure], known=HOSTILE),
        row(NAN, "passed", "CHARACTERISE", behaviour={HOSTILE: HOSTILE}),
        row(OTHER, "untested", reason=HOSTILE),
        row(HOSTILE, "failed"),
    ]
    document = report(*rows, name=HOSTILE, version="javascript:alert(1)")
    document["target"]["models"] = [HOSTILE]
    document["times"] = {HOSTILE: {"count": 1, "p50": 1, "p99": 1}}
    for shown in (page.page(document), page.compared(compare.compare([document, report(*rows[:1])]))):
        assert HOSTILE not in shown
        assert shown.count("<script>") == 1
        assert "<img" not in shown
        assert 'href="javascript' not in shown


def test_two_runs_are_told_apart(tmp_path: Path) -> None:
    asked = {"behaviour": {"none": "200"}}
    before = report(
        row(ID, "failed"),
        row("v2.a.b", "passed"),
        row(NAN, "passed", "CHARACTERISE", **asked),
        row("v2.a.c", "passed"),
    )
    after = report(
        row(ID, "passed"),
        row("v2.a.b", "failed"),
        row(NAN, "passed", "CHARACTERISE", behaviour={"none": "415"}),
        row("v2.a.d", "passed"),
        version="2",
    )
    files = [written(tmp_path, name, document) for name, document in (("a", before), ("b", after))]
    told = command("compare", *files)
    assert told.returncode == 1
    for kind in ("broken", "fixed", "changed behaviour", "new requirements", "gone requirements"):
        assert f"{kind} (1)" in told.stdout
    assert "server 1: none: 200" in told.stdout
    assert "server 2: none: 415" in told.stdout
    assert "1 new failures: v2.a.b" in told.stdout
    assert command("compare", files[1], files[0]).returncode == 1
    assert command("compare", files[0], files[0]).stdout.startswith("no difference")
    shown = command("compare", *files, "--format", "markdown").stdout
    assert "| v2.a.b | MUST | passed | failed (no id) |" in shown


def test_servers_stand_side_by_side(tmp_path: Path) -> None:
    documents = [
        report(row(ID, outcome), row(NAN, "passed"), name=outcome)
        for outcome in ("passed", "failed", "untested")
    ]
    files = [written(tmp_path, str(place), document) for place, document in enumerate(documents)]
    output = tmp_path / "compared.html"
    told = command("compare", *files)
    assert told.returncode == 0
    assert "outcomes (1)" in told.stdout
    assert NAN not in told.stdout
    assert command("compare", *files, "--format", "html", "-o", output).returncode == 0
    assert "untested 1" in output.read_text("utf-8")


def test_a_run_writes_its_page(suite: Suite, tiny: str, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    run = suite("--target", tiny, "--model=double", f"--requirement={ID}", "--report-html", file)
    assert run.status == 0, run.output
    assert f"report: {file}" in run.output
    assert run.report["times"]["/v2/models/M/infer"]["count"] > 0
    made = tmp_path / "made.html"
    assert command("report", tmp_path / "report.json", "-o", made).returncode == 0
    assert "Passed at level must" in made.read_text("utf-8")


class Forgetful(Tiny):
    """Without ids, until it is mended."""

    mended = False

    def answer(self, status: int, document: Any) -> None:
        """Send JSON."""
        if not self.mended and isinstance(document, dict):
            document.pop("id", None)
        super().answer(status, document)


def test_what_failed_is_asked_again(suite: Suite, tmp_path: Path) -> None:
    chosen = ("--model=double", f"--requirement={ID}", "--requirement=v2.health.live")
    with serving(Forgetful) as url:
        run = suite("--target", url, *chosen)
        report = written(tmp_path, "first", run.report)
        assert run.status == 1
        assert "to ask again what failed: --only-failed" in run.output
        again = suite("--target", url, "--model=double", "--only-failed", report)
        assert again.status == 1
        assert [r["id"] for r in again.report["requirements"] if r["tests"]] == [ID]
        told = command("replay", report)
        assert (told.returncode, told.stdout.split()) == (1, ["the", "same", ID]), told.stderr
        Forgetful.mended = True
        told = command("replay", report, ID, "--", "--timeout=5")
        assert (told.returncode, told.stdout.split()) == (0, ["FIXED", ID]), told.stderr
        passed = suite("--target", url, "--model=double", "--only-failed", report)
        nothing = written(tmp_path, "second", passed.report)
        refused = suite("--target", url, "--model=double", "--only-failed", nothing)
        assert refused.status == 10
        assert "nothing of this suite failed in that run" in refused.errors


def in_set(**outcomes: str) -> list[dict[str, Any]]:
    """The rows of the frozen set of gRPC: passed, but those that are given otherwise."""
    names = sets()["oip-grpc-2026-12"].requirements
    return [row(name, outcomes.get(name.rpartition(".")[2].replace("-", "_"), "passed")) for name in names]


@pytest.mark.parametrize(
    ("outcomes", "state", "told"),
    [
        ({}, "met", "met"),
        ({"id_echo": "not-implemented"}, "met", "met"),
        ({"id_echo": "untested"}, "partly tested", "no failure, 56 of 57 tested"),
        ({"id_echo": "failed", "answers": "untested"}, "not met", "not met, 1 failed"),
    ],
)
def test_a_server_meets_a_frozen_set_or_not(
    tmp_path: Path, outcomes: dict[str, str], state: str, told: str
) -> None:
    document = report(*in_set(**outcomes))
    found = claims.told(document["requirements"])
    assert found["oip-grpc-2026-12"]["state"] == state
    assert found["oip-rest-2026-12"]["state"] == "not tested"
    file = written(tmp_path, "run", document)
    shown = command("badge", file, "--set", "oip-grpc-2026-12")
    assert f"<title>oip-grpc-2026-12: {told}</title>" in shown.stdout, shown.stderr
    shield = command("badge", file, "--set", "oip-grpc-2026-12", "--format", "json")
    assert json.loads(shield.stdout)["message"] == told


def test_reports_to_be_published_are_checked(suite: Suite, tiny: str, tmp_path: Path) -> None:
    told = (
        "--implementation",
        "name=Tiny",
        "--implementation",
        "version=1",
        "--implementation",
        "url=https://x",
    )
    run = suite("--target", tiny, "--model=double", f"--requirement={ID}", *told)
    assert run.report["implementation"] == {"name": "Tiny", "version": "1", "url": "https://x"}
    checked = command("check", written(tmp_path, "good", run.report))
    assert checked.returncode == 0, checked.stderr
    assert "Tiny 1: " in checked.stdout
    assert "oip-rest-2026-12 partly tested" in checked.stdout
    run.report["sets"]["oip-rest-2026-12"]["state"] = "met"
    forged = command("check", written(tmp_path, "forged", run.report))
    assert (forged.returncode, "its sets are not those" in forged.stderr) == (10, True)
    del run.report["implementation"]
    nameless = command("check", written(tmp_path, "nameless", run.report))
    assert (nameless.returncode, "--implementation name=" in nameless.stderr) == (10, True)
    refused = suite("--target", tiny, "--implementation", "owner=me")
    assert "write KEY=VALUE, where KEY is one of name, version, project, url" in refused.errors


def test_github_shows_what_failed(
    suite: Suite, forgetful: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "summary.md"
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(file))
    run = suite(
        "--target", forgetful, "--model=double", f"--requirement={ID}", "--requirement=v2.server.names-itself"
    )
    assert run.status == 1
    assert re.search(rf"^::error title={ID}::", run.output, re.M)
    assert re.search(r"^::warning title=v2\.server\.names-itself::", run.output, re.M)
    assert f"| MUST | {ID} |" in file.read_text("utf-8")


def test_what_a_server_sent_is_no_command_to_github() -> None:
    failure = {"test": "t", "message": "100%\n::error::own", "curl": [], "request": [], "response": []}
    document = report(row(ID, "failed", failures=[failure]), name="a|b\n<b>")
    assert list(github.annotations(document)) == [f"::error title={ID}::100%25%0A::error::own"]
    assert "a\\|b \\<b\\>" in github.summary(document)


def test_requirements_are_listed_and_explained() -> None:
    listed = command("list", "--profile", "binary", "--level", "must").stdout
    assert "binary.request.mixed" in listed
    assert "v2." not in listed
    told = command("explain", ID).stdout
    assert "inference_rest.md" in told
    assert "conformance/v2/test_infer*.py" in told


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("explain", "v2.no.such"), "there is no requirement v2.no.such"),
        (("report", "{folder}/none.json"), "none.json"),
        (("report", "{folder}/text.json"), "is no JSON"),
        (("compare", "{folder}/other.json", "{folder}/other.json"), "is no report of this suite"),
        (("compare", "{folder}/other.json"), "two reports or more"),
        (("replay", "{folder}/good.json", "v2.a.b"), "v2.a.b did not fail in that run"),
    ],
)
def test_what_can_not_be_done_is_one_line(tmp_path: Path, arguments: tuple[str, ...], told: str) -> None:
    (tmp_path / "text.json").write_text("text", "utf-8")
    written(tmp_path, "other", {"a": 1})
    load(written(tmp_path, "good", report(row(ID, "passed"))))
    done = command(*(argument.format(folder=tmp_path) for argument in arguments))
    assert done.returncode == 10
    assert told in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_reader_may_leave_early() -> None:
    command = f"{sys.executable} -m conformance compare docs/results/*.json | head -1"
    done = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.startswith("outcomes (")
    assert done.stderr == ""
