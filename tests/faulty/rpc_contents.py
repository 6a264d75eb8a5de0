"""Faults of gRPC servers: the contents of tensors."""

import struct
from typing import Any

import numpy as np

from tests.faulty.rpc import (
    ECHO,
    INFER,
    Asked,
    Status,
    before,
    edits,
    fault,
    field_of,
    first_of,
    permitted,
)


@fault("grpc.contents.typed-accepted")
@before(INFER)
def raw_alone(asked: Asked) -> None:
    """Typed contents are refused."""
    if not asked.message.raw_input_contents:
        raise Status("UNIMPLEMENTED")


@fault("grpc.contents.raw-accepted")
@before(INFER)
def typed_alone(asked: Asked) -> None:
    """Raw contents are refused."""
    if asked.message.raw_input_contents:
        raise Status("UNIMPLEMENTED")


@fault("grpc.contents.raw-accepted")
@before(INFER)
def raw_brings_it_down(asked: Asked) -> None:
    """Raw contents bring it down."""
    if asked.message.raw_input_contents:
        raise Status("INTERNAL")


@fault("grpc.contents.raw-equals-typed")
@before(INFER)
def raw_is_big_endian(asked: Asked) -> None:
    """Raw numbers are read with the high byte first."""
    for place, raw in enumerate(asked.message.raw_input_contents):
        asked.message.raw_input_contents[place] = np.frombuffer(raw, "<f8").byteswap().tobytes()


@fault("grpc.contents.answer-one-form")
@edits(INFER)
def both_forms(answer: Any, asked: Asked) -> None:
    """The answer has raw contents beside typed ones."""
    if answer.raw_output_contents:
        answer.outputs[0].contents.fp64_contents.extend(np.frombuffer(answer.raw_output_contents[0], "<f8"))


@fault("grpc.contents.answer-raw-count", model="multi-output")
@edits(INFER)
def one_raw_for_all(answer: Any, asked: Asked) -> None:
    """All raw outputs stand in one entry."""
    if len(answer.raw_output_contents) > 1:
        first, *others = answer.raw_output_contents
        del answer.raw_output_contents[:]
        answer.raw_output_contents.extend([first, *others, b""])


@fault("grpc.contents.answer-raw-size")
@edits(INFER)
def raw_is_padded(answer: Any, asked: Asked) -> None:
    """Raw contents are padded to 64 bytes."""
    if answer.raw_output_contents:
        answer.raw_output_contents[0] = answer.raw_output_contents[0].ljust(64, b"\0")


@fault("grpc.contents.answer-raw-size", model="string-labels")
@edits(INFER)
def text_without_lengths(answer: Any, asked: Asked) -> None:
    """Raw BYTES have no lengths."""
    if answer.raw_output_contents and answer.outputs[0].datatype == "BYTES":
        raw, found = answer.raw_output_contents[0], b""
        while raw:
            (length,) = struct.unpack_from("<I", raw)
            found, raw = found + raw[4 : 4 + length], raw[4 + length :]
        answer.raw_output_contents[0] = found


@fault("grpc.contents.answer-typed-field")
@edits(INFER)
def all_in_bytes_contents(answer: Any, asked: Asked) -> None:
    """Numbers stand in bytes_contents too."""
    for output in answer.outputs if not answer.raw_output_contents else ():
        output.contents.bytes_contents.extend(str(value).encode() for value in field_of(output))


@fault("grpc.contents.answer-typed-count")
@edits(INFER)
def an_element_too_many(answer: Any, asked: Asked) -> None:
    """Of several rows, the last element stands twice."""
    if not answer.raw_output_contents and len(first_of(answer)) == 3:
        first_of(answer).append(first_of(answer)[-1])


def _halves(member: str) -> Any:
    """An edit of the metadata: tensors of FP64 are FP16."""

    def edit(answer: Any) -> None:
        for tensor in getattr(answer, member):
            tensor.datatype = "FP16"

    return edit


def _half_answer(asked: Asked, typed: bool) -> Any:
    """An answer whose output is of FP16, raw or in the field of FP32."""
    answer = asked.answer()
    if asked.call == "ModelMetadata":
        _halves("outputs")(answer)
    if asked.call == INFER:
        for output in answer.outputs:
            raw = answer.raw_output_contents
            elements = np.frombuffer(raw[0], "<f8") if raw else np.array(field_of(output))
            half = elements.astype("<f2")
            output.datatype = "FP16"
            output.ClearField("contents")
            del answer.raw_output_contents[:]
            if typed and not raw:
                output.contents.fp32_contents.extend(half.tolist())
            else:
                answer.raw_output_contents.append(half.tobytes())
    return answer


@fault("grpc.contents.half-raw")
def halves_typed(asked: Asked) -> Any:
    """An output of FP16 stands in the field of FP32."""
    return _half_answer(asked, typed=True)


