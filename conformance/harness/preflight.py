"""The preflight: is the target there, which models, which profiles. Asked once, before anything is tested."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from statistics import median
from typing import Any, TypeVar

from conformance.asking import binary
from conformance.asking.declared import specs
from conformance.asking.invocations import PATH, Invocations
from conformance.asking.rest import RestModel
from conformance.asking.sample import Sample
from conformance.asking.server import denies, index
from conformance.checks.skips import NO_REQUEST
from conformance.harness import gateway
from conformance.harness.target import NotYet, SetupError, Target
from conformance.oracles.answers import Answers
from conformance.transport import rest
from conformance.transport.answer import Transport
from conformance.transport.exchange import Exchange, Request
from conformance.transport.http import ABSENT, GUARDED, KEPT_OUT, UNAVAILABLE, Client
from conformance.transport.lost import AccessLost, NoAnswer, TargetDied
from conformance.transport.rest import Rest, carried
from conformance.wire import scoring
from spec.validation import is_valid

T = TypeVar("T")

NO_MLMODEL = "needs the model itself: --mlmodel DIR"
NOWHERE = "/no-such-endpoint-of-the-conformance-suite"
_LOOKED_AT = 10  # models, of those that an index lists; and names in a message
_ASKED, _ENOUGH = 3, 1.0  # how often a good request is measured, if that takes less than so many seconds
_PAUSE = 0.5  # seconds between two looks
_TLS = {
    "CERTIFICATE_VERIFY_FAILED": "Give what signed the certificate with --ca-cert FILE",
    "CERTIFICATE_REQUIRED": "Give a certificate of your own with --cert FILE and --key FILE",
    "BAD_CERTIFICATE": "It does not take the certificate of --cert",
    "UNKNOWN_CA": "It does not take the certificate of --cert",
    "WRONG_VERSION_NUMBER": "It does not speak TLS: is its URL http://…?",
}
_HUNG_UP = ". A server that demands a certificate of its client may hang up so: --cert FILE and --key FILE"


@dataclass(frozen=True)
class Asked:
    """What the user says of the target.

    names: of its models; none: all that it lists. scoring_only: V2 is not tested.
    """

    names: Sequence[str] = ()
    sample: Sample = field(default_factory=Sample)
    answers: Mapping[str, Answers] = field(default_factory=dict)
    row_wise: bool = True
    mlmodel: Path | None = None
    version: str = ""
    scoring_only: bool = False

    def model(self, client: Client, name: str) -> RestModel:
        """The model called ``name``, over HTTP."""
        return self.of(RestModel, Rest(client), name)

    def of(self, kind: Callable[..., T], transport: Transport, name: str) -> T:
        """The model called ``name``, of a kind and behind a transport."""
        known = self.answers[name].example if name in self.answers else None
        given, scored = self.sample.request, self.sample.scored
        return kind(transport, name, given, self.row_wise, known, self.version, scored)


def waited(look: Callable[[], T], seconds: float) -> T:
    """What ``look`` returns once it raises no NotYet. Raises the last one after so many seconds."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return look()
        except NotYet as seen:
            left = deadline - time.monotonic()
            if left <= 0:
                raise NotYet(f"{seen} (waited {seconds:g} s)" if seconds else str(seen)) from seen
            time.sleep(min(_PAUSE, left))


def discover(client: Client, asked: Asked, *, ready: bool = False) -> Target:
    """Ask the target what it has. ``ready``: it must say that it is ready. Raises SetupError."""
    if not client.route.accepts():
        way = f" by way of the proxy {client.route.named_proxy}" if client.route.proxy else ""
        raise NotYet(f"nothing answers at {client.url}{way} (no connection): is the server running?")
    try:
        return _discover(client, asked, ready)
    except AccessLost as error:
        raise SetupError(f"{client.url}: {error}") from error
    except (NoAnswer, TargetDied) as error:
        told = next((hint for name, hint in _TLS.items() if name in _spelled(str(error))), "")
        if told:
            raise SetupError(f"{client.url}: {error}. {told}") from error
        hint = _HUNG_UP if client.route.encrypted and not client.route.cert else ""
        raise NotYet(f"{client.url} does not speak HTTP: {error}{hint}") from error


def _spelled(error: str) -> str:
    return error.upper().replace(" ", "_")


