"""``python -m benchmarks.soak``: the reference server at full load, good and bad requests mixed.

Needs wrk. Prints answers a second, latencies and memory minute by minute, and whether they drifted.
"""

import argparse
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.server import cases, page, servers
from benchmarks.server.cases import INFER, INVOCATIONS, PATHS
from benchmarks.server.load import LoadError, mixed
from benchmarks.server.servers import Running
from targets import processes

ROOT = Path(__file__).parent.parent
_DRIFT = 1.1


def bodies() -> list[tuple[str, bytes]]:
    """Requests that are answered, and a third that are refused."""
    good = [(PATHS[e], cases.body(e, rows)) for rows in (1, 100) for e in (INFER, INVOCATIONS)]
    whole = good[0][1]
    bad = [whole[:-1], whole.replace(b"FP64", b"FP65")]
    return [*good, *((PATHS[INFER], body) for body in bad)]


def soak(server: Running, minutes: int, seconds: int) -> dict[str, Any]:
    """So many turns of so many seconds. Raises ``LoadError`` for other predictions at the end."""
    rows, requests = [], 0
    workers = processes.workers(server.process)
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(minutes + 1):
            found, count = mixed(server.url, bodies(), Path(folder), seconds)
            row = {**vars(found), "MiB": processes.memory(server.process)}
            print(f"{turn}: " + ", ".join(f"{name} {value:.1f}" for name, value in row.items()), flush=True)
            requests += count
            rows += [row] if turn else []  # the first one warms up
    cases.check(server.url, INFER, 100, server.model)
    if workers != processes.workers(server.process):
        raise LoadError("a worker was lost")
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "requests": requests,
        "minutes": rows,
        "verdict": _verdict(rows),
    }


def _verdict(rows: list[dict[str, Any]]) -> str:
    """The last turn beside the first."""
    ratios = {name: rows[-1][name] / rows[0][name] for name in ("MiB", "p50", "p99")}
    told = ", ".join(f"{name} {ratio:.2f}" for name, ratio in ratios.items())
    drift = "more than a tenth" if max(ratios.values()) > _DRIFT else "no drift"
    return f"Last over first minute: {told}: {drift}."


def main() -> int:
    """Run the command. Exit status 1: the server answered wrong, or not at all."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--minutes", type=int, default=10, help="after one to warm up (default: 10)")
    parser.add_argument("--seconds", type=int, default=60, help="of a minute (default: 60)")
    parser.add_argument("--write", action="store_true", help="put it into docs/performance.md")
    parser.add_argument("--cache", type=Path, default=ROOT / ".cache" / "targets", metavar="DIR")
    options = parser.parse_args()
    try:
        with servers.running(["reference"], 2, options.cache.resolve(), None) as (server,):
            time.sleep(1)
            result = soak(server, options.minutes, options.seconds)
    except LoadError as error:
        print(f"benchmarks.soak: {error}", file=sys.stderr)
        return 1
    print(result["verdict"])
    if options.write:
        page.add_soak(result, ROOT / "docs")
    return 0


if __name__ == "__main__":
    sys.exit(main())
