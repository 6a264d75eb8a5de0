"""From the options to a target."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from conformance.asking.sample import Sample
from conformance.asking.sample import load as load_sample
from conformance.harness import known_failures, options
from conformance.harness.known_failures import KnownFailures
from conformance.harness.preflight import Asked, discover, taken_over, waited
from conformance.harness.target import SetupError, Target
from conformance.oracles import answers
from conformance.oracles.mlmodel import check as check_mlmodel
from conformance.transport.credentials import Credentials
from conformance.transport.http import Client
from conformance.transport.route import Route, proxy_for
from spec.catalogue import requirements

HANDED = "conformance"  # what a process of pytest-xdist is given of the target


def prepare(config: pytest.Config) -> tuple[Target, KnownFailures]:
    """The target that the options name, and its known failures.

    Raises SetupError, OSError and ValueError, whose message says what to do.
    """

    def option(name: str) -> Any:
        return options.given(config, name)

    if not option("target"):
        raise SetupError("give the server's base URL: --target URL")
    unknown = [name for name in option("requirement") if name not in requirements()]
    if unknown:
        raise SetupError(f"--requirement {unknown[0]}: there is no such requirement")
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


def _found(config: pytest.Config, client: Client, asked: Asked) -> Target:
    if handed_over := getattr(config, "workerinput", {}).get(HANDED):
        return taken_over(client, asked, handed_over)
    seconds = options.given(config, "wait")
    try:
        return waited(lambda: discover(client, asked, ready=seconds > 0), seconds)
    except SetupError as error:
        raise SetupError(client.shared.credentials.hide(str(error))) from error


def _client(config: pytest.Config) -> Client:
    url, timeout, ca_cert, cert, key = (
        options.given(config, name) for name in ("target", "timeout", "ca_cert", "cert", "key")
    )
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