def _discover(client: Client, asked: Asked, ready: bool) -> Target:
    names = list(asked.names)
    nowhere = client.get(NOWHERE)
    v2_answers = [client.get(path) for path in _v2_paths(client, names)]
    invoked = client.send("POST", PATH, b"", {"Content-Type": "application/json"})
    told = gateway.same_to_everything(client.url, [nowhere, *v2_answers, invoked])
    if told:
        raise (SetupError if nowhere.status in KEPT_OUT else NotYet)(told)
    v2 = any(not _is_absent(answer, nowhere) for answer in v2_answers)
    mlflow = not _is_absent(invoked, nowhere)
    if not (v2 or mlflow):
        told = f"{client.url} speaks neither protocol: no /v2, no {PATH}{gateway.said(nowhere)}"
        raise NotYet(f"{told}. Is it the base URL? An ingress needs the host that it knows: {gateway.HOST}")
    if v2 and asked.sample.reason and not asked.scoring_only:
        raise SetupError(f"{asked.sample.reason}. To test {PATH} with it, leave out V2: --profile mlflow")
    chosen = (names or _listed(client)) if v2 else _only(asked)
    models = _models(client, asked, chosen, v2)
    if v2:
        first = models if names else _there(models[:_LOOKED_AT])
        _check_models(client, first, ready, nowhere)
        models = models if names else [*first, *models[_LOOKED_AT:]]
    missing = _missing(v2, mlflow, models, asked)
    pace, left_out = _measured(client, models[0], v2), asked.sample.left_out
    return Target(client, models, missing, asked.answers, asked.mlmodel, asked.version, pace, left_out)


def _is_absent(answer: Exchange, nowhere: Exchange) -> bool:
    """Whether there is nothing: what is nowhere is answered so, or this is. A gateway may forbid it."""
    same = answer.status == nowhere.status >= 400
    return answer.status in ABSENT or (
        same and (answer.status in GUARDED or gateway.alike([answer, nowhere]))
    )


def _measured(client: Client, model: RestModel, v2: bool) -> float:
    """The seconds of a good request; from now on that one tells whether the target still lets anything in."""
    base = model.base if v2 else None
    refusal = carried(model.refusal) if v2 and base is None and model.refusal else None
    if refusal is not None and refusal.status in KEPT_OUT:
        raise _kept_out(client, refusal)
    good = carried(base) if base else Invocations(model).base
    client.shared.good = (good or model.page).request if good or v2 else None
    if good is None:
        return 0.0
    taken: list[float] = []
    while len(taken) < _ASKED and sum(taken) < _ENOUGH:
        begun = time.monotonic()
        client.again()
        taken.append(time.monotonic() - begun)
    return median(taken)


def handed(target: Target) -> dict[str, Any]:
    """What another process needs to test the same target without a preflight of its own, as plain data."""
    good = target.client.shared.good
    return {
        "models": [model.name for model in target.models],
        "rpc_models": [model.name for model in target.rpc_models],
        "alone": target.alone,
        "missing": dict(target.missing),
        "headers": dict(target.client.shared.credentials.headers),
        "good": (good.method, good.url, dict(good.headers), good.body) if good else None,
    }


def taken_over(client: Client, asked: Asked, given: Mapping[str, Any]) -> Target:
    """The target that another process ``handed`` over."""
    client.shared.good = Request(*given["good"]) if given["good"] else None
    models = _models(client, asked, given["models"], "v2" not in given["missing"])
    return Target(client, models, given["missing"], asked.answers, asked.mlmodel, asked.version)


def _models(client: Client, asked: Asked, names: Sequence[str], v2: bool) -> list[RestModel]:
    models = [asked.model(client, name) for name in names]
    if v2 and scoring.is_positional(asked.sample.scored):
        for model in models:
            _name(model)
    return models


def _name(model: RestModel) -> None:
    """Give the columns of a sample without names those of the metadata, in its order."""
    declared = specs(model.described.get("inputs"))
    tensors = (model.sample or {"inputs": []})["inputs"]
    if model.sample and len(declared) == len(tensors):
        named = [{**tensor, "name": spec.name} for spec, tensor in zip(declared, tensors, strict=True)]
        model.sample = {**model.sample, "inputs": named}


def _v2_paths(client: Client, names: Sequence[str]) -> list[str]:
    return ["/v2/health/live", "/v2", *map(rest.path, names[:1])]


def _only(asked: Asked) -> list[str]:
    """The one model of a target without /v2, which does not tell its name."""
    return list(asked.names[:1]) or (list(asked.answers) if len(asked.answers) == 1 else ["model"])


def _indexed(answer: Exchange) -> list[dict[str, str]]:
    """The rows of a repository index; none where there is no index that can be read."""
    return answer.json if answer.status == 200 and is_valid("mlserver/repository-index", answer.json) else []


