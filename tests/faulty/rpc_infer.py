"""Faults of gRPC servers: inference, and the contents of tensors."""

import struct
import time
from typing import Any

import numpy as np

from spec.service import calls
from spec.tables import DATATYPES
from tests.faulty.rpc import INFER, Asked, Status, before, edits, fault, permitted, statuses

ECHO: dict[str, Any] = {"model": "tensors", "echo": True}


def _field(output: Any) -> Any:
    return getattr(output.contents, DATATYPES[output.datatype].contents)


def _to_raw(answer: Any) -> None:
    """Turn typed contents into raw ones."""
    for output in answer.outputs:
        elements = list(_field(output))
        if output.datatype == "BYTES":
            raw = b"".join(struct.pack("<I", len(e)) + e for e in elements)
        else:
            raw = np.array(elements, DATATYPES[output.datatype].numpy).tobytes()
        answer.raw_output_contents.append(raw)
        output.ClearField("contents")


def _first(answer: Any) -> Any:
    return _field(answer.outputs[0])


@fault("grpc.infer.answers")
@before(INFER)
def two_rows_fail(asked: Asked) -> None:
    """More than one row fails."""
    if asked.message.inputs and list(asked.message.inputs[0].shape[:1]) == [2]:
        raise Status("INTERNAL", "no")


@fault("grpc.infer.known-answers", known=True)
@edits(INFER)
def a_digit_off(answer: Any, asked: Asked) -> None:
    """Predictions are off by a thousandth."""
    for output in answer.outputs:
        if output.HasField("contents"):
            _field(output)[:] = [value + 1e-3 for value in _field(output)]
    if answer.raw_output_contents:
        raw = np.frombuffer(answer.raw_output_contents[0], "<f8") + 1e-3
        answer.raw_output_contents[0] = raw.tobytes()


@fault("grpc.infer.model-name")
@edits(INFER)
def another_model_name(answer: Any, asked: Asked) -> None:
    """The answer names the class of the model."""
    answer.model_name = "ElasticNet"


@fault("grpc.infer.model-version", model="versioned")
@edits(INFER)
def always_the_latest(answer: Any, asked: Asked) -> None:
    """The answer names the latest version whatever was asked."""
    answer.model_version = "2"


@fault("grpc.infer.unknown-model")
@before(INFER)
def any_model(asked: Asked) -> None:
    """A model that is not there is answered by another."""
    asked.message.model_name = "wine-classifier"


@fault("grpc.infer.unknown-version")
@before(INFER)
def any_version(asked: Asked) -> None:
    """The version is not looked at."""
    asked.message.model_version = ""


@fault("grpc.infer.unknown-status")
@statuses
def unknown_model_invalid(status: Status, asked: Asked) -> Any:
    """Inference with a model that is not there is INVALID_ARGUMENT."""
    if asked.call == INFER and status.code.name == "NOT_FOUND":
        raise Status("INVALID_ARGUMENT", status.details)
    raise status


@fault("grpc.infer.id-echo")
@edits(INFER)
def id_cut_over_grpc(answer: Any, asked: Asked) -> None:
    """The id is cut after 36 characters."""
    answer.id = answer.id[:36]


@fault("grpc.infer.id-echo")
@edits(INFER)
def id_of_its_own(answer: Any, asked: Asked) -> None:
    """The id is the server's own."""
    answer.id = "1"


@fault("grpc.infer.output-names", "grpc.infer.outputs-subset")
@edits(INFER)
def outputs_by_number(answer: Any, asked: Asked) -> None:
    """Outputs have names of their own."""
    for place, output in enumerate(answer.outputs):
        output.name = f"OUTPUT__{place}"


@fault("grpc.infer.outputs-subset", "grpc.infer.outputs-unknown", model="multi-output")
@before(INFER)
def outputs_not_looked_at(asked: Asked) -> None:
    """Which outputs are asked for is not looked at."""
    del asked.message.outputs[:]


@fault("grpc.infer.outputs-unknown")
@before(INFER)
def unknown_outputs_passed_over(asked: Asked) -> None:
    """An output that is not there is passed over."""
    if [output.name for output in asked.message.outputs] == ["no-such-output"]:
        del asked.message.outputs[:]


