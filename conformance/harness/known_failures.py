"""Known failures: requirements, or single tests of them, that a target is known to break."""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import tomli_w

from conformance.harness.verdict import Verdict
from spec.catalogue import requirements
from spec.validation import violations

_SUITE = Path(__file__).parent.parent


@dataclass(frozen=True)
class KnownFailures:
    """The entries by what they name: a requirement's id, or a test as ``v2/test_infer.py::test_x[model]``."""

    entries: Mapping[str, Mapping[str, str]]

    def excuses(self, requirement: str, test: str) -> str:
        """The reason why this test of this requirement may fail; empty when it may not."""
        entry = self.entries.get(requirement) or self.entries.get(short_id(test))
        return entry["reason"] if entry else ""

    def reason(self, verdict: Verdict) -> str:
        """The reason why all that fails of a requirement may fail; empty when not all of it may."""
        reasons = [self.excuses(verdict.requirement.id, result.test) for result in verdict.failing]
        return reasons[0] if all(reasons) and reasons else ""

    def stale(self, found: Sequence[Verdict]) -> list[str]:
        """The entries for what passes."""
        results = [result for verdict in found for result in verdict.results]
        passed = {v.requirement.id for v in found if v.outcome == "passed"}
        passed |= {short_id(r.test) for r in results if r.result == "passed"}
        return [name for name in self.entries if name in passed]


def short_id(node: str) -> str:
    """The test as an entry names it: pytest's node id from the folder of the profile on."""
    path, colons, test = node.partition("::")
    return f"{'/'.join(Path(path).parts[-2:])}{colons}{test}"


def load(path: Path) -> KnownFailures:
    """The entries of a file. Raises ValueError that names the entry and what is wrong with it."""
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is no TOML: {error}") from error
    wrong = violations("suite/known-failures", document)
    if wrong:
        raise ValueError(f"{path}: {wrong[0]}")
    found: dict[str, Mapping[str, str]] = {}
    for entry in document.get("known-failure", []):
        name = entry.get("requirement") or short_id(entry["test"])
        mistake = _mistake(name) if "requirement" in entry else _mistake_of_test(name)
        if mistake or name in found:
            raise ValueError(f"{path}: {name} {mistake or 'is listed twice'}")
        found[name] = entry
    return KnownFailures(found)


def _mistake(requirement: str) -> str:
    if requirement not in requirements():
        return "is no requirement of this suite"
    never = requirements()[requirement].level == "CHARACTERISE"
    return "never fails: it records behaviour" if never else ""


def _mistake_of_test(test: str) -> str:
    """What is wrong with the name of a test. The model in brackets is the target's: it is not looked at."""
    file, _, name = test.partition("::")
    path, function = _SUITE / file, name.partition("[")[0]
    known = path.is_file() and re.search(rf"^def {re.escape(function)}\(", path.read_text("utf-8"), re.M)
    wanted = "profile/test_file.py::test_name[model]"
    return "" if known and function else f"is no test of this suite: write {wanted}"


def write(path: Path, failing: Sequence[Verdict], known: KnownFailures) -> None:
    """Write an entry for each failing requirement; what is known of it already is kept."""
    entries = [entry for verdict in failing for entry in _entries(verdict, known)]
    path.write_text(tomli_w.dumps({"known-failure": entries} if entries else {}), "utf-8")


def _entries(verdict: Verdict, known: KnownFailures) -> Iterator[Mapping[str, str]]:
    name, tests = verdict.requirement.id, [short_id(result.test) for result in verdict.failing]
    if name not in known.entries and all(test in known.entries for test in tests):
        yield from (known.entries[test] for test in tests)
    else:
        yield known.entries.get(name) or {"requirement": name, "reason": verdict.message}
