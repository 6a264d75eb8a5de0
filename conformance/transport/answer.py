"""The seam between what is asked of a model and what carries it: a transport, and its answers."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Protocol

from conformance.transport.outcome import Evidence, Judged
from conformance.wire import tensors


class Answer(Judged):
    """What a transport brought back.

    message: the members of the protocol's message by their names, the data of tensors as lists, flat or
    nested; empty where none can be read. evidence: what was sent, and what came of it.
    """

    def __init__(self, message: Mapping[str, Any], evidence: Evidence) -> None:
        self.message = message
        self._evidence = evidence

    @property
    def evidence(self) -> Evidence:
        """What was sent, and what came of it."""
        return self._evidence

    @property
    def status(self) -> str:
        """The transport's own word for what came of the request."""
        return str(self._evidence.status)

    @cached_property
    def outputs(self) -> dict[str, dict[str, Any]]:
        """The output tensors by name, as far as they can be read."""
        return tensors.outputs_by_name(self.message)

    @property
    def id(self) -> Any:
        """The id; None where there is none."""
        return self.message.get("id")

    @property
    def model_name(self) -> Any:
        """The name of the model that answered; None where it is not told."""
        return self.message.get("model_name")

    @property
    def model_version(self) -> Any:
        """The version of the model that answered; None where it is not told."""
        return self.message.get("model_version")


class Transport(Protocol):
    """A way to ask a server of the protocol. ``version``: of the model; empty: the server chooses.

    Each method raises NoAnswer, TargetDied and AccessLost.
    """

    def metadata(self, model: str, version: str) -> Answer:
        """What the server tells of a model: a message with the members of model metadata."""

    def infer(self, model: str, version: str, request: Mapping[str, Any]) -> Answer:
        """The answer to an inference request, given by the members of the protocol's message."""

    def together(self, model: str, version: str, requests: Sequence[Mapping[str, Any]]) -> list[Answer]:
        """The answers to inference requests that the server has at the same time."""
