"""Requests that may bring a server down, and how a model takes them. The robustness profile sends them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from conformance.asking.rest import RestModel
from conformance.mistakes.inference import Good
from conformance.mistakes.siege import Blow, Siege
from conformance.mistakes.survey import Survey
from conformance.transport.exchange import Exchange
from conformance.transport.http import JSON
from conformance.wire.jsontext import written
from conformance.wire.tensors import overflowing

DEPTH = 100_000
DIGITS = 100_000
INPUTS = 10_000
LONG = 2**20  # characters of a name
HUGE = 100 * 2**20  # bytes of a body
_PIECE = 2**20
_MARK = "conformance-mark"


@dataclass(frozen=True)
class Hostile:
    """One request. what: for a person. body: in one piece, or as an iterable of pieces."""

    what: str
    path: str
    body: "bytes | Padded | None"
    headers: Mapping[str, str]
    method: str = "POST"


class Padded:
    """A good body with ``HUGE`` spaces before its end, in pieces. It can be sent again."""

    def __init__(self, body: bytes) -> None:
        self.body = body

    def __iter__(self) -> Iterator[bytes]:
        yield self.body[:-1]
        for _ in range(HUGE // _PIECE):
            yield b" " * _PIECE
        yield self.body[-1:]


def _posts(path: str, bodies: Mapping[str, bytes | Padded]) -> list[Hostile]:
    return [Hostile(what, path, body, JSON) for what, body in bodies.items()]


def _marked(body: Any, text: bytes) -> bytes:
    """The body with JSON text in place of the mark."""
    return written(body).replace(f'"{_MARK}"'.encode(), text)


def _deep(depth: int) -> bytes:
    return b"[" * depth + b"1" + b"]" * depth


_NUMBERS = {
    "an integer of 100,000 digits": b"1" * DIGITS,
    "a fraction of 100,000 digits": b"0." + b"1" * DIGITS,
    "the number 1e400": b"1e400",
    "an exponent of 100,000 digits": b"1e" + b"1" * DIGITS,
}


def shapes(good: Good, path: str) -> list[Hostile]:
    """One element under shapes of astronomic size."""
    rest, wrapped = good.tensor["shape"][1:], [*overflowing(len(good.tensor["data"]) or 1)]
    huge = [[10**18, *rest], [2**63 - 1, *rest], [2**63, *rest], [2**64, *rest]]
    sizes = [*huge, [2**32, 2**32], [2**31] * 4, wrapped]
    return _posts(path, {f"shape {size} for one row": written(good.spoiled(shape=size)) for size in sizes})


def nesting(good: Good, path: str) -> list[Hostile]:
    """Lists in lists, where a list may stand and where none may."""
    deep = _deep(DEPTH)
    holders = {
        "data": good.spoiled(data=_MARK),
        "parameters": good.one | {"parameters": {"conformance": _MARK}},
        "the body": _MARK,
    }
    bodies = {f"{where}, {DEPTH:,} deep": _marked(body, deep) for where, body in holders.items()}
    return _posts(path, {**bodies, f"{DEPTH:,} brackets that never close": b"[" * DEPTH})


def numbers(good: Good, path: str) -> list[Hostile]:
    """Numbers that no datatype holds, as elements and as dimensions."""
    data, shape = good.tensor["data"], good.tensor["shape"]
    found: dict[str, bytes | Padded] = {}
    for what, text in _NUMBERS.items():
        found[f"{what} in data"] = _marked(good.spoiled(data=[_MARK, *data[1:]]), text)
        found[f"{what} in shape"] = _marked(good.spoiled(shape=[_MARK, *shape[1:]]), text)
    return _posts(path, found)


def texts(good: Good, path: str) -> list[Hostile]:
    """Names of a million characters."""
    long = "x" * LONG
    bodies = {
        "an id of 1 MB": good.one | {"id": long},
        "an input's name of 1 MB": good.spoiled(name=long),
        "a datatype of 1 MB": good.spoiled(datatype=long),
        "an output's name of 1 MB": good.one | {"outputs": [{"name": long}]},
    }
    return _posts(path, {what: written(body) for what, body in bodies.items()})


def many(good: Good, path: str) -> list[Hostile]:
    """Thousands of inputs, of outputs and of parameters."""
    more = [good.tensor | {"name": f"conformance-{i}"} for i in range(INPUTS)]
    bodies = {
        f"{INPUTS:,} inputs": good.listing([*good.one["inputs"], *more]),
        f"{INPUTS:,} outputs": good.one | {"outputs": [{"name": good.output}] * INPUTS},
        f"{INPUTS:,} parameters": good.one | {"parameters": {f"conformance-{i}": i for i in range(INPUTS)}},
    }
    return _posts(path, {what: written(body) for what, body in bodies.items()})


def huge(good: Good, path: str) -> list[Hostile]:
    """The good request with 100 MB of spaces, in chunks."""
    return _posts(path, {"100 MB of spaces before the last brace": Padded(written(good.one))})


def headers(good: Good, path: str) -> list[Hostile]:
    """More and longer headers than servers take."""
    flood = {f"X-Conformance-{i}": "x" * 200 for i in range(200)}
    return [
        Hostile("200 headers", path, written(good.one), {**JSON, **flood}),
        Hostile("a header of 64 kB", path, written(good.one), {**JSON, "X-Conformance": "x" * 2**16}),
    ]


def scoring_nesting(path: str) -> list[Hostile]:
    """Lists in lists for /invocations."""
    forms = ("inputs", "instances", "dataframe_records", "dataframe_split", "params")
    bodies = {f"{form}, {DEPTH:,} deep": _marked({form: _MARK}, _deep(DEPTH)) for form in forms}
    return _posts(path, dict(bodies))


def scoring_numbers(path: str) -> list[Hostile]:
    """Numbers that no type holds for /invocations."""
    return _posts(path, {what: _marked({"inputs": [[_MARK]]}, text) for what, text in _NUMBERS.items()})


def scoring_huge(path: str) -> list[Hostile]:
    """100 MB of spaces for /invocations."""
    return _posts(path, {"100 MB of spaces before the last brace": Padded(b'{"inputs":[[1]]}')})


class Assault(Siege[RestModel]):
    """The siege of a model over HTTP."""

    def __init__(self, survey: Survey) -> None:
        super().__init__(survey.model, survey.good.one, survey.base.outputs)
        self.survey = survey

    def infer(self, hostiles: Callable[[Good, str], list[Hostile]]) -> list[Blow]:
        """Send the requests to infer. Raises TargetDied."""
        return self.send(hostiles(self.survey.good, self.model.path("infer")))

    def send(self, hostiles: list[Hostile]) -> list[Blow]:
        """Send the requests. Raises TargetDied."""
        return [self.strike(hostile.what, partial(self._sent, hostile)) for hostile in hostiles]

    def _sent(self, hostile: Hostile) -> Exchange:
        pieces = hostile.body if isinstance(hostile.body, Padded) else None
        body = None if isinstance(hostile.body, Padded) else hostile.body
        headers = {**hostile.headers, "Connection": "close"}
        return self.model.client.send(hostile.method, hostile.path, body, headers, chunks=pieces)
