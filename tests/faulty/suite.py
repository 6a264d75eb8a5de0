"""Runs of the suite as a user has them, in processes that need not load everything again."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent
SECONDS = 120
_OF_MODELS = ("mlflow.pyfunc", "pandas", "scipy.stats", "sklearn.ensemble")  # what --mlmodel loads


@dataclass(frozen=True)
class Run:
    """What the suite found."""

    status: int
    printed: str
    report: dict[str, Any]

    @property
    def red(self) -> dict[str, str]:
        """The requirements of level MUST and SHOULD that failed, each with the first message."""
        return {r["id"]: r["failures"][0]["message"] for r in self.report["requirements"] if r["failures"]}

    @property
    def errors(self) -> list[str]:
        """The tests that ended in an error of the suite's own."""
        told = {f["test"] for r in self.report["requirements"] for f in r["failures"]}
        lines = [x.split() for x in self.printed.splitlines() if x.startswith(("FAILED ", "ERROR "))]
        return [line[1] for line in lines if line[1] not in told]


class Suite:
    """Runs the suite as a user does, in processes that need not load everything again."""

    def __init__(self) -> None:
        self._runners: dict[tuple[str, ...], subprocess.Popen[str]] = {}

    def _runner(self, modules: tuple[str, ...]) -> "subprocess.Popen[str]":
        """The process that has loaded these modules too: the larger it is, the longer each fork takes."""
        if modules not in self._runners:
            self._runners[modules] = self._started(modules)
        return self._runners[modules]

    def _started(self, modules: tuple[str, ...]) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-m", "tests.faulty.runner", *modules],
            cwd=ROOT,
            # Without the plugins that happen to be installed: some take seconds to load.
            env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def stop(self) -> None:
        """End the processes."""
        for runner in self._runners.values():
            assert runner.stdin is not None
            assert runner.stdout is not None
            runner.stdin.close()
            runner.wait(SECONDS)
            runner.stdout.close()

    def run(self, modules: Sequence[str], options: Sequence[str], examples: int, folder: Path) -> Run:
        """What the tests of these modules find, at level should."""
        report, printed = folder / "report.json", folder / "printed.txt"
        # The last two collect garbage, over and over.
        without = ("cacheprovider", "logging", "unraisableexception", "threadexception")
        plugins = [*(f"-pno:{name}" for name in without), "-p_hypothesis_pytestplugin"]
        asked = ["--level", "should", "--report-json", str(report), "--max-examples", str(examples)]
        arguments = [*modules, "-q", "-rfE", *plugins, *asked, *options]
        runner = self._runner(_OF_MODELS if "--mlmodel" in options else ())
        status = _order(runner, {"arguments": arguments, "printed": str(printed), "seconds": SECONDS})
        told = printed.read_text("utf-8")
        assert report.exists(), told
        return Run(status, told, json.loads(report.read_text("utf-8")))


def _order(runner: "subprocess.Popen[str]", order: dict[str, Any]) -> int:
    assert runner.stdin is not None
    assert runner.stdout is not None
    runner.stdin.write(json.dumps(order) + "\n")
    runner.stdin.flush()
    return int(runner.stdout.readline())


def echo(model: str, folder: Path) -> Path:
    """Known answers without a case: the model returns its inputs."""
    file = folder / "answers.json"
    file.write_text(json.dumps({"model": model, "echo": True, "cases": []}), "utf-8")
    return file


def versioned(model: Path, parent: Path) -> Path:
    """A folder with two versions of the model."""
    for version in ("1", "2"):
        folder = Path(shutil.copytree(model, parent / version))
        settings = json.loads((folder / "model-settings.json").read_text("utf-8"))
        settings["parameters"]["version"] = version
        (folder / "model-settings.json").write_text(json.dumps(settings), "utf-8")
    return parent