@fault("grpc.infer.outputs-data")
@edits(INFER)
def other_data_when_asked_for(answer: Any, asked: Asked) -> None:
    """An output that is asked for has other data."""
    if asked.message.outputs and not asked.message.id:
        _first(answer)[0] += 1


@fault("grpc.infer.output-datatypes")
@edits(INFER)
def datatype_of_the_answer(answer: Any, asked: Asked) -> None:
    """The answer is of another datatype than the metadata says."""
    for output in answer.outputs:
        if output.HasField("contents"):
            elements = list(_field(output))
            output.ClearField("contents")
            output.datatype = "FP32"
            output.contents.fp32_contents.extend(elements)
    if answer.raw_output_contents:
        answer.outputs[0].datatype = "FP32"
        answer.raw_output_contents[0] = (
            np.frombuffer(answer.raw_output_contents[0], "<f8").astype("<f4").tobytes()
        )


@fault("grpc.infer.output-shapes")
@edits(INFER)
def one_dimension_too_many(answer: Any, asked: Asked) -> None:
    """The shape has a dimension more than the metadata says."""
    answer.outputs[0].shape.append(1)


@fault("grpc.infer.output-unique")
@edits(INFER)
def an_output_twice(answer: Any, asked: Asked) -> None:
    """An output stands twice."""
    answer.outputs.append(answer.outputs[0])
    if answer.raw_output_contents:
        answer.raw_output_contents.append(answer.raw_output_contents[0])


@fault("grpc.infer.parameters")
@before(INFER)
def double_parameters_fail(asked: Asked) -> None:
    """A parameter of type double brings it down."""
    if any(p.WhichOneof("parameter_choice") == "double_param" for p in asked.message.parameters.values()):
        raise Status("INTERNAL")


@fault("grpc.infer.parameters")
@before(INFER)
def parameters_of_outputs_fail(asked: Asked) -> None:
    """Parameters of an output bring it down."""
    if any(output.parameters for output in asked.message.outputs):
        raise Status("UNKNOWN")


@fault("grpc.infer.parameters-harmless")
@edits(INFER)
def a_parameter_moves_the_prediction(answer: Any, asked: Asked) -> None:
    """A parameter that nobody defined moves the prediction."""
    if any("conformance_f" in tensor.parameters for tensor in asked.message.inputs):
        _first(answer)[0] += 1


@fault("grpc.infer.parameter-unset")
@before(INFER)
def unset_parameters_fail(asked: Asked) -> None:
    """A parameter without a value brings it down."""
    if any(p.WhichOneof("parameter_choice") is None for p in asked.message.parameters.values()):
        raise Status("INTERNAL")


@fault("grpc.infer.deterministic")
@edits(INFER)
def another_answer_each_time(answer: Any, asked: Asked) -> None:
    """Each answer is another one."""
    asked.memory["count"] = asked.memory.get("count", 0) + 1
    if not answer.raw_output_contents:
        _first(answer)[0] += asked.memory["count"]


@fault("grpc.infer.input-order")
@before(INFER)
def raw_by_name(asked: Asked) -> None:
    """Raw contents are taken in the order of the metadata, whatever that of the inputs is."""
    names = [tensor.name for tensor in asked.message.inputs]
    if asked.message.raw_input_contents and names[:1] == ["alcohol"]:
        del asked.message.raw_input_contents[:]
        raise Status("INVALID_ARGUMENT", "another order")


@fault("grpc.data.batch-is-rows")
@edits(INFER)
def batches_minus_their_mean(answer: Any, asked: Asked) -> None:
    """The predictions of a batch have their mean subtracted."""
    for output in answer.outputs:
        if output.HasField("contents") and len(_field(output)) > 1:
            _field(output)[:] = [
                value - sum(_field(output)) / len(_field(output)) for value in _field(output)
            ]


@fault("grpc.data.stateless")
@edits(INFER)
def the_last_id_is_kept(answer: Any, asked: Asked) -> None:
    """After a request with an id, the next one has its prediction."""
    if answer.raw_output_contents:
        return
    kept = asked.memory.pop("kept", None)
    if asked.message.id == "conformance" and len(_first(answer)) == 1 and not asked.message.outputs:
        asked.memory["kept"] = list(_first(answer))
    elif kept is not None and not asked.message.id and len(_first(answer)) == 1:
        _first(answer)[:] = kept


