"""The matrix: what the published results (docs/results) say of each server, as a page. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from spec.catalogue import PROFILES, requirements

Json = dict[str, Any]
_SIGNS = {"passed": "pass", "not-implemented": "-", "untested": "?", "not-selected": "·"}


def page(results: Mapping[str, Json], commands: Mapping[str, str]) -> str:
    """The matrix as Markdown.

    results: reports of the suite, by the name of their file. commands: what repeats the run, by the same
    name; a result that others brought has none.
    """
    return "\n".join(_lines(results, commands)) + "\n"


def title(report: Json) -> str:
    """A server as its result names it."""
    told = report["implementation"]
    return f"{told['name']} {told['version']}"


def failed(report: Json) -> list[Json]:
    """The rows of the requirements that it breaks."""
    return [row for row in report["requirements"] if row["outcome"] == "failed"]


def _lines(results: Mapping[str, Json], commands: Mapping[str, str]) -> Iterator[str]:
    rows = {name: {row["id"]: row for row in report["requirements"]} for name, report in results.items()}
    yield "# What the servers in use do"
    yield ""
    yield "Made by `python -m targets pages` from the reports in docs/results."
    yield "The failures of one server, with the curl line of each: `python -m targets run NAME`."
    yield ""
    head = ["server", "command", "tested", "models", "requests"]
    head += ["MUST failed", "SHOULD failed", "passed", "not implemented"]
    yield from _table(head, [_server(report, commands.get(n, "")) for n, report in results.items()])
    yield ""
    yield "## Requirements"
    yield ""
    yield "pass: passed. MUST, SHOULD: failed at it. -: not implemented. ?: untested. ·: not selected."
    for profile in PROFILES:
        if lines := list(_outcomes(profile, rows.values())):
            yield from ("", f"### {profile}", "")
            yield from _table(["requirement", *results], lines)
    yield ""
    yield "## Findings"
    for report in results.values():
        yield from ("", f"### {title(report)}", "")
        yield from _findings(report)
    yield ""
    yield "## Behaviours where the protocol leaves room"
    yield ""
    yield from _table(["behaviour", *results], _behaviours(rows.values()))


def _server(report: Json, command: str) -> list[str]:
    levels = [row["level"] for row in failed(report)]
    outcomes = [row["outcome"] for row in report["requirements"]]
    numbers = [report["requests"], levels.count("MUST"), levels.count("SHOULD")]
    numbers += [outcomes.count("passed"), outcomes.count("not-implemented")]
    tested = f"{report['started'][:10]}, suite {report['suite']['version']}"
    shown = f"`{command}`" if command else ""
    return [title(report), shown, tested, ", ".join(report["target"]["models"]), *map(str, numbers)]


def _outcomes(profile: str, servers: Iterable[Mapping[str, Json]]) -> Iterator[list[str]]:
    """The requirements of a profile that any server was tested for."""
    for name, one in requirements().items():
        cells = [rows.get(name, {"outcome": "not-selected"})["outcome"] for rows in servers]
        if one.profile == profile and one.level != "CHARACTERISE" and set(cells) != {"not-selected"}:
            yield [f"{name} ({one.level})", *(one.level if c == "failed" else _SIGNS[c] for c in cells)]


def _findings(report: Json) -> Iterator[str]:
    found = failed(report)
    for row in found:
        reason = row.get("known") or row["failures"][0]["message"]
        yield f"- {row['level']} `{row['id']}`: {_cell(reason)}"
    if not found:
        yield "None."


def _behaviours(servers: Iterable[Mapping[str, Json]]) -> Iterator[list[str]]:
    for name in requirements():
        told = [rows.get(name, {}).get("behaviour", {}) for rows in servers]
        for label in dict.fromkeys(key for behaviour in told for key in behaviour):
            yield [f"{name}: {label}", *(b.get(label, "") for b in told)]


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    for row in (head, ["---"] * len(head), *rows):
        yield f"| {' | '.join(map(_cell, row))} |"


def _cell(text: str) -> str:
    cut = text if len(text) <= 160 else text[:157] + "…"
    return " ".join(cut.replace("|", "\\|").split())
