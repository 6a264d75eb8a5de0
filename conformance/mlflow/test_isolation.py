"""POST /invocations: what one request leaves to the next."""

import pytest

from conformance.asking.invocations import PATH, Invocations
from conformance.checks.assertions import check
from conformance.checks.skips import untested
from conformance.harness.target import Target
from conformance.oracles.known import known_parameters

requirement = pytest.mark.requirement


@requirement("mlflow.isolation.params")
def test_params(steady_scoring: Invocations, target: Target) -> None:
    asked = known_parameters(target.answers, steady_scoring.model, "mlflow")
    if not asked:
        untested("needs known answers with params: --answers PATH")
    for body in asked:
        plain = {name: member for name, member in body.items() if name != "params"}
        usual, other, again = (steady_scoring.client.post_json(PATH, b) for b in (plain, body, plain))
        different = steady_scoring.difference(usual, again) or (again.status != usual.status)
        check(
            not different, "params of the request before change the prediction", other, again, got=different
        )
