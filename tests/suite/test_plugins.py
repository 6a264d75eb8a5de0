"""Beside plugins that own options of the same names: ours are ours, theirs keep their defaults."""

from pathlib import Path

import pytest

from tests.suite.conftest import Suite

ECHO = "--requirement=v2.infer.id-echo"
# As pytest-timeout does it: an option, a setting, and an alarm for each test.
ALARM = """
import signal
import pytest

def pytest_addoption(parser):
    group = parser.getgroup("timeout")
    group.addoption("--timeout", type=float, dest="timeout", default=None)
    parser.addini("timeout", "seconds")

def pytest_configure(config):
    config.seconds = config.getvalue("timeout") or float(config.getini("timeout") or 0)

def pytest_report_header(config):
    return f"an alarm after {config.seconds} s"

@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    signal.signal(signal.SIGALRM, lambda *_: pytest.fail("Timeout"))
    signal.setitimer(signal.ITIMER_REAL, item.config.seconds)
    try:
        return (yield)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
"""
# The names of our options and fixtures as those of another plugin, which reads its own.
GREEDY = """
import pytest

NAMES = "target model seed header level profile sample answers requirement cert key wait".split()

def pytest_addoption(parser):
    for name in NAMES:
        parser.addoption(f"--{name}", action="store", default="theirs")

def pytest_configure(config):
    assert {config.getoption(name) for name in NAMES} == {"theirs"}

@pytest.fixture
def client():
    raise AssertionError("the fixture of another plugin")

target = model = client
"""
# As a plugin that runs what failed again until it passes: pytest never hears of the failure.
AGAIN = """
import pytest

@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport():
    report = yield
    report.outcome = "rerun" if report.failed else report.outcome
    return report
"""


@pytest.fixture(autouse=True)
def _plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "alarm.py").write_text(ALARM)
    (tmp_path / "greedy.py").write_text(GREEDY)
    (tmp_path / "again.py").write_text(AGAIN)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))


def test_options_of_the_same_names(suite: Suite, tiny: str) -> None:
    run = suite("-p", "alarm", "--target", tiny, "--model", "double", ECHO, "--timeout=7", "-p", "greedy")
    assert run.status == 0, run.output + run.errors
    assert run.outcome("v2.infer.id-echo") == "passed"
    assert run.report["options"]["timeout"] == 7
    assert "an alarm after 0.0 s" in run.output
    assert "--timeout is the suite's here, not another plugin's" in run.output


def test_the_settings_of_another_plugin_are_its_own(suite: Suite, tiny: str) -> None:
    run = suite("-p", "alarm", "-o", "timeout=60", "-n", "2", "--target", tiny, "--model", "double", ECHO)
    assert run.status == 0, run.output + run.errors
    assert run.report["options"]["timeout"] == 30
    assert "an alarm after 60.0 s" in run.output


def test_a_finding_is_not_taken_back(suite: Suite, forgetful: str) -> None:
    run = suite("-p", "again", "--target", forgetful, "--model", "double", ECHO)
    assert run.outcome("v2.infer.id-echo") == "failed"
    assert run.status == 1, run.output
