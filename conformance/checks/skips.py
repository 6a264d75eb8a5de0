"""Why a requirement is not tested; the recorder tells the two reasons apart by their first words."""

from typing import NoReturn

import pytest

NOT_IMPLEMENTED = "not implemented: "
UNTESTED = "untested: "
NO_REQUEST = "no request is known that {} accepts: give one with --sample FILE"


def not_implemented(reason: str) -> NoReturn:
    """Skip: the target lacks what the requirement is about."""
    pytest.skip(NOT_IMPLEMENTED + reason)


def untested(reason: str) -> NoReturn:
    """Skip: the requirement can't be checked on this target."""
    pytest.skip(UNTESTED + reason)


def no_request(taker: str) -> NoReturn:
    """Skip: nothing tells what the target takes. taker: a model, or an endpoint."""
    untested(NO_REQUEST.format(taker))
