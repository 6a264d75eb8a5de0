"""``python -m benchmarks.suite``: cases per second of the suite and of schemathesis on one server.

Prints, for each server: requests, seconds and cases per second of both, and what each found; then the
suite's own cost per case (its CPU time, start-up left out) beside a bare loop of the same HTTP client. The
same of the suite over gRPC alone.
"""

import argparse
import json
import re
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import urllib3

from conformance.wire.messages import inference_request
from spec.service import calls
from targets import definition, environment, server

ROOT = Path(__file__).parent.parent
LOOP = 1000


@dataclass(frozen=True)
class Measured:
    """One tool on one server. ``cpu``: seconds that its process used."""

    cases: int
    seconds: float
    cpu: float
    findings: str

    @property
    def rate(self) -> float:
        """Cases per second."""
        return self.cases / self.seconds


def measure_suite(command: list[str], *options: str) -> Measured:
    """Run the suite once; seconds are those of its tests."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "report.json"
        cpu, _ = _timed([*command, f"--report-json={file}", *options])
        report = json.loads(file.read_text("utf-8"))
    failed = [row for row in report["requirements"] if row["outcome"] == "failed"]
    levels = {level: sum(row["level"] == level for row in failed) for level in ("MUST", "SHOULD")}
    told = ", ".join(f"{count} {level}" for level, count in levels.items())
    return Measured(report["requests"], report["seconds"], cpu, f"{told} requirements")


def measure_schemathesis(url: str, document: str, seconds: int) -> Measured:
    """Run schemathesis on the server's OpenAPI document for some seconds."""
    program = str(Path(sys.executable).with_name("schemathesis"))
    command = [
        program,
        "run",
        f"{url}{document}",
        f"--max-time={seconds}",
        "--seed=1",
        "--continue-on-failure",
    ]
    started = time.monotonic()
    cpu, output = _timed(command)
    passed = time.monotonic() - started
    cases = re.search(r"([\d,]+) generated", output)
    told = output.partition("SUMMARY")[2]
    findings = re.findall(r"^\s*(?:❌|🚫)\s*(.+?: \d+)$", told, re.MULTILINE)
    return Measured(
        int(cases[1].replace(",", "")) if cases else 0, passed, cpu, "; ".join(findings) or "nothing"
    )


def bare_loop(url: str, path: str, body: bytes) -> float:
    """CPU seconds for one request of the HTTP client alone."""
    pool = urllib3.PoolManager()
    started = time.process_time()
    for _ in range(LOOP):
        pool.request("POST", url + path, body=body, headers={"Content-Type": "application/json"})
    return (time.process_time() - started) / LOOP


def bare_calls(address: str, request: dict[str, Any], model: str) -> float:
    """CPU seconds for one call of gRPC's client alone."""
    sent = inference_request(model, "", request).SerializeToString()
    with grpc.insecure_channel(address) as channel:
        call: Any = channel.unary_unary(calls()["ModelInfer"].path)
        started = time.process_time()
        for _ in range(LOOP):
            call(sent)
        return (time.process_time() - started) / LOOP


def _timed(command: list[str]) -> tuple[float, str]:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.stdout


def compare(name: str, cache: Path, seconds: int) -> None:
    """Measure both tools on one target, and print."""
    target = definition.load(name, Path(server.__file__).parent)
    prepared = environment.prepare(target, cache)
    repository = environment.build_models(target, prepared)
    with server.running(target, prepared, repository) as started:
        suite = [sys.executable, "-m", "pytest", "conformance/", f"--model={target.models[0]}", *target.suite]
        http, rpc = [*suite, f"--target={started.url}"], [*suite, f"--grpc-target={started.grpc}"]
        start_up = measure_suite(http, "--requirement=v2.health.live")
        ours = measure_suite(http)
        rpc_start_up = measure_suite(rpc, "--requirement=grpc.health.live")
        ours_rpc = measure_suite(rpc)
        theirs = measure_schemathesis(started.url, "/v2/docs/dataplane.json", seconds)
        body = (repository / target.models[0] / "answers.json").read_text("utf-8")
        request = next(case["request"] for case in json.loads(body)["cases"] if case["protocol"] == "v2")
        bare = bare_loop(started.url, f"/v2/models/{target.models[0]}/infer", json.dumps(request).encode())
        bare_rpc = bare_calls(started.grpc, request, target.models[0])
    print(f"{name}")
    for label, measured in (("suite", ours), ("suite, gRPC", ours_rpc), ("schemathesis", theirs)):
        print(
            f"  {label:<13}{measured.cases:>7} cases {measured.seconds:>7.1f} s {measured.rate:>7.0f} cases/s"
            f"   found: {measured.findings}"
        )
    print(f"  ratio        {ours.rate / theirs.rate:>7.1f} times the cases per second")
    for label, measured, begun, client in (
        ("own cost", ours, start_up, bare),
        ("over gRPC", ours_rpc, rpc_start_up, bare_rpc),
    ):
        own = (measured.cpu - begun.cpu) / measured.cases
        print(f"  {label:<13}{1000 * own:>7.2f} ms a case; the bare client {1000 * client:.2f} ms a request")


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.suite", description=__doc__)
    parser.add_argument("names", nargs="*", default=["reference", "mlserver"], metavar="NAME", help="targets")
    parser.add_argument("--seconds", type=int, default=60, help="for schemathesis (default: 60)")
    parser.add_argument("--cache", type=Path, default=ROOT / ".cache" / "targets", metavar="DIR")
    options = parser.parse_args()
    for name in options.names:
        compare(name, options.cache.resolve(), options.seconds)


if __name__ == "__main__":
    main()
