"""Scoring requests that are wrong, and what a server answers to them."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from conformance.asking.invocations import PATH, Invocations
from conformance.transport.exchange import Exchange
from conformance.transport.lost import NoAnswer, TargetDied
from conformance.wire import scoring
from conformance.wire.scoring import CSV, INPUTS, INSTANCES, RECORDS, SPLIT
from conformance.wire.tensors import Row
from spec.tables import DATATYPES

JSON = "application/json"
DEPTH = 500
_OTHER = {SPLIT: RECORDS, RECORDS: SPLIT, INSTANCES: INPUTS, INPUTS: INSTANCES}
NAME = "conformance"  # of a column and of a member that no model has


@dataclass(frozen=True)
class Malformed:
    """A wrong request. ``kind``: what is wrong with it; ``what``: in words."""

    kind: str
    what: str
    body: bytes | None
    media_type: str = JSON
    method: str = "POST"


@dataclass(frozen=True)
class Probe:
    """A wrong request, its answer, and the answer to the good request right after it.

    ``lost``: why one of them has no answer.
    """

    malformed: Malformed
    answer: Exchange | None = None
    after: Exchange | None = None
    lost: NoAnswer | TargetDied | None = None


class Survey:
    """What the scoring endpoint answers to wrong requests. Each is sent once, on first use."""

    def __init__(self, endpoint: Invocations) -> None:
        self.endpoint = endpoint

    @cached_property
    def probes(self) -> list[Probe]:
        """Every wrong request with its answers. Raises TargetDied when the target did not come back."""
        return [self._probe(malformed) for malformed in requests(self.endpoint)]

    def having(self, kind: str) -> list[Probe]:
        """The probes of one kind; none where the model's inputs do not allow it."""
        return [probe for probe in self.probes if probe.malformed.kind == kind]

    def _probe(self, malformed: Malformed) -> Probe:
        answer = None
        try:
            answer = send(self.endpoint, malformed)
            return Probe(malformed, answer, after=self.endpoint.ask(self.endpoint.base_rows))
        except (NoAnswer, TargetDied) as lost:
            if isinstance(lost, TargetDied) and not lost.back:
                raise
            return Probe(malformed, answer, lost=lost)


def send(endpoint: Invocations, malformed: Malformed) -> Exchange:
    """Send a wrong request."""
    headers = {"Content-Type": malformed.media_type} if malformed.media_type else {}
    return endpoint.client.send(malformed.method, PATH, malformed.body, headers)


def requests(endpoint: Invocations) -> Iterator[Malformed]:
    """Wrong requests to an endpoint, made from the good one."""
    good = endpoint.base_body
    text = _written(good)
    yield from _broken(text)
    yield from _formless(good)
    if endpoint.form in _OTHER:
        yield from _two_forms(endpoint.form, good)
    yield from _shapeless()
    if endpoint.table:
        yield from _ragged(endpoint.body(endpoint.base_rows, SPLIT)[SPLIT])
        yield from _ragged_columns(endpoint)
        if endpoint.in_csv:
            yield from _broken_csv(scoring.csv_text(endpoint.specs, endpoint.base_rows))
    yield from _misfits(endpoint)
    yield from _labels(text)


def _written(document: Any) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode()


def _broken(text: bytes) -> Iterator[Malformed]:
    yield Malformed("broken-json", "the body is no JSON", b"{")
    yield Malformed("broken-json", "the body is cut", text[:-1])
    yield Malformed("broken-json", "the body is empty", b"")
    yield Malformed("broken-json", "the body goes on after the JSON", text + b" x")
    for what, body in {
        "an array": b"[%s]" % text,
        "null": b"null",
        "a string": b'"a"',
        "a number": b"7",
    }.items():
        yield Malformed("not-object", f"the body is {what}", body)
    broken_text = text[:-1] + b', "%s": "\xff"}' % NAME.encode()
    yield Malformed("not-utf8", "the body is not UTF-8", broken_text)
    deep = b'{"inputs": %s%s}' % (b"[" * DEPTH, b"]" * DEPTH)
    yield Malformed("deep", f"the inputs are {DEPTH} arrays deep", deep)


