"""Reports as a person sees them: in a real browser, with and without JavaScript, on a desk and on a phone.

They need Chromium (``make browser``), and are skipped without it.
"""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from conformance.reporting import compare, page
from conformance.reporting.document import load
from tests.conftest import ROOT
from tests.suite.conftest import Forgetful, serving
from tests.suite.conftest import suite as suite  # a fixture
from tests.suite.test_reporting import HOSTILE, ID, report, row

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_RESULTS = ROOT / "docs" / "results"
_PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium."""
    program = next(filter(None, map(shutil.which, _NAMES)), None)
    if program is None:
        pytest.skip("there is no Chromium: make browser")
    with sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield started
        started.close()


def hostile() -> dict[str, Any]:
    """A report in which everything that a server can send is hostile."""
    texts = [
        HOSTILE,
        "javascript:alert(1)",
        "</pre></details><h1>own</h1>",
        "</script><script>document.title='run'</script>",
    ]
    failures = [
        {"test": "t", "message": text, "curl": [text], "request": [text], "response": [text]}
        for text in texts
    ]
    rows = [
        row(ID, "failed", failures=failures),
        row("v2.infer.media-types", "passed", "CHARACTERISE", behaviour={text: text for text in texts}),
        row("v2.http.allow", "untested", "SHOULD", reason=HOSTILE),
        row(HOSTILE, "failed", known=HOSTILE),
    ]
    document = report(*rows, name=HOSTILE, version=texts[3])
    document["target"]["models"] = texts
    return document


def made(name: str) -> dict[str, Any]:
    """A report by its name."""
    return hostile() if name == "hostile" else load(_RESULTS / f"{name}.json")


def opened(browser: Browser, shown: str, folder: Path, **how: Any) -> Page:
    """The page, open; what it asks of the network fails the test."""
    file = folder / "page.html"
    file.write_text(shown, "utf-8")
    context = browser.new_context(**how)
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    tab = context.new_page()
    tab.goto(file.as_uri())
    assert [url for url in asked if not url.startswith("file:")] == []
    return tab


@pytest.mark.parametrize("name", ["hostile", "mlserver"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_are_accessible_and_run_nothing_of_the_servers(
    browser: Browser, tmp_path: Path, name: str, scheme: str
) -> None:
    document = made(name)
    for shown in (page.page(document), page.compared(compare.compare([document, report(row(ID, "passed"))]))):
        tab = opened(browser, shown, tmp_path, color_scheme=scheme)
        assert "run" not in tab.title().split()
        assert tab.locator("img, iframe, object, h1:text-is('own')").count() == 0
        found = Axe().run(tab).response["violations"]
        assert [v["id"] for v in found if v["impact"] in ("serious", "critical")] == []
        tab.context.close()


@pytest.mark.parametrize("name", ["hostile", "mlserver", "reference"])
def test_nothing_is_cut_on_a_phone(browser: Browser, tmp_path: Path, name: str) -> None:
    tab = opened(browser, page.page(made(name)), tmp_path, viewport=_PHONE)
    for details in tab.locator("details").all():
        details.evaluate("one => one.open = true")
    assert tab.evaluate("document.documentElement.scrollWidth") <= _PHONE["width"]
    cut = """() => [...document.querySelectorAll("main *")].filter(
      (one) => one.scrollWidth > one.clientWidth + 1 && getComputedStyle(one).overflowX === "hidden"
    ).map((one) => one.outerHTML.slice(0, 80))"""
    assert tab.evaluate(cut) == []


@pytest.mark.parametrize("name", ["hostile", "mlserver"])
def test_without_javascript_failures_are_readable(browser: Browser, tmp_path: Path, name: str) -> None:
    document = made(name)
    tab = opened(browser, page.page(document), tmp_path, java_script_enabled=False)
    for place in range(tab.locator("details").count()):
        details = tab.locator("details").nth(place)
        if details.get_attribute("open") is None:
            details.locator("summary").first.click()
    for shown in (f["message"] for one in document["requirements"] for f in one["failures"][:3]):
        assert tab.get_by_text(shown.splitlines()[0][:60]).first.is_visible(), shown
    assert not tab.locator("button").count()


def test_requirements_are_found(browser: Browser, tmp_path: Path) -> None:
    tab = opened(browser, page.page(made("hostile")), tmp_path)
    rows = tab.locator("[data-outcome]:visible")
    assert rows.count() == 4
    tab.get_by_label("Find").fill("media-types")
    assert rows.count() == 1
    tab.get_by_label("Find").fill("")
    tab.get_by_role("checkbox", name="failed").uncheck()
    assert rows.count() == 2


def test_a_failure_s_line_is_copied_and_reproduces_it(browser: Browser, suite: Any, tmp_path: Path) -> None:
    with serving(Forgetful) as url:
        run = suite("--target", url, "--model=double", f"--requirement={ID}")
        tab = opened(browser, page.page(run.report), tmp_path)
        tab.context.grant_permissions(["clipboard-read", "clipboard-write"])
        tab.locator("[data-outcome=failed] a").first.click()
        tab.get_by_role("button", name="Copy").first.click()
        tab.get_by_role("button", name="Copied").first.wait_for()
        line = tab.evaluate("navigator.clipboard.readText()")
        assert line == run.row(ID)["failures"][0]["curl"][0]
        answer = subprocess.run(line, shell=True, capture_output=True, text=True, check=True).stdout
        assert "id" not in json.loads(answer.partition("\r\n\r\n")[2] or answer.partition("\n\n")[2])
