"""What is said before the first test, and kept in the report."""

import json
from typing import Any

import pytest

from conformance.harness import options
from conformance.harness.pace import Announcer
from conformance.harness.target import Target
from conformance.transport.credentials import redacted
from conformance.transport.text import clean, cleaned, mapped

_NAMED = 10  # models in the header
_SHOWN = (
    "model", "model_version", "profile", "requirement", "max_examples", "seed", "timeout", "not_row_wise",
)  # fmt: skip
_FILES = ("sample", "answers", "mlmodel", "ca_cert", "cert", "key")


def announcer(config: pytest.Config, target: Target) -> Announcer:
    """Says how long the run takes."""
    processes = getattr(config.option, "numprocesses", None) or 1
    return Announcer(
        target.missing,
        target.pace,
        len(target.models),
        options.given(config, "max_examples"),
        processes,
        [clean(f"--sample: no request holds {what}") for what in target.left_out],
    )


def shown(config: pytest.Config) -> dict[str, Any]:
    """The options that decide what is tested."""
    given = {name: options.given(config, name) for name in _SHOWN}
    given |= {name: str(file) for name in _FILES if (file := options.given(config, name))}
    return cleaned(given | {"header": redacted(dict(options.given(config, "header")))})


def described(target: Target) -> dict[str, Any]:
    """What the report says of the target."""
    told = {key: value for key, value in target.server.items() if key in ("name", "version")}
    told = {key: value for key, value in told.items() if isinstance(value, str)}
    told = mapped(told, target.client.shared.credentials.hide)
    urls = {"url": target.client.url} | ({"grpc": target.channel.url} if target.channel else {})
    return cleaned({**urls, "models": [model.name for model in target.models], **told})


def header(target: Target, config: pytest.Config) -> list[str]:
    """What is tested, and what is not."""
    told = described(target)
    more = len(told["models"]) - _NAMED
    if more > 0:
        told["models"][_NAMED:] = [f"… and {more} more"]
    lacks = [clean(f"not tested: {profile} ({reason})") for profile, reason in target.missing.items()]
    taken = [f"{name} is the suite's here, not another plugin's" for name in options.taken(config)]
    return [f"conformance: {json.dumps(told, ensure_ascii=False)}", *lacks, *taken]
