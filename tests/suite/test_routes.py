"""TLS with certificates on both sides, and proxies: every request takes the same way, and so does curl."""

import shlex
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from conformance.harness.preflight import Asked, discover
from conformance.harness.target import SetupError
from conformance.transport.http import Client
from conformance.transport.route import Route, proxy_for
from tests.suite.conftest import Suite, Tiny, serving

INFER = "/v2/models/double/infer"
BODY = b'{"inputs":[{"name":"x","shape":[1,1],"datatype":"FP64","data":[1.0]}],"id":"a"}'


class Secure(Tiny):
    """Speaks TLS, demands a certificate, and forgets ids."""

    keep_id = False
    context: ssl.SSLContext

    def setup(self) -> None:
        self.request = self.context.wrap_socket(self.request, server_side=True, do_handshake_on_connect=False)
        super().setup()

    def handle(self) -> None:
        try:
            super().handle()
        except OSError:
            self.close_connection = True
        finally:
            self.request.close()


@contextmanager
def _secure(pem: Path) -> Iterator[str]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=pem / "cert.pem")
    context.load_cert_chain(pem / "cert.pem", pem / "key.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    with serving(type("Secure", (Secure,), {"context": context})) as url:
        yield url.replace("http:", "https:")


class Proxy(Tiny):
    """Passes TLS on to ``port``, whatever host is asked for; what is not encrypted it answers itself."""

    port: int

    def parse_request(self) -> bool:
        parsed = super().parse_request()
        if parsed and self.path.startswith("http://"):
            self.seen.append(("PROXY", self.path, dict(self.headers)))
            self.path = "/" + self.path.split("/", 3)[3]
        return parsed

    def do_CONNECT(self) -> None:
        self.seen.append(("CONNECT", self.path, dict(self.headers)))
        self.send_response(200)
        self.end_headers()
        self.close_connection = True
        with socket.create_connection(("127.0.0.1", self.port)) as target:
            back = threading.Thread(target=_pump, args=(target, self.connection))
            back.start()
            _pump(self.connection, target)
            back.join()


def _pump(one: socket.socket, other: socket.socket) -> None:
    try:
        while data := one.recv(65536):
            other.sendall(data)
        other.shutdown(socket.SHUT_WR)
    except OSError:
        other.close()


def test_mutual_tls_by_way_of_a_proxy(suite: Suite, pem: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with ExitStack() as stack:
        port = int(stack.enter_context(_secure(pem)).rpartition(":")[2])
        handler: type[Tiny] = type("ToSecure", (Proxy,), {"port": port})
        proxy = stack.enter_context(serving(handler))
        monkeypatch.setenv("HTTPS_PROXY", proxy.replace("//", "//me:s3cret-word@"))
        files = ["--ca-cert", pem / "cert.pem", "--cert", pem / "cert.pem", "--key", pem / "key.pem"]
        asked = ("--target=https://target.example", "--model=double", "--requirement=v2.infer.id-echo")
        run = suite(*asked, *files)
        assert run.status == 1, run.output + run.errors
        assert {path for _, path, _ in handler.seen} == {"target.example:443"}
        assert all("roxy-" in str(sent) and "Basic " in str(sent) for _, _, sent in handler.seen)
        assert "s3cret-word" not in run.output + str(run.report)
        (line,) = run.row("v2.infer.id-echo")["failures"][0]["curl"]
        assert "-x http://127.0.0.1:" in line
        again = line.replace("-U '***'", "-U me:s3cret-word")
        answer = subprocess.run(shlex.split(again), capture_output=True, text=True, timeout=30)
    assert answer.stdout.count("HTTP/1.1 200") == 2, answer


@pytest.mark.parametrize("way", ["mutual TLS", "mutual TLS by proxy", "a proxy that reads along"])
def test_a_request_in_two_parts(pem: Path, way: str) -> None:
    with ExitStack() as stack:
        url = stack.enter_context(_secure(pem))
        handler: type[Tiny] = type("ToSecure", (Proxy,), {"port": int(url.rpartition(":")[2])})
        proxy = stack.enter_context(serving(handler))
        files = (pem / "cert.pem", pem / "cert.pem", pem / "key.pem")
        route = {
            "mutual TLS": Route(url, 30, *files),
            "mutual TLS by proxy": Route("https://target.example", 30, *files, proxy),
            "a proxy that reads along": Route("http://target.example", proxy=proxy),
        }[way]
        client = Client(route)
        assert discover(client, Asked(["double"])).models
        connection = client.begin(INFER, BODY[:20], len(BODY))
        connection.send(BODY[20:])
        assert connection.getresponse().status == 200
        connection.close()
        assert bool(handler.seen) == bool(route.proxy)


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"ca_cert": "cert.pem"}, "--cert FILE and --key FILE"),
        ({"cert": "cert.pem", "key": "key.pem"}, "Give what signed the certificate with --ca-cert FILE"),
    ],
)
def test_a_certificate_is_missing(pem: Path, files: dict[str, str], told: str) -> None:
    with _secure(pem) as url, pytest.raises(SetupError) as error:
        discover(Client(Route(url, **{name: pem / file for name, file in files.items()})), Asked())  # type: ignore[arg-type]
    assert told in str(error.value)


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"ca_cert": "key.pem"}, "holds no certificates in PEM"),
        ({"cert": "key.pem"}, "is no certificate in PEM with its private key"),
        ({"cert": "cert.pem"}, "a key in another file is --key FILE"),
    ],
)
def test_files_that_are_no_certificates(pem: Path, files: dict[str, str], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        Client(Route("https://127.0.0.1:1", **{name: pem / file for name, file in files.items()}))  # type: ignore[arg-type]


def test_a_server_without_tls(tiny: str) -> None:
    with pytest.raises(SetupError, match="does not speak TLS: is its URL http://"):
        discover(Client(Route(tiny.replace("http:", "https:"))), Asked())


def test_which_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"HTTP_PROXY": "proxy:3128", "NO_PROXY": "inside.example,10.0.0.1"}.items():
        monkeypatch.setenv(name, value)
    assert proxy_for("http://far.example:8080") == "http://proxy:3128"
    for direct in ("https://far.example", "http://a.inside.example", "http://10.0.0.1:80"):
        assert proxy_for(direct) == ""
    for here in ("http://127.0.0.1:8080", "http://localhost", "http://[::1]:8080"):
        assert proxy_for(here) == ""
    monkeypatch.setenv("HTTP_PROXY", "socks5://proxy:1080")
    with pytest.raises(ValueError, match="a socks5:// proxy can't be used"):
        proxy_for("http://far.example")


def test_a_proxy_that_is_not_there() -> None:
    route = Route("https://far.example", proxy="http://me:word@127.0.0.1:1")
    with pytest.raises(SetupError, match=r"by way of the proxy http://127.0.0.1:1 \(no connection\)"):
        discover(Client(route), Asked())