@fault("grpc.data.zero-rows")
@before(INFER)
def no_rows_fail(asked: Asked) -> None:
    """A batch of no rows brings it down."""
    if asked.message.inputs and 0 in asked.message.inputs[0].shape:
        raise Status("INTERNAL")


@fault("grpc.data.zero-rows")
def no_rows_are_one(asked: Asked) -> Any:
    """A batch of no rows has a prediction."""
    if asked.call == INFER and asked.message.inputs and list(asked.message.inputs[0].shape[:1]) == [0]:
        answer = calls()[INFER].response(model_name=asked.message.model_name)
        answer.outputs.add(name="predict", datatype="FP64", shape=[1, 1]).contents.fp64_contents.append(0.0)
        return answer
    return asked.answer()


@fault("grpc.data.isolation")
def ids_get_mixed_up(asked: Asked) -> Any:
    """Of requests at the same time, one has the id of another."""
    if asked.call != INFER or not asked.message.id.startswith("request-"):
        return asked.answer()
    asked.memory["id"] = asked.message.id
    answer = asked.answer()
    time.sleep(0.002)
    answer.id = asked.memory["id"]
    return answer


# Contents


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
        output.contents.bytes_contents.extend(str(value).encode() for value in _field(output))


@fault("grpc.contents.answer-typed-count")
@edits(INFER)
def an_element_too_many(answer: Any, asked: Asked) -> None:
    """Of several rows, the last element stands twice."""
    if not answer.raw_output_contents and len(_first(answer)) == 3:
        _first(answer).append(_first(answer)[-1])


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
            elements = np.frombuffer(raw[0], "<f8") if raw else np.array(_field(output))
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


@fault("grpc.errors.refused")
@before(INFER)
def the_last_input_wins(asked: Asked) -> None:
    """Of an input that stands twice, one is taken."""
    names = [tensor.name for tensor in asked.message.inputs]
    if len(set(names)) < len(names):
        del asked.message.inputs[-1]


@fault("grpc.errors.refused")
@before(INFER)
def unknown_inputs_renamed(asked: Asked) -> None:
    """An input that is none of the model's is taken by its place."""
    for tensor in asked.message.inputs:
        if tensor.name == "conformance-unknown":
            tensor.name = "fixed acidity"


@fault("grpc.errors.client-status")
@statuses
def huge_shapes_fail(status: Status, asked: Asked) -> Any:
    """A huge shape is INTERNAL."""
    if asked.call == INFER and "4611686018427387904" in status.details:
        raise Status("INTERNAL", status.details)
    raise status


@fault("grpc.parity.predictions", beside=True)
@edits(INFER)
def rounded_over_grpc(answer: Any, asked: Asked) -> None:
    """Predictions are rounded, over gRPC alone."""
    for output in answer.outputs:
        if output.HasField("contents"):
            _field(output)[:] = [round(value) for value in _field(output)]
    if answer.raw_output_contents:
        answer.raw_output_contents[0] = np.round(
            np.frombuffer(answer.raw_output_contents[0], "<f8")
        ).tobytes()


@fault("grpc.parity.refusals", "grpc.infer.outputs-unknown", beside=True)
@before(INFER)
def unknown_outputs_over_grpc(asked: Asked) -> None:
    """An output that is not there is passed over, over gRPC alone."""
    if [output.name for output in asked.message.outputs] in (["no-such-output"], ["conformance-unknown"]):
        del asked.message.outputs[:]


# What is permitted


@permitted()
@edits(INFER)
def always_raw(answer: Any, asked: Asked) -> None:
    """Answers are raw, whatever the request was."""
    if not answer.raw_output_contents:
        _to_raw(answer)


@permitted(model="string-labels")
@edits(INFER)
def texts_always_raw(answer: Any, asked: Asked) -> None:
    """Answers of text are raw, whatever the request was."""
    if not answer.raw_output_contents:
        _to_raw(answer)


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
