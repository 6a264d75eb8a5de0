"""What the server says of itself while it is busy."""

from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice
from typing import Any

import pytest

from conformance.asking.rest import RestModel
from conformance.asking.server import denies
from conformance.checks.assertions import check
from conformance.checks.skips import untested
from conformance.transport.exchange import Exchange
from conformance.transport.together import FEW

requirement = pytest.mark.requirement

PROBES = 20  # while these run


@requirement("v2.concurrency.health")
def test_health(scored: RestModel) -> None:
    paths = ["/v2/health/live", "/v2/health/ready", scored.path("ready")]
    ready = [path for path in paths if _says_yes(scored.client.get(path))]
    if not ready:
        untested("the server is neither live nor ready: v2.health")
    probes = []
    with ThreadPoolExecutor(FEW) as pool:
        running = [pool.submit(scored.client.twin().post_json, *_good(scored)) for _ in range(4 * FEW)]
        for path in islice(cycle(ready), PROBES):
            probes.append(scored.client.get(path))
            if all(one.done() for one in running):
                break
    if any(one.result().status != 200 for one in running):
        untested("the requests beside it are refused: v2.concurrency.isolation")
    for probe in probes:
        message = "the server answers four requests at a time, and says that it is not there"
        check(_says_yes(probe), message, probe, got=f"status {probe.status}", expected="status 200")


def _says_yes(answer: Exchange) -> bool:
    return answer.answered and not denies(answer)


def _good(model: RestModel) -> tuple[str, Any]:
    return model.path("infer"), model.base_body
