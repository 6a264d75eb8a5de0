"""``python -m tests.fuzz``: malformed and hostile requests to the reference server, so many in so long.

No answer but in form, no 5xx but for a model's own failure, no worker lost, memory where it was, and the next
good request right. A request is made from the seed and its number: ``--only NUMBER`` sends it alone.
"""

import argparse
import json
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from fixtures.build import build
from targets.processes import memory, workers
from tests.fuzz.requests import Good, Sent, good_requests, http, request
from tests.servers import address, start, started

MODELS = ("wine-classifier", "echo-columns")
CLIENTS = 4
EVERY = 1000  # good requests between the others
GROWTH = 1.1
_SECONDS = 60
# What begins a model's own failure, which is answered with 500.
OWN = ("model '", "the model's prediction", "output '")


class Wrong(Exception):
    """What the server should not have done."""


class Connection:
    """One keep-alive connection, opened again when the server closes it."""

    def __init__(self, url: str) -> None:
        self._there = urlsplit(url)
        self._open: tuple[socket.socket, BinaryIO] | None = None

    def ask(self, sent: Sent) -> list[tuple[int, bytes]]:
        """The answers, as many as must come. Raises ``Wrong`` where one is missing."""
        connection, stream = self._open or self._connected()
        answers: list[tuple[int, bytes]] = []
        self._open, closed = None, False
        try:
            for part in sent.parts:
                with suppress(ConnectionError):  # refused before all of it was sent
                    connection.sendall(part)
                time.sleep(sent.pause)
            if sent.answers is None:
                connection.shutdown(socket.SHUT_WR)
            while not closed and (sent.answers is None or len(answers) < sent.answers):
                status, body, closed = _answer(stream)
                answers.append((status, body))
        except (ValueError, OSError) as error:
            closed = True
            if sent.answers is not None:
                raise Wrong(f"after {len(answers)} answers: {error!r}") from None
        finally:
            if closed or sent.answers is None:
                stream.close()
                connection.close()
            else:
                self._open = connection, stream
        return answers

    def _connected(self) -> tuple[socket.socket, BinaryIO]:
        connection = socket.create_connection((self._there.hostname, self._there.port or 0), _SECONDS)
        return connection, connection.makefile("rb")


def _answer(stream: BinaryIO) -> tuple[int, bytes, bool]:
    """Status, body, and whether it is the last one. Raises ``ValueError`` for what is no answer."""
    version, status, *_ = stream.readline().split()
    headers = dict(iter(lambda: _header(stream), None))
    body = stream.read(int(headers[b"content-length"]))
    return int(status), body, headers.get(b"connection") == b"close" or version != b"HTTP/1.1"


def _header(stream: BinaryIO) -> tuple[bytes, bytes] | None:
    line = stream.readline().strip()
    name, _, value = line.partition(b":")
    return (name.lower(), value.strip().lower()) if line else None


def check(status: int, body: bytes) -> None:
    """Raises ``Wrong`` for an answer that no request may get."""
    if b"Traceback" in body or b'File "' in body:
        raise Wrong(f"{status} with a traceback: {body[:500]!r}")
    try:
        value = json.loads(body) if body.strip() else {}
    except ValueError:
        raise Wrong(f"{status}, whose body is no JSON: {body[:200]!r}") from None
    if status >= 500 and status != 501:
        told = str(value.get("error") or value.get("message"))
        if not told.startswith(OWN):
            raise Wrong(f"{status}: {told[:500]}")


