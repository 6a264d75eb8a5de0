"""gRPC servers that differ from the reference server: their vocabulary, and how they are served."""

import functools
import math
import struct
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import grpc
import numpy as np

from reference_server import rpc
from reference_server.gate import Gate
from reference_server.limits import DEFAULTS
from reference_server.repository import Repository
from spec.service import NAME, calls
from spec.tables import DATATYPES
from tests.faulty.vocabulary import WINE

INFER, READY, METADATA = "ModelInfer", "ModelReady", "ModelMetadata"


class Death(Exception):
    """The server is gone."""


class Status(Exception):
    """A call ends with this status."""

    def __init__(self, code: str, details: str = "no") -> None:
        super().__init__(details)
        self.code, self.details = grpc.StatusCode[code], details


@dataclass
class Asked:
    """One call. seconds: until its deadline. dropped: whether its client is gone. memory: what the server
    keeps. ask: what the reference server answers to a message."""

    call: str
    message: Any
    memory: dict[str, Any]
    metadata: dict[str, Any]
    seconds: float
    dropped: Callable[[], bool]
    ask: Callable[[Any], Any]

    def parsed(self) -> Any:
        """The message that its bytes are, where it is given as bytes."""
        return calls()[self.call].request.FromString(self.message)

    def answer(self) -> Any:
        """The reference server's answer. Raises Status."""
        return self.ask(self.message)


Answer = Callable[[Asked], Any]  # a message, or bytes
Calls = Callable[[str, Any], Any]  # the name of a call and its message: the answer's; raises Status
ECHO: dict[str, Any] = {"model": "tensors", "echo": True}
LOCK = threading.Lock()
_KEPT = 2**20  # bytes of the longest message whose answer is kept
SHORT = 0.1  # seconds; only a call that its client will give up has less


def field_of(output: Any) -> Any:
    return getattr(output.contents, DATATYPES[output.datatype].contents)


def to_raw(answer: Any) -> None:
    """Turn typed contents into raw ones."""
    for output in answer.outputs:
        elements = list(field_of(output))
        if output.datatype == "BYTES":
            raw = b"".join(struct.pack("<I", len(e)) + e for e in elements)
        else:
            raw = np.array(elements, DATATYPES[output.datatype].numpy).tobytes()
        answer.raw_output_contents.append(raw)
        output.ClearField("contents")


def first_of(answer: Any) -> Any:
    return field_of(answer.outputs[0])


@dataclass(frozen=True)
class RpcVariant:
    """A gRPC server. breaks: the requirements that must turn red, exactly; none for a permitted one.

    model: what it serves. echo, known: the suite is told that it returns its inputs; its known answers.
    beside: the reference server's HTTP is beside it. service: its name. lacks: calls that are not there.
    has: calls that the protocol does not have. any_call: it has all that may be asked for. server: options of
    gRPC's library. raw_bytes: it is given a call's bytes, not its message. oracle: the suite is given the
    model itself. robustness: it looks at that alone.
    """

    name: str
    note: str
    breaks: frozenset[str]
    answer: Answer
    model: str = WINE
    echo: bool = False
    known: bool = False
    beside: bool = False
    service: str = NAME
    lacks: frozenset[str] = frozenset()
    has: frozenset[str] = frozenset()
    any_call: bool = False
    server: tuple[tuple[str, Any], ...] = ()
    raw_bytes: bool = False
    oracle: bool = False
    robustness: bool = False


RPC_VARIANTS: dict[str, RpcVariant] = {}


def fault(*breaks: str, **how: Any) -> Callable[[Answer], Answer]:
    """Register a faulty server, which breaks these requirements; none: a permitted one."""

    def register(answer: Answer) -> Answer:
        name = answer.__name__
        assert name not in RPC_VARIANTS, name
        assert answer.__doc__, name
        RPC_VARIANTS[name] = RpcVariant(name, answer.__doc__, frozenset(breaks), answer, **how)
        return answer

    return register


permitted = fault


def edits(*names: str) -> Callable[[Callable[[Any, Asked], object]], Answer]:
    """A server whose answers to these calls are edited in place."""

    def make(edit: Callable[[Any, Asked], object]) -> Answer:
        @functools.wraps(edit)
        def answer(asked: Asked) -> Any:
            found = asked.answer()
            if asked.call in names:
                edit(found, asked)
            return found

        return answer

    return make