def _listed(client: Client) -> list[str]:
    answer = index(client)
    if answer.status in KEPT_OUT:
        raise SetupError(f"{_kept_out(client, answer)}, or name a model with --model NAME")
    rows = _indexed(answer)
    names = sorted({row["name"] for row in rows if row.get("state", "READY") == "READY"})
    if names:
        return names
    if rows or answer.json == []:
        states = ", ".join(f"{row['name']} {row.get('state')}" for row in rows[:_LOOKED_AT]) or "nothing"
        raise NotYet(f"{client.url} has no ready model: its repository index lists {states}")
    offers = "has an index that can't be read" if answer.status == 200 else "offers no repository index"
    raise SetupError(f"which model? {client.url} {offers}: name one with --model NAME")


def _there(models: Sequence[RestModel]) -> list[RestModel]:
    """The listed models that are there; all when none is. What is listed only is v2.server.index-agrees."""
    return [model for model in models if _is_there(model)] or list(models)


def _is_there(model: RestModel) -> bool:
    """Whether its metadata, its readiness or the inference request that was given is answered."""
    ready = model.metadata.answered or model.client.get(model.path("ready")).status == 200
    return ready or model.base is not None


def _check_models(client: Client, models: Sequence[RestModel], ready: bool, nowhere: Exchange) -> None:
    if ready and denies(said := client.get("/v2/health/ready")) and not _is_absent(said, nowhere):
        raise NotYet(f"{client.url} is not ready: GET /v2/health/ready answers {said.status}")
    for model in models:
        if not _is_there(model):
            raise _absent(client, model)
        said = client.get(model.path("ready"))
        waits = ready and not _is_absent(said, nowhere)
        if denies(said) and (waits or _is_loading(model, said)):
            more = "" if waits else ", and it answers no inference request"
            raise NotYet(
                f"{client.url} has not loaded {model.name!r} yet: GET {model.path('ready')} answers "
                f"{said.status}{more}. Wait until it is ready: --wait SECONDS"
            )


def _absent(client: Client, model: RestModel) -> SetupError:
    """That a model is not there, and what is."""
    answer = model.page
    if answer.status in KEPT_OUT:
        return _kept_out(client, answer)
    names = sorted({row["name"] for row in _indexed(index(client))})
    close = get_close_matches(model.name, names, n=1)
    listed = ", ".join(map(repr, names[:_LOOKED_AT])) + (", …" if len(names) > _LOOKED_AT else "")
    told = f" Its repository index lists {len(names)}: {listed}." if names else ""
    meant = f" Is it {close[0]!r}?" if close else ""
    return NotYet(
        f"{client.url} has no model {model.name!r}: GET {model.path()} answers {answer.status}.{meant}{told} "
        "Name one that it serves with --model NAME, and its version with --model-version V where it demands "
        "one"
    )


def _kept_out(client: Client, answer: Exchange) -> SetupError:
    """That what is asked of the model is not let in."""
    asked = f"{answer.request.method} {answer.request.url.removeprefix(client.url)}"
    return SetupError(f"{gateway.same_to_everything(client.url, [answer])} ({asked} was asked)")


def _is_loading(model: RestModel, ready: Exchange) -> bool:
    """Whether a model that is not ready answers no inference request, whatever it holds."""
    if model.base is not None or model.refusal is None:
        return False
    return carried(model.refusal).status in {*UNAVAILABLE, ready.status}


def _missing(v2: bool, mlflow: bool, models: Sequence[RestModel], asked: Asked) -> dict[str, str]:
    no_v2 = "" if v2 else "the target has no /v2"
    no_mlflow = "" if mlflow else f"the target has no {PATH}"
    if mlflow and v2 and len(models) > 1 and not asked.names:
        no_mlflow = f"several models: name first the one that {PATH} serves, with --model"
    told = v2 and any(
        m.content_type or any(s.content_type for s in m.inputs + m.outputs) for m in models[:_LOOKED_AT]
    )
    reasons = {
        "v2": no_v2,
        "mlflow": no_mlflow,
        "content-types": no_v2 or ("" if told else "the metadata names no content_type"),
        "signature": no_v2 or ("" if asked.mlmodel else NO_MLMODEL),
        "parity": no_v2 or no_mlflow,
        "binary": no_v2 or _no_binary(models[0]),
        "robustness": "",
    }
    return {profile: reason for profile, reason in reasons.items() if reason}


def _no_binary(model: RestModel) -> str:
    if model.base is None:
        return NO_REQUEST.format(model.name)
    return "" if binary.there(model) else "requests and answers are JSON alone"
