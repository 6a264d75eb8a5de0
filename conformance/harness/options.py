"""The options of the suite, and what is wrong with the value of one."""

import argparse
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from conformance.transport.credentials import header
from conformance.transport.text import clean
from spec.catalogue import PROFILES

IMPLEMENTATION = ("name", "version", "project", "url")


def add(parser: pytest.Parser) -> None:
    """Add the options to pytest's.

    A name that another plugin owns is the suite's in its runs: the other's option keeps its default.
    """
    parsed = parser.optparser
    parsed.set_defaults(
        **{_dest("taken"): [name for name in _OPTIONS if name in parsed._option_string_actions]}
    )
    refuse, parsed.conflict_handler = parsed.conflict_handler, "resolve"
    group = parser.getgroup("conformance", "conformance of an inference server")
    for name, told in _OPTIONS.items():
        group.addoption(name, dest=_dest(name), **told)
    parsed.conflict_handler = refuse


def taken(config: pytest.Config) -> list[str]:
    """The names that another plugin had first."""
    return list(getattr(config.option, _dest("taken")))


def given(config: pytest.Config, name: str) -> Any:
    """The value of the option ``--name``."""
    return config.getoption(_dest(name))


def _dest(name: str) -> str:
    """Where pytest keeps the value: under a name that no other plugin uses."""
    return f"oip_{name.strip('-').replace('-', '_')}"


def _wrong(told: str) -> argparse.ArgumentTypeError:
    return argparse.ArgumentTypeError(told)


def _url(text: str) -> str:
    parts = urlsplit(text)
    if parts.username is not None:
        raise _wrong("the URL holds credentials: give them with --header 'Authorization: …'")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise _wrong(f"{text!r} is no base URL: write http://HOST:PORT")
    if parts.query or parts.fragment or parts.path.rstrip("/").endswith("/v2"):
        raise _wrong(f"{text!r} is more than the base URL: leave out /v2 and what comes after it")
    return text


def _address(text: str) -> str:
    """The address as a URL, of http or https."""
    scheme, there, rest = text.rpartition("://")
    parts = urlsplit(f"//{rest}")
    known = {"": "http", "grpc": "http", "grpcs": "https"}
    try:
        port = parts.port
    except ValueError:
        port = None
    if (there and not scheme) or scheme not in known or port is None or not parts.hostname:
        raise _wrong(f"{text!r} is no address: write HOST:PORT, or grpcs://HOST:PORT for TLS")
    if parts.path.strip("/") or parts.query or parts.username:
        raise _wrong(f"{text!r} is more than an address: write HOST:PORT")
    return f"{known[scheme]}://{parts.netloc}"


def _header(text: str) -> tuple[str, str]:
    try:
        return header(text)
    except ValueError as error:
        raise _wrong(str(error)) from error  # argparse would tell the text, which may be secret


def _of_implementation(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if name not in IMPLEMENTATION or not equals or not value.strip():
        raise _wrong(f"{text!r}: write KEY=VALUE, where KEY is one of {', '.join(IMPLEMENTATION)}")
    return name, clean(value.strip())


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds < float("inf"):
        raise _wrong(f"{text} is no time: give seconds, more than 0")
    return seconds


def _count(text: str) -> int:
    count = int(text)
    if count < 1:
        raise _wrong(f"{text} is too few: give 1 or more")
    return count


def _there(text: str) -> Path:
    if not Path(text).exists():
        raise _wrong(f"there is no {text}")
    return Path(text)


def _file(text: str) -> Path:
    if not Path(text).is_file():
        raise _wrong(f"there is no file {text}")
    return Path(text)


def _new(text: str) -> Path:
    path = Path(text)
    if path.is_dir():
        raise _wrong(f"{text} is a folder: name a file")
    if not path.absolute().parent.is_dir():
        raise _wrong(f"there is no folder {path.parent} to write {path.name} into")
    return path


_MANY: dict[str, Any] = {"action": "append", "default": []}
_OPTIONS: dict[str, dict[str, Any]] = {
    "--target": {"type": _url, "metavar": "URL", "help": "base URL of the server under test"},
    "--grpc-target": {
        "type": _address,
        "metavar": "HOST:PORT",
        "help": "address of its gRPC service, beside --target or instead; grpcs://HOST:PORT with TLS (needs "
        "the extra grpc)",
    },
    "--model": {
        **_MANY,
        "metavar": "NAME",
        "help": "a model to test; first the one of /invocations (default: all in the repository index)",
    },
    "--model-version": {
        "default": "",
        "metavar": "V",
        "help": "ask for this version of the models (default: the server chooses)",
    },
    "--header": {**_MANY, "type": _header, "metavar": "'K: V'", "help": "a header for every request"},
    "--header-command": {
        "default": "",
        "metavar": "CMD",
        "help": "a shell command that prints such a header, run again when the token has expired",
    },
    "--ca-cert": {"type": _file, "metavar": "FILE", "help": "certificates to trust (PEM)"},
    "--cert": {"type": _file, "metavar": "FILE", "help": "the certificate to show to the server (PEM)"},
    "--key": {"type": _file, "metavar": "FILE", "help": "its private key, where --cert does not hold it"},
    "--wait": {
        "type": _seconds,
        "default": 0.0,
        "metavar": "SECONDS",
        "help": "wait so long for the server to be ready",
    },
    "--timeout": {
        "type": _seconds,
        "default": 30.0,
        "metavar": "SECONDS",
        "help": "for one request (default 30)",
    },
    "--sample": {
        "type": _file,
        "metavar": "FILE",
        "help": "one valid inference request, where a model's domain is narrower than its metadata",
    },
    "--answers": {
        "type": _there,
        "metavar": "PATH",
        "help": "known answers: a file, or a folder with answers.json files",
    },
    "--mlmodel": {
        "type": Path,
        "metavar": "DIR",
        "help": "the MLflow model behind the first --model, as the oracle (needs the server extra)",
    },
    "--not-row-wise": {
        "action": "store_true",
        "help": "the prediction for a row depends on the other rows of its batch",
    },
    "--profile": {
        **_MANY,
        "choices": PROFILES,
        "help": "test these profiles only, and demand them (default: all the target has, but robustness)",
    },
    "--requirement": {**_MANY, "metavar": "ID", "help": "test these requirements only"},
    "--level": {
        "choices": ("must", "should"),
        "default": "must",
        "help": "the level from which a failure fails the run",
    },
    "--max-examples": {
        "type": _count,
        "default": 10,
        "metavar": "N",
        "help": "requests that Hypothesis draws for one property (default 10)",
    },
    "--seed": {
        "type": int,
        "metavar": "N",
        "help": "explore: draw other requests than the default ones",
    },
    "--known-failures": {
        "type": _file,
        "metavar": "FILE",
        "help": "requirements, or tests, that the target is known to break (TOML)",
    },
    "--write-known-failures": {"type": _new, "metavar": "FILE", "help": "write what fails as such a file"},
    "--implementation": {
        "action": "append",
        "default": [],
        "type": _of_implementation,
        "metavar": "KEY=VALUE",
        "help": "what the report says of the server: its name, version, project, url; may be repeated",
    },
    "--only-failed": {
        "type": _file,
        "metavar": "FILE",
        "help": "ask again what failed in the run whose --report-json FILE is",
    },
    "--report-json": {"type": _new, "metavar": "FILE", "help": "write the report as JSON"},
    "--report-html": {"type": _new, "metavar": "FILE", "help": "write the report as one page"},
}
