"""Tables of the protocols: tensor datatypes, MLflow column types, MLServer's content types."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal


@dataclass(frozen=True)
class Datatype:
    """A tensor datatype. ``size``: bytes an element, None where it varies. Range: integer types only.

    ``contents``: the field of gRPC's typed contents; empty where they are raw only.
    """

    name: str
    numpy: str
    element: Literal["boolean", "integer", "number", "string"]
    size: int | None = None
    contents: str = ""
    minimum: int | None = None
    maximum: int | None = None


@dataclass(frozen=True)
class MlflowType:
    """What MLServer's metadata makes of an MLflow column type."""

    datatype: str
    content_type: str


@dataclass(frozen=True)
class ContentType:
    """A content type of MLServer. ``tensor``, ``request``: what it may be named on.

    ``single``: a request that has it holds one tensor. ``text``: a tensor that has it is of BYTES.
    """

    tensor: bool = False
    request: bool = False
    single: bool = False
    text: bool = False


def _load(file: str) -> dict[str, dict[str, Any]]:
    return tomllib.loads((Path(__file__).parent / file).read_text("utf-8"))


def _datatype(name: str, row: dict[str, Any]) -> Datatype:
    limits: dict[str, Any] = {key: int(row[key]) for key in ("minimum", "maximum") if key in row}
    return Datatype(name=name, **(row | limits))


DATATYPES = {name: _datatype(name, row) for name, row in _load("datatypes.toml").items()}
MLFLOW_TYPES = {name: MlflowType(**row) for name, row in _load("mlflow-types.toml").items()}
CONTENT_TYPES = {name: ContentType(**row) for name, row in _load("content-types.toml").items()}
