"""One look at a model: every malformed request sent once, each followed by the good one."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from conformance.asking.declared import specs
from conformance.asking.neighbours import moved
from conformance.asking.rest import RestModel
from conformance.mistakes.inference import Good, Malformed, is_numeric, requests
from conformance.transport.answer import Answer
from conformance.transport.exchange import Exchange
from conformance.transport.lost import NoAnswer, TargetDied
from conformance.wire import tensors
from conformance.wire.tensors import Outputs

_FOLLOW_SECONDS = 5.0  # for all good requests that follow: a slow model is asked less often
_LOOKED_AT = 12  # inputs of which one is sought that tells

Outcome = Literal["lost", "refused", "silent", "good", "other"]


@dataclass(frozen=True)
class Probe:
    """A malformed request, its answer, and the answer to the good request right after it.

    lost: why there is no answer. after: None when the good request was not sent, or not answered.
    """

    malformed: Malformed
    answer: Exchange | None
    lost: NoAnswer | TargetDied | None = None
    after: Answer | None = None
    after_lost: NoAnswer | TargetDied | None = None


class Survey:
    """What a model answers to malformed requests. The requests are sent on first use."""

    def __init__(self, model: RestModel) -> None:
        self.model = model
        self.base = model.infer(model.base_body)

    @cached_property
    def good(self) -> Good:
        """The good request."""
        model, focus = self.model, self._telling()
        declared = {s.name: s.shape for s in specs(model.described.get("inputs"))}
        shape = declared.get(model.base_body["inputs"][focus]["name"], ())
        two = model.body([*model.base_rows] * 2) if model.batched else None
        return Good(
            one=model.base_body,
            two=two,
            focus=focus,
            output=next(iter(self.base.outputs), ""),
            declared=bool(model.described.get("inputs")),
            fixed=len(shape) > 1 and shape[-1] > 0,
            columns=model.content_type == "pd",
        )

    def _telling(self) -> int:
        """An input on which the prediction depends, so that a spoiled value shows; of numbers if it can be.

        The first when no input tells.
        """
        inputs = self.model.base_body["inputs"]
        for index in sorted(range(len(inputs)), key=lambda i: not is_numeric(inputs[i]))[:_LOOKED_AT]:
            body = self.model.base_body
            body["inputs"][index]["data"] = [moved(e) for e in inputs[index]["data"]]
            answer = self.model.infer(body)
            if answer.answered and tensors.difference(self.base.outputs, answer.outputs):
                return index
        return 0

    @cached_property
    def expected(self) -> dict[int, Outputs]:
        """The outputs of the good answer for one row, and for that row twice."""
        two = self.model.infer(self.good.two).outputs if self.good.two else {}
        return {1: self.base.outputs, 2: two}

    @cached_property
    def probes(self) -> list[Probe]:
        """Every malformed request with its answers. Raises TargetDied when the target did not come back."""
        return list(self._sent())

    def _sent(self) -> Iterator[Probe]:
        left = _FOLLOW_SECONDS
        for malformed in requests(self.good):
            try:
                answer = self.send(malformed)
            except (NoAnswer, TargetDied) as lost:
                if isinstance(lost, TargetDied) and not lost.back:
                    raise
                yield Probe(malformed, None, lost)
                continue
            started = time.monotonic()
            try:
                after = self.model.infer(self.good.one) if left > 0 else None
                yield Probe(malformed, answer, after=after)
            except (NoAnswer, TargetDied) as lost:
                yield Probe(malformed, answer, after_lost=lost)
            left -= time.monotonic() - started

    def send(self, malformed: Malformed) -> Exchange:
        """Send a malformed request."""
        return self.model.post(malformed.body)

    @property
    def answered(self) -> list[tuple[Probe, Exchange]]:
        """The probes that have an answer, with it."""
        return [(probe, probe.answer) for probe in self.probes if probe.answer is not None]

    def outcome(self, probe: Probe) -> Outcome:
        """What came of a probe.

        refused: an error status. silent: neither an error status nor an output. good: the prediction of the
        good request. other: another prediction.
        """
        if probe.answer is None:
            return "lost"
        if probe.answer.status >= 400:
            return "refused"
        prediction = tensors.outputs_by_name(_read(probe.answer))
        none = not self.base.outputs and _has_no_outputs(probe.answer)  # nor has the good answer
        if probe.answer.status != 200 or not (prediction or none):
            return "silent"
        if probe.malformed.invents:
            return "other"
        different = tensors.difference(self.expected[probe.malformed.rows], prediction)
        return "other" if self.model.deterministic and different else "good"

    def having(self, kind: str) -> list[Probe]:
        """The probes of one kind."""
        return [probe for probe in self.probes if probe.malformed.kind == kind]


def _has_no_outputs(answer: Exchange) -> bool:
    """Whether an answer says that the model has no outputs."""
    body = _read(answer)
    return isinstance(body, dict) and body.get("outputs") == []


def _read(answer: Exchange) -> Any:
    """The body as JSON, with what is no UTF-8 replaced: a malformed id may have come back as it was sent."""
    try:
        return json.loads(answer.response.body.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None
