"""The models of a folder: every model-settings.json in it or below it.

Source: MLServer 1.7.1, mlserver/repository and mlserver/settings.py (name, implementation, parameters).
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlflow.pyfunc

from reference_server.codecs.elements import CodecError
from reference_server.errors import NotFound, RepositoryError
from reference_server.runtime import Model
from reference_server.signature import sides

_SETTINGS = "model-settings.json"
_IMPLEMENTATION = "mlserver_mlflow.MLflowRuntime"


@dataclass(frozen=True)
class Settings:
    """What a model-settings.json says that concerns this server."""

    name: str
    version: str | None
    uri: str


class Repository:
    """Models by name and version."""

    def __init__(self, models: list[Model]) -> None:
        self._models: dict[str, dict[str | None, Model]] = {}
        for model in models:
            self._models.setdefault(model.name, {})[model.version] = model

    def models(self) -> list[Model]:
        """Every version of every model."""
        return [model for versions in self._models.values() for model in versions.values()]

    def names(self) -> list[str]:
        """The names of the models."""
        return list(self._models)

    def versions(self, name: str) -> list[str]:
        """The versions of a model, oldest first; none where it has none."""
        return sorted((v for v in self._models[name] if v is not None), key=_natural)

    def find(self, name: str, version: str | None = None) -> Model:
        """The model, in its latest version unless one is given. Raises ``NotFound``."""
        if name not in self._models:
            raise NotFound(f"there is no model {name!r}; this server has {', '.join(self._models)}")
        known = self.versions(name)
        wanted = version if version is not None or not known else known[-1]
        if wanted not in self._models[name]:
            has = f"it has {', '.join(known)}" if known else "it has no versions"
            raise NotFound(f"there is no version {version!r} of model {name!r}; {has}")
        return self._models[name][wanted]


def find_settings(folder: Path) -> list[Settings]:
    """The models that ``folder`` holds. Raises ``RepositoryError`` when none is there, or an ambiguous one."""
    files = sorted(folder.rglob(_SETTINGS))
    if not files:
        raise RepositoryError(f"no {_SETTINGS} in {folder} or below it")
    found = [_read(file) for file in files]
    versions: dict[str, list[str | None]] = {}
    for settings in found:
        seen = versions.setdefault(settings.name, [])
        if settings.version in seen or (seen and None in (*seen, settings.version)):
            raise RepositoryError(f"model {settings.name!r} is there more than once: give each a version")
        seen.append(settings.version)
    return found


def load(folder: Path) -> Repository:
    """Every model of ``folder``, in memory. Raises ``RepositoryError`` when one cannot be loaded."""
    return Repository([_load(settings) for settings in find_settings(folder)])


def _load(settings: Settings) -> Model:
    try:
        pyfunc = mlflow.pyfunc.load_model(settings.uri)
        inputs, outputs = sides(pyfunc.metadata.signature)
    except CodecError as error:
        raise RepositoryError(
            f"model {settings.name!r} has a signature that V2 cannot say: {error}"
        ) from error
    except Exception as error:
        raise RepositoryError(f"model {settings.name!r} cannot be loaded: {error}") from error
    return Model(settings.name, settings.version, pyfunc, inputs, outputs)


def _read(file: Path) -> Settings:
    try:
        content: Any = json.loads(file.read_text("utf-8"))
        parameters = content["parameters"]
        name = content.get("name", file.parent.name)
        uri, version = parameters["uri"], parameters.get("version")
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise RepositoryError(f"{file} is not a JSON object with parameters.uri: {error!r}") from error
    if content.get("implementation", _IMPLEMENTATION) != _IMPLEMENTATION:
        raise RepositoryError(f"{file}: implementation must be {_IMPLEMENTATION}")
    local = uri if ":/" in uri else str(file.parent / uri)
    return Settings(name, version, local)


def _natural(version: str) -> list[Any]:
    """A key that puts v10 after v9."""
    return [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", version)]
