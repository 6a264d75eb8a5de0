"""What stands before a server, or is not ready yet: one line says what it answers, and what to do."""

import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any

import pytest

from conformance.harness.preflight import Asked, discover, waited
from conformance.harness.target import SetupError, Target
from conformance.transport.http import Client
from conformance.transport.route import Route
from tests.suite.conftest import Suite, Tiny, serving

Serve = Callable[[type[Tiny]], str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serve a handler until the test is over; the URL."""
    with ExitStack() as stack:
        yield lambda handler: stack.enter_context(serving(handler))


def _told(url: str, *names: str, **asked: Any) -> str:
    """What the preflight says of a target that can't be tested."""
    with pytest.raises(SetupError) as told:
        discover(Client(Route(url)), Asked(names, **asked))
    line = str(told.value)
    assert "\n" not in line
    return line


class Everything(Tiny):
    """One answer to everything: a status, some headers, a page where ``%s`` is the path asked."""

    status = 400
    headers_sent: dict[str, str]
    page = ""

    def do_GET(self) -> None:
        if "Content-Length" in self.headers:
            self.rfile.read(int(self.headers["Content-Length"]))
        body = self.page.replace("%s", self.path).encode()
        self.send_response(self.status)
        for name, value in (self.headers_sent | {"Content-Length": str(len(body))}).items():
            self.send_header(name, value.replace("%s", self.path))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET


def _everything(status: int, page: str = "", **headers: str) -> type[Tiny]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return type("Everything", (Everything,), {"status": status, "page": page, "headers_sent": named})


HTML = {"Content_Type": "text/html; charset=utf-8"}


@pytest.mark.parametrize(
    ("status", "page", "headers", "told"),
    [
        (
            302,
            "",
            {"Location": "/oauth2/start?rd=%s"},
            "/oauth2/start: if that is a login page, give a token",
        ),
        (303, "", {"Location": "https://dex.example/auth?state=1%s"}, "to https://dex.example/auth: if"),
        (307, "", {"Location": "/login"}, "--header 'Authorization: …'"),
        (308, "", {"Location": "https://svc.example%s"}, "use --target https://svc.example"),
        (301, "", {"Location": "/serving/wine%s"}, "/serving/wine: use --target http://127.0.0.1:"),
        (302, "", {"Location": "%s/"}, "redirects every path to the same with a slash more or less"),
        (400, "no host %s", {}, "answers 400 to everything (it says: no host /no-such"),
        (400, '{"trace":"4f0c2a9be0d14f3b"}', {}, "--header 'Host: …'"),
        (401, "%s", {}, "answers 401 to everything: give a token with --header 'Authorization: …'"),
        (403, "", {}, "answers 403 to everything: give a token"),
        (404, "default backend - 404", {}, "no /invocations (it says: default backend - 404)"),
        (200, "<html>App</html>", HTML, "answers 200 to everything (it says: <html>App</html>)"),
        (200, "<p nonce=%s>", HTML, "is it the base URL of the server"),
        (407, "", {}, "that is the proxy"),
        (421, "", {}, "give the host that it expects with --header 'Host: …'"),
        (426, "", {}, "is its URL https://…?"),
        (500, "oops", {}, "or read its log"),
        (503, "no healthy upstream %s", {}, "answers 503 to everything (it says: no healthy upstream"),
    ],
)
def test_one_answer_to_everything(
    serve: Serve, status: int, page: str, headers: dict[str, str], told: str
) -> None:
    url = serve(_everything(status, page, **headers))
    for names in ((), ("double",)):
        line = _told(url, *names)
        assert told in line
        assert line.startswith(url)


def test_a_gateway_that_guards_the_protocol_alone(serve: Serve) -> None:
    class Guarded(Tiny):
        def do_GET(self) -> None:
            self.send_response(302 if self.path.startswith("/v2") else 404)
            self.send_header("Location", "https://login.example/?next=/v2")
            self.send_header("Content-Length", "0")
            self.end_headers()

    assert "redirects everything to https://login.example/" in _told(serve(Guarded), "double")


@pytest.mark.parametrize(
    ("status", "told"), [(401, "give a token with --header"), (302, "to http://a.example/in")]
)
def test_a_gateway_that_guards_predictions_alone(serve: Serve, status: int, told: str) -> None:
    class Guarded(Tiny):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(status)
            self.send_header("Location", "http://a.example/in")
            self.send_header("Content-Length", "0")
            self.end_headers()

    line = _told(serve(Guarded), "double")
    assert told in line
    assert "(POST /v2/models/double/infer was asked)" in line


@pytest.mark.parametrize("status", [200, 400])
def test_a_page_for_whatever_is_read(serve: Serve, status: int) -> None:
    class Page(Everything):
        headers_sent = HTML
        page = "<html>Log in</html>"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.answer(405, {})

    Page.status = status
    assert f"answers {status} to everything (it says: <html>Log in</html>)" in _told(serve(Page), "double")


def test_a_gateway_that_guards_v2_alone(serve: Serve) -> None:
    class Guarded(Tiny):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            scores = self.path == "/invocations"
            self.send_response(400 if scores else 302)
            self.send_header("Location", "https://login.example/?next=/")
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_POST

    line = _told(serve(Guarded))
    assert "to https://login.example/: if that is a login page, give a token" in line
    assert line.endswith("(POST /v2/repository/index was asked), or name a model with --model NAME")


@pytest.mark.parametrize("status", [400, 403])
def test_what_answers_as_nothing_does_is_not_there(serve: Serve, status: int) -> None:
    class Sparse(Tiny):
        """Has no readiness; what is not there is no 404."""

        def answer(self, code: int, document: Any) -> None:
            if code == 404 or self.path.endswith("/ready"):
                code, document = status, {"error": "there is nothing here"}
            super().answer(code, document)

    target = discover(Client(Route(serve(Sparse))), Asked(["double"]), ready=True)
    assert "mlflow" in target.missing
    assert "v2" not in target.missing


@pytest.mark.parametrize("told", ["Wed, 21 Oct 99999 07:28:00 GMT", "\xb2", "soon", "-1"])
def test_no_time_to_wait_is_a_short_one(serve: Serve, told: str) -> None:
    class Once(Tiny):
        def answer(self, status: int, document: Any) -> None:
            self.close_connection = True
            if len(self.seen) > 1:
                super().answer(status, document)
                return
            self.send_response(503)
            self.send_header("Retry-After", told)
            self.send_header("Content-Length", "0")
            self.end_headers()

    assert Client(Route(serve(Once))).get("/v2").status == 200


def test_a_token_that_is_sent_back_is_not_told(suite: Suite, serve: Serve) -> None:
    class Telling(Tiny):
        def answer(self, status: int, document: Any) -> None:
            sent = [part.partition("=")[2] for part in self.headers["Cookie"].split("; ")]
            super().answer(400, {"error": f"bad: {sent}"})

    run = suite("--target", serve(Telling), "--header=Cookie: a=s3cret-one; b=s3cret-two")
    assert run.status == 10
    assert "bad: ['***', '***']" in run.errors


def test_the_line_on_the_terminal(suite: Suite, serve: Serve) -> None:
    run = suite("--target", serve(_everything(400, "\x1b[31mno\0")), "--model", "double")
    assert run.status == 10
    assert run.errors.count("\n") == 1
    assert "(it says: \\x1b[31mno\\x00)" in run.errors


class Starting(Tiny):
    """A server that starts: nothing behind the gateway, no model, nothing at all, a model that is loading."""

    stage = 0
    loading = 400

    def do_GET(self) -> None:
        if self.stage == 1:
            return self.answer(503, "no healthy upstream")
        if (self.stage == 2 and "models" in self.path) or self.stage == 3:
            return self.answer(404, {"error": "not found"})
        if self.stage == 4 and self.path.endswith("/ready"):
            return self.answer(self.loading, {"error": "Model double is not ready yet."})
        return super().do_GET()

    def do_POST(self) -> None:
        if self.stage > 4:
            return super().do_POST()
        self.rfile.read(int(self.headers["Content-Length"]))
        infers = self.stage == 4 and self.path.endswith("/infer")
        status = {1: 503}.get(self.stage, self.loading if infers else 404)
        return self.answer(status, {"error": "Model double is not ready yet."})


@pytest.mark.parametrize("status", [400, 500, 503])
def test_a_model_that_is_loading(serve: Serve, status: int) -> None:
    line = _told(serve(type("Slow", (Starting,), {"stage": 4, "loading": status})), "double")
    assert "has not loaded 'double' yet" in line
    assert line.endswith("Wait until it is ready: --wait SECONDS")


def test_waiting(serve: Serve) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    client = Client(Route(f"http://127.0.0.1:{port}"))

    class Stages(Starting):
        """Goes on each time that it was looked at."""

    seen: list[str] = []

    def look() -> Target:
        try:
            return discover(client, Asked(["double"]), ready=True)
        except SetupError as error:
            seen.append(str(error))
            if len(seen) == 1:
                serving_it.enter_context(serving(Stages, port))
            Stages.stage += 1
            raise

    with ExitStack() as serving_it:
        assert waited(look, 60).models[0].name == "double"
    told = ["nothing answers", "answers 503", "has no model", "speaks neither", "is not ready", "never"]
    assert [word in line for word, line in zip(told, seen, strict=False)] == [True] * 5
    assert len(seen) == 5


def test_waiting_in_vain(suite: Suite, serve: Serve) -> None:
    run = suite("--target", serve(type("Never", (Starting,), {"stage": 4})), "--model=double", "--wait=0.7")
    assert run.status == 10
    assert run.errors.endswith("GET /v2/health/ready answers 400 (waited 0.7 s)\n")


def test_a_token_is_not_waited_for(serve: Serve) -> None:
    client = Client(Route(serve(_everything(401))))
    with pytest.raises(SetupError, match="give a token"):
        waited(lambda: discover(client, Asked(), ready=True), 3600)


class Indexed(Tiny):
    """Lists other models than the one asked for."""

    names: Sequence[str]

    def do_POST(self) -> None:
        if self.path != "/v2/repository/index":
            return super().do_POST()
        self.rfile.read(int(self.headers["Content-Length"]))
        return self.answer(200, [{"name": name, "state": "READY"} for name in self.names])


def test_a_model_that_is_not_there(serve: Serve) -> None:
    names = ["wine-classifier", *(f"m{i}" for i in range(100))]
    line = _told(serve(type("Other", (Indexed,), {"names": names})), "wine_classifier")
    assert "has no model 'wine_classifier'" in line
    assert "Is it 'wine-classifier'?" in line
    assert "lists 101: 'm0', 'm1'" in line
    assert "'m90'" not in line


def test_hundreds_of_models_are_not_asked_for_one_by_one(serve: Serve) -> None:
    class Many(Indexed):
        names = ("double", *(f"m{i}" for i in range(299)))

    target = discover(Client(Route(serve(Many))), Asked())
    assert len(target.models) > 280
    assert len(Many.seen) < 60


def test_a_server_that_asks_for_patience_is_asked_again(serve: Serve) -> None:
    class Busy(Tiny):
        """Each fifth request is one too many."""

        count = 0

        def parse_request(self) -> bool:
            parsed = super().parse_request()
            Busy.count += 1
            if parsed and Busy.count % 5 == 1:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self.send_response(503)
                self.send_header("Retry-After", "0")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return False
            return parsed

    assert discover(Client(Route(serve(Busy))), Asked(["double"])).models
