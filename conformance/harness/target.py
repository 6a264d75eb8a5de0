"""The target of a run: its models, what it lacks, and what a test may want to know of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conformance.asking.rest import RestModel
from conformance.oracles.answers import Answers
from conformance.transport.http import Client

if TYPE_CHECKING:  # needs the extra grpc
    from conformance.asking.rpc import RpcModel
    from conformance.transport.channel import Channel


class SetupError(Exception):
    """The target can't be tested as asked. The message says why, and what to do."""


class NotYet(SetupError):
    """It can't be tested now; it may be later."""


@dataclass
class Target:
    """What is tested.

    missing: for each profile that the target lacks, the reason. pace: the seconds that a good request takes.
    left_out: what of the sample no request holds. channel, rpc_models: its gRPC service, where it is tested;
    alone: it is all that is, and client and models ask nothing.
    """

    client: Client
    models: list[RestModel]
    missing: Mapping[str, str]
    answers: Mapping[str, Answers] = field(default_factory=dict)
    mlmodel: Path | None = None
    version: str = ""
    pace: float = 0.0
    left_out: Sequence[str] = ()
    channel: "Channel | None" = None
    rpc_models: "Sequence[RpcModel]" = ()
    alone: bool = False

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        # Hypothesis prints the arguments of a test that fails; as a dataclass this one is too long for it.
        printer.text(f"Target({self.client.url!r})")

    @property
    def first(self) -> "RestModel | RpcModel":
        """The model that /invocations serves, and --mlmodel is."""
        return self.rpc_models[0] if self.alone else self.models[0]

    @property
    def server(self) -> dict[str, Any]:
        """The server metadata; empty when it can't be had."""
        for path in () if "v2" in self.missing else ("/v2", "/v2/"):
            answer = self.client.get(path)
            if answer.status == 200 and isinstance(answer.json, dict):
                return dict(answer.json)
        return {}