class Run:
    """All requests, from several threads; stops at the first that goes wrong."""

    def __init__(self, url: str, good: list[Good], seed: int, numbers: range, deadline: float) -> None:
        self._url, self._good, self._seed = url, good, seed
        self._numbers, self._deadline = iter(numbers), deadline
        self.counts: Counter[tuple[str, int]] = Counter()
        self.sent, self.failed = 0, ""
        self._right = {one: _right(url, one) for one in good}

    def go(self) -> None:
        """Send them."""
        with ThreadPoolExecutor(CLIENTS) as pool:
            for done in [pool.submit(self._loop) for _ in range(CLIENTS)]:
                done.result()

    def _loop(self) -> None:
        connection = Connection(self._url)
        for number in self._numbers:
            if self.failed or time.monotonic() > self._deadline:
                return
            sent = request(number, self._seed, self._good)
            try:
                for status, body in connection.ask(sent):
                    check(status, body)
                    self.counts[sent.kind, status] += 1
                if number % EVERY == 0:
                    self._ask_good()
            except Wrong as error:
                self.failed = f"request {number} of seed {self._seed} ({sent.kind}): {error}"
                Path("fuzz-failure.bin").write_bytes(b"".join(sent.parts))
            self.sent += 1

    def _ask_good(self) -> None:
        for one, right in self._right.items():
            if _right(self._url, one) != right:
                raise Wrong(f"after it, {one.path} answers a good request with other predictions")


def _right(url: str, good: Good) -> bytes:
    ((status, body),) = Connection(url).ask(Sent("good", [http(good.path, good.body)]))
    if status != 200:
        raise Wrong(f"{good.path} answers a good request with {status}: {body[:300]!r}")
    return body


def fuzz(url: str, server: int, good: list[Good], options: argparse.Namespace) -> str:
    """What went wrong, or nothing."""
    before, deadline = workers(server), time.monotonic() + 60 * options.minutes
    if options.only is not None:
        only = Run(url, good, options.seed, range(options.only, options.only + 1), deadline)
        only.go()
        return only.failed
    warm = Run(url, good, options.seed, range(options.count // 10), deadline)
    warm.go()
    started_with = memory(server)
    run = Run(url, good, options.seed, range(options.count // 10, options.count), deadline)
    if not warm.failed:
        run.go()
    _tell(warm, run)
    ended_with = memory(server)
    print(f"memory: {started_with:.0f} MiB after the first tenth, {ended_with:.0f} at the end")
    lost = before - workers(server)
    wrong = [warm.failed, run.failed, f"workers were lost: {lost}" if lost else ""]
    if not run.failed and not warm.failed and warm.sent + run.sent < options.count:
        wrong.append(f"the time was up after {warm.sent + run.sent} of {options.count} requests")
    if ended_with > GROWTH * started_with:
        wrong.append(f"memory grew from {started_with:.0f} to {ended_with:.0f} MiB")
    return "; ".join(filter(None, wrong))


def _tell(*runs: Run) -> None:
    counts = sum((run.counts for run in runs), Counter[Any]())
    print(f"{sum(run.sent for run in runs)} requests, {counts.total()} answers")
    for kind in sorted({kind for kind, _ in counts}):
        row = {status: count for (name, status), count in sorted(counts.items()) if name == kind}
        print(f"  {kind:<10} " + ", ".join(f"{status}: {count}" for status, count in row.items()))


def main() -> int:
    """Run the command. Exit status 1: something went wrong, which the last line says."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--count", type=int, default=200_000, help="requests (default: 200,000)")
    parser.add_argument("--minutes", type=float, default=30, help="at most (default: 30)")
    parser.add_argument("--seed", type=int, default=0, help="other requests (default: 0)")
    parser.add_argument("--only", type=int, metavar="NUMBER", help="the request of this number alone")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        build(Path(folder), only=MODELS)
        good = [one for name in MODELS for one in good_requests(Path(folder) / name, name == MODELS[0])]
        command = start(Path(folder), "--workers", "2", "--invocations", MODELS[0])
        with started(*command, stderr=subprocess.DEVNULL) as process:
            wrong = fuzz(address(process), process.pid, good, options)
            process.terminate()
            status = process.wait(60)
    print(wrong or f"nothing went wrong; the server stopped with status {status}")
    return 1 if wrong or status else 0


if __name__ == "__main__":
    sys.exit(main())
