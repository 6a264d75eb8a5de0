"""One HTTP request and its answer, and how a person sees them: a curl line, bodies cut with sense."""

import hashlib
import json
import shlex
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from conformance.transport.credentials import redacted
from conformance.transport.outcome import Judged, Outcome, Wanted
from conformance.transport.text import fits

_SHOWN = 1500  # characters of a body in a failure text: with the rest of it, one screen
_INLINE = 6000  # bytes of a body on a curl line; a longer one is kept in a file
_OUTCOMES = {
    200: Outcome.ANSWERED,
    404: Outcome.NOT_FOUND,
    413: Outcome.TOO_MUCH,
    429: Outcome.TOO_MUCH,
    503: Outcome.BUSY,
    504: Outcome.BUSY,
    507: Outcome.BUSY,
}
_SPELLED = {
    Wanted.ANSWER: "200",
    Wanted.REFUSAL: "400 to 499",
    Wanted.ERROR: "400 to 599",
    Wanted.NO_FAILURE: "200 to 499",
}
_KINDS = {4: Outcome.MISTAKE, 5: Outcome.FAILURE}  # of other statuses, by their first digit


@dataclass(frozen=True)
class Request:
    """What was sent.

    headers: those of the request itself, and those that every request has. way: what curl needs to take the
    same way (certificates, a proxy).
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    way: Sequence[str] = ()

    @property
    def reproduce(self) -> str:
        """A shell line that sends it again, with the values of secret headers left out."""
        line = ["curl", "-si"]
        if self.method == "HEAD":
            line = ["curl", "-sI"]
        elif (self.method, self.body is None) not in {("GET", True), ("POST", False)}:
            line += ["-X", self.method]
        line += [*self.way, shlex.quote(self.url)]
        sent = {**self.headers}
        if self.body is not None and not any(k.lower() == "content-type" for k in sent):
            line += ["-H", "Content-Type:"]  # curl would add a form's media type
        line += [f"-H {shlex.quote(f'{k}: {v}')}" for k, v in redacted(sent).items()]
        return _with_body(line, self.body)

    @property
    def shown(self) -> str:
        """The body as one cut line of text."""
        return shown(self.body)


@dataclass(frozen=True)
class Response:
    """What came back. ``body``: with any content coding undone. ``http``: 10 for HTTP/1.0, 11 for 1.1."""

    status: int
    headers: Mapping[str, str]  # names in lower case
    body: bytes
    http: int = 11

    @property
    def media_type(self) -> str:
        """The media type of Content-Type, in lower case, without its parameters; empty when absent."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @cached_property
    def json(self) -> Any:
        """The body read leniently (Python's own JSON, which takes NaN); None when it is no JSON."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None


@dataclass(frozen=True)
class Exchange(Judged):
    """A request and its response."""

    request: Request
    response: Response

    @property
    def evidence(self) -> "Exchange":
        """It is its own evidence."""
        return self

    @property
    def status(self) -> int:
        """The status of the response."""
        return self.response.status

    @property
    def json(self) -> Any:
        """The body of the response as JSON; None when it is none."""
        return self.response.json

    @property
    def outcome(self) -> Outcome:
        """What the status says, whatever the body holds."""
        kind = _KINDS.get(self.status // 100, Outcome.OTHER)
        return _OUTCOMES.get(self.status, kind)

    @property
    def spelled(self) -> Mapping[Wanted, str]:
        """What is wanted, as statuses."""
        return _SPELLED

    @property
    def shown(self) -> str:
        """The status, the media type and the body, for a failure text."""
        kind = self.response.headers.get("content-type", "no Content-Type")
        return f"{self.status}, {kind}\n  {shown(self.response.body)}"


def shown(body: bytes | None) -> str:
    """A body as one cut line of text."""
    if not body:
        return "(empty body)"
    text = body.decode("utf-8", "backslashreplace").strip()
    if len(text) <= _SHOWN:
        return text
    return f"{text[: _SHOWN - 300]} … ({len(text) - _SHOWN} characters left out) … {text[-300:]}"


def _with_body(line: list[str], body: bytes | None) -> str:
    if body is None:
        return " ".join(line)
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        text = "\0"
    if len(body) > _INLINE:
        return " ".join([*line, "--data-binary", f"@{_kept(body)}"])
    if fits(text):
        return " ".join([*line, "--data-raw", shlex.quote(text)])
    octal = "".join(f"\\{byte:03o}" for byte in body)
    return " ".join([f"printf '{octal}' |", *line, "--data-binary", "@-"])


def _kept(body: bytes) -> Path:
    """A file that holds ``body``, so that a long request can be sent again."""
    path = Path(tempfile.gettempdir()) / f"oip-conformance-{hashlib.sha256(body).hexdigest()[:16]}.body"
    if not path.exists():
        path.write_bytes(body)
    return path