@permitted()
def halves_raw(asked: Asked) -> Any:
    """An output of FP16 is raw, after typed contents too."""
    return _half_answer(asked, typed=False)


def _half_inputs(asked: Asked, typed: bool) -> Any:
    """A model of inputs of FP16."""
    if asked.call == INFER:
        for place, tensor in enumerate(asked.message.inputs):
            if tensor.datatype != "FP16":
                raise Status("INVALID_ARGUMENT", f"{tensor.name}: inputs are of FP16")
            tensor.datatype = "FP64"
            raw = asked.message.raw_input_contents
            if place < len(raw) and len(raw[place]) % 2 == 0:
                raw[place] = np.frombuffer(raw[place], "<f2").astype("<f8").tobytes()
            elif typed:
                tensor.contents.fp64_contents.extend(tensor.contents.fp32_contents)
                tensor.contents.ClearField("fp32_contents")
    answer = asked.answer()
    if asked.call == "ModelMetadata":
        _halves("inputs")(answer)
    return answer


@fault("grpc.contents.half-typed-refused")
def typed_halves_taken(asked: Asked) -> Any:
    """Inputs of FP16 are taken from the field of FP32."""
    return _half_inputs(asked, typed=True)


@permitted()
def half_inputs(asked: Asked) -> Any:
    """Inputs are of FP16: raw alone."""
    return _half_inputs(asked, typed=False)


@fault(
    "grpc.contents.answer-elements", "grpc.contents.raw-equals-typed", "grpc.contents.exact-integers", **ECHO
)
@edits(INFER)
def elements_beyond_their_datatype(answer: Any, asked: Asked) -> None:
    """UINT8 holds 256 and more, where its field has room."""
    for output in answer.outputs:
        if output.datatype == "UINT8":
            output.contents.uint_contents[:] = [value + 256 for value in output.contents.uint_contents]


@fault("grpc.contents.both-refused")
@before(INFER)
def raw_before_typed(asked: Asked) -> None:
    """Of raw and typed contents, the raw ones are taken."""
    if asked.message.raw_input_contents:
        for tensor in asked.message.inputs:
            tensor.ClearField("contents")


@fault("grpc.contents.raw-count-refused")
@before(INFER)
def too_many_raw(asked: Asked) -> None:
    """Raw contents beyond the inputs are passed over."""
    del asked.message.raw_input_contents[len(asked.message.inputs) :]


@fault("grpc.contents.raw-count-refused")
@before(INFER)
def too_few_raw(asked: Asked) -> None:
    """Fewer raw contents than inputs bring it down."""
    if 0 < len(asked.message.raw_input_contents) < len(asked.message.inputs):
        raise Status("INTERNAL")


@fault("grpc.contents.raw-size-refused")
@before(INFER)
def raw_cut_to_its_shape(asked: Asked) -> None:
    """Raw contents that are too long are cut."""
    for place, tensor in enumerate(asked.message.inputs if asked.message.raw_input_contents else ()):
        raw = (
            asked.message.raw_input_contents[place] if place < len(asked.message.raw_input_contents) else b""
        )
        if tensor.datatype == "FP64" and len(raw) == 16 and list(tensor.shape) == [1, 1]:
            asked.message.raw_input_contents[place] = raw[:8]


@fault("grpc.contents.raw-size-refused")
@before(INFER)
def raw_of_another_size_fails(asked: Asked) -> None:
    """Raw contents of another size bring it down."""
    if any(len(raw) % 8 for raw in asked.message.raw_input_contents):
        raise Status("INTERNAL")


@fault("grpc.contents.typed-count-refused", "grpc.contents.missing-refused")
@before(INFER)
def padded_with_zeros(asked: Asked) -> None:
    """Elements that are missing are zeros."""
    for tensor in asked.message.inputs if not asked.message.raw_input_contents else ():
        if list(tensor.shape) == [1, 1] and not tensor.contents.ListFields():
            tensor.contents.fp64_contents.append(0.0)


@fault("grpc.contents.typed-count-refused")
@before(INFER)
def typed_cut_to_its_shape(asked: Asked) -> None:
    """Elements beyond the shape are passed over."""
    for tensor in asked.message.inputs:
        if list(tensor.shape) == [1, 1]:
            del tensor.contents.fp64_contents[1:]


@fault("grpc.contents.missing-refused")
@before(INFER)
def no_contents_fail(asked: Asked) -> None:
    """An input without contents brings it down."""
    bare = [t for t in asked.message.inputs if not t.contents.ListFields() and 0 not in t.shape]
    named = all(t.datatype == "FP64" and list(t.shape) == [1, 1] for t in bare)
    whole = any(t.contents.ListFields() for t in asked.message.inputs)
    if bare and named and whole and not any(t.HasField("contents") for t in bare):
        raise Status("INTERNAL")


