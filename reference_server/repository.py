"""The models of a folder, in memory, by name and version."""

import re
from pathlib import Path
from typing import Any

import mlflow.pyfunc

from reference_server import settings
from reference_server.codecs.elements import CodecError
from reference_server.errors import NotFound, RepositoryError
from reference_server.runtime import Model
from reference_server.settings import Settings
from reference_server.signature import sides


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


def load(folder: Path) -> Repository:
    """Every model of ``folder``, in memory. Raises ``RepositoryError`` when one cannot be loaded."""
    return Repository([_load(found) for found in settings.find(folder)])


def _load(found: Settings) -> Model:
    try:
        pyfunc = mlflow.pyfunc.load_model(found.uri)
        inputs, outputs = sides(pyfunc.metadata.signature)
    except CodecError as error:
        raise RepositoryError(f"model {found.name!r} has a signature that V2 cannot say: {error}") from error
    except Exception as error:
        raise RepositoryError(f"model {found.name!r} cannot be loaded: {error}") from error
    return Model(found.name, found.version, pyfunc, inputs, outputs)


def _natural(version: str) -> list[Any]:
    """A key that puts v10 after v9."""
    return [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", version)]
