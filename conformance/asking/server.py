"""What a server tells of itself and its models, and names of what it does not have."""

from conformance.asking.model import Model
from conformance.transport import rest
from conformance.transport.exchange import Exchange
from conformance.transport.http import ABSENT, Client

UNKNOWN = "no-such-model-of-the-conformance-suite"
# Names that frameworks and file systems trip over: a slash, another alphabet, more than a file name may have.
_ODD = ("a/b", "\u00e9", "x" * 300)


def index(client: Client) -> Exchange:
    """The repository index, which MLServer and Triton offer."""
    return client.post_json("/v2/repository/index", {})


def denies(answer: Exchange) -> bool:
    """Whether an answer on readiness says no, by its status or in its body."""
    said = isinstance(answer.json, dict) and answer.json.get("ready") is False
    return said or (answer.status >= 400 and answer.status not in ABSENT)


def unknown_versions(model: Model) -> list[str]:
    """Versions that the model does not have: a word, and a number, as versions often are."""
    return [UNKNOWN, *({"987654321"} - {*model.versions})]


def odd_models(client: Client) -> list[Exchange]:
    """The answers to metadata requests for models that are not there and have odd names."""
    return [client.get(rest.path(f"{UNKNOWN}-{name}")) for name in _ODD]
