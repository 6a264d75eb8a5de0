"""gRPC servers that are wrong in the service itself: names, calls, bytes, metadata, deadlines."""

from typing import Any

from spec.service import calls
from tests.faulty.rpc import (
    INFER,
    METADATA,
    SHORT,
    Asked,
    Death,
    Status,
    before,
    edits,
    fault,
    first_of,
)


@fault("grpc.service.path", service="inference.GrpcInferenceService")
def service_spelt_otherwise(asked: Asked) -> Any:
    """The service has another spelling."""
    return asked.answer()


@fault("grpc.service.path", service="org.example.GRPCInferenceService")
def service_in_another_package(asked: Asked) -> Any:
    """The package is another one."""
    return asked.answer()


@fault("grpc.service.methods", "grpc.server.metadata", lacks=frozenset({"ServerMetadata"}))
def no_server_metadata(asked: Asked) -> Any:
    """There is no ServerMetadata."""
    return asked.answer()


@fault("grpc.service.methods", "grpc.health.live", lacks=frozenset({"ServerLive"}))
def no_server_live(asked: Asked) -> Any:
    """There is no ServerLive."""
    return asked.answer()


@fault("grpc.service.wire")
def properties_of_messages(asked: Asked) -> Any:
    """Field 6 of the metadata is a map of messages."""
    if asked.call != METADATA:
        return asked.answer()
    return bytes(asked.answer().SerializeToString()) + b"\x32\x14\x0a\x0ccontent_type\x12\x04\x1a\x02pd"


@fault("grpc.service.wire")
def server_name_is_no_text(asked: Asked) -> Any:
    """The name of the server is no UTF-8."""
    return b"\x0a\x02\xff\xfe" if asked.call == "ServerMetadata" else asked.answer()


@fault("grpc.service.unknown-method", any_call=True)
def any_call_will_do(asked: Asked) -> Any:
    """A call that is not there is answered with nothing."""
    return asked.answer()


@fault("grpc.health.survives")
@before(INFER)
def a_parameter_kills_it(asked: Asked) -> None:
    """A parameter without a value is its end."""
    if any(p.WhichOneof("parameter_choice") is None for p in asked.message.parameters.values()):
        raise Death


@fault("grpc.service.unknown-fields", raw_bytes=True)
def unknown_fields_refused(asked: Asked) -> Any:
    """A field that the protocol does not have is refused."""
    if asked.call == INFER and asked.message.endswith(b"\xf2\x7f\x0bconformance"):
        raise Status("INVALID_ARGUMENT", "unknown field 2046")
    return asked.ask(asked.parsed())


@fault("grpc.service.garbage", raw_bytes=True)
def garbage_is_nothing(asked: Asked) -> Any:
    """What is no message is answered as if nothing had been sent."""
    try:
        return asked.ask(asked.parsed())
    except Status:
        raise
    except Exception:
        return calls()[asked.call].response()


@fault("grpc.service.garbage", raw_bytes=True)
def lame_after_garbage(asked: Asked) -> Any:
    """After what is no message, the next call fails."""
    if asked.memory.pop("garbage", False):
        raise Status("INTERNAL")
    try:
        message = asked.parsed()
    except Exception:
        asked.memory["garbage"] = True
        raise
    return asked.ask(message)


@fault("grpc.service.metadata-keys")
@before(INFER)
def metadata_refused(asked: Asked) -> None:
    """Metadata that it does not know is refused."""
    if "x-conformance" in asked.metadata:
        raise Status("INVALID_ARGUMENT", "unknown metadata")


@fault("grpc.service.metadata-keys")
@edits(INFER)
def metadata_as_parameters(answer: Any, asked: Asked) -> None:
    """Metadata reaches the model."""
    if "priority" in asked.metadata:
        answer.outputs[0].contents.fp64_contents[0] += 1


@fault("grpc.service.deadline")
def lame_after_what_was_given_up(asked: Asked) -> Any:
    """After a call that its client has given up, the next one fails."""
    if asked.seconds < SHORT:
        asked.memory["given up"] = True
    elif asked.memory.pop("given up", False):
        raise Status("INTERNAL")
    return asked.answer()


@fault("grpc.service.deadline")
@edits(INFER)
def answers_what_was_given_up(answer: Any, asked: Asked) -> None:
    """After a call that its client has given up, the next one has the answer meant for another."""
    if asked.seconds < SHORT:
        asked.memory["given up"] = True
    elif asked.memory.pop("given up", False):
        first_of(answer)[0] += 1


@fault("grpc.service.compression", server=(("grpc.per_message_decompression", 0),))
def compressed_messages_left_so(asked: Asked) -> Any:
    """Its library hands on compressed messages as they came."""
    return asked.answer()