def before(*names: str) -> Callable[[Callable[[Asked], object]], Answer]:
    """A server that does something with these calls before they are answered."""

    def make(first: Callable[[Asked], object]) -> Answer:
        @functools.wraps(first)
        def answer(asked: Asked) -> Any:
            if asked.call in names:
                first(asked)
            return asked.answer()

        return answer

    return make


def statuses(change: Callable[[Status, Asked], Any]) -> Answer:
    """A server whose errors are changed: what ``change`` returns, or raises."""

    @functools.wraps(change)
    def answer(asked: Asked) -> Any:
        try:
            return asked.answer()
        except Status as status:
            return change(status, asked)

    return answer


def remembered(models: Repository) -> Calls:
    """The reference server with its answers kept: it has no state, and faulty servers are sent the same."""
    service = rpc.Service(models, DEFAULTS, Gate(DEFAULTS))
    answers: dict[tuple[str, bytes], bytes | tuple[str, str]] = {}

    def ask(call: str, message: Any) -> Any:
        key = call, message.SerializeToString(deterministic=True)
        found = answers.get(key) or _called(service, call, message)
        if len(key[1]) < _KEPT:
            answers[key] = found
        if isinstance(found, tuple):
            raise Status(*found)
        return calls()[call].response.FromString(found)

    return ask


def _called(service: rpc.Service, call: str, message: Any) -> bytes | tuple[str, str]:
    """The bytes of the answer, or the code and the details."""
    try:
        return bytes(getattr(service, call)(message).SerializeToString())
    except Exception as error:
        code, details = rpc._explain(call, error)
        return code.name, details


class _Handler(grpc.GenericRpcHandler):
    def __init__(self, variant: RpcVariant, ask: Calls, die: Callable[[], object]) -> None:
        self._variant, self._ask, self._die = variant, ask, die
        self._memory: dict[str, Any] = {}

    def service(self, handler_call_details: Any) -> Any:
        """Any call of the variant's service."""
        _, name, call = handler_call_details.method.split("/")
        more = self._variant.any_call or call in self._variant.has
        if name == self._variant.service and call not in calls() and more:
            return grpc.unary_unary_rpc_method_handler(lambda data, context: b"")
        if name != self._variant.service or call not in calls() or call in self._variant.lacks:
            return None
        metadata = dict(handler_call_details.invocation_metadata)
        return grpc.unary_unary_rpc_method_handler(
            lambda data, context: self._answered(call, data, metadata, context)
        )

    def _answered(self, call: str, data: bytes, metadata: dict[str, Any], context: Any) -> bytes:
        try:
            message = calls()[call].request.FromString(data) if not self._variant.raw_bytes else data
            asked = Asked(
                call=call,
                message=message,
                memory=self._memory,
                metadata=metadata,
                seconds=math.inf if (left := context.time_remaining()) is None else left,
                dropped=lambda: not context.is_active(),
                ask=lambda m: self._ask(call, m),
            )
            found = self._variant.answer(asked)
            return found if isinstance(found, bytes) else bytes(found.SerializeToString())
        except Status as status:
            context.abort(status.code, status.details)
        except Death:
            self._die()
            context.abort(grpc.StatusCode.UNAVAILABLE, "Socket closed")
        except Exception:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "no message of the protocol")
        raise AssertionError


@contextmanager
def serve(
    variant: RpcVariant, ask: Calls, credentials: grpc.ServerCredentials | None = None
) -> Iterator[str]:
    """The address of the variant's server as long as the context lasts. ``ask``: the reference server.
    ``credentials``: it speaks TLS."""
    # Long messages take a sixth of a run's time: gRPC's own limit stands where another fault is looked for.
    options = [("grpc.max_send_message_length", -1), *variant.server]
    if variant.robustness or not variant.breaks:
        options.insert(0, ("grpc.max_receive_message_length", -1))
    server = grpc.server(ThreadPoolExecutor(16), options=options)
    server.add_generic_rpc_handlers([_Handler(variant, ask, lambda: server.stop(None))])
    free = "127.0.0.1:0"
    port = server.add_secure_port(free, credentials) if credentials else server.add_insecure_port(free)
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(None).wait()
