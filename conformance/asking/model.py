"""One model of the target: what its metadata says, one request that it accepts, and how to ask it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from hypothesis import strategies as st

from conformance.asking import strategies
from conformance.asking.declared import sized, specs, specs_of_sample
from conformance.asking.guesses import GUESSES, PROBES, filled
from conformance.asking.trial import BATCHES, Trial, is_deterministic, most_rows, recombinations, tried
from conformance.checks.skips import untested
from conformance.transport.answer import Answer, Transport
from conformance.transport.lost import NoAnswer, Unsaid
from conformance.wire import tensors
from conformance.wire.tensors import Row, TensorSpec
from spec.tables import DATATYPES

_PATIENCE = 50  # refusals


@dataclass(eq=False)
class Model:
    """A model under test.

    sample: an inference request that the user gave as valid; what is drawn stays close to it. rows_alone: the
    prediction for a row does not depend on the other rows of its batch. known: an inference request with a
    known answer. version: of which all is asked, where no other is named; empty: the server chooses. scored:
    the sample as a scoring request, where it was given as one.
    """

    transport: Transport
    name: str
    sample: dict[str, Any] | None = None
    rows_alone: bool = True
    known: dict[str, Any] | None = None
    version: str = ""
    scored: dict[str, Any] | None = None

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        # Hypothesis prints the arguments of a test that fails; as a dataclass this one is too long for it.
        printer.text(f"Model({self.name!r})")

    @cached_property
    def metadata(self) -> Answer:
        """The answer to the model metadata request."""
        return self.transport.metadata(self.name, self.version)

    @property
    def described(self) -> Mapping[str, Any]:
        """The model metadata; empty when the answer is none."""
        return self.metadata.message if self.metadata.answered else {}

    @cached_property
    def inputs(self) -> list[TensorSpec]:
        """The inputs that metadata declares; those of the request given when it declares none, or datatypes
        that are none.

        Variable inner dimensions are those of the request given.
        """
        given = (self.sample or self.known or {"inputs": []})["inputs"]
        declared = specs(self.described.get("inputs"))
        readable = declared and (not given or all(spec.datatype in DATATYPES for spec in declared))
        return sized(declared, given) if readable else specs_of_sample(given)

    @cached_property
    def outputs(self) -> list[TensorSpec]:
        """The outputs that metadata declares."""
        return specs(self.described.get("outputs"))

    @property
    def content_type(self) -> str:
        """MLServer's request-level content type, where metadata gives one."""
        parameters = self.described.get("parameters")
        return str(parameters.get("content_type") or "") if isinstance(parameters, dict) else ""

    @property
    def versions(self) -> list[str]:
        """The versions that metadata lists."""
        listed = self.described.get("versions")
        return [v for v in listed if isinstance(v, str)] if isinstance(listed, list) else []

    @property
    def batched(self) -> bool:
        """Whether every input takes any number of rows."""
        return bool(self.inputs) and all(spec.batched for spec in self.inputs)

    @property
    def row_wise(self) -> bool:
        """Whether a batch has the predictions of its rows, as far as can be known.

        It has not where an output is declared without rows, or one row is answered with none or with several.
        """
        declared = all(spec.batched for spec in self.outputs)
        return self.rows_alone and declared and (self.base is None or _has_one_row(self.base.outputs))

    @property
    def width(self) -> int:
        """How many elements a row has, in the request and in the answer to the good one."""
        outputs = self.base.outputs.values() if self.base else []
        answered = [len(tensors.flat(output.get("data"))) for output in outputs]
        return max(sum(answered) + sum(spec.row_size for spec in self.inputs), 1)

    @property
    def published(self) -> list[str]:
        """Its name and those of its tensors, which metadata tells to everybody."""
        return [self.name, *(spec.name for spec in [*self.inputs, *self.outputs])]

    def spec(self, name: str) -> TensorSpec | None:
        """The declared output called ``name``."""
        return next((spec for spec in self.outputs if spec.name == name), None)

    def fits(self, request: Mapping[str, Any]) -> bool:
        """Whether each input of a request is one that the metadata declares: name, datatype and shape."""
        declared = {spec.name: spec for spec in specs(self.described.get("inputs")) or self.inputs}
        return all(
            (spec := declared.get(tensor["name"])) is not None
            and tensor["datatype"] == spec.datatype
            and tensors.unifies(tensor["shape"], spec.shape)
            for tensor in request["inputs"]
        )

    # Requests

    def body(self, rows: Sequence[Row], *, nested: bool = False, **members: Any) -> dict[str, Any]:
        """The inference request for ``rows``, with further members (id, outputs, parameters)."""
        body = tensors.request(self.inputs, rows, nested=nested) | self.always
        if self.sample is not None:
            given = {t["name"]: t for t in self.sample["inputs"]}
            for tensor in body["inputs"]:
                tensor |= {k: v for k, v in given.get(tensor["name"], {}).items() if k == "parameters"}
        always = (self.sample or {}).get("parameters")
        if always:  # beside those of the test: a stateful model needs its sequence_id in every request
            members["parameters"] = always | members.get("parameters", {})
        return body | members

    def infer(self, body: Mapping[str, Any], version: str = "") -> Answer:
        """The answer to an inference request, of the model's own version where none is named."""
        return self.transport.infer(self.name, version or self.version, body)

    def together(self, bodies: Sequence[Mapping[str, Any]]) -> list[Answer]:
        """The answers to inference requests that it has at the same time."""
        return self.transport.together(self.name, self.version, bodies)

    def predict(self, rows: Sequence[Row], **members: Any) -> Answer:
        """The answer to the inference request for ``rows``.

        Gives the test up when most requests that fit the metadata are refused: Hypothesis would try long.
        """
        answer = self.infer(self.body(rows, **members))
        self.accepted += answer.answered
        self.refused += not answer.answered
        if self.refused > _PATIENCE + 3 * self.accepted:
            untested(f"{self.name} refuses most of what fits its metadata: give a request with --sample FILE")
        return answer

    # One request that is known to be good

    @cached_property
    def base(self) -> Answer | None:
        """The answer to the first of the candidate rows that the model accepts; None when it takes none."""
        return self.first_accepted()

    def first_accepted(self) -> Answer | None:
        """As ``base``, asked anew.

        Where it takes none as they are, all requests have an id from now on: some servers need one.
        """
        for self.always in ({}, {"id": "conformance"}):
            for rows in self.candidates():
                try:
                    answer = self.predict(rows)
                except (NoAnswer, Unsaid):
                    continue
                if answer.answered:
                    self.base_rows = rows[:1]
                    return answer if len(rows) == 1 else self._with_one_row(rows)
                self.refusal = answer
                if answer.failed:
                    self.failures.append((self.body(rows), answer))
        self.always = {}
        return None

    def _with_one_row(self, rows: Sequence[Row]) -> Answer:
        """The answer to the first of rows that are accepted together.

        Where it is refused alone, they are one tensor that can't be cut, and no batch.
        """
        answer = self.predict(rows[:1])
        if not answer.answered:
            self.inputs = [replace(s, shape=(len(rows), *s.row_shape)) for s in self.inputs]
            self.base_rows = [{s.name: [e for row in rows for e in row[s.name]] for s in self.inputs}]
            answer = self.predict(self.base_rows)
        return answer

    accepted: int = field(default=0, init=False)
    refused: int = field(default=0, init=False)
    base_rows: Sequence[Row] = field(default_factory=list, init=False)
    always: dict[str, Any] = field(default_factory=dict, init=False)  # members of every request
    refusal: Answer | None = field(default=None, init=False)  # of the last of the candidate rows
    # Requests that failed before one was accepted, and how.
    failures: list[tuple[dict[str, Any], Answer]] = field(default_factory=list, init=False)

    def candidates(self) -> Iterable[Sequence[Row]]:
        """Rows that the model may accept: those given, then guesses."""
        if not self.inputs:
            return
        yield from filter(None, map(self._given, (self.sample, self.known)))
        for guess in GUESSES:
            yield [filled(self.inputs, guess)]

    def _given(self, request: Mapping[str, Any] | None) -> list[dict[str, list[Any]]]:
        """The rows of a request that was given; none when it lacks an input or has no rows."""
        try:
            rows = tensors.rows_of(request["inputs"], self.inputs) if request else []
        except ValueError:
            return []
        return [row for row in rows if len(row) == len(self.inputs)]

    @cached_property
    def limit(self) -> int:
        """How many rows it takes at once, as far as the tests of small batches go.

        A server may limit the batch.
        """
        if self.base is None or not self.batched:
            return BATCHES[0] if self.batched else 1
        return most_rows(self.base_rows, self.predict, self.width)

    @cached_property
    def trial(self) -> Trial:
        """What it makes of rows of all sorts that fit the metadata."""
        if self.sample is not None or self._structured or self.base is None:
            return Trial()
        return tried(self.probes, lambda row: self.predict([row]))

    @property
    def probes(self) -> list[Row]:
        """Rows that fit the metadata, of which a model with a narrower domain refuses some."""
        return [*self.base_rows, *(filled(self.inputs, guess) for guess in [*GUESSES, *PROBES])]

    @property
    def base_body(self) -> dict[str, Any]:
        """The request behind ``base``: one row."""
        return self.body(self.base_rows)

    @cached_property
    def deterministic(self) -> bool:
        """Whether the good request has one answer, and a batch of it, in which chance shows sooner."""
        return self.base is not None and is_deterministic(
            self.base_rows,
            self.predict,
            lambda one, two: tensors.difference(one.outputs, two.outputs),
            batched=self.batched,
            text=any(o.get("datatype") == "BYTES" for o in self.base.outputs.values()),
        )

    # What Hypothesis draws for it

    def row(self, base_rows: Sequence[Row] = ()) -> st.SearchStrategy[Row]:
        """A row that the model should accept. ``base_rows``: rows that it does accept."""
        domain = self.trial.domain
        if self.sample is None and not self._structured and not domain:
            return strategies.row(self.inputs)
        rows = domain or self._given(self.sample or self.known) or base_rows or self.base_rows
        return strategies.recombined(rows, self.inputs) if self._movable else st.sampled_from(rows)

    @cached_property
    def _movable(self) -> bool:
        """Whether the rows of a sample are accepted with their columns mixed and numbers moved."""
        if self.sample is None or self.base is None:
            return True
        others = recombinations(self._given(self.sample), self.inputs)
        return all(answer.answered for _, answer in tried(others, lambda row: self.predict([row])).answers)

    @property
    def _structured(self) -> bool:
        return any(spec.content_type == "pd_json" for spec in self.inputs)

    def rows(self, minimum: int = 1, maximum: int = 4) -> st.SearchStrategy[list[Row]]:
        """Rows that the model should accept; one where its inputs are not batched."""
        most = self.limit
        return st.lists(self.row(), min_size=min(minimum, most), max_size=min(maximum, most))


def _has_one_row(outputs: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether each output of an answer has one row, as far as its shape can be read."""
    shapes = [output.get("shape") for output in outputs.values()]
    return all(tuple(shape[:1]) == (1,) for shape in shapes if tensors.is_shape(shape))
