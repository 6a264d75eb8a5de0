"""The gRPC service, over the models that HTTP has too. Source: inference_grpc.md, GRPC.

It runs in each worker, and begins when the models are loaded. All workers listen on one port (SO_REUSEPORT):
the system gives each connection to one of them.
"""

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter
from typing import Any

import grpc
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2, reflection_pb2_grpc

from reference_server import __version__, inference, messages, metrics, wire
from reference_server.codecs.raw import Bytes
from reference_server.errors import ServingError
from reference_server.gate import Gate
from reference_server.limits import Limits
from reference_server.observing import AccessLog
from reference_server.repository import Repository
from reference_server.runtime import Model
from reference_server.tracing import REQUEST_ID
from spec.service import NAME, calls, file

_log = logging.getLogger(__name__)
_OTHERS = 8  # threads for what needs no model
_LONGEST = 2000  # characters of a status's details
_LARGE = 1 << 16  # bytes, from which on a message is cheaper to read without its raw contents
_CODES = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    404: grpc.StatusCode.NOT_FOUND,
    413: grpc.StatusCode.RESOURCE_EXHAUSTED,
    503: grpc.StatusCode.UNAVAILABLE,
}
_ENDPOINTS = {"ModelInfer": "infer", "ServerMetadata": "metadata", "ModelMetadata": "metadata"}


class Service:
    """The calls of the protocol. Each takes its message, and returns the answer's."""

    def __init__(self, models: Repository, limits: Limits, gate: Gate) -> None:
        self._models, self._limits, self._gate = models, limits, gate

    def ServerLive(self, _: Any) -> Any:
        """Source: inference_grpc.md, Server Live."""
        return calls()["ServerLive"].response(live=True)

    def ServerReady(self, _: Any) -> Any:
        """Source: inference_grpc.md, Server Ready."""
        return calls()["ServerReady"].response(ready=not self._models.broken)

    def ModelReady(self, request: Any) -> Any:
        """Source: inference_grpc.md, Model Ready. Raises ``NotFound`` and ``Unavailable``."""
        self._find(request.name, request.version)
        return calls()["ModelReady"].response(ready=True)

    def ServerMetadata(self, _: Any) -> Any:
        """Source: inference_grpc.md, Server Metadata."""
        return calls()["ServerMetadata"].response(name="reference-server", version=__version__)

    def ModelMetadata(self, request: Any) -> Any:
        """Source: inference_grpc.md, Model Metadata. Raises ``NotFound`` and ``Unavailable``."""
        model = self._find(request.name, request.version)
        return messages.metadata(model.metadata(self._models.versions(model.name)))

    def ModelInfer(self, request: Any, raw: Sequence[Bytes] = ()) -> Any:
        """``raw``: its raw contents, where it is without. Source: inference_grpc.md, Inference. Raises
        ``ServingError``."""
        raw = raw or list(request.raw_input_contents)
        model = self._find(request.model_name, request.model_version)
        with self._gate.turn():
            answer = inference.of_tensors(model, *messages.read(request, raw), self._limits)
        return messages.response(answer, as_bytes=bool(raw))

    def _find(self, name: str, version: str) -> Model:
        return self._models.find(name, version or None)


class Server:
    """A gRPC server of this process on ``address``. Raises ``RuntimeError`` where it cannot listen."""

    def __init__(
        self, address: str, models: Repository, limits: Limits, gate: Gate, log: AccessLog | None = None
    ) -> None:
        options = [
            ("grpc.so_reuseport", 1),
            ("grpc.max_receive_message_length", limits.body),
            ("grpc.max_send_message_length", -1),
        ]
        pool = ThreadPoolExecutor(limits.threads + limits.waiting + _OTHERS, "grpc")
        self._server = grpc.server(pool, options=options)
        names = frozenset(models.names())
        service = Service(models, limits, gate)
        handlers = {name: _handler(name, getattr(service, name), names, log) for name in calls()}
        self._server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(NAME, handlers)])
        self._health = _add_health(self._server, ready=not models.broken)
        _add_reflection(self._server)
        self._server.add_insecure_port(address)
        self._server.start()

    def stop(self, seconds: float) -> Any:
        """Refuse new calls, and answer those that were taken, within ``seconds``; the event of its end."""
        self._health.enter_graceful_shutdown()
        return self._server.stop(seconds)


