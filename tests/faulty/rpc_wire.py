"""Faults of gRPC servers: how messages are written, deadlines, metadata, and what raw contents alone meet."""

from typing import Any

from tests.faulty.rpc import INFER, READY, Asked, Status, before, edits, fault

_FAR = 3600.0  # seconds: beyond every deadline of the suite but one
_ENDLESS = 1e8  # seconds: what gRPC's library says of a call without a deadline


@fault("grpc.service.encoding", raw_bytes=True)
def unpacked_numbers_refused(asked: Asked) -> Any:
    """Numbers that are not packed are refused."""
    message = asked.parsed()
    if asked.call == INFER and len(message.SerializeToString()) != len(asked.message):
        raise Status("INVALID_ARGUMENT", "wire type")
    return asked.ask(message)


@fault("grpc.service.encoding", raw_bytes=True)
def fields_in_another_order_refused(asked: Asked) -> Any:
    """Fields that do not stand in the order of their numbers are refused."""
    message = asked.parsed()
    written = message.SerializeToString()
    if asked.call == INFER and written != asked.message and len(written) == len(asked.message):
        raise Status("INVALID_ARGUMENT", "field order")
    return asked.ask(message)


@fault("grpc.service.far-deadline")
@before(INFER)
def no_deadline_is_a_past_one(asked: Asked) -> None:
    """A call without a deadline is too late."""
    if asked.seconds > _ENDLESS:
        raise Status("DEADLINE_EXCEEDED")


@fault("grpc.service.far-deadline")
@before(INFER)
def deadlines_of_32_bits(asked: Asked) -> None:
    """A deadline that is hours ahead is past: its microseconds are counted in 32 bits."""
    if _FAR < asked.seconds < _ENDLESS:
        raise Status("DEADLINE_EXCEEDED")


@fault("grpc.service.metadata-keys")
def metadata_are_text(asked: Asked) -> Any:
    """Metadata of bytes is a failure: it is decoded."""
    if any(key.endswith("-bin") for key in asked.metadata):
        raise Status("INTERNAL", "no text")
    return asked.answer()


@fault("grpc.infer.id-echo")
@edits(INFER)
def no_id_after_raw(answer: Any, asked: Asked) -> None:
    """The id is lost where contents were raw."""
    if asked.message.raw_input_contents:
        answer.id = ""


@fault("grpc.infer.model-name")
@edits(INFER)
def no_name_after_raw(answer: Any, asked: Asked) -> None:
    """The model's name is lost where contents were raw."""
    if asked.message.raw_input_contents:
        answer.model_name = ""


@fault("grpc.infer.output-unique")
def raw_answers_written_twice(asked: Asked) -> Any:
    """An answer with raw contents is written twice, one behind the other: each output is there twice."""
    answer = asked.answer()
    twice = asked.call == INFER and answer.raw_output_contents
    return answer.SerializeToString() * (2 if twice else 1)


@fault("grpc.contents.raw-equals-typed")
@before(INFER)
def zeros_behind_64_kib_of_raw(asked: Asked) -> None:
    """Raw contents are read into a buffer of 64 KiB; behind it there are zeros."""
    for place, raw in enumerate(asked.message.raw_input_contents):
        asked.message.raw_input_contents[place] = raw[: 1 << 16].ljust(len(raw), b"\0")


@fault("grpc.contents.raw-equals-typed", model="multi-output")
@edits(INFER)
def raw_of_the_first_outputs(answer: Any, asked: Asked) -> None:
    """Raw contents of the outputs that were asked for are those of the model's first ones."""
    if asked.message.outputs and answer.raw_output_contents:
        asked.message.ClearField("outputs")
        answer.raw_output_contents[:] = asked.answer().raw_output_contents[: len(answer.outputs)]


@fault("grpc.contents.raw-datatype")
@before(INFER)
def raw_datatype_not_read(asked: Asked) -> None:
    """Raw contents are read as the datatype of the metadata."""
    for tensor in asked.message.inputs if asked.message.raw_input_contents else ():
        if tensor.datatype == "INT64":
            tensor.datatype = "FP64"


@fault("grpc.errors.refused")
@before(INFER)
def minus_times_minus(asked: Asked) -> None:
    """The product of two dimensions below zero is taken for a number of elements."""
    for tensor in asked.message.inputs:
        if len(tensor.shape) == 2 and max(tensor.shape) < 0:
            tensor.shape[:] = [-size for size in tensor.shape]


@fault("grpc.errors.refused")
@before(INFER)
def dimensions_of_32_bits(asked: Asked) -> None:
    """Dimensions are read as 32 bits."""
    for tensor in asked.message.inputs:
        tensor.shape[:] = [((size + 2**31) & 0xFFFFFFFF) - 2**31 for size in tensor.shape]


@fault("grpc.infer.model-version")
@edits(INFER)
def version_none(answer: Any, asked: Asked) -> None:
    """Where there is no version, the answer names None."""
    answer.model_version = answer.model_version or "None"


@fault("grpc.errors.next-call", "grpc.health.model-ready")
def not_ready_after_a_mistake(asked: Asked) -> Any:
    """The model is not ready after a refusal, until the next good call."""
    try:
        answer = asked.answer()
    except Status:
        asked.memory["bad"] = asked.memory.get("bad") or asked.call == INFER
        raise
    if asked.call == INFER:
        asked.memory["bad"] = False
    if asked.call == READY and asked.memory.get("bad"):
        answer.ready = False
    return answer


@fault("grpc.data.stateless")
def a_repeated_id_is_a_repetition(asked: Asked) -> Any:
    """A request with an id that was there before has the former answer."""
    if asked.call != INFER or not asked.message.id:
        return asked.answer()
    kept = asked.memory.setdefault("answers", {})
    if asked.message.id not in kept:
        kept[asked.message.id] = asked.answer()
    return kept[asked.message.id]


@fault("grpc.infer.known-answers", known=True)
@before(INFER)
def all_is_refused(asked: Asked) -> None:
    """Every inference is refused."""
    raise Status("INVALID_ARGUMENT", "expected one tensor")


@fault("grpc.parity.refusals", beside=True)
@before(INFER)
def all_is_refused_beside_http(asked: Asked) -> None:
    """Every inference is refused, which HTTP answers."""
    raise Status("INVALID_ARGUMENT", "expected one tensor")
