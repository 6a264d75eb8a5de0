"""The inputs and outputs of a model, as its metadata or a request tells them. Pure functions."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from conformance.wire import scoring, tensors
from conformance.wire.tensors import TensorSpec


def specs(declared: Any) -> list[TensorSpec]:
    """The metadata tensors that can be read; those that can't are another requirement's finding."""
    found = []
    for tensor in declared if isinstance(declared, list) else []:
        try:
            parameters = tensor.get("parameters") or {}
            shape = tuple(int(d) for d in tensor["shape"])
            content_type = str(parameters.get("content_type") or "")
            found.append(
                TensorSpec(str(tensor["name"]), str(tensor["datatype"]).upper(), shape, content_type)
            )
        except (KeyError, TypeError, ValueError, AttributeError):
            continue
    return found


def sized(declared: Sequence[TensorSpec], given: Sequence[Mapping[str, Any]]) -> list[TensorSpec]:
    """The declared inputs with their variable inner dimensions as in the tensors given.

    The first dimension too where the tensors differ in their number of rows, and are no batch.
    """
    shapes = {tensor["name"]: tensor["shape"] for tensor in given}
    named = [s for s in declared if s.name in shapes]
    fitting = {s.name: shapes[s.name] for s in named if len(shapes[s.name]) == len(s.shape)}
    whole = len({fitting[s.name][0] if s.batched else 1 for s in declared if s.name in fitting}) > 1
    return [_sized(spec, fitting[spec.name], whole) if spec.name in fitting else spec for spec in declared]


def _sized(spec: TensorSpec, given: Sequence[int], whole: bool) -> TensorSpec:
    free = [d < 0 and (whole or position > 0) for position, d in enumerate(spec.shape)]
    shape = [g if f else d for f, d, g in zip(free, spec.shape, given, strict=True)]
    return replace(spec, shape=tuple(shape))


def specs_of_sample(given: Sequence[Mapping[str, Any]]) -> list[TensorSpec]:
    """The inputs as a request shows them: of any number of rows, when all have as many."""
    batched = len({tuple(tensor["shape"][:1]) for tensor in given}) == 1
    return [_spec_of_sample(tensor, batched) for tensor in given]


def _spec_of_sample(tensor: Mapping[str, Any], batched: bool) -> TensorSpec:
    shape = (-1, *tensor["shape"][1:]) if batched else tuple(tensor["shape"])
    named = str((tensor.get("parameters") or {}).get("content_type") or "")
    content_type = named or scoring.likely_content_type(tensors.flat(tensor["data"]))
    return TensorSpec(tensor["name"], tensor["datatype"], shape, content_type)
