"""The models that a folder names: model-settings.json in it or below it, MLServer's environment variables,
or a bare MLflow model.

Source: MLServer 1.7.1, mlserver/settings.py (ModelSettings, ModelParameters) and mlserver/repository/load.py:
a file goes before MLSERVER_MODEL_PARAMETERS, and that before the variables of single parameters.
"""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from reference_server import folders
from reference_server.errors import RepositoryError
from spec.validation import violations

_FILE = "model-settings.json"
_BARE = "MLmodel"
_SCHEMA = "mlserver/model-settings"
_RUNTIME = "mlserver_mlflow.MLflowRuntime"
_IMPLEMENTATIONS = (_RUNTIME, "mlserver_mlflow.runtime.MLflowRuntime")
_PREFIX = "MLSERVER_MODEL_"
_MEMBERS = ("NAME", "IMPLEMENTATION", "PLATFORM", "INPUTS", "OUTPUTS")
_PARAMETERS = ("URI", "VERSION", "CONTENT_TYPE")
_JSON = ("INPUTS", "OUTPUTS", "PARAMETERS")
_OUTSIDE_PATHS = re.compile(r"[/\ud800-\udfff]|^\.\.?$")


@dataclass(frozen=True)
class Settings:
    """What concerns this server. ``source`` is where it is written, ``version`` None where there is none;
    ``inputs`` and ``outputs`` are metadata tensors of the protocol."""

    source: str
    name: str
    version: str | None
    uri: str
    platform: str
    content_type: str | None
    inputs: list[dict[str, Any]]
    outputs: list[dict[str, Any]]


@dataclass(frozen=True)
class Broken:
    """A model that cannot be served: ``reason`` is for clients, ``error`` for who starts the server."""

    name: str
    version: str | None
    reason: str
    error: RepositoryError


def find(folder: Path, environment: Mapping[str, str]) -> list[Settings | Broken]:
    """The models of ``folder``; without any settings in it, the one of the environment or of ``folder``.

    Raises ``RepositoryError`` for no model at all, for two that have one name, and for a bad variable.
    """
    defaults = _variables(environment)
    files = folders.find(folder, _FILE)
    if not files:
        return [_without_file(folder, defaults)]
    found = [_read(file, defaults) for file in files]
    versions: dict[str, list[str | None]] = {}
    for settings in found:
        if isinstance(settings, Broken):
            continue
        seen = versions.setdefault(settings.name, [])
        if settings.version in seen or (seen and None in (*seen, settings.version)):
            raise RepositoryError(
                f"{settings.source}: model {settings.name!r} is there more than once: "
                "give each a name or a parameters.version"
            )
        seen.append(settings.version)
    return found


def refuse_broken(broken: list[Broken], total: int, skip: bool) -> None:
    """Raises the ``RepositoryError`` of the first one, unless ``skip`` and there are others to serve."""
    if broken and not (skip and len(broken) < total):
        raise broken[0].error


def model_config(environment: Mapping[str, str]) -> dict[str, Any] | None:
    """What every model gets as ``model_config``. Source: mlflow.pyfunc.scoring_server, SERVING_MODEL_CONFIG.

    Raises ``RepositoryError`` when it is no JSON object.
    """
    text = environment.get("SERVING_MODEL_CONFIG")
    if not text:
        return None
    config = read_json("SERVING_MODEL_CONFIG", text)
    if not isinstance(config, dict):
        raise RepositoryError('SERVING_MODEL_CONFIG must be a JSON object, like {"temperature": 0.1}')
    return config


