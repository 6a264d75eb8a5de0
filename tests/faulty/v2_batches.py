"""Faults that show in batches of some sizes."""

from tests.faulty.vocabulary import INFER, at, error, fault, inputs_of
from tests.faulty.wire import Ask, Request, Response


def _size(request: Request) -> int:
    """The number of rows of a good request."""
    return int(inputs_of(request)[0]["shape"][0])


@fault("v2.data.batch-is-rows")
@at(INFER)
def small_blocks_repeated(request: Request, ask: Ask) -> Response:
    """Above 64 rows a batch is refused; from 17 on, its first 16 predictions are repeated."""
    response = ask(request)
    if response.status != 200 or _size(request) <= 16:
        return response
    if _size(request) > 64:
        return error(413, "at most 64 rows")
    answer = response.json
    for output in answer["outputs"]:
        output["data"] = [output["data"][i % 16] for i in range(_size(request))]
    return response.with_json(answer)


@fault("v2.data.batch-is-rows")
@at(INFER)
def full_blocks_break(request: Request, ask: Ask) -> Response:
    """A batch of 32 rows or a multiple leaves an empty block, which is a failure of the server."""
    response = ask(request)
    full = response.status == 200 and _size(request) and _size(request) % 32 == 0
    return error(500, "empty block") if full else response


@fault("v2.data.large-batch")
@at(INFER)
def large_bodies_break(request: Request, ask: Ask) -> Response:
    """A body of more than 128 kB is a failure of the server."""
    response = ask(request)
    return error(500, "too large") if len(request.body) > 2**17 else response
