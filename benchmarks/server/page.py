"""What was measured, as tables, and as docs/performance.md with its plot and its numbers.

A result has ``date``, ``machine`` (lines), ``seconds``, ``rounds``, ``samples`` (each a case, a server, a
round, and what ``load.Measured`` has), ``forms`` (as ``forms.measure`` has them), ``memory`` (MiB of each
server), ``limits`` (calls a second, by rows), and ``soak`` where one was made.
"""

import json
import os
import platform
import statistics
from collections import defaultdict
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams["svg.hashsalt"] = "performance"
from matplotlib import pyplot  # noqa: E402

_CASE = ("endpoint", "workers", "rows", "connections")
_SHOWN = ("gunicorn", "flask", "mlflow", "scikit-learn", "numpy", "orjson", "pysimdjson")
_NAME = "performance"
_DIGITS = {True: "few", False: "all"}


def machine() -> list[str]:
    """What was measured on."""
    cpu = next(
        (line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")),
        platform.processor(),
    )
    packages = ", ".join(f"{name} {version(name)}" for name in _SHOWN)
    return [f"{cpu}, {os.cpu_count()} cores", f"Python {platform.python_version()}, {packages}"]


def _lines(file: str) -> list[str]:
    path = Path(file)
    return path.read_text("utf-8").splitlines() if path.exists() else []


def median(result: dict[str, Any], case: tuple[Any, ...], server: str, what: str) -> float:
    """The median over the rounds of ``what``: rate, p50 or p99."""
    return float(statistics.median(row[what] for row in _rows(result, case, server)))


def ratio(result: dict[str, Any], case: tuple[Any, ...], server: str) -> float:
    """The median of the reference server's rate over that of ``server`` in the same round."""
    pairs = zip(_rows(result, case, "reference"), _rows(result, case, server), strict=True)
    return float(statistics.median(ours["rate"] / theirs["rate"] for ours, theirs in pairs))


def _rows(result: dict[str, Any], case: tuple[Any, ...], server: str) -> list[dict[str, Any]]:
    return [row for row in result["samples"] if row["server"] == server and _case(row) == case]


def _case(row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in _CASE)


def tables(result: dict[str, Any]) -> str:
    """The tables, in Markdown."""
    shown = [*_endpoints(result), _forms(result["forms"]), _scaling(result), _memory(result), _limits(result)]
    return "\n\n".join(shown)


def _endpoints(result: dict[str, Any]) -> Iterator[str]:
    for endpoint in dict.fromkeys(row["endpoint"] for row in result["samples"]):
        part = [row for row in result["samples"] if row["endpoint"] == endpoint]
        names = list(dict.fromkeys(row["server"] for row in part))
        lines = []
        for case in dict.fromkeys(map(_case, part)):
            had = {row["server"] for row in part if _case(row) == case}
            cells = [_cell(result, case, name) if name in had else "" for name in names]
            lines.append([*map(str, case[1:]), *cells])
        yield f"## {endpoint}\n\n" + _table(["workers", "rows", "connections", *names], lines)


def _cell(result: dict[str, Any], case: tuple[Any, ...], name: str) -> str:
    rate, p50, p99 = (median(result, case, name, what) for what in ("rate", "p50", "p99"))
    compared = "" if name == "reference" else f", **{ratio(result, case, name):.2f} times**"
    return f"{_number(rate)}/s, {_number(p50)} and {_number(p99)} ms{compared}"


def _forms(samples: list[dict[str, Any]]) -> str:
    rates: dict[Any, list[float]] = defaultdict(list)
    for row in samples:
        case = row["rows"], _DIGITS[row["rounded"]], row["connections"], row["form"]
        rates[*case, row["server"]].append(row["rate"])
    names = list(dict.fromkeys(row["server"] for row in samples))
    lines = []
    for *case, form in sorted({case[:4] for case in rates}):
        cells = [
            _form_cell(rates[*case, form, name], rates[*case, *beside], name)
            for name, beside in [(n, ("JSON" if n == "reference" else form, "reference")) for n in names]
        ]
        lines.append([f"{case[0]:,}", *map(str, case[1:]), form, *cells])
    return "## Forms of /infer\n\n" + _table(["rows", "digits", "connections", "form", *names], lines)


def _form_cell(rates: list[float], beside: list[float], name: str) -> str:
    """The rate; the reference server's over its JSON, a peer's under the reference server's form."""
    if not rates:
        return ""
    pairs = zip(rates, beside, strict=True)
    over, told = (False, "**{:.2f} times**") if name != "reference" else (True, "{:.2f} times JSON")
    compared = statistics.median(one / two if over else two / one for one, two in pairs)
    return f"{_number(statistics.median(rates))}/s, {told.format(compared)}"


def _scaling(result: dict[str, Any]) -> str:
    """Two workers over one."""
    cases = {_case(row) for row in result["samples"] if row["server"] == "reference"}
    lines = []
    for endpoint, workers, rows, connections in sorted(cases):
        if workers == 2 and (alone := (endpoint, 1, rows, connections)) in cases:
            both = median(result, (endpoint, 2, rows, connections), "reference", "rate")
            lines.append([endpoint, f"{rows:,}", f"{both / median(result, alone, 'reference', 'rate'):.2f}"])
    return "## Two workers over one, reference server\n\n" + _table(["endpoint", "rows", "ratio"], lines)


def _memory(result: dict[str, Any]) -> str:
    lines = [[row["server"], str(row["workers"]), str(row["MiB"])] for row in result["memory"]]
    return "## Memory after the load, MiB\n\n" + _table(["server", "workers", "PSS of its processes"], lines)


def _limits(result: dict[str, Any]) -> str:
    rows = list(result["limits"])
    names = list(result["limits"][rows[0]])
    lines = [[name, *(_number(result["limits"][n][name]) for n in rows)] for name in names]
    head = ["alone", *(f"{int(n):,} rows" for n in rows)]
    return "## Limits, calls a second of one process\n\n" + _table(head, lines)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _table(head: list[str], lines: list[list[str]]) -> str:
    rows = [head, ["---"] * len(head), *lines]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def write(result: dict[str, Any], folder: Path) -> None:
    """The page, its plot, and the numbers that both are made of; a soak that is there is kept."""
    file = folder / f"{_NAME}.json"
    before = json.loads(file.read_text("utf-8")) if file.exists() else {}
    whole = before | result
    file.write_text(json.dumps(whole, indent=1) + "\n", "utf-8")
    _plot(whole, folder / f"{_NAME}.svg")
    (folder / f"{_NAME}.md").write_text(_page(whole), "utf-8")


def add_soak(soak: dict[str, Any], folder: Path) -> None:
    """Put a soak into the page."""
    write({"soak": soak}, folder)


_HEAD = """# Performance

The reference server beside the servers of `targets/`, on the model wine-classifier (eleven columns, scikit-learn's
ElasticNet), with MLflow behind all of them. Written by `python -m benchmarks.server --write` on {date}: {rounds} rounds of
{seconds} s each, the servers in turn; wrk on the same machine.

{machine}

A cell has answers a second, the latency that half and that 99 % of them keep, and in bold how many times as many answers the
reference server gives in the same round. One worker of MLServer is a process for the model beside the one that speaks HTTP.

Forms of /infer: the same request as JSON, with binary tensor data, and over gRPC with raw contents, sent by a client in Python,
one thread a connection; the reference server's beside its own JSON in the same round. What JSON costs depends
on the digits of its numbers: few, as in the wine data, or all that FP64 holds, as in features that were scaled.

![Answers a second by rows in a request](performance.svg)

"""  # noqa: E501
_SOAK = """

## Soak

Good and bad requests mixed, at full load (`python -m benchmarks.soak`, {date}):
{requests:,} requests. {verdict}

"""


def _page(result: dict[str, Any]) -> str:
    machine = "\n".join(f"- {line}" for line in result["machine"])
    return _HEAD.format(**result | {"machine": machine}) + tables(result) + _soak(result.get("soak")) + "\n"


def _soak(soak: dict[str, Any] | None) -> str:
    if soak is None:
        return ""
    names = {"rate": "answers a second", "p50": "p50, ms", "p99": "p99, ms", "MiB": "MiB"}
    lines = [
        [str(minute), *(_number(row[name]) for name in names)]
        for minute, row in enumerate(soak["minutes"], start=1)
    ]
    return _SOAK.format(**soak) + _table(["minute", *names.values()], lines)


def _plot(result: dict[str, Any], file: Path) -> None:
    figure, axes = pyplot.subplots(1, 2, figsize=(9, 4), sharey=True, layout="constrained")
    rows_of = [row for row in result["samples"] if row["workers"] == 1 and row["connections"] == 16]
    names = list(dict.fromkeys(row["server"] for row in rows_of))
    for axis, endpoint in zip(axes, dict.fromkeys(row["endpoint"] for row in rows_of), strict=False):
        part = [row for row in rows_of if row["endpoint"] == endpoint]
        for name in dict.fromkeys(row["server"] for row in part):
            points = sorted({row["rows"] for row in part})
            rates = [median(result, (endpoint, 1, rows, 16), name, "rate") for rows in points]
            width = 2.5 if name == "reference" else 1.2
            axis.loglog(points, rates, f"C{names.index(name)}o-", label=name, linewidth=width)
        axis.set_title(endpoint)
        axis.set_xlabel("rows in a request")
        axis.grid(alpha=0.3)
        axis.legend()
    axes[0].set_ylabel("answers a second, 16 connections")
    figure.savefig(file, metadata={"Date": None})
    pyplot.close(figure)
