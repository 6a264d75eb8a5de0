"""``python -m benchmarks.server``: the reference server beside its peers under the same load, in turns.

Needs wrk. The servers run on the same model with the same number of workers; their answers are checked
before they are timed, and each case is driven A B C, A B C. Prints medians, and ratios within rounds.
"""

import argparse
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.server import cases, forms, limits, page, servers
from benchmarks.server.cases import CASES, PATHS, Case
from benchmarks.server.load import LoadError, Measured, drive, wrk
from benchmarks.server.servers import Running
from targets import processes
from targets.environment import Unavailable
from targets.server import StartError

ROOT = Path(__file__).parent.parent.parent
DOCS = ROOT / "docs"
_WARM_UP = 3  # seconds


def main() -> int:
    """Run the command. Exit status 1: nothing was measured; the message says why."""
    options = _options()
    try:
        wrk()
        result = measure(options)
    except (LoadError, StartError, Unavailable) as error:
        print(f"benchmarks.server: {error}", file=sys.stderr)
        return 1
    print(page.tables(result))
    if options.json:
        options.json.write_text(json.dumps(result, indent=1), "utf-8")
    if options.write:
        page.write(result, DOCS)
    return 0


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Every case of every server, in rounds; see ``page`` for what is in it."""
    chosen = [case for case in CASES if not options.quick or (case.connections > 1 and case.rows != 100)]
    result: dict[str, Any] = {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "machine": page.machine(),
        "seconds": options.seconds,
        "rounds": options.rounds,
        "samples": [],
        "memory": [],
    }
    for workers in sorted({case.workers for case in chosen}):
        part = [case for case in chosen if case.workers == workers]
        names = ["reference", *options.peers]
        with servers.running(names, workers, options.cache.resolve(), options.before) as running:
            _measure(part, running, options, result)
            if workers == 1:
                v2 = [one for one in running if cases.INFER in one.endpoints]
                result["forms"] = list(forms.measure(v2, options.rounds, options.seconds))
                rows = sorted({case.rows for case in part})
                with limits.constant(options.cache.resolve()) as url:
                    model, seconds = running[0].model, options.seconds
                    result["limits"] = {str(n): limits.measure(url, model, n, seconds) for n in rows}
    return result


def _measure(
    part: list[Case], running: list[Running], options: argparse.Namespace, result: dict[str, Any]
) -> None:
    for case in part:
        asked = [one for one in running if case.endpoint in one.endpoints]
        text = cases.body(case.endpoint, case.rows)
        for one in asked:
            cases.check(one.url, case.endpoint, case.rows, running[0].model)
            _drive(one, case, text, _WARM_UP)
        for turn in range(options.rounds):
            for one in asked:
                found = _drive(one, case, text, options.seconds)
                row = {"server": one.name, "round": turn, **vars(case), **vars(found)}
                result["samples"].append(row)
                shown = (
                    f"{one.name:<10}{case.endpoint:<13}{case.rows:>6} rows {case.connections:>3} connections"
                )
                print(f"{shown} {case.workers} workers {found.rate:>8.1f}/s", file=sys.stderr)
    result["memory"] += [
        {"server": one.name, "workers": part[0].workers, "MiB": round(processes.memory(one.process))}
        for one in running
    ]


def _drive(server: Running, case: Case, text: bytes, seconds: int) -> Measured:
    try:
        return drive(server.url, PATHS[case.endpoint], text, case.connections, seconds)
    except LoadError as error:
        raise LoadError(f"{server.name}: {error}") from None


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.server", description=__doc__)
    parser.add_argument("--peers", nargs="*", default=servers.PEERS, choices=servers.PEERS)
    parser.add_argument("--before", type=Path, metavar="CHECKOUT", help="another checkout of this project")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each server (default: 3)")
    parser.add_argument("--seconds", type=int, default=3, help="of one turn (default: 3)")
    parser.add_argument("--quick", action="store_true", help="only 1 and 10,000 rows, 16 connections")
    parser.add_argument("--json", type=Path, metavar="FILE", help="what was measured, turn by turn")
    parser.add_argument("--write", action="store_true", help="write docs/performance.*")
    parser.add_argument("--cache", type=Path, default=ROOT / ".cache" / "targets", metavar="DIR")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
