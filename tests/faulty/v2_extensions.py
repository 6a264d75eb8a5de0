"""Faults of servers that list extensions which they lack."""

from collections.abc import Sequence
from typing import Any

from tests.faulty.vocabulary import SERVER, edits, error, fault
from tests.faulty.wire import Ask, Request, Response

_CLAIMS: dict[str, Sequence[str]] = {
    "claims_binary_data": ["binary_tensor_data"],
    "claims_classes": ["house/metrics", "classification"],
    "claims_statistics": ["statistics"],
    "claims_logging_and_tracing": ["logging", "trace"],
    "claims_shared_memory": ["system_shared_memory", "cuda_shared_memory"],
    "claims_configuration": ["model_repository", "model_configuration"],
}


def _claiming(name: str, listed: Sequence[str]) -> None:
    @edits(SERVER)
    def claims(answer: Any, request: Request) -> None:
        answer["extensions"] = list(listed)

    claims.__name__, claims.__doc__ = name, f"The server lists {' and '.join(listed)}, and lacks the last."
    fault("v2.server.extensions")(claims)


for _name, _listed in _CLAIMS.items():
    _claiming(_name, _listed)


@fault("v2.server.extensions", options=("--model", "wine-classifier"))
def claims_a_repository(request: Request, ask: Ask) -> Response:
    """The server lists model_repository, and has no index."""
    if request.target == "/v2/repository/index":
        return error(404, "there is no such endpoint")
    response = ask(request)
    server = request.method == "GET" and request.target in ("/v2", "/v2/")
    return response.with_json(response.json | {"extensions": ["model_repository"]}) if server else response
