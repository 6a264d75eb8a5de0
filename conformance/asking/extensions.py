"""Extensions that a server may list by Triton's names, and how each is asked for without harm.

Source: Triton Inference Server 2.51.0, docs/protocol/extension_*.md.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from conformance.asking import binary
from conformance.asking.rest import RestModel
from conformance.transport.http import ABSENT
from conformance.transport.outcome import Judged


@dataclass(frozen=True)
class Told:
    """What an answer tells of an extension. ``wanted``: what there must be; ``got``: what there is."""

    answer: Judged
    there: bool
    wanted: str
    got: str


def _address(method: str, path: str, model: RestModel) -> Told:
    """Whether an address is there. ``path``: below that of the model where it does not begin with a slash."""
    where = path if path.startswith("/") else model.path(path)
    answer = model.client.post_json(where, {}) if method == "POST" else model.client.get(where)
    there = answer.status not in ABSENT
    return Told(answer, there, f"{method} {where} must be there", f"status {answer.status}")


def _binary(model: RestModel) -> Told:
    """Whether requests or answers may be binary, where neither is refused: what else there must be are
    requirements of their own."""
    answer = binary.plain(model, binary.for_all(model.base_body))
    there = not answer.answered or binary.there(model)
    return Told(answer, there, "requests or answers may be binary", "neither may")


def _classification(model: RestModel) -> Told:
    """Whether an output is texts (value:index) where the request asks for one class, which may be refused."""
    assert model.base is not None
    name = next(iter(model.base.outputs), "")
    outputs = [{"name": name, "parameters": {"classification": 1}}]
    answer = model.infer(model.base_body | {"outputs": outputs})
    got = str(answer.outputs.get(name, {}).get("datatype"))
    there = not answer.answered or got == "BYTES"
    return Told(answer, there, "an output asked for as classes is BYTES", got)


_INDEX = partial(_address, "POST", "/v2/repository/index")
EXTENSIONS: Mapping[str, Callable[[RestModel], Told]] = {
    binary.NAME: _binary,
    "classification": _classification,
    "cuda_shared_memory": partial(_address, "GET", "/v2/cudasharedmemory/status"),
    "logging": partial(_address, "GET", "/v2/logging"),
    "model_configuration": partial(_address, "GET", "config"),
    "model_repository": _INDEX,
    "model_repository(unload_dependents)": _INDEX,
    "statistics": partial(_address, "GET", "stats"),
    "system_shared_memory": partial(_address, "GET", "/v2/systemsharedmemory/status"),
    "trace": partial(_address, "GET", "/v2/trace/setting"),
}
