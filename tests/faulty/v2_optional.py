"""Faults of members that are optional: parameters, outputs, and what the protocol does not define."""

import re

from tests.faulty.vocabulary import INFER, asked, at, error, fault
from tests.faulty.wire import Ask, Request, Response

_LEVELS = ("v2.infer.request-parameters", "v2.infer.input-parameters", "v2.infer.output-parameters")
_EMPTY = rb'"parameters"\s*:\s*\{\s*\}'


@fault(*_LEVELS)
@at(INFER)
def empty_parameters_break(request: Request, ask: Ask) -> Response:
    """Parameters of which there are none are a failure of the server."""
    return error(500, "StopIteration") if re.search(_EMPTY, request.body) else ask(request)


@fault(*_LEVELS)
@at(INFER)
def empty_parameters_refused(request: Request, ask: Ask) -> Response:
    """Parameters of which there are none are refused."""
    return error(400, "parameters are empty") if re.search(_EMPTY, request.body) else ask(request)


@fault("v2.infer.optional-members")
@at(INFER)
def empty_outputs_break(request: Request, ask: Ask) -> Response:
    """A request for no outputs is a failure of the server."""
    return error(500, "IndexError") if asked(request).get("outputs") == [] else ask(request)


@fault("v2.infer.optional-members")
@at(INFER)
def unknown_member_breaks(request: Request, ask: Ask) -> Response:
    """A member that the protocol does not define is a failure of the server."""
    unknown = {*asked(request)} - {"id", "inputs", "outputs", "parameters"}
    return error(500, "TypeError") if unknown else ask(request)


@fault("v2.infer.optional-members")
@at(INFER)
def two_parameters_break(request: Request, ask: Ask) -> Response:
    """More than one parameter of the request is a failure of the server."""
    given = asked(request).get("parameters")
    several = isinstance(given, dict) and 1 < len(given) < 3
    return error(500, "ValueError") if several else ask(request)
