"""Content types: those that there are, and where a model's metadata and requests name them."""

from typing import Any

from conformance.asking.model import Model
from conformance.checks.skips import not_implemented
from conformance.wire.tensors import TensorSpec
from spec.tables import CONTENT_TYPES

UNKNOWN = "no-such-content-type"
ON_TENSORS = [name for name, row in CONTENT_TYPES.items() if row.tensor]
ON_REQUESTS = [name for name, row in CONTENT_TYPES.items() if row.request]
TEXT = [name for name, row in CONTENT_TYPES.items() if row.text]
SINGLE = [name for name, row in CONTENT_TYPES.items() if row.single]


def declared(model: Model) -> list[TensorSpec]:
    """The inputs and outputs with a content type."""
    found = [spec for spec in model.inputs + model.outputs if spec.content_type]
    if not found and not model.content_type:
        not_implemented(f"the metadata of {model.name} names no content type")
    return found


def marked(content_type: str) -> dict[str, Any]:
    """The member of a tensor or a request that names a content type."""
    return {"parameters": {"content_type": content_type}}
