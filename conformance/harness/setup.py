"""From the options to a target."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from conformance.asking.sample import Sample
from conformance.asking.sample import load as load_sample
from conformance.harness import known_failures, options
from conformance.harness.known_failures import KnownFailures
from conformance.harness.preflight import Asked, discover, taken_over, waited
from conformance.harness.target import SetupError, Target
from conformance.oracles import answers
from conformance.oracles.mlmodel import check as check_mlmodel
from conformance.reporting.document import load
from conformance.transport.credentials import Credentials
from conformance.transport.http import Client
from conformance.transport.route import Route, proxy_for
from spec.catalogue import requirements

if TYPE_CHECKING:  # needs the extra grpc
    from conformance.harness.service import Service

HANDED = "conformance"  # what a process of pytest-xdist is given of the target


def prepare(config: pytest.Config) -> tuple[Target, KnownFailures]:
    """The target that the options name, and its known failures.

    Raises SetupError, OSError and ValueError, whose message says what to do.
    """

    def option(name: str) -> Any:
        return options.given(config, name)

    if not (option("target") or option("grpc_target")):
        raise SetupError(
            "give the server's base URL: --target URL, or its gRPC service: --grpc-target HOST:PORT"
        )
    unknown = [name for name in option("requirement") if name not in requirements()]
    if unknown:
        raise SetupError(f"--requirement {unknown[0]}: there is no such requirement")
    again(config)
    listed = option("known_failures")
    known = known_failures.load(listed) if listed else KnownFailures({})
    if option("mlmodel"):
        check_mlmodel(option("mlmodel"))
    asked = Asked(
        names=list(dict.fromkeys(option("model"))),
        sample=_sample(option("sample")) if option("sample") else Sample(),
        answers=answers.load(option("answers")) if option("answers") else {},
        row_wise=not option("not_row_wise"),
        mlmodel=option("mlmodel"),
        version=option("model_version"),
        scoring_only=option("profile") == ["mlflow"],
    )
    target = _found(config, _client(config), asked)
    for profile in option("profile"):
        if profile in target.missing:
            raise SetupError(f"--profile {profile}: {target.missing[profile]}")
    target.client.shared.begun = True
    return target, known


def again(config: pytest.Config) -> list[str]:
    """The requirements that failed in the report of --only-failed; none without it.

    Raises SetupError where nothing failed, ValueError for what is no report.
    """
    file = options.given(config, "only_failed")
    if not file:
        return []
    found = [row["id"] for row in load(file)["requirements"] if row["outcome"] == "failed"]
    known = [id for id in found if id in requirements()]
    if not known:
        raise SetupError(f"--only-failed {file}: nothing of this suite failed in that run")
    return known


def _found(config: pytest.Config, client: Client, asked: Asked) -> Target:
    service = _service(config, client)
    if handed_over := getattr(config, "workerinput", {}).get(HANDED):
        target = taken_over(client, asked, handed_over)
        return service.taken_over(target, asked, handed_over) if service else target
    seconds = options.given(config, "wait")
    try:
        return waited(lambda: _looked(config, client, service, asked, ready=seconds > 0), seconds)
    except SetupError as error:
        raise SetupError(client.shared.credentials.hide(str(error))) from error


def _looked(
    config: pytest.Config, client: Client, service: "Service | None", asked: Asked, *, ready: bool
) -> Target:
    """What the target has, over HTTP, over gRPC, or both."""
    if service and not options.given(config, "target"):
        return service.alone(client, asked, ready=ready)
    target = discover(client, asked, ready=ready)
    if not service:
        return replace(target, missing={**target.missing, "grpc": "no --grpc-target was given"})
    return service.beside(target, asked, ready=ready)


def _service(config: pytest.Config, client: Client) -> "Service | None":
    """The gRPC service that is to be tested; its library is needed for that alone."""
    url = options.given(config, "grpc_target")
    if not url:
        return None
    try:
        from conformance.harness.service import Service
    except ImportError as error:
        raise SetupError(
            f"--grpc-target needs the extra grpc: pip install 'oip-conformance[grpc]' ({error})"
        ) from error
    return Service(replace(client.route, url=url, proxy=""), client)


def _client(config: pytest.Config) -> Client:
    url, timeout, ca_cert, cert, key = (
        options.given(config, name) for name in ("target", "timeout", "ca_cert", "cert", "key")
    )
    url = url or options.given(config, "grpc_target")  # where that alone is tested, nothing is sent
    headers, command = dict(options.given(config, "header")), options.given(config, "header_command")
    handed_over = getattr(config, "workerinput", {}).get(HANDED, {})
    credentials = Credentials(headers, command, handed_over.get("headers"))
    return Client(Route(url, timeout, ca_cert, cert, key, proxy_for(url)), credentials)


def _sample(file: Path) -> Sample:
    try:
        sample = load_sample(file.read_text("utf-8-sig"))
    except ValueError as error:
        raise SetupError(f"--sample {file}: {error}") from error
    return replace(sample, reason=sample.reason and f"--sample {file}: {sample.reason}")
