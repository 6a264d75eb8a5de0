"""Load from wrk: requests per second and latencies of one request, sent again and again."""

import json
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import urllib3

_TIMEOUT = 30  # seconds
_SCRIPT = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
local file = io.open("{body}", "rb")
wrk.body = file:read("*a")
file:close()
function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '{{"requests":%d,"seconds":%.6f,"p50":%.3f,"p99":%.3f,"refused":%d,"broken":%d}}',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
"""


class LoadError(Exception):
    """What was measured is not what was meant; the message says why."""


@dataclass(frozen=True)
class Measured:
    """``rate``: answers a second; ``p50``, ``p99``: milliseconds."""

    rate: float
    p50: float
    p99: float


def wrk() -> str:
    """The program. Raises ``LoadError`` where there is none."""
    found = shutil.which("wrk")
    if found is None:
        raise LoadError("there is no wrk on PATH: apt install wrk, or https://github.com/wg/wrk")
    return found


def drive(url: str, body: bytes, connections: int, seconds: int) -> Measured:
    """POST ``body`` over so many connections. Raises ``LoadError`` for any answer but 2xx."""
    with tempfile.TemporaryDirectory() as folder:
        file, script = Path(folder) / "body", Path(folder) / "post.lua"
        file.write_bytes(body)
        script.write_text(_SCRIPT.format(body=file))
        command = [wrk(), "-t1", f"-c{connections}", f"-d{seconds}", f"--timeout={_TIMEOUT}"]
        command += ["-s", str(script), url]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    return parse(done.stdout, url)


def parse(output: str, url: str) -> Measured:
    """What wrk's script wrote at the end of ``output``. Raises ``LoadError``."""
    found: dict[str, Any] = json.loads(output[output.rindex("{") :])
    if found["refused"] or found["broken"] or not found["requests"]:
        raise LoadError(
            f"{url}: {found['requests']} answers, {found['refused']} of them no 2xx; {found['broken']} broken"
        )
    return Measured(found["requests"] / found["seconds"], found["p50"], found["p99"])


def post(url: str, body: bytes) -> Any:
    """The JSON that answers ``body``. Raises ``LoadError``."""
    headers = {"Content-Type": "application/json"}
    answer = urllib3.request("POST", url, body=body, headers=headers, timeout=_TIMEOUT)
    if answer.status != 200:
        raise LoadError(f"{url} answers {answer.status}: {answer.data[:200]!r}")
    return answer.json()
