"""The protocol over gRPC. Source: inference_grpc.md."""

from collections.abc import Mapping, Sequence
from typing import Any

from conformance.transport.answer import Answer
from conformance.transport.channel import Channel
from conformance.transport.lost import Unsaid
from conformance.transport.reply import Reply
from conformance.wire import messages
from conformance.wire.messages import Form
from spec.service import calls

INFER = "ModelInfer"


class Rpc:
    """A transport: gRPC, the elements of requests in one form.

    A request that gRPC can't say raises Unsaid.
    """

    def __init__(self, channel: Channel, form: Form = Form.TYPED) -> None:
        self.channel, self.form = channel, form

    def metadata(self, model: str, version: str) -> Answer:
        """The answer to ModelMetadata."""
        reply = self.channel.ask("ModelMetadata", name=model, version=version)
        return Answer(messages.model_metadata(reply.message) if reply.message is not None else {}, reply)

    def infer(self, model: str, version: str, request: Mapping[str, Any]) -> Answer:
        """The answer to ModelInfer."""
        return read(self.channel.send(calls()[INFER].path, self._written(model, version, request)))

    def together(self, model: str, version: str, requests: Sequence[Mapping[str, Any]]) -> list[Answer]:
        """The answers to requests sent at the same time over one connection."""
        sent = [self._written(model, version, request) for request in requests]
        return [read(reply) for reply in self.channel.together(calls()[INFER].path, sent)]

    def _written(self, model: str, version: str, request: Mapping[str, Any]) -> bytes:
        try:
            message = messages.inference_request(model, version, request, self.form)
        except ValueError as error:
            raise Unsaid(f"gRPC can't carry the request: {error}") from error
        written: bytes = message.SerializeToString()
        return written


def read(reply: Reply) -> Answer:
    """What a reply to ModelInfer says in the protocol's terms."""
    return Answer(messages.inference_response(reply.message) if reply.message is not None else {}, reply)


def carried(answer: Answer) -> Reply:
    """The reply that brought an answer over gRPC."""
    assert isinstance(answer.evidence, Reply)
    return answer.evidence
