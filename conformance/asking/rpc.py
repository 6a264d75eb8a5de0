"""A model asked over gRPC, for what that alone has: calls, messages, two forms of contents."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from conformance.asking.model import Model
from conformance.transport import rpc
from conformance.transport.answer import Answer
from conformance.transport.channel import Channel
from conformance.transport.reply import Reply
from conformance.transport.rpc import INFER, Rpc
from conformance.wire import messages
from conformance.wire.messages import Form
from spec.service import calls


@dataclass(eq=False, repr=False)
class RpcModel(Model):
    """A model behind gRPC."""

    transport: Rpc

    @property
    def channel(self) -> Channel:
        """The gRPC client."""
        return self.transport.channel

    @cached_property
    def base(self) -> Answer | None:
        """As any model's; where typed contents are refused, it and all that is asked from then on is raw."""
        found = self.first_accepted()
        if found is None:
            self.transport, self.failures = Rpc(self.channel, Form.RAW), []
            found = self.first_accepted()
        return found

    def ready(self, version: str = "") -> Reply:
        """The reply to ModelReady."""
        return self.channel.ask("ModelReady", name=self.name, version=version or self.version)

    def infer_as(self, form: Form, body: Mapping[str, Any]) -> Answer:
        """The answer to an inference request in one form."""
        return Rpc(self.channel, form).infer(self.name, self.version, body)

    def message(self, form: Form | None = None, body: Mapping[str, Any] | None = None) -> Any:
        """A ModelInferRequest, to be changed: the good one without a body, in the form that is taken."""
        asked = body or self.base_body
        return messages.inference_request(self.name, self.version, asked, form or self.transport.form)

    def send(self, message: Any) -> Answer:
        """The answer to a ModelInferRequest, or to bytes as they are."""
        sent = message if isinstance(message, bytes) else message.SerializeToString()
        return rpc.read(self.channel.send(calls()[INFER].path, sent))

    def changed(self, change: Callable[[Any], object], form: Form | None = None) -> Answer:
        """The answer to the good request after ``change``."""
        message = self.message(form)
        change(message)
        return self.send(message)
