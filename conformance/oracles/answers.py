"""Known answers: requests with the answers that a given model must give, as data."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from conformance.wire import scoring
from spec.validation import violations


@dataclass(frozen=True)
class Case:
    """One request and its answer. ``response`` None: it must be refused with a ``status`` like "4xx"."""

    name: str
    protocol: Literal["v2", "mlflow"]
    request: Any
    response: Any = None
    status: str = "200"
    tolerance: float = 1e-9


@dataclass(frozen=True)
class Answers:
    """The known answers of one model. ``echo``: its outputs are its inputs."""

    model: str
    echo: bool = False
    cases: Sequence[Case] = field(default_factory=tuple)

    def of(self, protocol: str) -> list[Case]:
        """The cases of one protocol."""
        return [case for case in self.cases if case.protocol == protocol]

    @property
    def example(self) -> dict[str, Any] | None:
        """The first request that has an answer, as a V2 one; None when there is none."""
        answered = [case for case in (*self.of("v2"), *self.of("mlflow")) if case.response is not None]
        if not answered:
            return None
        request = dict(answered[0].request)
        return request if answered[0].protocol == "v2" else scoring.sample_of(request)


Known = Mapping[str, Answers]
"""The known answers by model."""


def cases(known: Known, model: str, protocol: str) -> list[Case]:
    """The known answers of a model in one protocol; none of a model of which nothing is known."""
    return known[model].of(protocol) if model in known else []


def load(path: Path) -> dict[str, Answers]:
    """The answers in a file, or in every answers.json below a folder, by model. Raises ValueError."""
    files = [path] if path.is_file() else sorted(path.rglob("answers.json"))
    if not files:
        raise ValueError(f"{path}: there is no answers.json")
    found = [_read(file) for file in files]
    return {answers.model: answers for answers in found}


def _read(file: Path) -> Answers:
    try:
        document = json.loads(file.read_text("utf-8"))
    except ValueError as error:
        raise ValueError(f"{file} is no JSON: {error}") from error
    wrong = violations("suite/answers", document)
    if wrong:
        raise ValueError(f"{file}: {wrong[0]}")
    cases = tuple(Case(**case) for case in document["cases"])
    return Answers(document["model"], document.get("echo", False), cases)
