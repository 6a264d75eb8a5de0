"""``python -m benchmarks.server``: requests per second of the reference server beside a peer, in turns.

One worker each, four connections, wine-classifier; requests of one row and of many, on both endpoints.
Prints the median of each and the ratio.
"""

import argparse
import json
import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import urllib3

from targets import definition, environment, server
from targets.walkthrough import COLUMNS, ROW

ROOT = Path(__file__).parent.parent
CONNECTIONS = 4
MODEL = "wine-classifier"


def bodies(rows: int) -> dict[str, bytes]:
    """The request for ``rows`` rows, by path."""
    inputs = [
        {"name": name, "shape": [rows, 1], "datatype": "FP64", "data": [float(value)] * rows}
        for name, value in zip(COLUMNS, ROW, strict=True)
    ]
    split = {"columns": COLUMNS, "data": [ROW] * rows}
    documents: dict[str, Any] = {
        f"/v2/models/{MODEL}/infer": {"inputs": inputs},
        "/invocations": {"dataframe_split": split},
    }
    return {path: json.dumps(document).encode() for path, document in documents.items()}


def rate(url: str, path: str, body: bytes, seconds: float) -> float:
    """Requests per second over some seconds; every answer must be 200."""
    pool = urllib3.PoolManager(maxsize=CONNECTIONS)
    deadline = time.monotonic() + seconds

    def loop(_: int) -> int:
        count = 0
        while time.monotonic() < deadline:
            answer = pool.request("POST", url + path, body=body, headers={"Content-Type": "application/json"})
            if answer.status != 200:
                raise RuntimeError(f"{url}{path} answers {answer.status}: {answer.data[:200]!r}")
            count += 1
        return count

    with ThreadPoolExecutor(CONNECTIONS) as threads:
        return sum(threads.map(loop, range(CONNECTIONS))) / seconds


def _urls(names: list[str], cache: Path, stack: ExitStack) -> Iterator[str]:
    for name in names:
        target = definition.load(name, Path(server.__file__).parent)
        prepared = environment.prepare(target, cache)
        repository = environment.build_models(target, prepared)
        yield stack.enter_context(server.running(target, prepared, repository)).url


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.server", description=__doc__)
    parser.add_argument("peer", nargs="?", default="mlserver", help="the target to compare with")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each server (default: 5)")
    parser.add_argument("--seconds", type=float, default=2.0, help="of one turn (default: 2)")
    parser.add_argument("--cache", type=Path, default=ROOT / ".cache" / "targets", metavar="DIR")
    options = parser.parse_args()
    with ExitStack() as stack:
        ours, theirs = _urls(["reference", options.peer], options.cache.resolve(), stack)
        for rows in (1, 1000):
            for path, body in bodies(rows).items():
                turns = [
                    [rate(url, path, body, options.seconds) for url in (ours, theirs)]
                    for _ in range(options.rounds)
                ]
                one, two = (statistics.median(column) for column in zip(*turns, strict=True))
                ratio = statistics.median(a / b for a, b in turns)
                print(
                    f"{path:<36}{rows:>5} rows  reference {one:>6.0f}/s  {options.peer} {two:>6.0f}/s"
                    f"  ratio {ratio:.2f}"
                )


if __name__ == "__main__":
    main()
