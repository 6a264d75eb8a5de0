"""Faults of the id."""

import contextlib
import re
import unicodedata
import uuid
from dataclasses import replace
from typing import Any
from urllib.parse import unquote_plus

from tests.faulty.vocabulary import (
    INFER,
    VERSION_INFER,
    asked,
    at,
    edits,
    error,
    fault,
    inputs_of,
    outputs_of,
)
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


@fault("v2.infer.id-echo", "v2.errors.client-status")
@at(INFER)
def id_unicode_breaks(request: Request, ask: Ask) -> Response:
    """An id goes into a header of the answer, where letters beyond ASCII, half ones too, break the server."""
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


@fault("v2.infer.id-echo")
@edits(INFER)
def id_read_as_uuid(answer: Any, request: Request) -> None:
    """An id that is a UUID comes back in its usual spelling."""
    with contextlib.suppress(KeyError, ValueError):
        answer["id"] = str(uuid.UUID(answer["id"]))


@fault("v2.infer.id-echo")
@edits(INFER)
def id_escaped(answer: Any, request: Request) -> None:
    """The id is escaped for a use in HTML."""
    if "id" in answer:
        answer["id"] = answer["id"].replace("&", "&amp;").replace("<", "&lt;")


@fault("v2.infer.id-echo")
@edits(INFER)
def id_decoded(answer: Any, request: Request) -> None:
    """The id is decoded as a part of a URL is."""
    if "id" in answer:
        answer["id"] = unquote_plus(answer["id"])


@fault("v2.infer.id-echo")
@at(INFER)
def id_of_two_lines_breaks(request: Request, ask: Ask) -> Response:
    """An id goes into a header of the answer, which a line end breaks."""
    return error(500) if "\n" in str(asked(request).get("id")) else ask(request)


@fault("v2.infer.id-echo")
@edits(INFER)
def id_made_for_blank(answer: Any, request: Request) -> None:
    """An id of nothing but white space counts as none: the server makes one."""
    if answer.get("id") and not answer["id"].strip():
        answer["id"] = str(uuid.uuid4())


@fault("v2.infer.id-echo")
@edits(INFER)
def id_lost_with_outputs(answer: Any, request: Request) -> None:
    """A request for named outputs loses its id."""
    if outputs_of(request):
        answer.pop("id", None)


@fault("v2.infer.id-echo")
@edits(INFER)
def id_lost_with_parameters(answer: Any, request: Request) -> None:
    """A request with parameters loses its id."""
    if asked(request).get("parameters"):
        answer.pop("id", None)


@fault("v2.infer.id-echo")
@edits(INFER)
def id_lost_in_batches(answer: Any, request: Request) -> None:
    """A request with several rows loses its id."""
    if inputs_of(request)[0]["shape"][0] > 1:
        answer.pop("id", None)


@fault("v2.infer.id-echo", model="versioned")
@edits(VERSION_INFER)
def id_lost_at_versions(answer: Any, request: Request) -> None:
    """A request to a version loses its id."""
    answer.pop("id", None)


@fault("v2.infer.id-absent")
@edits(INFER)
def id_of_the_request_before(answer: Any, request: Request) -> None:
    """A request without an id has that of the one before it."""
    if "id" in answer:
        request.memory["id"] = answer["id"]
    elif "id" in request.memory:
        answer["id"] = request.memory["id"]


@fault("v2.infer.deterministic")
@edits(INFER)
def id_chooses_the_model(answer: Any, request: Request) -> None:
    """A part of the ids goes to a new model, of which nothing tells."""
    if len(answer.get("id", "")) % 3 == 1:
        for output in answer["outputs"]:
            output["data"] = [x + 1 for x in output["data"]]


@fault("v2.infer.id-echo")
@at(INFER)
def id_escapes_lost(request: Request, ask: Ask) -> Response:
    """A letter that is escaped as two surrogates becomes two question marks."""
    pair = rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    return ask(replace(request, body=re.sub(pair, b"??", request.body)))


@fault("v2.infer.id-echo")
@edits(INFER)
def id_tab_is_space(answer: Any, request: Request) -> None:
    """A tab in the id becomes a space."""
    if "id" in answer:
        answer["id"] = answer["id"].replace("\t", " ")


@fault("v2.infer.id-echo")
@edits(INFER)
def id_ends_at_nul(answer: Any, request: Request) -> None:
    """The id ends at a NUL, as C has it."""
    if "id" in answer:
        answer["id"] = answer["id"].partition("\0")[0]


@fault("v2.infer.id-echo")
@edits(INFER)
def id_of_4096(answer: Any, request: Request) -> None:
    """The id is cut to 4096 characters."""
    if "id" in answer:
        answer["id"] = answer["id"][:4096]
