"""Any text of a target can stand in the reports, and what is written of it is read again."""

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.harness import known_failures
from conformance.harness.known_failures import KnownFailures
from conformance.harness.verdict import TestResult, Verdict
from conformance.transport.text import clean, cleaned, fits
from spec.catalogue import requirements
from tests.suite.conftest import Suite, Tiny, serving

ECHO = "v2.infer.id-echo"
TEXTS = st.text(st.characters(codec=None, exclude_categories=()), max_size=40)


@given(TEXTS)
def test_a_clean_text_can_be_written(text: str) -> None:
    told = clean(text)
    assert fits(told)
    assert clean(told) == told
    told.encode("utf-8")
    assert cleaned({text: [text, 1, None]}) == {told: [told, 1, None]}


@given(texts=st.lists(TEXTS.filter(bool), min_size=1, max_size=3))
def test_known_failures_are_read_as_they_were_written(
    texts: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    names = [ECHO, "v2.health.live", "v2.server.metadata"]
    found = [
        Verdict(requirements()[name], "failed", [TestResult("t", name, "failed", {"message": clean(text)})])
        for name, text in zip(names, texts, strict=False)
    ]
    file = tmp_path_factory.getbasetemp() / "known.toml"
    known_failures.write(file, found, KnownFailures({}))
    read = known_failures.load(file).entries
    assert {name: entry["reason"] for name, entry in read.items()} == {
        name: clean(text) for name, text in zip(names, texts, strict=False)
    }


def test_reports_hold_what_a_target_says(suite: Suite, tmp_path: Path) -> None:
    class Strange(Tiny):
        """Answers half a surrogate pair, an emoji, NUL and ESC, in all that it says."""

        def answer(self, status: int, document: Any) -> None:
            strange = "\ud83d 🍷 \0 \x1b[31m \x85 ]]> " + "x" * 100_000
            if status == 200 and isinstance(document, dict) and "model_name" in document:
                document |= {"id": strange, "model_name": strange}
            super().answer(status, document | ({"version": strange} if self.path == "/v2" else {}))

    known, junit = tmp_path / "known.toml", tmp_path / "junit.xml"
    with serving(Strange) as url:
        asked = (
            "--target",
            url,
            "--model=double",
            "-k",
            "id_echo or body_form or model_name or server",
        )
        logged = (f"--junitxml={junit}", "-o", "junit_logging=all")
        first = suite(*asked, *logged, "--write-known-failures", known)
        assert first.status == 1, first.output + first.errors
        assert "\\ud83d 🍷 \\u0000 \\u001b[31m" in first.row(ECHO)["failures"][0]["message"]
        assert ElementTree.parse(junit).getroot() is not None
        assert "Traceback" not in first.output + first.errors
        assert not any(character in first.output for character in "\0\x85")
        second = suite(*asked, "--known-failures", known, "-n", "2")
    assert second.status == 0, second.output + second.errors
