"""How the server is to run: MLServer's settings.json beside the models, and its environment variables.

Source: MLServer 1.7.1, mlserver/settings.py (Settings): the file goes before the environment.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reference_server.errors import RepositoryError
from reference_server.settings import read_json

_FILE = "settings.json"
_PREFIX = "MLSERVER_"
# What a client would miss, each with the value that asks for nothing. What it would not (metrics,
# logging, caches), is passed over without a word.
_MISSED: dict[str, Any] = {
    "cors_settings": None,
    "extensions": [],
    "kafka_enabled": False,
    "load_models_at_startup": True,
    "model_repository_implementation": None,
    "server_name": "mlserver",
    "server_version": None,
}


@dataclass(frozen=True)
class ServerSettings:
    """What is given, None elsewhere. ``workers`` counts processes: MLServer's 0 (no pool) is one of them.
    ``missed`` names what is given and is not done here."""

    host: str | None
    port: int | None
    grpc_port: int | None
    workers: int | None
    root_path: str
    missed: list[str]


def read(folder: Path, environment: Mapping[str, str]) -> ServerSettings:
    """The settings of ``folder``. Raises ``RepositoryError`` that names file and field, or variable."""
    given = {name.upper(): text for name, text in environment.items()}
    file = folder / _FILE
    content = _content(file) if file.is_file() else {}

    def value(name: str, convert: Callable[[Any], Any]) -> Any:
        variable = _PREFIX + name.upper()
        source, found = (
            (f"{file}: {name}", content[name]) if name in content else (variable, given.get(variable))
        )
        try:
            return None if found is None else convert(found)
        except ValueError as error:
            raise RepositoryError(f"{source}: {found!r} {error}") from None

    workers = value("parallel_workers", count)
    missed = [name for name, nothing in _MISSED.items() if content.get(name, nothing) != nothing]
    return ServerSettings(
        value("host", text),
        value("http_port", port),
        value("grpc_port", port),
        None if workers is None else max(workers, 1),
        value("root_path", root_path) or "",
        missed,
    )


def _content(file: Path) -> dict[str, Any]:
    try:
        content = read_json(str(file), file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise RepositoryError(f"{file} cannot be read: {error}") from error
    if not isinstance(content, dict):
        raise RepositoryError(f"{file} must be a JSON object")
    return content


def port(value: Any) -> int:
    """A TCP port; 0 takes a free one. Raises ``ValueError``."""
    if not (_is_count(value) and int(value) < 2**16):
        raise ValueError("is not a port: 0 to 65535")
    return int(value)


def count(value: Any) -> int:
    """A number of things, 0 or above. Raises ``ValueError``."""
    if not _is_count(value):
        raise ValueError("is not a number from 0 on")
    return int(value)


def _is_count(value: Any) -> bool:
    return type(value) in (int, str) and str(value).isascii() and str(value).isdecimal()


def text(value: Any) -> str:
    """One that is not empty. Raises ``ValueError``."""
    if not (isinstance(value, str) and value):
        raise ValueError("is not a text with something in it")
    return value


def root_path(value: Any) -> str:
    """A prefix of paths, without a slash at its end. Raises ``ValueError``."""
    if not (isinstance(value, str) and (not value or value.startswith("/"))):
        raise ValueError("is not a path from / on")
    return value.rstrip("/")
