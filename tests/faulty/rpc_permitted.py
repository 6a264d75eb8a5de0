"""Unusual gRPC servers that are right: what the sources permit."""

import time
from typing import Any

import numpy as np

from spec.service import calls
from tests.faulty.rpc import (
    ECHO,
    INFER,
    LOCK,
    METADATA,
    SHORT,
    Asked,
    Status,
    before,
    edits,
    permitted,
    statuses,
    to_raw,
)


@permitted()
@edits(INFER)
def always_raw(answer: Any, asked: Asked) -> None:
    """Answers are raw, whatever the request was."""
    if not answer.raw_output_contents:
        to_raw(answer)


@permitted(model="string-labels")
@edits(INFER)
def texts_always_raw(answer: Any, asked: Asked) -> None:
    """Answers of text are raw, whatever the request was."""
    if not answer.raw_output_contents:
        to_raw(answer)


@permitted()
def brain_floats(asked: Asked) -> Any:
    """The inputs are BF16, which is raw only."""
    for place, tensor in enumerate(asked.message.inputs if asked.call == INFER else ()):
        raw = asked.message.raw_input_contents
        if tensor.datatype != "BF16" or place >= len(raw) or len(raw[place]) % 2:
            raise Status("INVALID_ARGUMENT")
        wide = np.frombuffer(raw[place], "<u2").astype("<u4") << 16
        raw[place] = wide.view("<f4").astype("<f8").tobytes()
        tensor.datatype = "FP64"
    answer = asked.answer()
    for tensor in answer.inputs if asked.call == METADATA else ():
        tensor.datatype = "BF16"
    return answer


@permitted()
def not_ready_for_unknown_models(asked: Asked) -> Any:
    """ModelReady of what is not there is ready false."""
    try:
        return asked.answer()
    except Status:
        if asked.call == "ModelReady":
            return calls()["ModelReady"].response(ready=False)
        raise


@permitted()
@edits("ModelMetadata", "ServerMetadata", INFER)
def fields_of_its_own(answer: Any, asked: Asked) -> None:
    """Answers have fields that the protocol does not have."""
    answer.MergeFromString(b"\xf2\x7f\x0bconformance")


@permitted()
@edits(INFER)
def an_id_of_its_own(answer: Any, asked: Asked) -> None:
    """A request without an id gets one."""
    answer.id = answer.id or "made-up"


@permitted()
@edits(INFER)
def parameters_of_its_own(answer: Any, asked: Asked) -> None:
    """Answers have parameters of all kinds."""
    answer.parameters["seconds"].double_param = 0.5
    answer.parameters["count"].uint64_param = 2**64 - 1
    answer.outputs[0].parameters["ok"].bool_param = True


@permitted()
@edits("ModelMetadata")
def properties_of_text(answer: Any, asked: Asked) -> None:
    """The metadata has properties."""
    answer.properties["library"] = "scikit-learn"


@permitted()
@edits("ModelMetadata")
def no_platform(answer: Any, asked: Asked) -> None:
    """The platform is empty."""
    answer.platform = ""


@permitted(server=(("grpc.compression_enabled_algorithms_bitset", 1),))
def no_compression(asked: Asked) -> Any:
    """Compressed messages are UNIMPLEMENTED."""
    return asked.answer()


@permitted(server=(("grpc.max_receive_message_length", 4 * 2**20),))
def small_messages(asked: Asked) -> Any:
    """A request has 4 MiB at most, as grpcio has it."""
    return asked.answer()


@permitted()
@before(INFER)
def one_row_at_a_time(asked: Asked) -> None:
    """More than one row is refused."""
    if any(list(tensor.shape[:1]) not in ([1], []) for tensor in asked.message.inputs):
        raise Status("INVALID_ARGUMENT", "one row of each input at a time")


@permitted()
@before(INFER)
def a_limit_of_rows(asked: Asked) -> None:
    """More than 64 rows are too many."""
    if any(
        tensor.shape and tensor.shape[0] > 64 and len(tensor.contents.fp64_contents) > 64
        for tensor in asked.message.inputs
    ):
        raise Status("RESOURCE_EXHAUSTED", "64 rows at most")


