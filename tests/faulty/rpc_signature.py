"""gRPC servers beside the MLflow model itself, which the suite is given as the oracle."""

from typing import Any

import numpy as np

from tests.faulty.rpc import INFER, METADATA, Asked, Status, before, edits, fault, first_of, permitted


@fault("signature.predictions.equal", oracle=True)
@edits(INFER)
def predictions_a_little_off(answer: Any, asked: Asked) -> None:
    """Predictions are not those of the model."""
    if answer.raw_output_contents:
        answer.raw_output_contents[0] = (np.frombuffer(answer.raw_output_contents[0]) + 0.001).tobytes()
    for place in range(len(first_of(answer))):
        first_of(answer)[place] += 0.001


@fault("signature.metadata.input-names", oracle=True)
def an_input_renamed(asked: Asked) -> Any:
    """An input has another name than in the signature, in metadata and requests."""
    if asked.call == INFER:
        names = [tensor.name for tensor in asked.message.inputs]
        if "pH" in names:
            raise Status("INVALID_ARGUMENT", "there is no input pH")
        for tensor in asked.message.inputs:
            tensor.name = "pH" if tensor.name == "acidity" else tensor.name
    answer = asked.answer()
    if asked.call == METADATA:
        for tensor in answer.inputs:
            tensor.name = "acidity" if tensor.name == "pH" else tensor.name
    return answer


@fault("signature.metadata.order", oracle=True)
@edits(METADATA)
def inputs_turned(answer: Any, asked: Asked) -> None:
    """Metadata have the inputs in another order."""
    turned = list(answer.inputs)[::-1]
    del answer.inputs[:]
    answer.inputs.extend(turned)


@fault("signature.predictions.params", "signature.predictions.params-invalid", model="params", oracle=True)
@before(INFER)
def parameters_dropped(asked: Asked) -> None:
    """Parameters do not reach the model."""
    asked.message.parameters.clear()


@fault("signature.predictions.optional-absent", model="optional-columns", oracle=True)
@before(INFER)
def optional_inputs_demanded(asked: Asked) -> None:
    """An optional input is demanded."""
    if len(asked.message.inputs) < 2:
        raise Status("INVALID_ARGUMENT", "an input is missing")


@permitted(oracle=True)
def as_it_is(asked: Asked) -> Any:
    """The reference server."""
    return asked.answer()


@permitted(model="text", oracle=True)
def text_as_it_is(asked: Asked) -> Any:
    """The reference server, with a column of text."""
    return asked.answer()


@permitted(model="optional-columns", oracle=True)
def optional_as_it_is(asked: Asked) -> Any:
    """The reference server, with optional columns."""
    return asked.answer()


@permitted(model="multi-output", oracle=True)
def outputs_as_they_are(asked: Asked) -> Any:
    """The reference server, with several outputs."""
    return asked.answer()


@permitted(model="tensors", oracle=True)
def tensors_as_they_are(asked: Asked) -> Any:
    """The reference server, with tensors."""
    return asked.answer()
