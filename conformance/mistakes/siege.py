"""Hostile requests to a model, each followed by the good one, whichever transport carries them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from conformance.asking.model import Model
from conformance.checks.assertions import check, fail
from conformance.checks.skips import untested
from conformance.transport.answer import Answer
from conformance.transport.lost import NoAnswer
from conformance.transport.outcome import Judged
from conformance.wire import tensors
from conformance.wire.tensors import Outputs

M = TypeVar("M", bound=Model)


@dataclass
class Blow:
    """What came of a hostile request. what: it was, for a person. after: the answer to the good one. read:
    whether it is one at all, so that a status can say whose mistake it is."""

    what: str
    answer: Judged | NoAnswer
    after: Answer | NoAnswer
    read: bool = True


class Siege(Generic[M]):
    """Strikes a model, and keeps what came of it. good: a request; usual: the outputs that it has."""

    def __init__(self, model: M, good: Mapping[str, Any], usual: Outputs) -> None:
        self.model, self.good, self._usual = model, good, usual
        self._blows: list[Blow] = []

    def usual(self) -> Answer:
        """The answer to the good request."""
        return self.model.infer(self.good)

    def strike(self, what: str, send: Callable[[], Judged], *, read: bool = True) -> Blow:
        """Send a hostile request, then the good one. Raises TargetDied."""
        blow = Blow(what, _answer(send), _answer(self.usual), read)
        self._blows.append(blow)
        return blow

    @property
    def blows(self) -> Sequence[Blow]:
        """All that was sent so far."""
        if not self._blows:
            untested("looks at what the other tests of this profile sent")
        return self._blows

    def check_stands(self, *blows: Blow) -> None:
        """After each hostile request, the good one has its usual answer."""
        __tracebackhide__ = True
        for blow in blows:
            before = [] if isinstance(blow.answer, NoAnswer) else [blow.answer]
            if isinstance(blow.after, NoAnswer):
                fail(f"the good request after {blow.what} gets no answer", *before, got=str(blow.after))
            self.check_usual(blow.after, f"after {blow.what}", *before)

    def check_usual(self, answer: Answer, when: str, *before: Judged) -> None:
        """The answer to the good request is the usual one, as far as there is one."""
        __tracebackhide__ = True
        wrong = "" if answer.answered else f"status {answer.status}"
        if answer.answered and self.model.deterministic:
            wrong = tensors.difference(self._usual, answer.outputs)
        check(not wrong, f"the good request {when} has not its usual answer", *before, answer, got=wrong)

    def check_answered(self) -> None:
        """Each hostile request so far has an answer. Raises NoAnswer."""
        for blow in self.blows:
            if isinstance(blow.answer, NoAnswer):
                raise NoAnswer(blow.answer.request, f"{blow.what}: {blow.answer}")

    def check_no_failure(self) -> None:
        """No hostile request so far is told as a mistake of the server's."""
        __tracebackhide__ = True
        for blow in self.blows:
            if blow.read and not isinstance(blow.answer, NoAnswer):
                told = f"{blow.what} is told as a server's mistake"
                got = f"status {blow.answer.evidence.status}"
                check(not blow.answer.failed, told, blow.answer, got=got)


def _answer(send: Callable[[], Any]) -> Any:
    try:
        return send()
    except NoAnswer as lost:
        return lost
