"""The preflight of gRPC: is the service there, and which models. Needs the extra grpc."""

import time
from collections.abc import Mapping
from dataclasses import replace
from statistics import median
from typing import Any

from conformance.asking.rpc import RpcModel
from conformance.harness.preflight import NO_MLMODEL, Asked
from conformance.harness.target import NotYet, SetupError, Target
from conformance.transport.channel import Channel
from conformance.transport.http import Client
from conformance.transport.lost import NoAnswer, TargetDied
from conformance.transport.outcome import Outcome
from conformance.transport.route import Route
from conformance.transport.rpc import Rpc
from spec.catalogue import PROFILES

_BY_GRPC = {"grpc", "signature", "robustness"}
_CONNECT_SECONDS = 5.0
_ASKED = 3  # how often a good request is measured


class Service:
    """The gRPC service of a target, at the end of a route."""

    def __init__(self, route: Route, client: Client) -> None:
        self.channel = Channel(route, client)

    def beside(self, target: Target, asked: Asked, *, ready: bool) -> Target:
        """A target with its service beside HTTP; the models are those that it has. Raises SetupError."""
        _check(self.channel, ready)
        listed = [self._model(asked, model.name) for model in target.models]
        there = [model for model in listed if _is_there(model)]
        return replace(target, channel=self.channel, rpc_models=there or listed)

    def alone(self, client: Client, asked: Asked, *, ready: bool) -> Target:
        """A target that has this service and nothing else. Raises SetupError."""
        _check(self.channel, ready)
        names = list(asked.names) or (list(asked.answers) if len(asked.answers) == 1 else [])
        if not names:
            raise SetupError("which model? gRPC has no list of them: name one with --model NAME")
        found = [self._model(asked, name) for name in names]
        for model in found:
            if model.metadata.evidence.outcome is Outcome.BUSY:
                told = f"ModelMetadata of {model.name!r} ends with {model.metadata.status}"
                raise NotYet(f"{self.channel.url} is busy: {told}. Wait until it is ready: --wait SECONDS")
            if not _is_there(model) and model.metadata.status != "UNIMPLEMENTED":
                told = f"{self.channel.url} has no model {model.name!r}"
                ends = f"ModelMetadata ends with {model.metadata.status}"
                raise NotYet(f"{told}: {ends}. Name one that it serves with --model NAME")
        return Target(
            client=client,
            models=[asked.model(client, name) for name in names],
            missing=_missing(asked),
            answers=asked.answers,
            mlmodel=asked.mlmodel,
            version=asked.version,
            pace=_pace(found[0]),
            left_out=asked.sample.left_out,
            channel=self.channel,
            rpc_models=found,
            alone=True,
        )

    def taken_over(self, target: Target, asked: Asked, given: Mapping[str, Any]) -> Target:
        """A target with the models that another process ``handed`` over."""
        found = [self._model(asked, name) for name in given["rpc_models"]]
        return replace(target, channel=self.channel, rpc_models=found, alone=given["alone"])

    def _model(self, asked: Asked, name: str) -> RpcModel:
        return asked.of(RpcModel, Rpc(self.channel), name)


def _check(channel: Channel, ready: bool) -> None:
    if not channel.route.accepts():
        raise NotYet(f"nothing answers at {channel.url} (no connection): is its gRPC service running?")
    if not channel.connects(_CONNECT_SECONDS):
        raise NotYet(f"{channel.url} does not speak gRPC: is it the port of HTTP, or of TLS (grpcs://…)?")
    try:
        said = channel.ask("ServerReady")
    except (NoAnswer, TargetDied) as error:
        raise NotYet(f"{channel.url} does not answer: {error}") from error
    if said.code in ("UNAUTHENTICATED", "PERMISSION_DENIED"):
        hint = "give a token with --header 'Authorization: …'"
        raise SetupError(f"{channel.url} does not let this in: ServerReady ends with {said.code}; {hint}")
    if ready and said.message is not None and not said.message.ready:
        raise NotYet(f"{channel.url} is not ready: ServerReady says so")


def _missing(asked: Asked) -> dict[str, str]:
    """Why each other profile is not tested; what a model signs and how robust it is hold for gRPC too."""
    missing = {profile: "no --target was given" for profile in PROFILES if profile not in _BY_GRPC}
    return missing | ({} if asked.mlmodel else {"signature": NO_MLMODEL})


def _is_there(model: RpcModel) -> bool:
    return model.metadata.answered or model.ready().answered


def _pace(model: RpcModel) -> float:
    """The seconds of a good request; 0 where none is known."""
    if model.base is None:
        return 0.0
    taken = []
    for _ in range(_ASKED):
        begun = time.monotonic()
        model.infer(model.base_body)
        taken.append(time.monotonic() - begun)
    return median(taken)