def _formless(good: dict[str, Any]) -> Iterator[Malformed]:
    yield Malformed("no-form", "the object is empty", b"{}")
    yield Malformed("no-form", "the data are under another name", _written({NAME: next(iter(good.values()))}))
    yield Malformed("no-form", "there are params only", _written({"params": {}}))


def _two_forms(form: str, good: dict[str, Any]) -> Iterator[Malformed]:
    other = _OTHER[form]
    both = {form: good[form], other: {"columns": [], "data": []} if other == SPLIT else []}
    yield Malformed("two-forms", f"{form} and {other} are both there", _written(both))


def _shapeless() -> Iterator[Malformed]:
    for what, body in {
        "the split is an array": {SPLIT: [[1]]},
        "the split is a string": {SPLIT: "a"},
        "the split is null": {SPLIT: None},
        "the split has no data": {SPLIT: {"columns": ["a"]}},
        "the data of the split are a string": {SPLIT: {"columns": ["a"], "data": "a"}},
        "the records are an object": {RECORDS: {"a": 1}},
        "the records are a number": {RECORDS: 1},
    }.items():
        yield Malformed("form-shape", what, _written(body))


def _ragged(split: dict[str, Any]) -> Iterator[Malformed]:
    (row,) = split["data"]
    yield Malformed("ragged-rows", "a row is short", _written({SPLIT: split | {"data": [row[:-1]]}}))
    yield Malformed(
        "ragged-rows", "a row is long", _written({SPLIT: split | {"data": [row, [*row, row[0]]]}})
    )
    yield Malformed("split-member", "the split has a member of its own", _written({SPLIT: split | {NAME: 1}}))


def _ragged_columns(endpoint: Invocations) -> Iterator[Malformed]:
    if INPUTS in endpoint.forms and len(endpoint.specs) > 1 and endpoint.model.batched:
        columns = endpoint.body([*endpoint.base_rows] * 3, INPUTS)[INPUTS]
        columns[endpoint.specs[-1].name].pop()
        yield Malformed("ragged-rows", "a column of the inputs is short", _written({INPUTS: columns}))


def _broken_csv(text: str) -> Iterator[Malformed]:
    line = text.splitlines()[-1]
    yield Malformed("broken-csv", "the CSV is empty", b"", CSV)
    yield Malformed("broken-csv", "a line of the CSV is long", f"{text}{line},{line}\n".encode(), CSV)


def _misfits(endpoint: Invocations) -> Iterator[Malformed]:
    if not scoring.unnamed(endpoint.specs):
        form = SPLIT if endpoint.table else INPUTS
        foreign = {"columns": [NAME], "data": [[1]]} if endpoint.table else {NAME: [[1]]}
        yield Malformed("missing-column", "none of the columns is there", _written({form: foreign}))
    numeric = [s.name for s in endpoint.specs if _is_number(s.datatype)]
    for name in numeric[:1]:
        (row,) = endpoint.base_rows
        changed: Row = {**row, name: [NAME, *row[name][1:]]}
        what = f"an element of {name!r} is a word"
        yield Malformed("wrong-type", what, _written(endpoint.body([changed])))
        for form in endpoint.forms if endpoint.model.batched else ():
            body = endpoint.body([row, changed], form)
            yield Malformed("wrong-type", f"{what} in the last of two rows, as {form}", _written(body))


def _is_number(datatype: str) -> bool:
    return datatype in DATATYPES and DATATYPES[datatype].element in ("integer", "number")


def _labels(text: bytes) -> Iterator[Malformed]:
    for media_type in ("text/plain", "application/xml", "application/x-www-form-urlencoded"):
        yield Malformed("media-type", f"the body is labelled {media_type}", text, media_type)
    yield Malformed("no-media-type", "the body has no label", text, "")
    yield Malformed("charset", "the charset is Latin 1", text, f"{JSON}; charset=iso-8859-1")
    parameter = f"{JSON}; format=pandas-split"
    yield Malformed("media-type-parameter", "the media type has a parameter of MLflow 1", text, parameter)
    yield Malformed("method", "GET brings no request", None, "", "GET")
