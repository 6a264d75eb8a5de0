"""Faults of gRPC servers: inference."""

import time
from typing import Any

import numpy as np

from spec.service import calls
from tests.faulty.rpc import (
    INFER,
    Asked,
    Status,
    before,
    edits,
    fault,
    field_of,
    first_of,
    statuses,
)


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
            field_of(output)[:] = [value + 1e-3 for value in field_of(output)]
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
        first_of(answer)[0] += 1


@fault("grpc.infer.output-datatypes")
@edits(INFER)
def datatype_of_the_answer(answer: Any, asked: Asked) -> None:
    """The answer is of another datatype than the metadata says."""
    for output in answer.outputs:
        if output.HasField("contents"):
            elements = list(field_of(output))
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
        first_of(answer)[0] += 1


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
        first_of(answer)[0] += asked.memory["count"]


@fault("grpc.infer.deterministic")
@before(INFER)
def first_call_fails(asked: Asked) -> None:
    """What is loaded with the first inference is not there for it."""
    if asked.memory.setdefault("first", asked.message) is asked.message:
        raise Status("INTERNAL", "the model is not loaded")


@fault("grpc.infer.input-order")
@before(INFER)
def raw_by_name(asked: Asked) -> None:
    """Raw contents are taken in the order of the metadata, whatever that of the inputs is."""
    names = [tensor.name for tensor in asked.message.inputs]
    if asked.message.raw_input_contents and names[:1] == ["alcohol"]:
        del asked.message.raw_input_contents[:]
        raise Status("INVALID_ARGUMENT", "another order")


@fault("grpc.data.batch-is-rows", "grpc.contents.raw-equals-typed")
@edits(INFER)
def batches_minus_their_mean(answer: Any, asked: Asked) -> None:
    """The predictions of a batch have their mean subtracted, where they are typed."""
    for output in answer.outputs:
        if output.HasField("contents") and len(field_of(output)) > 1:
            field_of(output)[:] = [
                value - sum(field_of(output)) / len(field_of(output)) for value in field_of(output)
            ]


@fault("grpc.data.stateless")
@edits(INFER)
def the_last_id_is_kept(answer: Any, asked: Asked) -> None:
    """After a request with an id, the next one has its prediction."""
    if answer.raw_output_contents:
        return
    kept = asked.memory.pop("kept", None)
    if asked.message.id == "conformance" and len(first_of(answer)) == 1 and not asked.message.outputs:
        asked.memory["kept"] = list(first_of(answer))
    elif kept is not None and not asked.message.id and len(first_of(answer)) == 1:
        first_of(answer)[:] = kept


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
            field_of(output)[:] = [round(value) for value in field_of(output)]
    if answer.raw_output_contents:
        answer.raw_output_contents[0] = np.round(
            np.frombuffer(answer.raw_output_contents[0], "<f8")
        ).tobytes()


@fault("grpc.parity.predictions", beside=True)
@before(INFER)
def inputs_in_single_precision_over_grpc(asked: Asked) -> None:
    """Inputs are read in single precision, over gRPC alone."""
    raw = asked.message.raw_input_contents
    for place, tensor in enumerate(asked.message.inputs):
        field = tensor.contents.fp64_contents
        field[:] = np.array(field, "<f4")
        if tensor.datatype == "FP64" and place < len(raw) and not len(raw[place]) % 8:
            raw[place] = np.frombuffer(raw[place], "<f8").astype("<f4").astype("<f8").tobytes()


@fault("grpc.parity.content-types", beside=True)
@before(INFER)
def content_types_refused_over_grpc(asked: Asked) -> None:
    """A request that names its content type is refused, over gRPC alone."""
    if "content_type" in asked.message.parameters:
        raise Status("INVALID_ARGUMENT", "what is content_type?")


@fault("grpc.parity.refusals", "grpc.infer.outputs-unknown", beside=True)
@before(INFER)
def unknown_outputs_over_grpc(asked: Asked) -> None:
    """An output that is not there is passed over, over gRPC alone."""
    if [output.name for output in asked.message.outputs] in (["no-such-output"], ["conformance-unknown"]):
        del asked.message.outputs[:]
