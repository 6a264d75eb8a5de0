"""Faults of the id."""

import unicodedata
import uuid
from typing import Any

from tests.faulty.vocabulary import INFER, asked, at, edits, error, fault
from tests.faulty.wire import Ask, Request, Response


@fault("v2.infer.id-echo")
@edits(INFER)
def id_cut(answer: Any, request: Request) -> None:
    """The id is cut to the length of a UUID."""
    if "id" in answer:
        answer["id"] = answer["id"][:36]


@fault("v2.infer.id-echo")
@edits(INFER)
def id_lower_case(answer: Any, request: Request) -> None:
    """The id is kept in lower case."""
    if "id" in answer:
        answer["id"] = answer["id"].lower()


@fault("v2.infer.id-echo")
@edits(INFER)
def id_stripped(answer: Any, request: Request) -> None:
    """White space around the id is lost."""
    if "id" in answer:
        answer["id"] = answer["id"].strip()


@fault("v2.infer.id-echo")
@edits(INFER)
def id_as_number(answer: Any, request: Request) -> None:
    """An id that looks like a number becomes one."""
    if answer.get("id", "").isdecimal():
        answer["id"] = int(answer["id"])


@fault("v2.infer.id-echo")
@edits(INFER)
def id_ascii(answer: Any, request: Request) -> None:
    """Letters beyond ASCII become question marks, as they do on the way through a header."""
    if "id" in answer:
        answer["id"] = answer["id"].encode("ascii", "replace").decode()


@fault("v2.infer.id-echo")
@edits(INFER)
def id_normalised(answer: Any, request: Request) -> None:
    """The id is brought to Unicode's composed form."""
    if "id" in answer:
        answer["id"] = unicodedata.normalize("NFC", answer["id"])


@fault("v2.infer.id-echo")
@edits(INFER)
def id_dropped_when_odd(answer: Any, request: Request) -> None:
    """An id that is no plain word is left out of the answer."""
    if not answer.get("id", "").isalnum() and answer.get("id"):
        del answer["id"]


@fault("v2.infer.id-echo")
@at(INFER)
def id_unicode_breaks(request: Request, ask: Ask) -> Response:
    """An id goes into a header of the answer, where letters beyond ASCII break the server."""
    return ask(request) if str(asked(request).get("id")).isascii() else error(500)


@fault("v2.infer.id-empty")
@edits(INFER)
def id_made_for_empty(answer: Any, request: Request) -> None:
    """An id that is empty counts as none: the server makes one."""
    answer["id"] = answer.get("id") or str(uuid.uuid4())


@fault("v2.infer.id-absent")
@at(INFER)
def id_needed(request: Request, ask: Ask) -> Response:
    """A request without an id is a failure of the server."""
    response = ask(request)
    return (
        response if response.status >= 400 or "id" in asked(request) else error(500, "id should be a string")
    )
