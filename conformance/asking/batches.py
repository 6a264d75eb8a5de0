"""Batches: their rows, and what a model makes of each row alone."""

import json
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any, TypeVar

from conformance.asking.model import Model
from conformance.asking.neighbours import neighbours
from conformance.checks.assertions import check, check_ok
from conformance.checks.skips import untested
from conformance.transport.answer import Answer
from conformance.transport.outcome import Judged
from conformance.wire import tensors
from conformance.wire.contents import SIZES
from conformance.wire.tensors import Row

T = TypeVar("T")
J = TypeVar("J", bound=Judged)
REQUESTS = 16  # at the same time
ROUNDS = 4  # of such requests: a race that is lost one time in two escapes one time in sixteen
LARGE, VERY_LARGE = 1000, 4100  # rows: beyond the powers of two at which servers cut, where rows are short
BUFFER = 70_000  # bytes
ELEMENTS, MOST = 50_000, 500_000  # of requests and answers: those that are asked for, those that are enough


def check_rows(model: Model, rows: Sequence[Row], batch: Answer) -> None:
    """The batch has the predictions of its rows, each (of equal ones the first) asked for alone."""
    blocks = tensors.split_rows(batch.outputs, [1] * len(rows))
    check(blocks is not None, f"the outputs do not hold one prediction for each of {len(rows)} rows", batch)
    outputs = batch.outputs
    for name, output in outputs.items():
        shape = output.get("shape")
        cut = tensors.is_shape(shape) and shape and shape[0] % len(rows)
        check(not cut, f"the first dimension of {name!r} does not count the rows", batch, got=shape)
    alone = {id(row): model.predict([row]) for row in {id(row): row for row in rows}.values()}
    expected = {row: one.outputs for row, one in alone.items()}
    for name, output in ((n, o) for found in expected.values() for n, o in found.items()):
        if _is_padded(model, output, outputs.get(name, {})):
            untested(f"{name!r} is as wide as the batch needs: the rows of one can't be told apart")
    for position, (row, block) in enumerate(zip(rows, blocks or [], strict=True)):
        for name, output in expected[id(row)].items():
            got, datatype = block.get(name), str(outputs.get(name, {}).get("datatype"))
            if got == output.get("data"):
                continue  # most of very many; equal_data takes longer
            if any(tensors.misfit(datatype.upper(), e) for e in got or []):
                continue  # v2.data.element-types
            same = tensors.equal_data(output.get("data"), got, datatype)
            message = f"row {position} of {len(rows)} has another prediction in the batch ({name!r})"
            check(same, message, batch, alone[id(row)], got=got, expected=output.get("data"))


def check_batches(model: Model) -> None:
    """Batches that differ in their last row, or in the order of their rows, have answers of their own."""
    first, *others = accepted_neighbours(model)
    for other in others[:2] if model.limit > 1 else ():
        for rows in ([first, other], [other, first]):
            checked(model, rows)


def checked(model: Model, rows: Sequence[Row]) -> bool:
    """Whether the batch is answered; then it has the predictions of its rows."""
    batch = model.predict(rows)
    if batch.answered:
        check_rows(model, rows, batch)
    return batch.answered


def _is_padded(model: Model, alone: dict[str, Any], batch: dict[str, Any]) -> bool:
    """Whether an output has other inner dimensions in a batch, and the metadata lets them vary."""
    spec = model.spec(str(alone.get("name")))
    one, all_ = alone.get("shape"), batch.get("shape")
    varies = spec is not None and -1 in spec.shape[1:]
    return varies and tensors.is_shape(one) and tensors.is_shape(all_) and one[1:] != all_[1:]


def cut(rows: Sequence[Row], limit: int) -> list[Sequence[Row]]:
    """The rows in batches of so many at most."""
    return [rows[start : start + limit] for start in range(0, len(rows), limit)]


@cache
def accepted_neighbours(model: Model) -> list[Row]:
    """The good row, which comes first, and those of its neighbours that are accepted alone."""
    rows = neighbours(model.inputs, model.base_rows[0])
    return [row for row in rows if model.predict([row]).answered]


def repeated(model: Model, count: int) -> list[Row]:
    """So many rows: the accepted neighbours, over and over."""
    rows = accepted_neighbours(model)
    return [rows[i % len(rows)] for i in range(count)]


def large_size(model: Model) -> int:
    """How many rows are many, but not too much to send."""
    return min(max(LARGE, min(VERY_LARGE, ELEMENTS // model.width)), max(MOST // model.width, 2))


def bulky_size(model: Model) -> int:
    """How many rows are more than a buffer of 64 KiB holds, as raw bytes of one input."""
    bytes_ = max((SIZES.get(spec.datatype, 1) * spec.row_size for spec in model.inputs), default=1)
    return min(BUFFER // max(bytes_, 1), max(MOST // model.width, 2))


def large_answer(model: Model, rows: Sequence[Row]) -> Answer:
    """The prediction for very many rows. Skips when they are refused: a server may limit the batch."""
    if not model.predict(rows[:2]).answered:
        untested(f"{model.name} refuses two rows that it accepts one at a time: v2.infer.answers")
    answer = model.predict(rows)
    if answer.declined:
        untested(f"{model.name} does not take {len(rows)} rows at once: status {answer.status}")
    check_ok(answer, "a large batch is answered or refused")
    return answer


def apart(rows: Iterable[T], ask: Callable[[T], J], tell: Callable[[J], Any]) -> list[T]:
    """The rows that are accepted, of those with one and the same prediction the first. ``tell``: reads it."""
    found: dict[str, T] = {}
    for row in rows:
        answer = ask(row)
        if answer.answered:
            found.setdefault(json.dumps(tell(answer), sort_keys=True), row)
    return list(found.values())
