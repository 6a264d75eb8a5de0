"""A target as its ``target.toml`` defines it."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


class TargetError(Exception):
    """The caller asked for what is not there; the message says what to do."""


@dataclass(frozen=True)
class Target:
    """How to install and start one server.

    ``python``: the minor version it runs on (None: that of this interpreter). ``requirements``: what pip
    installs into its environment; none means this interpreter's own packages. ``shared_library``: it needs
    libpython. ``models``: the fixtures that it serves, the one of /invocations first. ``ready``: the path
    that answers 200 when it serves. ``profiles``: what the suite must find in it. ``implementation``: what
    its report says of it (name, version, project, url).

    ``command``, ``ready`` and the values of ``environment`` may hold these placeholders: ``{python}``,
    ``{bin}`` (the environment's programs), ``{library}`` (the folder of libpython), ``{root}`` (the
    checkout), ``{here}`` (the target's folder), ``{cache}`` (its cache), ``{repository}`` (the models),
    ``{model}`` (the first of them), ``{port}``, ``{grpc_port}``, ``{metrics_port}``.
    """

    folder: Path
    command: Sequence[str]
    ready: str
    models: Sequence[str]
    profiles: Sequence[str]
    suite: Sequence[str] = ()
    requirements: Sequence[str] = ()
    python: str | None = None
    shared_library: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)
    implementation: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def constraints(self) -> Path:
        return self.folder / "constraints.txt"

    @property
    def known_failures(self) -> Path:
        return self.folder / "known-failures.toml"


def names(root: Path) -> list[str]:
    """The targets that ``root`` holds."""
    return sorted(path.parent.name for path in root.glob("*/target.toml"))


def load(name: str, root: Path) -> Target:
    """The target ``name`` of ``root``. Raises ``TargetError`` when there is none."""
    if name not in names(root):
        raise TargetError(f"no target is called {name!r}; there are: {', '.join(names(root))}")
    settings = tomllib.loads((root / name / "target.toml").read_text("utf-8"))
    return Target(folder=root / name, **settings)
