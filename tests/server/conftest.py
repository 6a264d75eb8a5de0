"""Reference servers on free ports, and what the tests send them."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import urllib3

from tests import servers
from tests.server.echoes import JSON as JSON
from tests.server.echoes import Ask, asking
from tests.servers import start as start


def reads(text: str | bytes) -> Any:
    """The value of a JSON text; strict: NaN and Infinity are no JSON."""
    return json.loads(text, parse_constant=lambda token: pytest.fail(f"{token} in {text!r}"))


@dataclass(frozen=True)
class Answer:
    """An HTTP answer, its body parsed when it is JSON."""

    status: int
    headers: urllib3.HTTPHeaderDict
    body: bytes

    @property
    def json(self) -> Any:
        """The body; strict: NaN and Infinity are no JSON."""
        assert self.headers["Content-Type"] == "application/json", self
        return reads(self.body)


class Client:
    """Requests to one server."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._pool = urllib3.PoolManager(timeout=60, retries=False, maxsize=8)

    def send(self, method: str, path: str, body: Any = None, headers: Any = None) -> Answer:
        """One request, as it is."""
        response = self._pool.request(method, self.url + path, body=body, headers=headers)
        return Answer(response.status, response.headers, response.data)

    def close(self) -> None:
        """Give up the connections, which a server waits for when it stops."""
        self._pool.clear()

    def get(self, path: str) -> Answer:
        """GET."""
        return self.send("GET", path)

    def post(self, path: str, value: Any) -> Answer:
        """POST ``value`` as JSON; bytes as they are."""
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        return self.send("POST", path, body, JSON)

    def infer(self, model: str, value: Any) -> Answer:
        """POST an inference request."""
        return self.post(f"/v2/models/{model}/infer", value)


@contextmanager
def running(*command: str, environment: dict[str, str] | None = None) -> Iterator[Client]:
    """A client of the server that ``command`` starts."""
    with servers.running(*command, environment=environment) as url:
        client = Client(url)
        yield client
        client.close()


@pytest.fixture(scope="session")
def client(repository: Path) -> Iterator[Client]:
    """A server of every fixture; /invocations belongs to wine-classifier."""
    with running(*start(repository, "--invocations", "wine-classifier")) as found:
        yield found


@pytest.fixture(scope="session")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Ask:
    """Asks models that return what they are given."""
    return asking(tmp_path_factory.mktemp("echoes"))


def copy_model(repository: Path, name: str, target: Path, settings: dict[str, Any]) -> Path:
    """A fixture's model in the folder ``target``, with other settings."""
    shutil.copytree(repository / name / "model", target / "model")
    (target / "model-settings.json").write_text(json.dumps(settings), "utf-8")
    return target


@pytest.fixture
def wine(repository: Path) -> dict[str, Any]:
    """The seed's request: a row of eleven columns, FP32."""
    answers = json.loads((repository / "wine-classifier" / "answers.json").read_text("utf-8"))
    request = next(c["request"] for c in answers["cases"] if c["protocol"] == "v2")
    inputs = [i | {"shape": [1], "datatype": "FP32", "data": i["data"][:1]} for i in request["inputs"]]
    return {"inputs": inputs}