@fault("grpc.contents.wrong-field-refused")
@before(INFER)
def any_field_will_do(asked: Asked) -> None:
    """Elements are taken from the first field that has any."""
    for tensor in asked.message.inputs:
        if tensor.datatype == "FP64" and len(tensor.contents.fp32_contents):
            tensor.contents.fp64_contents.extend(tensor.contents.fp32_contents)
            tensor.contents.ClearField("fp32_contents")


@fault("grpc.contents.range-refused", **ECHO)
@before(INFER)
def small_integers_wrap(asked: Asked) -> None:
    """Elements out of range keep their low byte."""
    for tensor in asked.message.inputs:
        if tensor.datatype == "UINT8":
            tensor.contents.uint_contents[:] = [value % 256 for value in tensor.contents.uint_contents]


@fault("grpc.contents.length-prefix-refused", **ECHO)
@before(INFER)
def lengths_bring_it_down(asked: Asked) -> None:
    """A length beyond its buffer brings it down."""
    for tensor, raw in zip(asked.message.inputs, asked.message.raw_input_contents, strict=False):
        if tensor.datatype == "BYTES" and raw[:4] == b"\xff\xff\xff\x7f":
            raise Status("INTERNAL")


@fault("grpc.contents.exact-text", "grpc.contents.raw-equals-typed", **ECHO)
@edits(INFER)
def empty_texts_lost(answer: Any, asked: Asked) -> None:
    """Empty raw texts become a space."""
    for place, raw in enumerate(answer.raw_output_contents):
        if answer.outputs[place].datatype == "BYTES":
            answer.raw_output_contents[place] = raw.replace(b"\0\0\0\0", b"\1\0\0\0 ")


@fault("grpc.contents.bytes-raw", model="echo-columns", known=True)
@edits(INFER)
def an_empty_text_is_the_end(answer: Any, asked: Asked) -> None:
    """Of raw texts, those behind an empty one are empty too."""
    for place, raw in enumerate(answer.raw_output_contents):
        before, empty, behind = raw.partition(b"abc\0\0\0\0")
        if empty:
            answer.raw_output_contents[place] = before + empty + b"\2\0\0\0  "[: len(behind)]


@fault("grpc.contents.exact-integers", **ECHO)
@edits(INFER)
def integers_as_doubles(answer: Any, asked: Asked) -> None:
    """INT64 goes through doubles."""
    for output in answer.outputs:
        exact = output.contents.int64_contents
        exact[:] = [min(int(float(value)), 2**63 - 1) for value in exact]


@fault("grpc.contents.exact-floats", **ECHO)
@edits(INFER)
def subnormals_are_zero(answer: Any, asked: Asked) -> None:
    """Subnormal numbers become zero."""
    for output in answer.outputs:
        doubles = output.contents.fp64_contents
        doubles[:] = [0.0 if 0 < abs(value) < 2.0**-1022 else value for value in doubles]


@fault("grpc.contents.exact-specials", **ECHO)
@edits(INFER)
def minus_zero_is_zero(answer: Any, asked: Asked) -> None:
    """-0.0 becomes 0.0."""
    for output in answer.outputs:
        output.contents.fp64_contents[:] = [value + 0.0 for value in output.contents.fp64_contents]


@fault("grpc.contents.exact-specials", **ECHO)
@edits(INFER)
def nan_is_zero(answer: Any, asked: Asked) -> None:
    """NaN becomes 0."""
    for output in answer.outputs:
        singles = output.contents.fp32_contents
        singles[:] = [0.0 if value != value else value for value in singles]


@fault("grpc.contents.exact-booleans", "grpc.contents.raw-equals-typed", **ECHO)
@edits(INFER)
def all_booleans_true(answer: Any, asked: Asked) -> None:
    """Booleans are all true, raw."""
    for place, raw in enumerate(answer.raw_output_contents):
        if answer.outputs[place].datatype == "BOOL":
            answer.raw_output_contents[place] = b"\1" * len(raw)


@fault("grpc.contents.exact-text", **ECHO)
@edits(INFER)
def texts_stripped(answer: Any, asked: Asked) -> None:
    """White space around text is lost."""
    for output in answer.outputs:
        texts = output.contents.bytes_contents
        texts[:] = [text.strip() for text in texts]


@fault("grpc.contents.exact-bytes", **ECHO)
def bytes_are_replaced(asked: Asked) -> Any:
    """What is no UTF-8 becomes question marks."""
    if asked.call == INFER:
        for tensor in asked.message.inputs:
            texts = tensor.contents.bytes_contents
            texts[:] = [text.decode("utf-8", "replace").encode() for text in texts]
    return asked.answer()
