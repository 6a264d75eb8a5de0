"""Good requests with inputs of one content type, and what a model that returns its inputs makes of them."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from conformance.asking.model import Model
from conformance.checks.assertions import check, check_ok
from conformance.checks.skips import not_implemented, untested
from conformance.oracles.answers import Known, cases
from conformance.transport.answer import Answer
from conformance.wire import content_types
from spec.tables import CONTENT_TYPES


@dataclass(frozen=True)
class Carrier:
    """A request that should be good. ``names``: its inputs of one content type, which the tests change."""

    model: Model
    body: dict[str, Any]
    names: Sequence[str]

    @property
    def inputs(self) -> list[dict[str, Any]]:
        """The inputs that are called ``names``."""
        return [tensor for tensor in self.body["inputs"] if tensor["name"] in self.names]

    @property
    def foreign(self) -> int:
        """How many other inputs are of BYTES, and may be what a server refuses."""
        return sum(t["datatype"] == "BYTES" for t in self.body["inputs"] if t["name"] not in self.names)

    @cached_property
    def good(self) -> bool:
        """Whether the request is answered."""
        return self.model.infer(self.body).answered

    def with_data(self, data: Mapping[str, Sequence[Any]], **members: Any) -> Answer:
        """The answer when inputs hold other ``data`` (flat), and have other ``members``."""
        changed = {name: {"data": list(values), **members} for name, values in data.items()}
        inputs = [tensor | changed.get(tensor["name"], {}) for tensor in self.body["inputs"]]
        return self.model.infer(self.body | {"inputs": inputs})

    def echoed(self, answer: Answer, name: str) -> dict[str, Any]:
        """The output that returns the input ``name``: by its name, or else by its place."""
        outputs = answer.outputs
        place = [tensor["name"] for tensor in self.body["inputs"]].index(name)
        return outputs.get(name) or dict(enumerate(outputs.values())).get(place, {})

    def check_echo(self, sent: Mapping[str, Sequence[str]], content_type: str) -> None:
        """Elements sent as ``content_type`` come back with the same meaning.

        Elements that can't be read are content-types.readable's finding.
        """
        __tracebackhide__ = True
        answer = self.with_data(sent)
        check_ok(answer, f"the elements are {content_type}")
        for name, elements in sent.items():
            try:
                got = content_types.meanings(self.echoed(answer, name), self.model.outputs)
            except ValueError:
                untested(f"output {name!r} can't be read: see content-types.readable")
            expected = [content_types.meaning(content_type, element) for element in elements]
            same = len(got) == len(expected) and all(map(content_types.same, got, expected))
            check(same, f"{name!r} came back changed", answer, got=repr(got), expected=repr(expected))


def bodies(model: Model, known: Known) -> Iterator[dict[str, Any]]:
    """Requests that the model should accept: those with a known answer, and the first that it accepted."""
    answered = cases(known, model.name, "v2")
    yield from (dict(case.request) for case in answered if case.response is not None)
    if model.base is not None:
        yield model.base_body


def good_answers(model: Model, known: Known) -> Iterator[Answer]:
    """The answers to some of them, where they are good."""
    for _, body in zip(range(6), bodies(model, known), strict=False):
        answer = model.infer(body)
        if answer.answered and answer.message:
            yield answer


def carrier(model: Model, known: Known, content_type: str) -> Carrier:
    """The request with the most inputs of the content type, among those with the fewest other BYTES inputs.

    Its content types are named. Skips when there is none, or when it is refused for another input's sake.
    """
    found = []
    for plain in bodies(model, known):
        body = content_types.explicit(plain, model.inputs, model.content_type)
        names = [t["name"] for t in body["inputs"] if content_types.named(t) == content_type]
        if names and all(math.prod(t["shape"]) for t in body["inputs"]):
            found.append(Carrier(model, body, names))
    if not found:
        not_implemented(f"no good request is known with an input of content type {content_type}")
    best = min(found, key=lambda one: (one.foreign, -len(one.names)))
    if best.foreign and not best.good:
        untested(f"{model.name} refuses a request with a known answer: see v2.infer.known-answers")
    return best


def good_carrier(model: Model, known: Known, content_type: str) -> Carrier:
    """A carrier whose request the model accepts. Skips when it does not."""
    found = carrier(model, known, content_type)
    if not found.good:
        untested(f"{model.name} accepts no request with an input of content type {content_type}")
    return found


def demand_echo(model: Model, known: Known) -> None:
    """Go on only with a model that is known to return its inputs."""
    if model.name not in known or not known[model.name].echo:
        untested("needs a model that returns its inputs: one with echo in --answers PATH")


def echo_carrier(model: Model, known: Known, content_type: str) -> Carrier:
    """A carrier of a model that returns its inputs. Skips when the model is not known to."""
    assert content_type in CONTENT_TYPES
    demand_echo(model, known)
    return carrier(model, known, content_type)
