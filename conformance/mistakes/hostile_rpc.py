"""Calls that may bring a gRPC server down. The robustness profile sends them. Needs the extra grpc."""

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from conformance.asking.rpc import RpcModel
from conformance.mistakes.siege import Blow, Siege
from conformance.transport.answer import Answer
from conformance.transport.outcome import Judged
from conformance.transport.rpc import INFER, read
from conformance.wire.messages import Form
from conformance.wire.tensors import overflowing
from spec.service import calls

MANY = 10_000  # inputs, outputs, parameters
LONG = 2**20  # characters of a name
HUGE = 100 * 2**20  # bytes of a message
DEPTH = 100_000
DIMENSIONS = 50_000
_PATH = calls()[INFER].path
_SIZES = ([10**18], [2**32, 2**32], [2**63 - 1], [2**31] * 4, [-(2**63)], [2**62] * DIMENSIONS)
# Of field 2046, which the protocol does not have (protobuf's wire format, encoding.md).
_GROUP, _GROUP_ENDS, _BYTES = b"\xf3\x7f", b"\xf4\x7f", b"\xf2\x7f"
_FOUR_GIB = b"\xff\xff\xff\xff\x0f"  # 2^32 - 1, as a length
_ENDLESS = b"\xff" * 2**20
_LONGEST = (2**32 - 1).to_bytes(4, "little")  # of an element of BYTES

Changes = dict[str, Callable[[Any], object]]  # of the good request, by what they make of it


class RpcSiege(Siege[RpcModel]):
    """The siege of a model over gRPC."""

    def changed(self, changes: Changes, form: Form | None = None) -> list[Blow]:
        """Send the good request after each change, in a form; in the one that is taken without. Raises
        TargetDied."""
        sent = {what: partial(self.model.changed, change, form) for what, change in changes.items()}
        return [self.strike(what, send) for what, send in sent.items()]

    def send(self, what: str, message: bytes, *metadata: tuple[str, str], read: bool = True) -> Blow:
        """Send bytes as they are to ModelInfer. Raises TargetDied."""
        sending: Callable[[], Judged] = partial(self.model.channel.send, _PATH, message, *metadata)
        return self.strike(what, sending, read=read)

    def usual(self) -> Answer:
        """The same, once others are over that the server may still work at."""
        return read(self.model.channel.alone(_PATH, self.model.message().SerializeToString()))


def shapes() -> Iterator[tuple[Form, Changes]]:
    """One row under shapes of astronomic size, in both forms."""
    for form in Form:
        changes = {f"a shape of {_named(size)} ({form.value})": partial(_reshape, size) for size in _SIZES}
        yield form, {**changes, f"a shape that overflows to its elements ({form.value})": _overflow}


def _named(size: list[int]) -> str:
    return str(size) if len(size) < 9 else f"{len(size):,} dimensions of {size[0]}"


def _reshape(size: list[int], message: Any) -> None:
    message.inputs[0].shape[:] = size


def _overflow(message: Any) -> None:
    shape = message.inputs[0].shape
    shape[:] = overflowing(max(math.prod(shape), 1))


def texts() -> Changes:
    """Names of a million characters."""
    long = "x" * LONG
    return {
        "an id of 1 MB": lambda m: setattr(m, "id", long),
        "a model's name of 1 MB": lambda m: setattr(m, "model_name", long),
        "a version of 1 MB": lambda m: setattr(m, "model_version", long),
        "an input's name of 1 MB": lambda m: setattr(m.inputs[0], "name", long),
        "a datatype of 1 MB": lambda m: setattr(m.inputs[0], "datatype", long),
        "an output's name of 1 MB": lambda m: m.outputs.add(name=long),
    }


def many() -> Changes:
    """Thousands of inputs, of outputs, of parameters and of contents."""

    def inputs(message: Any) -> None:
        for place in range(MANY):
            message.inputs.add().CopyFrom(message.inputs[0])
            message.inputs[-1].name = f"conformance-{place}"

    def outputs(message: Any) -> None:
        for place in range(MANY):
            message.outputs.add(name=f"conformance-{place}")

    def parameters(message: Any) -> None:
        for place in range(MANY):
            message.parameters[f"conformance-{place}"].int64_param = place

    return {
        f"{MANY:,} inputs": inputs,
        f"{MANY:,} outputs": outputs,
        f"{MANY:,} parameters": parameters,
        f"{MANY:,} raw contents": lambda message: message.raw_input_contents.extend([b""] * MANY),
    }


def lengths() -> Changes:
    """Raw contents whose lengths are not what they say, for a request in that form."""

    def raw(message: Any, datatype: str, content: bytes) -> None:
        message.inputs[0].datatype = datatype
        message.raw_input_contents[:1] = [content]

    return {
        "an element that says 4 GiB": partial(raw, datatype="BYTES", content=_LONGEST),
        "an element that says 4 GiB, of 1 MB": partial(raw, datatype="BYTES", content=_LONGEST + b"x" * LONG),
        "an element cut in its length": partial(raw, datatype="BYTES", content=_LONGEST[:3]),
        "seven bytes of FP64": partial(raw, datatype="FP64", content=b"x" * 7),
        "1 MB of empty elements": partial(raw, datatype="BYTES", content=bytes(LONG)),
    }


def wire(good: bytes) -> dict[str, bytes]:
    """Bytes that a parser of protobuf may stumble over."""
    return {
        f"groups {DEPTH:,} deep": good + _GROUP * DEPTH + _GROUP_ENDS * DEPTH,
        f"{DEPTH:,} groups that never end": good + _GROUP * DEPTH,
        "a field of 4 GiB that never comes": good + _BYTES + _FOUR_GIB,
        "a number without an end": good + _ENDLESS,
        "a megabyte of zeros": bytes(2**20),
    }