@permitted()
@statuses
def out_of_range(status: Status, asked: Asked) -> Any:
    """Mistakes in tensors are OUT_OF_RANGE."""
    raise Status("OUT_OF_RANGE", status.details) if status.code.name == "INVALID_ARGUMENT" else status


@permitted()
@statuses
def failed_precondition(status: Status, asked: Asked) -> Any:
    """Mistakes in tensors are FAILED_PRECONDITION."""
    raise Status("FAILED_PRECONDITION", status.details) if status.code.name == "INVALID_ARGUMENT" else status


@permitted()
def one_at_a_time(asked: Asked) -> Any:
    """Of calls at the same time all but one are RESOURCE_EXHAUSTED, and so are all for a moment."""
    memory = asked.memory
    with LOCK:
        memory["running"] = memory.get("running", 0) + 1
        if memory["running"] > 1:
            memory["until"] = time.monotonic() + 0.1
    try:
        if asked.call == INFER and time.monotonic() < memory.get("until", 0.0):
            raise Status("RESOURCE_EXHAUSTED", "one at a time")
        time.sleep(0.002)  # so that calls meet
        return asked.answer()
    finally:
        with LOCK:
            memory["running"] -= 1


@permitted(has=frozenset({"ModelStatistics", "RepositoryIndex"}))
@edits("ServerMetadata")
def extensions_that_it_has(answer: Any, asked: Asked) -> None:
    """It lists extensions with a call, without one, and of its own."""
    answer.extensions.extend(["statistics", "model_repository", "binary_tensor_data", "sequence", "own"])


@permitted()
def busy_with_what_was_given_up(asked: Asked) -> Any:
    """A call is worked at after its client has given it up, and others are RESOURCE_EXHAUSTED until then."""
    if asked.seconds < SHORT:
        asked.memory["until"] = time.monotonic() + 0.1
    elif time.monotonic() < asked.memory.get("until", 0.0):
        raise Status("RESOURCE_EXHAUSTED", "one at a time")
    return asked.answer()


@permitted(model="versioned")
@edits(INFER)
def no_version_told(answer: Any, asked: Asked) -> None:
    """The answer does not tell its version."""
    answer.model_version = ""


@permitted(model="versioned")
def with_versions(asked: Asked) -> Any:
    """Two versions of a model."""
    return asked.answer()


@permitted(model="multi-output")
def with_several_outputs(asked: Asked) -> Any:
    """Several outputs of different datatypes."""
    return asked.answer()


@permitted(model="multi-output")
@edits(INFER)
def outputs_in_another_order(answer: Any, asked: Asked) -> None:
    """Outputs stand in another order than in the metadata."""
    turned = list(answer.outputs)[::-1]
    raw = list(answer.raw_output_contents)[::-1]
    del answer.outputs[:], answer.raw_output_contents[:]
    answer.outputs.extend(turned)
    answer.raw_output_contents.extend(raw)


@permitted(**ECHO)
def every_datatype(asked: Asked) -> Any:
    """A model of tensors of every datatype returns them."""
    return asked.answer()


@permitted(model="echo-columns", echo=True, known=True)
def every_column(asked: Asked) -> Any:
    """A model of columns of every type returns them."""
    return asked.answer()


@permitted(beside=True, known=True)
def beside_http(asked: Asked) -> Any:
    """The same server has HTTP."""
    return asked.answer()


@permitted(**ECHO)
@before(INFER)
def specials_refused(asked: Asked) -> None:
    """NaN and infinities are refused."""
    for tensor in asked.message.inputs:
        values = [*tensor.contents.fp32_contents, *tensor.contents.fp64_contents]
        if not np.isfinite(np.array(values, float)).all():
            raise Status("INVALID_ARGUMENT", f"{tensor.name}: not finite")


@permitted(beside=True, known=True)
def rate_limited_over_grpc(asked: Asked) -> Any:
    """It takes 50 calls at once, and 100 a second."""
    now, memory = time.monotonic(), asked.memory
    with LOCK:
        left = memory.get("left", 50.0) + 100 * (now - memory.get("at", now))
        memory["left"], memory["at"] = min(left, 50.0) - (left >= 1), now
    if left < 1:
        raise Status("RESOURCE_EXHAUSTED", "too many requests")
    return asked.answer()
