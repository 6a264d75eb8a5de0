"""One call over gRPC and what came of it, and how a person sees them: a curl line, messages as text.

Sources: gRPC over HTTP/2 (PROTOCOL-HTTP2.md), of which curl sends the frames; gRPC status codes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from google.protobuf.message import DecodeError
from google.protobuf.text_format import MessageToString

from conformance.transport.exchange import Request, shown
from conformance.transport.outcome import Judged, Outcome, Wanted
from conformance.wire import messages
from spec.service import calls

_OUTCOMES = {
    "OK": Outcome.ANSWERED,
    "INVALID_ARGUMENT": Outcome.MISTAKE,
    "FAILED_PRECONDITION": Outcome.MISTAKE,
    "OUT_OF_RANGE": Outcome.MISTAKE,
    "UNIMPLEMENTED": Outcome.MISTAKE,
    "ALREADY_EXISTS": Outcome.MISTAKE,
    "PERMISSION_DENIED": Outcome.MISTAKE,
    "UNAUTHENTICATED": Outcome.MISTAKE,
    "NOT_FOUND": Outcome.NOT_FOUND,
    "RESOURCE_EXHAUSTED": Outcome.TOO_MUCH,
    "UNAVAILABLE": Outcome.BUSY,
    "DEADLINE_EXCEEDED": Outcome.BUSY,
    "ABORTED": Outcome.BUSY,
}
_REFUSALS = ", ".join(code for code, outcome in _OUTCOMES.items() if outcome in Wanted.REFUSAL.value)
_SPELLED = {
    Wanted.ANSWER: "OK",
    Wanted.REFUSAL: _REFUSALS,
    Wanted.ERROR: "a code other than OK",
    Wanted.NO_FAILURE: f"OK, {_REFUSALS}",
}
_UNCOMPRESSED = b"\0"


@dataclass(frozen=True)
class CallRequest(Request):
    """A call as it is sent. ``call``: its name; empty for none of the protocol's. ``message``: its bytes."""

    call: str = ""
    message: bytes = b""

    @property
    def shown(self) -> str:
        """The message as protobuf writes it in text."""
        if self.call:
            try:
                return _text(calls()[self.call].request.FromString(self.message))
            except DecodeError:
                pass
        return shown(self.message)


def call_request(
    url: str, path: str, message: bytes, headers: Mapping[str, str], way: Sequence[str]
) -> CallRequest:
    """The request of a call: ``message`` behind the prefix of five bytes that gRPC puts before each."""
    name = next((name for name, call in calls().items() if call.path == path), "")
    sent = {**headers, "content-type": "application/grpc", "te": "trailers"}
    body = _UNCOMPRESSED + len(message).to_bytes(4, "big") + message
    return CallRequest("POST", url + path, sent, body, way, name, message)


@dataclass(frozen=True)
class Reply(Judged):
    """A call and what came of it. ``code``: the status, by its name; ``body``: the answer's bytes."""

    request: CallRequest
    code: str
    details: str = ""
    body: bytes = b""

    @property
    def evidence(self) -> "Reply":
        """It is its own evidence."""
        return self

    @property
    def status(self) -> str:
        """The status, by its name."""
        return self.code

    @property
    def outcome(self) -> Outcome:
        """What the status says."""
        return _OUTCOMES.get(self.code, Outcome.FAILURE)

    @property
    def spelled(self) -> Mapping[Wanted, str]:
        """What is wanted, as statuses."""
        return _SPELLED

    @property
    def shown(self) -> str:
        """The status, its details and the answer, for a failure text."""
        if self.code != "OK":
            return f"{self.code}: {self.details or '(no details)'}"
        return f"OK\n  {shown(self.body) if self.message is None else _text(self.message)}"

    @cached_property
    def message(self) -> Any:
        """The answer as the protocol's message; None where it can't be read, or there is none."""
        if self.code != "OK" or not self.request.call:
            return None
        try:
            return messages.parsed(self.request.call, self.body)
        except ValueError:
            return None


def _text(message: Any) -> str:
    text = MessageToString(message, as_one_line=True)
    return shown(text.encode()) if text else "(empty message)"
