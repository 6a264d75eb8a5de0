"""Malformed inference requests, derived from a good one. Pure.

What the schemas can tell is derived by walking the good request; what no schema can say is written here.
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from conformance.wire.jsontext import written
from spec.tables import DATATYPES
from spec.validation import is_valid

Body = dict[str, Any]
Path = tuple[str | int, ...]

SCHEMA = "v2/inference-request"
UNKNOWN_INPUT = "conformance-unknown"
NO_JSON = "broken-json"
NO_REQUEST = "no-request"
# Mistakes of which the sources leave to the server what to do, by kind.
LENIENT = {
    "unknown-input": "an input that the model does not have",
    "unknown-open": "an input more",
    "null-member": "null for an optional member",
    "parameter-value": "a parameter that is no scalar",
    "rank": "a dimension of 1 too many",
    "row-counts-open": "inputs of different lengths",
    "lone-surrogate": "half a surrogate pair in the id",
}
# Kinds for which another prediction than that of the good request is permitted.
OPEN = {"coerced", "inner-dimension", "missing-input", *LENIENT} - {"unknown-input"}
_DEPTH = 500
_LEFT_OUT = 8  # inputs that are left out, one at a time
_VALUES: tuple[Any, ...] = (None, True, 1.5, "conformance", [], {})
_ABSENT = object()


@dataclass(frozen=True)
class Malformed:
    """One malformed request.

    kind: what sort of mistake it is. what: the mistake, for a person. rows: of the good request that it was
    made from. tensor: the input that an error should name. invents: whatever is predicted for it is made up,
    since an element can't be read.
    """

    kind: str
    what: str
    body: bytes
    rows: int = 1
    tensor: str = ""
    invents: bool = False


@dataclass(frozen=True)
class Good:
    """The good request, and what is known of its model.

    one, two: the request with one row, and with that row twice where the model takes batches. focus: the
    index of the input to spoil. output: an output's name. declared: the metadata lists the inputs. fixed:
    it fixes the last dimension of the one to spoil. columns: the inputs are the columns of one data frame.
    """

    one: Body
    two: Body | None
    focus: int
    output: str
    declared: bool
    fixed: bool
    columns: bool

    @property
    def tensor(self) -> Body:
        """The input to spoil."""
        return dict(self.one["inputs"][self.focus])

    def spoiled(self, **members: Any) -> Body:
        """The good request with other members in the input to spoil."""
        return self.listing([*self.others(before=True), self.tensor | members, *self.others(before=False)])

    @property
    def ends(self) -> list[int]:
        """The first and the last input, by index, where they have elements and are not the one to spoil."""
        others = {0, len(self.one["inputs"]) - 1} - {self.focus}
        return sorted(index for index in others if self.one["inputs"][index]["data"])

    def listing(self, inputs: Sequence[Any]) -> Body:
        """The good request with other inputs."""
        return self.one | {"inputs": list(inputs)}

    def others(self, *, before: bool) -> list[Body]:
        """The inputs before the one to spoil, or those after it."""
        inputs = self.one["inputs"]
        return list(inputs[: self.focus] if before else inputs[self.focus + 1 :])


def _with_data(request: Body, index: int, data: Sequence[Any]) -> Body:
    """The request with other data in the input of this index."""
    inputs = list(request["inputs"])
    inputs[index] = inputs[index] | {"data": list(data)}
    return request | {"inputs": inputs}


def requests(good: Good) -> list[Malformed]:
    """Every malformed request, those that are no JSON first."""
    parts = (_broken, _derived, _counts, _nesting, _names, _rows, _words, _elements)
    return [malformed for part in parts for malformed in part(good)]


def _broken(good: Good) -> Iterator[Malformed]:
    text = written(good.one)
    yield Malformed(NO_JSON, "the body is empty", b"")
    yield Malformed(NO_JSON, "the body is a brace", b"{")
    yield Malformed(NO_JSON, "the body is plain text", b"conformance")
    yield Malformed(NO_JSON, "the body is cut in the middle", text[: len(text) // 2])
    yield Malformed(NO_JSON, "the body lacks its last brace", text[:-1])
    yield Malformed("sloppy-json", "text stands after the JSON", text + b"conformance")
    yield Malformed("sloppy-json", "the id has a byte that is no UTF-8", b'{"id":"\xff",' + text[1:])
    surrogate = b'{"id":"\\ud800x",' + text[1:]
    yield Malformed("lone-surrogate", "the id has half a surrogate pair, as an escape", surrogate)


# What the schemas can tell


def _derived(good: Good) -> Iterator[Malformed]:
    for document, below in _documents(good):
        for path in _paths(document, good.focus):
            if path[: len(below)] == below:
                yield from _replaced(document, path)


def _documents(good: Good) -> Iterator[tuple[Body, Path]]:
    """The good request, and the good request with one more member; the second is the path of that one."""
    yield good.one, ()
    yield good.one | {"id": "conformance"}, ("id",)
    yield good.one | {"parameters": {"conformance": "x"}}, ("parameters",)
    yield good.one | {"outputs": [{"name": good.output}]}, ("outputs",)
    spoiled = good.spoiled(parameters={"conformance": "x"})
    yield spoiled, ("inputs", good.focus, "parameters")


def _paths(value: Any, focus: int, path: Path = ()) -> Iterator[Path]:
    """The path of every member, of one item for each list."""
    yield path
    if isinstance(value, dict):
        for name, member in value.items():
            yield from _paths(member, focus, (*path, name))
    elif isinstance(value, list) and value:
        index = focus if path == ("inputs",) else 0
        yield from _paths(value[index], focus, (*path, index))


def _replaced(document: Body, path: Path) -> Iterator[Malformed]:
    for value in (_ABSENT, *_VALUES, *([-1] if "shape" in path[:-1] else [])):
        if value is _ABSENT and (not path or isinstance(path[-1], int)):
            continue
        if path and path[-1] == "data" and isinstance(value, str | float | int):
            continue  # another bare element is another value: _elements has the tensor's own
        body = _put(document, path, value)
        if is_valid(SCHEMA, body):
            continue
        told = "is missing" if value is _ABSENT else f"is {json.dumps(value)}"
        what = f"{_dotted(path) or 'the body'} {told}"
        kind = _kind(document, path, value)
        yield Malformed(kind, what, written(body), invents=kind == "element")


def _put(document: Body, path: Path, value: Any) -> Any:
    """A copy of the document with another value at the path."""
    if not path:
        return value
    copy = json.loads(json.dumps(document))
    holder = _holder(copy, path[:-1])
    if value is _ABSENT:
        del holder[path[-1]]
    else:
        holder[path[-1]] = value
    return copy


def _holder(document: Any, path: Path) -> Any:
    for step in path:
        document = document[step]
    return document


def is_numeric(tensor: Body) -> bool:
    """Whether the elements of an input are numbers."""
    row = DATATYPES.get(tensor["datatype"])
    return row is not None and row.element in ("number", "integer")


def _kind(document: Body, path: Path, value: Any) -> str:
    if path in ((), ("inputs",)):
        return NO_REQUEST
    if value is _ABSENT:
        return "missing-member"
    number = isinstance(value, float | int) and not isinstance(value, bool)
    if path[-1] == "data" and value is None:
        return "coerced"  # a server that takes null for an element may take it for the only one
    if "data" in path[:-1]:
        return "element" if value == {} and is_numeric(_holder(document, path[:-2])) else "coerced"
    if path[-1] == "datatype" and isinstance(value, str):
        return "datatype"
    if "shape" in path[:-1] and number:
        return "shape"
    if "parameters" in path[:-1]:
        return "parameter-value"
    if value is None and isinstance(path[-1], str) and is_valid(SCHEMA, _put(document, path, _ABSENT)):
        return "null-member"
    return "wrong-type"


def _dotted(path: Path) -> str:
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".")


# What no schema can say


def _counts(good: Good) -> Iterator[Malformed]:
    shape, data = good.tensor["shape"], good.tensor["data"]
    where = f"inputs[{good.focus}]"
    lower = good.tensor["datatype"].lower()
    yield Malformed("datatype", f"{where}.datatype is {lower!r}", written(good.spoiled(datatype=lower)))
    yield Malformed("rank", f"{where}.shape has one more 1", written(good.spoiled(shape=[*shape, 1])))
    if not shape or not data:
        return
    for what, members in (
        ("data has an element too many", {"data": [*data, data[-1]]}),
        ("data lacks an element", {"data": data[:-1]}),
        ("shape says three times as many", {"shape": [3 * shape[0], *shape[1:]]}),
        ("shape says none", {"shape": [0, *shape[1:]]}),
    ):
        yield Malformed("element-count", f"{where}.{what}", written(good.spoiled(**members)))
    if len(shape) > 1:
        body = written(good.spoiled(shape=[2**32, 2**32, *shape[2:]], data=[]))
        yield Malformed("element-count", f"{where}.shape overflows 64 bits to none, as data has", body)
    if good.two:
        both = good.two["inputs"][good.focus]["data"]
        body = written(_with_data(good.two, good.focus, both[:-1]))
        yield Malformed("element-count", f"{where}.data of two rows lacks an element", body, rows=2)
    for end in good.ends:
        body = written(_with_data(good.one, end, good.one["inputs"][end]["data"] * 2))
        yield Malformed("element-count", f"inputs[{end}].data has its elements twice", body)
    if good.fixed:
        wide = {"shape": [*shape[:-1], shape[-1] + 1], "data": data + data[-1:] * math.prod(shape[:-1])}
        what = f"{where}.shape has one more in its last dimension, and data as many elements"
        yield Malformed("inner-dimension", what, written(good.spoiled(**wide)))


def _nesting(good: Good) -> Iterator[Malformed]:
    where = f"inputs[{good.focus}].data"
    data = good.tensor["data"]
    deep: Any = data
    for _ in range(_DEPTH):
        deep = [deep]
    yield Malformed("nesting", f"{where} is nested {_DEPTH} deep", written(good.spoiled(data=deep)))
    if good.two and data:
        body = _with_data(good.two, good.focus, [[*data, data[0]], data[1:]])
        yield Malformed("nesting", f"{where} is ragged", written(body), rows=2)


def _names(good: Good) -> Iterator[Malformed]:
    inputs, name = good.one["inputs"], good.tensor["name"]
    twice = written(good.listing([*inputs, good.tensor]))
    yield Malformed("duplicate-input", f"input {name!r} stands twice", twice, tensor=name)
    unknown = written(good.listing([*inputs, good.tensor | {"name": UNKNOWN_INPUT}]))
    kind = "unknown-input" if good.declared else "unknown-open"
    yield Malformed(kind, "there is an input that the model does not have", unknown, tensor=UNKNOWN_INPUT)
    yield Malformed("missing-input", "inputs is empty", written(good.listing([])))
    if len(inputs) > 1:
        for index, tensor in enumerate(inputs[:_LEFT_OUT]):
            body = written(good.listing([*inputs[:index], *inputs[index + 1 :]]))
            yield Malformed(
                "missing-input", f"input {tensor['name']!r} is missing", body, tensor=tensor["name"]
            )


def _rows(good: Good) -> Iterator[Malformed]:
    if good.two is None or len(good.one["inputs"]) == 1:
        return
    longer = good.two["inputs"][good.focus]
    body = good.spoiled(shape=longer["shape"], data=longer["data"])
    kind = "row-counts" if good.columns else "row-counts-open"
    yield Malformed(kind, f"input {longer['name']!r} has two rows, the others one", written(body))


def _words(good: Good) -> Iterator[Malformed]:
    """Words for numbers at the ends; where the model does not look at them, the prediction stays good."""
    for end in good.ends:
        tensor = good.one["inputs"][end]
        if is_numeric(tensor):
            body = written(_with_data(good.one, end, ["conformance", *tensor["data"][1:]]))
            yield Malformed("element", f"inputs[{end}].data has text for a number", body)


def _elements(good: Good) -> Iterator[Malformed]:
    where, data = f"inputs[{good.focus}].data", good.tensor["data"]
    if len(data) == 1:
        bare = written(good.spoiled(data=data[0]))
        yield Malformed("wrong-type", f"{where} is a bare element, no list", bare)
    if not is_numeric(good.tensor) or not data:
        return
    text = written(good.spoiled(data=["conformance", *data[1:]]))
    yield Malformed("element", f"{where} has text for a number", text, invents=True)
    if good.two:
        both = good.two["inputs"][good.focus]["data"]
        text = written(_with_data(good.two, good.focus, [*both[:-1], "conformance"]))
        yield Malformed("element", f"{where} ends in text for a number", text, rows=2, invents=True)
    text = written(good.spoiled(data=["1conformance", *data[1:]]))
    yield Malformed("element", f"{where} has text that begins with a number", text, invents=True)
    if good.declared:  # else the model may take text as well
        text = written(good.spoiled(datatype="BYTES", data=["conformance"] * len(data)))
        yield Malformed(
            "element", f"{where} is text, and its datatype BYTES, for numbers", text, invents=True
        )
    token = written(good.spoiled(data=[float("nan"), *data[1:]]))
    yield Malformed("coerced", f"{where} has the token NaN", token)
    maximum = DATATYPES[good.tensor["datatype"]].maximum
    if maximum is not None:
        over = written(good.spoiled(data=[maximum + 1, *data[1:]]))
        yield Malformed("coerced", f"{where} has an integer out of range", over)


# For each kind of element: JSON text of another type, with what it may be taken as.
COERCIONS: Mapping[str, Mapping[str, Sequence[Any]]] = {
    "number": {'"1"': [1.0], "true": [1.0], "null": [], "NaN": [], "1e400": []},
    "integer": {'"1"': [1], "true": [1], "1.0": [1], "1.5": [1, 2], "null": [0]},
    "boolean": {'"true"': [True], '"false"': [False, True], "1": [True], "2": [True], "null": [False]},
    "string": {"7": ["7", "7.0"], "true": ["true", "True"], "null": ["null", "None", ""]},
}
