"""Reports beside each other: what was mended or broken from one run to the next, and where servers differ."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from conformance.reporting.document import Document, fails, name
from conformance.reporting.markup import cell, table
from spec.catalogue import LEVELS

_TESTED = ("passed", "failed")


@dataclass(frozen=True)
class Difference:
    """A requirement on which runs differ. told: what each run found."""

    id: str
    level: str
    told: Sequence[str]


@dataclass(frozen=True)
class Comparison:
    """What differs, by kind; new failures are among ``broken``, or ``new`` in a later catalogue."""

    names: Sequence[str]
    kinds: Mapping[str, Sequence[Difference]] = field(default_factory=dict)
    new_failures: Sequence[str] = ()


def compare(documents: Sequence[Document]) -> Comparison:
    """Two runs of one server, from the first to the second; or servers side by side."""
    runs = len(documents) == 2 and len({document["target"].get("name") for document in documents}) == 1
    return _runs(*documents) if runs else _servers(documents)


def _runs(before: Document, after: Document) -> Comparison:
    old, new = _rows(before), _rows(after)
    both = [(old[id], new[id]) for id in new if id in old]
    kinds = {
        "broken": [_differ(a, b) for a, b in both if b["outcome"] == "failed" != a["outcome"]],
        "fixed": [_differ(a, b) for a, b in both if a["outcome"] == "failed" and b["outcome"] == "passed"],
        "changed behaviour": [_differ(a, b) for a, b in both if _behaves_otherwise(a, b)],
        "no longer tested": [
            _differ(a, b) for a, b in both if a["outcome"] in _TESTED and b["outcome"] not in _TESTED
        ],
        "tested for the first time": [
            _differ(a, b) for a, b in both if a["outcome"] not in _TESTED and b["outcome"] == "passed"
        ],
        "new requirements": [_differ(None, row) for id, row in new.items() if id not in old],
        "gone requirements": [_differ(row, None) for id, row in old.items() if id not in new],
    }
    failures = [
        id
        for id, row in new.items()
        if fails(row, after["level"]) and not (id in old and old[id]["outcome"] == "failed")
    ]
    return Comparison(_names([before, after]), kinds, failures)


def _servers(documents: Sequence[Document]) -> Comparison:
    tables = [_rows(document) for document in documents]
    ids = dict.fromkeys(id for table in tables for id in table)
    rows = [[table.get(id) for table in tables] for id in ids]
    different = [_differ(*row) for row in rows if len({_outcome(one) for one in row}) > 1]
    kinds = {
        "outcomes": sorted(filter(_matters, different), key=lambda one: LEVELS.index(one.level)),
        "behaviour": [
            _differ(*row) for row in rows if len({str(_behaviour(one)) for one in row if _behaviour(one)}) > 1
        ],
        "tested on some alone": [one for one in different if not _matters(one)],
    }
    return Comparison(_names(documents), kinds)


def _matters(one: Difference) -> bool:
    return len({told for told in one.told if told.partition(" ")[0] in _TESTED}) > 1


def _rows(document: Document) -> dict[str, dict[str, Any]]:
    return {row["id"]: row for row in document["requirements"]}


def _names(documents: Sequence[Document]) -> list[str]:
    """A name each; the time of the run beside it where two have the same."""
    names = [name(document) for document in documents]
    if len(set(names)) == len(names):
        return names
    return [f"{n} of {document['started']}" for n, document in zip(names, documents, strict=True)]


def _differ(*rows: dict[str, Any] | None) -> Difference:
    one = next(row for row in rows if row is not None)
    return Difference(one["id"], one["level"], [_told(row) for row in rows])


def _told(row: dict[str, Any] | None) -> str:
    if row is None:
        return "not there"
    behaviour = _behaviour(row)
    if behaviour:
        return "; ".join(f"{label}: {value}" if label else value for label, value in behaviour.items())
    if row["outcome"] == "failed":
        return f"failed ({row['failures'][0]['message']})" if row["failures"] else "failed"
    return _outcome(row)


def _outcome(row: dict[str, Any] | None) -> str:
    return "not there" if row is None else str(row["outcome"])


def _behaviour(row: dict[str, Any] | None) -> dict[str, str]:
    found: dict[str, str] = (row or {}).get("behaviour", {})
    return found


def _behaves_otherwise(before: dict[str, Any], after: dict[str, Any]) -> bool:
    old, new = _behaviour(before), _behaviour(after)
    return bool(old) and bool(new) and old != new


def text(found: Comparison) -> str:
    """For a terminal."""
    return "\n".join(_lines(found, _text_lines))


def markdown(found: Comparison) -> str:
    """For a pull request."""
    return "\n".join(_lines(found, _markdown_lines))


def _lines(found: Comparison, of: Callable[[Comparison, str], Iterator[str]]) -> Iterator[str]:
    if not any(found.kinds.values()):
        yield f"no difference: {', '.join(found.names)}"
    for kind, differences in found.kinds.items():
        if differences:
            yield from of(found, kind)
            yield ""
    if found.new_failures:
        yield f"{len(found.new_failures)} new failures: {', '.join(found.new_failures)}"


def _text_lines(found: Comparison, kind: str) -> Iterator[str]:
    yield f"{kind} ({len(found.kinds[kind])})"
    for one in found.kinds[kind]:
        yield f"  {one.id} ({one.level})"
        yield from (f"    {name}: {told}" for name, told in zip(found.names, one.told, strict=True))


def _markdown_lines(found: Comparison, kind: str) -> Iterator[str]:
    yield f"### {kind} ({len(found.kinds[kind])})"
    yield ""
    rows = [[one.id, one.level, *one.told] for one in found.kinds[kind]]
    yield from table(["requirement", "level", *map(cell, found.names)], rows)
