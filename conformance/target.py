"""The preflight: is the target there, which models, which profiles. Asked once, before anything is tested."""

import json
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conformance.answers import Answers
from conformance.client import Client, NoAnswer, TargetDied
from conformance.exchange import Exchange
from conformance.model import Model
from spec.validation import is_valid

ABSENT = {404, 405, 501}
_GUARDED = {401, 403}  # what a gateway may answer to paths that are not there
_TOKEN = "--header 'Authorization: …'"
NOWHERE = "/no-such-endpoint-of-the-conformance-suite"
UNAVAILABLE = {*ABSENT, 502, 503, 504}  # whatever the request holds


class SetupError(Exception):
    """The target can't be tested as asked. The message says why, and what to do."""


@dataclass
class Target:
    """What is tested. ``missing``: for each profile that the target lacks, the reason."""

    client: Client
    models: list[Model]
    missing: Mapping[str, str]
    answers: Mapping[str, Answers] = field(default_factory=dict)
    mlmodel: Path | None = None
    version: str = ""

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        # Hypothesis prints the arguments of a test that fails; as a dataclass this one is too long for it.
        printer.text(f"Target({self.client.url!r})")

    @property
    def server(self) -> dict[str, Any]:
        """The server metadata; empty when it can't be had."""
        for path in ("/v2", "/v2/"):
            answer = self.client.get(path)
            if answer.status == 200 and isinstance(answer.json, dict):
                return dict(answer.json)
        return {}


def discover(
    client: Client,
    names: Sequence[str],
    *,
    sample: dict[str, Any] | None = None,
    answers: Mapping[str, Answers] | None = None,
    row_wise: bool = True,
    mlmodel: Path | None = None,
    version: str = "",
) -> Target:
    """Ask the target what it has. Raises SetupError."""
    answers = answers or {}
    if not client.accepts():
        raise SetupError(f"nothing answers at {client.url} (no connection): is the server running?")
    try:
        nowhere = client.get(NOWHERE).status
        absent = ABSENT | ({nowhere} & _GUARDED)
        v2, mlflow = _has_v2(client, names, absent), _has_mlflow(client, absent)
        if not (v2 or mlflow):
            told = f"answers {nowhere} to everything: give a token with {_TOKEN}"
            lacks = "speaks neither protocol: no /v2, no /invocations"
            raise SetupError(f"{client.url} {told if nowhere in _GUARDED else lacks}")
        chosen = (list(names) or _listed(client)) if v2 else _only(names, answers)
        models = [
            Model(client, name, sample, row_wise, answers[name].example if name in answers else None, version)
            for name in chosen
        ]
        if v2:
            models = models if names else _there(models)
            _check_models(client, models)
    except (NoAnswer, TargetDied) as error:
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            raise SetupError(f"{error}. Give what signed the certificate with --ca-cert FILE") from error
        raise SetupError(f"{client.url} does not speak HTTP: {error}") from error
    missing = _missing(v2, mlflow, models, names, mlmodel)
    return Target(client, models, missing, answers, mlmodel, version)


def _only(names: Sequence[str], answers: Mapping[str, Answers]) -> list[str]:
    """The one model of a target without /v2, which does not tell its name."""
    return list(names[:1]) or (list(answers) if len(answers) == 1 else ["model"])


def _has_v2(client: Client, names: Sequence[str], absent: Set[int]) -> bool:
    paths = ["/v2/health/live", "/v2", *(Model(client, name).path() for name in names[:1])]
    return any(client.get(path).status not in absent for path in paths)


def _has_mlflow(client: Client, absent: Set[int]) -> bool:
    return client.send("POST", "/invocations", b"", {"Content-Type": "application/json"}).status not in absent


def index(client: Client) -> Exchange:
    """The repository index, which MLServer and Triton offer."""
    return client.post_json("/v2/repository/index", {})


def _listed(client: Client) -> list[str]:
    answer = index(client)
    if answer.status in _GUARDED:
        raise SetupError(
            f"{client.url} answers {answer.status} to POST /v2/repository/index: give a token with {_TOKEN}, "
            "or name a model with --model NAME"
        )
    if answer.status == 200 and is_valid("mlserver/repository-index", answer.json):
        names = sorted({row["name"] for row in answer.json if row.get("state", "READY") == "READY"})
        if names:
            return names
        raise SetupError(
            f"{client.url} has no ready model: its repository index is {json.dumps(answer.json)}"
        )
    offers = "has an index that can't be read" if answer.status == 200 else "offers no repository index"
    raise SetupError(f"which model? {client.url} {offers}: name one with --model NAME")


def _there(models: Sequence[Model]) -> list[Model]:
    """The listed models that are there; all when none is. What is listed only is v2.server.index-agrees."""
    return [model for model in models if _is_there(model)] or list(models)


def _is_there(model: Model) -> bool:
    return model.metadata.status == 200 or model.client.get(model.path("ready")).status == 200


def _check_models(client: Client, models: Sequence[Model]) -> None:
    for model in models:
        if not _is_there(model):
            raise SetupError(
                f"{client.url} has no model {model.name!r}: GET {model.path()} answers "
                f"{model.metadata.status}. Name one that it serves with --model NAME, and its version with "
                "--model-version V where it demands one"
            )
        if _is_loading(model):
            raise SetupError(
                f"{client.url} has not loaded {model.name!r}: it says that the model is not ready, and "
                "answers no inference request. Wait until it is ready"
            )


def denies(answer: Exchange) -> bool:
    """Whether an answer on readiness says no, by its status or in its body."""
    said = isinstance(answer.json, dict) and answer.json.get("ready") is False
    return said or (answer.status >= 400 and answer.status not in ABSENT)


def _is_loading(model: Model) -> bool:
    """Whether a model is not ready, at both endpoints."""
    if not denies(model.client.get(model.path("ready"))) or model.base is not None:
        return False
    return model.refusal is not None and model.refusal.status in UNAVAILABLE


def _missing(
    v2: bool, mlflow: bool, models: Sequence[Model], names: Sequence[str], mlmodel: Path | None
) -> dict[str, str]:
    no_v2 = "" if v2 else "the target has no /v2"
    no_mlflow = "" if mlflow else "the target has no /invocations"
    if mlflow and v2 and len(models) > 1 and not names:
        no_mlflow = "several models: name first the one that /invocations serves, with --model"
    told = (
        any(m.content_type or any(s.content_type for s in m.inputs + m.outputs) for m in models)
        if v2
        else False
    )
    reasons = {
        "v2": no_v2,
        "mlflow": no_mlflow,
        "content-types": no_v2 or ("" if told else "the metadata names no content_type"),
        "signature": no_v2 or ("" if mlmodel else "needs the model itself: --mlmodel DIR"),
        "parity": no_v2 or no_mlflow,
        "robustness": "",
    }
    return {profile: reason for profile, reason in reasons.items() if reason}
