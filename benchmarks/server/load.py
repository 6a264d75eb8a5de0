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
local requests, place = {{}}, 0
local function read(name)
  local file = io.open(name, "rb")
  local text = file:read("*a")
  file:close()
  return text
end
wrk.headers["Content-Type"] = "application/json"
function init(_)
  for _, one in ipairs({{{requests}}}) do
    table.insert(requests, wrk.format("POST", one[1], nil, read(one[2])))
  end
end
function request()
  place = place % #requests + 1
  return requests[place]
end
function done(summary, latency, _)
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


def drive(url: str, path: str, body: bytes, connections: int, seconds: int) -> Measured:
    """POST ``body`` over so many connections. Raises ``LoadError`` for any answer but 2xx."""
    with tempfile.TemporaryDirectory() as folder:
        output = _run(url, [(path, body)], Path(folder), connections, seconds)
    return parse(output, url + path)


def mixed(url: str, requests: list[tuple[str, bytes]], folder: Path, seconds: int) -> tuple[Measured, int]:
    """POST them in turn over 16 connections: what was measured, and how many were sent; refused ones count.

    Raises ``LoadError`` for a connection that breaks.
    """
    found = _read(_run(url, requests, folder, 16, seconds))
    if found["broken"]:
        raise LoadError(f"{url}: {found['broken']} connections broke")
    return _measured(found), found["requests"]


def _run(url: str, requests: list[tuple[str, bytes]], folder: Path, connections: int, seconds: int) -> str:
    """wrk's output. ``folder`` is where the requests are written."""
    rows = []
    for number, (path, body) in enumerate(requests):
        file = folder / f"body-{number}"
        file.write_bytes(body)
        rows.append(f'{{"{path}", "{file}"}}')
    script = folder / "post.lua"
    script.write_text(_SCRIPT.format(requests=", ".join(rows)))
    command = [wrk(), "-t1", f"-c{connections}", f"-d{seconds}", f"--timeout={_TIMEOUT}"]
    command += ["-s", str(script), url]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def parse(output: str, url: str) -> Measured:
    """What wrk's script wrote at the end of ``output``. Raises ``LoadError``."""
    found = _read(output)
    if found["refused"] or found["broken"] or not found["requests"]:
        raise LoadError(
            f"{url}: {found['requests']} answers, {found['refused']} of them no 2xx; {found['broken']} broken"
        )
    return _measured(found)


def _read(output: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(output[output.rindex("{") :])
    return found


def _measured(found: dict[str, Any]) -> Measured:
    return Measured(found["requests"] / found["seconds"], found["p50"], found["p99"])


def post(url: str, body: bytes) -> Any:
    """The JSON that answers ``body``. Raises ``LoadError``."""
    headers = {"Content-Type": "application/json"}
    answer = urllib3.request("POST", url, body=body, headers=headers, timeout=_TIMEOUT)
    if answer.status != 200:
        raise LoadError(f"{url} answers {answer.status}: {answer.data[:200]!r}")
    return answer.json()
