"""The suite run as a user runs it, against real servers."""

import http.server
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.servers import running, start


@dataclass(frozen=True)
class Run:
    """What one run of the suite gave: exit status, what it printed, its report."""

    status: int
    output: str
    errors: str
    report: dict[str, Any]

    def outcome(self, requirement: str) -> str:
        """The outcome of one requirement."""
        return str(self.row(requirement)["outcome"])

    def row(self, requirement: str) -> dict[str, Any]:
        """The report's row of one requirement."""
        return next(row for row in self.report["requirements"] if row["id"] == requirement)


Suite = Callable[..., Run]


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    """Run the suite with some arguments."""

    def run(*arguments: object) -> Run:
        file = tmp_path / "report.json"
        file.unlink(missing_ok=True)
        command = [
            sys.executable,
            "-m",
            "pytest",
            "conformance/",
            f"--report-json={file}",
            "-pno:cacheprovider",
            "-p_hypothesis_pytestplugin",
            "-pxdist.plugin",
            *map(str, arguments),
        ]
        # Without the plugins that happen to be installed: some take seconds to load.
        environment = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)
        report = json.loads(file.read_text("utf-8")) if file.exists() else {}
        return Run(done.returncode, done.stdout, done.stderr, report)

    return run


@pytest.fixture(scope="session")
def wine(repository: Path) -> Iterator[str]:
    """The URL of a reference server that serves wine-classifier."""
    with running(*start(repository / "wine-classifier")) as url:
        yield url


@pytest.fixture(scope="session")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a certificate (cert.pem) and its key (key.pem), for server, client and issuer alike."""
    folder = tmp_path_factory.mktemp("pem")
    command = (
        "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=target -keyout key.pem -out cert.pem"
    )
    more = [
        "subjectAltName=DNS:target.example,IP:127.0.0.1",
        "keyUsage=critical,keyCertSign,digitalSignature",
    ]
    options = [option for extension in more for option in ("-addext", extension)]
    subprocess.run([*command.split(), *options], cwd=folder, check=True, capture_output=True)
    return folder


class Tiny(http.server.BaseHTTPRequestHandler):
    """A V2 server of one model, ``double``, in a few lines; its class attributes are its faults."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    keep_id = True
    name_empty = False
    seen: list[tuple[str, str, dict[str, str]]]

    def do_GET(self) -> None:
        self.seen.append(("GET", self.path, dict(self.headers)))
        tensor = {"datatype": "FP64", "shape": [-1, 1]}
        answers: dict[str, Any] = {
            "/v2": {"name": "" if self.name_empty else "tiny", "version": "1", "extensions": []},
            "/v2/health/live": {"live": True},
            "/v2/health/ready": {"ready": True},
            "/v2/models/double/ready": {"name": "double", "ready": True},
            "/v2/models/double": {
                "name": "double",
                "platform": "tiny",
                "inputs": [{"name": "x", **tensor}],
                "outputs": [{"name": "y", **tensor}],
            },
        }
        known = self.path in answers
        self.answer(200 if known else 404, answers.get(self.path, {"error": "there is nothing here"}))

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.seen.append(("POST", self.path, dict(self.headers)))
        if self.path != "/v2/models/double/infer":
            return self.answer(404, {"error": "there is nothing here"})
        try:
            body = json.loads(raw)
            data = [2.0 * x for x in body["inputs"][0]["data"]]
        except (ValueError, KeyError, TypeError, IndexError):
            return self.answer(400, {"error": "the request can't be read"})
        output = {"name": "y", "datatype": "FP64", "shape": [len(data), 1], "data": data}
        answer = {"model_name": "double", "outputs": [output]}
        return self.answer(200, answer | ({"id": body["id"]} if self.keep_id and "id" in body else {}))

    def answer(self, status: int, document: Any) -> None:
        """Send JSON."""
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing is logged."""


@contextmanager
def serving(handler: type[Tiny], port: int = 0) -> Iterator[str]:
    """The URL of a server of ``handler``; port 0 is a free one."""
    handler.seen = []
    with http.server.ThreadingHTTPServer(("127.0.0.1", port), handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class Forgetful(Tiny):
    """Drops the id (MUST) and has no name (SHOULD)."""

    keep_id = False
    name_empty = True


@pytest.fixture
def tiny() -> Iterator[str]:
    """The URL of a small server that is right."""
    with serving(type("Right", (Tiny,), {})) as url:
        yield url


@pytest.fixture
def forgetful() -> Iterator[str]:
    """The URL of a small server that is wrong in two ways."""
    with serving(Forgetful) as url:
        yield url
