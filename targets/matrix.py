"""The matrix: what the suite found on every target, as JSON and as a page. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

Json = dict[str, Any]
_SIGNS = {"passed": "pass", "not-implemented": "-", "untested": "?", "not-selected": "·"}


def summary(name: str, title: str, report: Json) -> Json:
    """What the matrix keeps of one target's report."""
    rows = {row["id"]: _row(row) for row in report["requirements"]}
    return {
        "name": name,
        "title": title,
        "started": report["started"],
        "requests": report["requests"],
        "models": report["target"]["models"],
        "requirements": rows,
    }


def not_run(name: str, title: str, reason: str) -> Json:
    """A target that could not be had."""
    return {"name": name, "title": title, "not run": reason}


def _row(row: Json) -> Json:
    kept = {"outcome": row["outcome"]}
    if row["failures"]:
        kept |= {"found": row["failures"][0]["message"], "tests": len(row["failures"])}
    return kept | {key: row[key] for key in ("behaviour", "known") if key in row}


def page(matrix: Json) -> str:
    """The matrix as Markdown."""
    return "\n".join(_lines(matrix)) + "\n"


def _lines(matrix: Json) -> Iterator[str]:
    ran = [t for t in matrix["targets"] if "requirements" in t]
    yield "# What the servers in use do"
    yield ""
    yield f"Written by `python -m targets matrix` on {matrix['date']}, suite {matrix['suite']}."
    yield "The failures of one server, with the curl line of each: `python -m targets run NAME`."
    yield ""
    yield from _table(
        [
            "server",
            "command",
            "models",
            "requests",
            "MUST failed",
            "SHOULD failed",
            "passed",
            "not implemented",
        ],
        [_server(t, matrix["levels"]) for t in matrix["targets"]],
    )
    yield ""
    yield "## Requirements"
    yield ""
    yield "pass: passed. MUST, SHOULD: failed at it. -: not implemented. ?: untested. ·: not selected."
    for profile in dict.fromkeys(name.split(".")[0] for name in matrix["levels"]):
        yield ""
        yield f"### {profile}"
        yield ""
        yield from _table(["requirement", *(t["name"] for t in ran)], _outcomes(profile, matrix, ran))
    yield ""
    yield "## Findings"
    for target in ran:
        yield ""
        yield f"### {target['title']}"
        yield ""
        yield from _findings(target, matrix["levels"])
    yield ""
    yield "## Behaviours where the protocol leaves room"
    yield ""
    yield from _table(["behaviour", *(t["name"] for t in ran)], _behaviours(matrix, ran))


def _server(target: Json, levels: Mapping[str, str]) -> list[str]:
    command = f"`python -m targets run {target['name']}`"
    if "not run" in target:
        return [target["title"], command, f"not run: {target['not run']}", "", "", "", "", ""]
    rows = target["requirements"]
    failed = [levels[name] for name, row in rows.items() if row["outcome"] == "failed"]
    outcomes = [row["outcome"] for row in rows.values()]
    numbers = [target["requests"], failed.count("MUST"), failed.count("SHOULD")]
    numbers += [outcomes.count("passed"), outcomes.count("not-implemented")]
    return [target["title"], command, ", ".join(target["models"]), *map(str, numbers)]


def _outcomes(profile: str, matrix: Json, ran: Sequence[Json]) -> Iterator[list[str]]:
    for name, level in matrix["levels"].items():
        if name.split(".")[0] == profile and level != "CHARACTERISE":
            cells = [t["requirements"].get(name, {"outcome": "not-selected"})["outcome"] for t in ran]
            yield [f"{name} ({level})", *(level if c == "failed" else _SIGNS[c] for c in cells)]


def _findings(target: Json, levels: Mapping[str, str]) -> Iterator[str]:
    failed = {name: row for name, row in target["requirements"].items() if row["outcome"] == "failed"}
    for name, row in failed.items():
        reason = row.get("known") or row["found"]
        yield f"- {levels[name]} `{name}`: {_cell(reason)}"
    if not failed:
        yield "None."


def _behaviours(matrix: Json, ran: Sequence[Json]) -> Iterator[list[str]]:
    for name, level in matrix["levels"].items():
        if level != "CHARACTERISE":
            continue
        told = [t["requirements"].get(name, {}).get("behaviour", {}) for t in ran]
        for label in dict.fromkeys(key for behaviour in told for key in behaviour):
            yield [f"{name}: {label}", *(b.get(label, "") for b in told)]


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    for row in (head, ["---"] * len(head), *rows):
        yield f"| {' | '.join(map(_cell, row))} |"


def _cell(text: str) -> str:
    cut = text if len(text) <= 160 else text[:157] + "…"
    return " ".join(cut.replace("|", "\\|").split())
