"""JSON Schemas by name ("v2/inference-request"), each compiled once, on first use.

``is_valid`` serves hot paths (jsonschema-rs); ``violations`` explains to people (jsonschema).
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
from jsonschema import Draft202012Validator
from jsonschema.exceptions import relevance
from referencing import Registry, Resource

_ROOT = Path(__file__).parent / "schemas"
_URN = "urn:oip-conformance:"


@dataclass(frozen=True)
class Violation:
    """One difference between an instance and its schema; ``path`` reads like ``inputs[0].shape``."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


@cache
def _documents() -> dict[str, Any]:
    """Every schema of the project, by name."""
    files = sorted(_ROOT.rglob("*.json"))
    return {f.relative_to(_ROOT).with_suffix("").as_posix(): json.loads(f.read_text("utf-8")) for f in files}


def names() -> list[str]:
    """The names of all schemas, sorted."""
    return list(_documents())


def schema(name: str) -> Any:
    """The schema called ``name``. Raises ``KeyError`` when there is none."""
    return _documents()[name]


def urn(name: str) -> str:
    """The ``$id`` of the schema called ``name``."""
    return _URN + name.replace("/", ":")


@cache
def _explainer(name: str) -> Draft202012Validator:
    pairs = [(urn(n), Resource.from_contents(d)) for n, d in _documents().items()]
    registry: Registry[Any] = Registry().with_resources(pairs)
    return Draft202012Validator(schema(name), registry=registry)


@cache
def _compiled(name: str) -> jsonschema_rs.Draft202012Validator:
    registry = jsonschema_rs.Registry([(urn(n), d) for n, d in _documents().items()])
    return jsonschema_rs.Draft202012Validator(schema(name), registry=registry)


def is_valid(name: str, instance: Any) -> bool:
    """Whether ``instance`` (parsed JSON) satisfies the schema called ``name``."""
    return _compiled(name).is_valid(instance)


def violations(name: str, instance: Any) -> list[Violation]:
    """What in ``instance`` breaks the schema called ``name``, most telling first; empty when valid."""
    errors = sorted(_explainer(name).iter_errors(instance), key=relevance, reverse=True)
    return [Violation(_path(e.absolute_path), e.message) for e in errors]


def _path(parts: Iterable[str | int]) -> str:
    text = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in parts)
    return text.removeprefix(".")
