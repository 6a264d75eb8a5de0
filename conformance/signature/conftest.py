"""What the tests of the signature are given."""

import pytest
from hypothesis import strategies as st

from conformance.asking.model import Model
from conformance.checks.skips import no_request, not_implemented, untested
from conformance.oracles.mlmodel import Oracle
from conformance.wire.tensors import Row

Rows = st.SearchStrategy[list[Row]]


@pytest.fixture(scope="session")
def rows(mlflow_model: Model, oracle: Oracle) -> Rows:
    """Rows that fit the metadata of a model that has a signature."""
    if not oracle.inputs:
        not_implemented("the model has no signature")
    structured = any(spec.content_type == "pd_json" for spec in mlflow_model.inputs)
    known = mlflow_model.sample or mlflow_model.known or mlflow_model.base
    if not mlflow_model.inputs or (structured and not known):
        untested("nothing tells what the model takes: give a request with --sample FILE")
    drawn = mlflow_model.rows()
    return drawn if mlflow_model.base is None else st.one_of(st.just(list(mlflow_model.base_rows)), drawn)


@pytest.fixture(scope="session")
def good(mlflow_model: Model, oracle: Oracle) -> Model:
    """The model, which has a signature, and a request that it is known to accept."""
    if not oracle.inputs:
        not_implemented("the model has no signature")
    if mlflow_model.base is None:
        no_request(mlflow_model.name)
    return mlflow_model
