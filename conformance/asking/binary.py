"""A model asked with binary tensor data, in its requests or for its answers."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from conformance.asking.inference import output_names
from conformance.asking.rest import RestModel
from conformance.transport import binary
from conformance.transport.answer import Answer
from conformance.transport.binary import read, taken_apart
from conformance.transport.lost import NoAnswer, Unsaid
from conformance.transport.rest import carried
from conformance.transport.together import together as at_once
from conformance.wire.binary import ALL_WANTED, WANTED, Parts, moved

NAME = "binary_tensor_data"  # under extensions


def ask(
    model: RestModel,
    body: Mapping[str, Any],
    inputs: Collection[str] | None = None,
    headers: Mapping[str, str | None] | None = None,
) -> Answer:
    """The answer to a request that has the data of these inputs as bytes; of all, where none are named.

    Raises Unsaid for an element that has no raw form.
    """
    try:
        message, blobs = moved(body, inputs)
    except ValueError as error:
        raise Unsaid(f"bytes can't say the request: {error}") from error
    return send(model, message, blobs, headers)


def send(
    model: RestModel,
    message: Mapping[str, Any] | bytes,
    blobs: Sequence[bytes],
    headers: Mapping[str, str | None] | None = None,
) -> Answer:
    """The answer to a message as it is, and bytes behind it."""
    return binary.send(model.client, model.path("infer"), message, blobs, headers)


def together(model: RestModel, bodies: Sequence[Mapping[str, Any]]) -> list[Answer]:
    """The answers to binary requests that the server has at the same time. Raises NoAnswer."""
    path = model.path("infer")
    asked = [(path, *binary.written_with(*moved(body))) for body in bodies]
    return [read(exchange) for exchange in at_once(model.client, asked)]


def plain(model: RestModel, body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Answer:
    """The answer, which may be binary, to a request in JSON alone."""
    return read(model.post(body, headers))


def for_all(body: Mapping[str, Any], wanted: bool = True) -> dict[str, Any]:
    """The request for all outputs as bytes, or for none."""
    return {**body, "parameters": {**body.get("parameters", {}), ALL_WANTED: wanted}}


def for_each(body: Mapping[str, Any], wanted: Mapping[str, bool | None]) -> dict[str, Any]:
    """The request for these outputs: as bytes, as JSON, or (None) without a word of it."""
    outputs = [
        {"name": name} | ({} if told is None else {"parameters": {WANTED: told}})
        for name, told in wanted.items()
    ]
    return {**body, "outputs": outputs}


def answers(model: RestModel) -> Iterator[tuple[Answer, Parts]]:
    """Good answers with binary outputs that can be taken apart: to one row and to several, for all outputs
    and for each alone. The requests are JSON."""
    for count in sorted({1, min(model.limit, 3)}):
        body = model.body([*model.base_rows] * count)
        named = [for_each(body, {name: True}) for name in output_names(model)]
        for asked in [for_all(body), *named]:
            answer = plain(model, asked)
            found = parts_of(answer)
            if answer.answered and found and any(blob is not None for blob in found.blobs):
                yield answer, found


def parts_of(answer: Answer) -> Parts | None:
    """The parts of an answer; None of one without a header that tells them (binary.response.header)."""
    try:
        return taken_apart(carried(answer))
    except ValueError:
        return None


def there(model: RestModel) -> bool:
    """Whether requests or answers of a model may be binary, as far as a good request is known."""
    return model.base is not None and (takes(model) or gives(model))


def takes(model: RestModel) -> bool:
    """Whether it reads data behind the JSON: a good request is answered, without these bytes it is not."""
    try:
        message, blobs = moved(model.base_body)
        return send(model, message, blobs).answered and not send(model, message, []).answered
    except (ValueError, NoAnswer):
        return False


def gives(model: RestModel) -> bool:
    """Whether an answer is other than JSON where the request asks for that."""
    try:
        answer = carried(plain(model, for_all(model.base_body)))
    except NoAnswer:
        return False
    return answer.answered and answer.json is None
