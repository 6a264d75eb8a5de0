"""The models of a folder, by name and version."""

import os
import re
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import mlflow.artifacts
import mlflow.pyfunc
from cloudpickle import cloudpickle
from mlflow.models import Model as Metadata

from reference_server import hotpath, metrics, modules, settings
from reference_server.codecs.elements import CodecError
from reference_server.errors import NotFound, RepositoryError, Unavailable, told
from reference_server.runtime import Model
from reference_server.settings import Broken, Settings
from reference_server.shortcut import shortcut
from reference_server.signature import Side, declared_side, sides

_CANNOT_LOAD = "it cannot be loaded; the server's log says why"


class Repository:
    """Models by name and version; ``broken`` are those that could not be loaded."""

    def __init__(self, models: list[Model], broken: list[Broken] | None = None) -> None:
        self._models: dict[str, dict[str | None, Model]] = {}
        self.broken = broken or []
        for model in models:
            self._models.setdefault(model.name, {})[model.version] = model

    def models(self) -> list[Model]:
        """Every version of every model that is loaded."""
        return [model for versions in self._models.values() for model in versions.values()]

    def names(self) -> list[str]:
        """The names of all models, the broken ones too."""
        return list(dict.fromkeys([*self._models, *(model.name for model in self.broken)]))

    def versions(self, name: str) -> list[str]:
        """The versions of a loaded model, oldest first; none where it has none."""
        return sorted((v for v in self._models[name] if v is not None), key=_natural)

    def find(self, name: str, version: str | None = None) -> Model:
        """The model, in its latest loaded version unless one is given.

        Raises ``NotFound``, and ``Unavailable`` for a broken one.
        """
        for model in self.broken:
            wanted = version is not None and model.version == version
            if model.name == name and (wanted or name not in self._models):
                raise Unavailable(f"model {name!r} is unavailable: {model.reason}")
        if name not in self._models:
            raise NotFound(f"there is no model {name!r}; this server has {', '.join(self.names())}")
        known = self.versions(name)
        chosen = version if version is not None or not known else known[-1]
        if chosen not in self._models[name]:
            has = f"it has {', '.join(known)}" if known else "it has no versions"
            raise NotFound(f"there is no version {version!r} of model {name!r}; {has}")
        return self._models[name][chosen]


def load(folder: Path, skip_broken: bool = False) -> Repository:
    """Every model of ``folder``; with ``skip_broken`` those that can be loaded, if any can.

    Raises ``RepositoryError`` when one cannot be loaded, or two cannot live in one interpreter.
    """
    config = settings.model_config(os.environ)
    found = [_fetch(one) for one in settings.find(folder, os.environ)]
    broken = [one for one in found if isinstance(one, Broken)]
    settings.refuse_broken(broken, len(found), skip_broken)
    fetched = [one for one in found if not isinstance(one, Broken)]
    _refuse_clashes(fetched)
    loaded = [_load(one, path, config) for one, path in fetched]
    broken += [one for one in loaded if isinstance(one, Broken)]
    settings.refuse_broken(broken, len(found), skip_broken)
    _refuse_clashes(fetched)  # again: models put folders of their own on sys.path while they load
    return Repository([one for one in loaded if not isinstance(one, Broken)], broken)


def _fetch(found: Settings | Broken) -> tuple[Settings, str] | Broken:
    """The settings and the folder of the model, which MLflow downloads where it is elsewhere."""
    if isinstance(found, Broken):
        return found
    if not settings.is_remote(found.uri):
        if Path(found.uri).is_dir():
            return found, found.uri
        message = f"{found.source}: parameters.uri: there is no folder {found.uri}"
        return Broken(found.name, found.version, _CANNOT_LOAD, RepositoryError(message))
    try:
        return found, str(mlflow.artifacts.download_artifacts(artifact_uri=found.uri))
    except Exception as error:
        return _broken(found, f"model {found.name!r} cannot be fetched: {told(error)}", error)


def _broken(found: Settings, message: str, cause: BaseException) -> Broken:
    error = RepositoryError(message)
    error.__cause__ = cause
    return Broken(found.name, found.version, _CANNOT_LOAD, error)


def _refuse_clashes(models: list[tuple[Settings, str]]) -> None:
    roots = {
        repr(found.name) + (f" version {found.version!r}" if found.version else ""): Path(path).resolve()
        for found, path in models
    }
    folders = {label: _code_folders(root) for label, root in roots.items()}
    if message := modules.clash(folders) or modules.imported_clash(roots):
        raise RepositoryError(message)


def _code_folders(model: Path) -> list[Path]:
    """The folders of ``model`` that are, or will be, on ``sys.path``."""
    code = set()
    with suppress(Exception):  # an MLmodel at fault is told when it is loaded
        flavors = Metadata.load(str(model)).flavors.values()
        code = {model / flavor["code"] for flavor in flavors if flavor.get("code")}
    real = model.resolve()
    entries = {Path(entry).resolve() for entry in sys.path if entry}
    inside = {entry for entry in entries if entry.is_relative_to(real)}
    return sorted(folder for folder in {one.resolve() for one in code} | inside if folder.is_dir())


def _load(found: Settings, path: str, config: dict[str, Any] | None) -> Model | Broken:
    # cloudpickle gives a class that two pickles share to both, in the state of the one that it read last.
    cloudpickle._DYNAMIC_CLASS_TRACKER_BY_ID.clear()
    start = time.monotonic()
    try:
        pyfunc = mlflow.pyfunc.load_model(path, model_config=config)
        inputs, outputs = sides(pyfunc.metadata.signature)
    except CodecError as error:
        return _broken(found, f"model {found.name!r} has a signature that V2 cannot say: {error}", error)
    except BaseException as error:  # PanicException of pyo3, SystemExit
        return _broken(found, f"model {found.name!r} cannot be loaded: {told(error)}", error)
    try:
        inputs = inputs or _declared(found, "inputs", found.inputs, found.content_type)
        outputs = outputs or _declared(found, "outputs", found.outputs, None)
    except RepositoryError as error:
        return _broken(found, str(error), error)
    table = hotpath.columns(inputs)
    metrics.loaded(found.name, found.version, time.monotonic() - start)
    return Model(
        found.name,
        found.version,
        pyfunc,
        inputs,
        outputs,
        found.platform,
        path,
        table,
        shortcut(pyfunc, table),
    )


def _declared(
    found: Settings, member: str, tensors: list[dict[str, Any]], content_type: str | None
) -> Side | None:
    if not (tensors or content_type):
        return None
    try:
        return declared_side(tensors, content_type)
    except CodecError as error:
        text = str(error)
        place = f"{member}{text}" if text.startswith("[") else f"{member}: {text}"
        raise RepositoryError(f"{found.source}: {place}") from error


def _natural(version: str) -> list[Any]:
    """A key that puts v10 after v9."""
    return [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", version)]
