"""The models that a folder names: every model-settings.json in it or below it.

Source: MLServer 1.7.1, mlserver/settings.py (name, implementation, parameters).
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reference_server.errors import RepositoryError

_FILE = "model-settings.json"
_IMPLEMENTATION = "mlserver_mlflow.MLflowRuntime"


@dataclass(frozen=True)
class Settings:
    """What a model-settings.json says that concerns this server. ``version`` is None where it gives none."""

    name: str
    version: str | None
    uri: str


def find(folder: Path) -> list[Settings]:
    """The models that ``folder`` holds. Raises ``RepositoryError`` for none, a broken or an ambiguous one."""
    files = sorted(folder.rglob(_FILE))
    if not files:
        raise RepositoryError(f"there is no {_FILE} in {folder} or below it")
    found = [_read(file) for file in files]
    versions: dict[str, list[str | None]] = {}
    for settings in found:
        seen = versions.setdefault(settings.name, [])
        if settings.version in seen or (seen and None in (*seen, settings.version)):
            raise RepositoryError(f"model {settings.name!r} is there more than once: give each a version")
        seen.append(settings.version)
    return found


def _read(file: Path) -> Settings:
    try:
        content: Any = json.loads(file.read_text("utf-8"))
        parameters = content["parameters"]
        name, version, uri = (
            content.get("name", file.parent.name),
            parameters.get("version"),
            parameters["uri"],
        )
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise RepositoryError(f"{file} must be a JSON object with parameters.uri: {error!r}") from error
    if not (name and uri and version != "" and all(isinstance(v, str) for v in (name, uri, version or ""))):
        raise RepositoryError(
            f"{file}: name, parameters.uri and parameters.version must be strings, not empty"
        )
    if content.get("implementation", _IMPLEMENTATION) != _IMPLEMENTATION:
        raise RepositoryError(f"{file}: implementation must be {_IMPLEMENTATION}")
    return Settings(name, version, uri if ":/" in uri else str(file.parent / uri))