def read_json(name: str, text: str) -> Any:
    """The value of ``text``. Raises ``RepositoryError``, which says that ``name`` is at fault."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RepositoryError(f"{name} must be JSON: {error}") from error


def _variables(environment: Mapping[str, str]) -> dict[str, Any]:
    """The members of a model-settings.json that the environment gives."""
    given = {name.upper(): text for name, text in environment.items()}
    values = {
        key: read_json(_PREFIX + key, given[_PREFIX + key]) if key in _JSON else given[_PREFIX + key]
        for key in (*_MEMBERS, *_PARAMETERS, "PARAMETERS")
        if _PREFIX + key in given
    }
    members = {key.lower(): values[key] for key in _MEMBERS if key in values}
    single = {key.lower(): values[key] for key in _PARAMETERS if key in values}
    parameters = values.get("PARAMETERS", {})
    if not isinstance(parameters, dict):
        raise RepositoryError(f"{_PREFIX}PARAMETERS must be a JSON object")
    return members | {"parameters": single | parameters}


def _read(file: Path, defaults: dict[str, Any]) -> Settings | Broken:
    folder = file.absolute().parent
    try:
        content: Any = read_json(str(file), file.read_text("utf-8"))
        if not isinstance(content, dict):
            raise RepositoryError(f"{file} must be a JSON object, like {_example(folder.name)}")
        return _settings(str(file), content, defaults, folder, folder.name)
    except (OSError, UnicodeDecodeError) as error:
        failure = RepositoryError(f"{file} cannot be read: {error}")
    except RepositoryError as error:
        failure = error
    reason = failure.reason or f"its {_FILE} is at fault; the server's log says where"
    return Broken(folder.name, None, reason, failure)


def _without_file(folder: Path, defaults: dict[str, Any]) -> Settings:
    here = folder.absolute()
    if uri := defaults["parameters"].get("uri"):
        place = _place(str(uri), Path.cwd())
        name = "" if is_remote(place) else Path(place).resolve().name
        return _settings("the environment", {}, defaults, Path.cwd(), name)
    if os.path.lexists(folder / _BARE):
        return _settings(str(folder), {}, defaults, here, here.name)
    raise RepositoryError(_advice(folder, bool(defaults.keys() - {"parameters"})))


def _settings(
    source: str, content: dict[str, Any], defaults: dict[str, Any], folder: Path, name: str
) -> Settings:
    """``content`` over ``defaults``; a model in ``folder``, called ``name``, where nothing says otherwise."""
    own = content.get("parameters")
    merged = {"implementation": _RUNTIME} | defaults | content
    if own is None or isinstance(own, dict):
        given = {name: value for name, value in (own or {}).items() if value is not None}
        merged["parameters"] = defaults["parameters"] | given
    if found := violations(_SCHEMA, merged):
        raise RepositoryError(f"{source}: {found[0]}")
    if merged["implementation"] not in _IMPLEMENTATIONS:
        only = f"implementation must be {_RUNTIME}, which is all that is served here"
        raise RepositoryError(f"{source}: {only}", f"its {only}")
    parameters = merged["parameters"]
    name, version = merged.get("name") or name, parameters.get("version") or None
    if not name:
        raise RepositoryError(f"{source}: the model has no name; set {_PREFIX}NAME")
    for member, text in (("name", name), ("parameters.version", version or "")):
        if _OUTSIDE_PATHS.search(text):
            raise RepositoryError(f"{source}: {member}: {text!r} cannot be in a path; write another one")
    return Settings(
        source,
        name,
        version,
        _place(parameters.get("uri") or ".", folder),
        merged.get("platform") or "mlflow_pyfunc",
        parameters.get("content_type") or None,
        merged.get("inputs", []),
        merged.get("outputs", []),
    )


def _place(uri: str, folder: Path) -> str:
    """The path of what lies here, from ``folder`` on; what MLflow fetches as it is."""
    parts = urlsplit(uri)
    if parts.scheme == "file":
        return str(folder / url2pathname(parts.path))
    return uri if is_remote(uri) else str(folder / uri)


def is_remote(uri: str) -> bool:
    """Whether MLflow fetches it: ``models:/…``, ``s3://…``."""
    return ":/" in uri


def _example(name: str, uri: str = "./model") -> str:
    return json.dumps({"name": name, "implementation": _RUNTIME, "parameters": {"uri": uri}})


def _advice(folder: Path, named: bool) -> str:
    """What to write, or to set, where no settings are."""
    if not folder.is_dir():
        return f"there is no folder {folder}"
    missing = f"there is no {_FILE} in {folder} or below it"
    if named:
        return f"{missing}, and no {_PREFIX}URI beside the other {_PREFIX}* variables"
    bare = folders.find(folder, _BARE)
    if not bare:
        return f"{missing}, and no MLflow model; beside a folder 'model' it holds {_example('NAME')}"
    place = bare[0].parent.relative_to(folder)
    return f"{missing}; write {_example(place.name, f'./{place}')} into {folder / _FILE} to serve {place}"
