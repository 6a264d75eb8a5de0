"""POST /invocations for one model: a request that it accepts, and how to ask it in every form."""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property, partial
from typing import Any

from hypothesis import strategies as st

from conformance.asking import strategies
from conformance.asking.rest import RestModel
from conformance.asking.trial import Trial, is_deterministic, most_rows, tried
from conformance.transport.exchange import Exchange
from conformance.transport.http import Client
from conformance.transport.lost import NoAnswer
from conformance.wire import predictions as reading
from conformance.wire import scoring
from conformance.wire.scoring import SPLIT
from conformance.wire.tensors import TOLERANCE, Row, TensorSpec

PATH = "/invocations"
AS_GIVEN = "the form of the sample"


@dataclass(eq=False)
class Invocations:
    """The scoring endpoint in front of ``model``.

    ``form``: the first form in which it accepts ``base_rows``; both are known once ``base`` was asked for.
    """

    model: RestModel
    form: str = field(default="", init=False)
    base_rows: Sequence[Row] = field(default_factory=list, init=False)

    @property
    def client(self) -> Client:
        """The client of the model."""
        return self.model.client

    @property
    def opaque(self) -> bool:
        """Whether all that is known is a request that has no rows, such as one to a language model."""
        return self.model.scored is not None and self.model.sample is None

    @property
    def specs(self) -> list[TensorSpec]:
        """The inputs of the model, as far as they are known."""
        return [] if self.opaque else self.model.inputs

    @cached_property
    def table(self) -> bool:
        """Whether the inputs are the columns of a table."""
        return not self.opaque and scoring.is_table(self.specs, self.model.content_type)

    @cached_property
    def in_csv(self) -> bool:
        """Whether CSV and Parquet can carry the same requests: the columns, and no params."""
        return self.table and scoring.in_csv(self.specs) and not self._params

    @property
    def _params(self) -> dict[str, Any]:
        """The params of the request given, which all others have too."""
        return (self.model.scored or {}).get("params") or {}

    @cached_property
    def forms(self) -> tuple[str, ...]:
        """The forms that can carry this model's inputs."""
        if self.opaque:
            return (AS_GIVEN,)
        if scoring.is_positional(self.model.scored):
            return (SPLIT,)
        return scoring.forms(self.specs, self.model.content_type)

    @property
    def width(self) -> int:
        """How many elements a row has, in the request and in the answer to the good one."""
        return sum(spec.row_size for spec in self.specs) + len(list(reading.leaves(self.good.json)))

    @cached_property
    def datatype(self) -> str:
        """The datatype by whose precision predictions are compared: the least precise of the outputs.

        Where no outputs are declared, predictions that FP32 can hold are taken for such.
        """
        floats = [spec.datatype for spec in self.model.outputs if spec.datatype in TOLERANCE]
        if self.model.outputs or self.base is None:
            return max(floats, key=TOLERANCE.__getitem__, default="FP64")
        numbers = [value for _, value in reading.leaves(self.base.json) if isinstance(value, float)]
        return "FP32" if all(map(_is_fp32, numbers)) else "FP64"

    # Requests

    def body(self, rows: Sequence[Row], form: str = "", **members: Any) -> dict[str, Any]:
        """The scoring request for ``rows``, with further members (params)."""
        given = self.model.scored or {}
        if self.opaque:
            return given | members
        params = members.get("params", {})
        if self._params and isinstance(params, dict):
            members["params"] = self._params | params
        body = scoring.body(form or self.form, self.specs, rows, table=self.table)
        if scoring.is_positional(given) and SPLIT in body:
            del body[SPLIT]["columns"]
        return body | members

    def post(self, body: Any, headers: Mapping[str, str] | None = None) -> Exchange:
        """POST a scoring request (parsed JSON)."""
        if self._params and isinstance(body, dict):
            body = {"params": self._params} | body
        return self.client.post_json(PATH, body, headers)

    def post_bytes(self, body: bytes, media_type: str) -> Exchange:
        """POST a body as it is."""
        return self.client.send("POST", PATH, body, {"Content-Type": media_type} if media_type else {})

    def ask(self, rows: Sequence[Row], form: str = "", **members: Any) -> Exchange:
        """POST the scoring request for ``rows``."""
        return self.post(self.body(rows, form, **members))

    @property
    def base_body(self) -> dict[str, Any]:
        """The request behind ``base``: one row."""
        return self.body(self.base_rows)

    # One request that is known to be good

    @cached_property
    def base(self) -> Exchange | None:
        """The answer to the first of the candidate rows that is accepted in some form; None without any."""
        for rows in [[{}]] if self.opaque else self.model.candidates():
            for form in self.forms:
                answer = self._try(rows[:1], form)
                if answer is not None:
                    self.form, self.base_rows = form, rows[:1]
                    return answer
        return None

    @property
    def good(self) -> Exchange:
        """The answer to the good request, which there must be."""
        assert self.base is not None
        return self.base

    def _try(self, rows: Sequence[Row], form: str) -> Exchange | None:
        try:
            answer = self.ask(rows, form)
        except NoAnswer:
            return None
        return answer if answer.status == 200 else None

    @cached_property
    def deterministic(self) -> bool:
        """Whether the good request has one answer, and a batch of it, in which chance shows sooner."""
        if self.base is None:
            return False
        text = any(isinstance(value, str) for _, value in reading.leaves(self.base.json))
        batched = not self.opaque and self.model.batched
        return is_deterministic(self.base_rows, self.ask, self.difference, batched=batched, text=text)

    @property
    def batched(self) -> bool:
        """Whether it predicts rows, any number of them, each for itself."""
        rows = self.model.rows_alone and all(spec.batched for spec in self.model.outputs)
        if self.opaque or self.base is None or self.limit == 1 or not rows:
            return False
        return reading.rows_of(predictions(self.base), 1) is not None

    def difference(self, one: Exchange, two: Exchange) -> str:
        """The first difference between the predictions of two answers; empty when they agree."""
        return reading.difference(predictions(one), predictions(two), self.datatype)

    def told(self, answer: Exchange) -> str:
        """What an answer is worth beside the one to the good request."""
        if answer.status != 200:
            return str(answer.status)
        return "another prediction" if self.difference(self.good, answer) else "the same prediction"

    # What Hypothesis draws for it

    @cached_property
    def trial(self) -> Trial:
        """What it makes of rows of all sorts that fit the inputs."""
        if self.model.sample is not None or self.opaque or self.base is None:
            return Trial()
        return tried([*self.base_rows, *self.model.probes], lambda row: self.ask([row]))

    @cached_property
    def limit(self) -> int:
        """How many rows it takes at once, as far as the tests of small batches go."""
        return most_rows(self.base_rows, self.ask, self.width) if self.model.batched else 1

    def rows(
        self, minimum: int = 1, maximum: int = 4, *, portable: bool = False
    ) -> st.SearchStrategy[list[Row]]:
        """Rows that the model should accept; one where its inputs are not batched.

        portable: rows that mean the same in every form. MLflow decodes base64 in tables alone, and its
        arrays of text end at the last character that is not NUL.
        """
        if self.opaque:
            return st.just([{}])
        most = self.limit if self.base is not None else 1
        return st.lists(self._drawn[portable], min_size=min(minimum, most), max_size=min(maximum, most))

    @cached_property
    def _drawn(self) -> dict[bool, st.SearchStrategy[Row]]:
        """A row as it is sent, by whether it is portable."""
        domain = self.trial.domain
        row = strategies.recombined(domain, self.specs) if domain else self.model.row(self.base_rows)
        return {portable: row.map(partial(self.written, portable=portable)) for portable in (False, True)}

    def written(self, row: Row, *, portable: bool = False) -> Row:
        """The row as it is sent: one format of datetimes; ``portable`` as for ``rows``."""
        simple = portable or not self.table
        return {spec.name: [_element(spec, e, simple) for e in row[spec.name]] for spec in self.specs}


def predictions(answer: Exchange) -> Any:
    """The member ``predictions`` of an answer; None when there is none."""
    return answer.json.get("predictions") if isinstance(answer.json, dict) else None


def _element(spec: TensorSpec, element: Any, simple: bool) -> Any:
    if not isinstance(element, str):
        return element
    if spec.content_type == "datetime":
        return _with_fraction(element)
    if not simple:
        return element
    return "" if spec.content_type == "base64" else element.replace("\0", "")


def _with_fraction(text: str) -> str:
    """A moment with microseconds, all in one format: pandas reads a column in that of its first value."""
    try:
        return datetime.fromisoformat(text).isoformat(timespec="microseconds")
    except ValueError:
        return text


def _is_fp32(number: float) -> bool:
    try:
        return bool(struct.unpack("f", struct.pack("f", number))[0] == number)
    except OverflowError:
        return False