def _handler(
    name: str, call: Callable[[Any], Any], models: frozenset[str], log: AccessLog | None
) -> "grpc.RpcMethodHandler[bytes, bytes]":
    """How a call is answered: bytes in, so that what is no message is told as the client's mistake."""
    kind, message = _ENDPOINTS.get(name, "health"), calls()[name].request
    read = _inference if name == "ModelInfer" else _message

    def answer(data: bytes, context: grpc.ServicerContext) -> bytes:
        start, request, model, found = perf_counter(), None, "", b""
        code, details = grpc.StatusCode.OK, ""
        metrics.began()
        try:
            request, *more = read(message, data)
            model = getattr(request, "model_name", "") or getattr(request, "name", "")
            found = call(request, *more).SerializeToString()
        except DecodeError:
            code, details = grpc.StatusCode.INVALID_ARGUMENT, f"these bytes are no {name}Request"
        except Exception as error:
            code, details = _explain(name, error)
        seconds = perf_counter() - start
        metrics.ended(kind, model if model in models else "", code.name, seconds)
        if log is not None:
            environ = _environ(name, data, context, getattr(request, "id", ""))
            log.write(environ, kind, model, code.name, len(found), seconds)
        if code is not grpc.StatusCode.OK:
            context.abort(code, details)
        return found

    return grpc.unary_unary_rpc_method_handler(answer)


def _message(kind: Any, data: bytes) -> tuple[Any, ...]:
    """What a call takes: its message. Raises ``DecodeError``."""
    return (kind.FromString(data),)


def _inference(kind: Any, data: bytes) -> tuple[Any, ...]:
    """What ModelInfer takes: its message; a large one is without its raw contents, which follow.

    Raises ``DecodeError``.
    """
    if len(data) <= _LARGE:
        return _message(kind, data)
    rest, raw = wire.split(data)
    return kind.FromString(rest), raw


def _environ(name: str, data: bytes, context: grpc.ServicerContext, request_id: str) -> dict[str, Any]:
    """A call as the access log knows requests: in WSGI's words, with its metadata as headers."""
    headers = {f"HTTP_{k.upper().replace('-', '_')}": v for k, v in context.invocation_metadata()}
    return headers | {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": calls()[name].path,
        "CONTENT_LENGTH": str(len(data)),
        "REMOTE_ADDR": context.peer(),
        REQUEST_ID: request_id,
    }


def _explain(name: str, error: Exception) -> tuple[grpc.StatusCode, str]:
    """The status for ``error``. What it was, the log says."""
    status = error.status if isinstance(error, ServingError) else 500
    if status == 500:
        _log.error("%s failed", name, exc_info=error)
    told = str(error) if isinstance(error, ServingError) else "the server failed; its log has the cause"
    code = _CODES.get(status, grpc.StatusCode.INTERNAL)
    return code, told if len(told) <= _LONGEST else told[:_LONGEST] + "..."


def _add_health(server: grpc.Server, ready: bool) -> Any:
    """Source: gRPC, health-checking.md: what Kubernetes asks."""
    service = health.HealthServicer()
    status = health_pb2.HealthCheckResponse
    for name in ("", NAME):
        service.set(name, status.SERVING if ready else status.NOT_SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(service, server)
    return service


def _add_reflection(server: grpc.Server) -> None:
    """Source: gRPC, server-reflection.md: what grpcurl asks."""
    pool = DescriptorPool()
    for found in (file(), health_pb2.DESCRIPTOR.serialized_pb, reflection_pb2.DESCRIPTOR.serialized_pb):
        pool.AddSerializedFile(found)
    names = (NAME, health.SERVICE_NAME, reflection.SERVICE_NAME)
    service = reflection.ReflectionServicer(names, pool=pool)
    reflection_pb2_grpc.add_ServerReflectionServicer_to_server(service, server)
