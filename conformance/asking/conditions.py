"""What must be known of a model before more can be asked of it; each skips where it is not."""

from typing import TypeVar

from conformance.asking.model import Model
from conformance.checks.skips import no_request, untested

M = TypeVar("M", bound=Model)


def accepting(model: M) -> M:
    """A model with a request that it is known to accept."""
    if model.base is None:
        no_request(model.name)
    return model


def steady(model: M) -> M:
    """A model that gives the same answer to the same request."""
    if not model.deterministic:
        untested(f"{model.name} answers the same request differently")
    return model


def batched(model: M) -> M:
    """A model whose inputs take any number of rows, each predicted for itself."""
    if model.limit == 1 or not model.row_wise:
        untested(f"{model.name} takes no batches of independent rows")
    return model
