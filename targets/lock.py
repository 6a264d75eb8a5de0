"""The pins of a target: ``constraints.txt`` is what uv finds for the requirements of ``target.toml``."""

import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from targets import environment, interpreter
from targets.definition import Target
from targets.environment import Unavailable


def lock(target: Target, *, upgrade: bool) -> list[str]:
    """Write the constraints; returns what changed. Without ``upgrade``, pins that still fit stay."""
    before = _pins(target.constraints)
    _compile(target, target.constraints, *["--upgrade"] * upgrade)
    return _changes(before, _pins(target.constraints))


def outdated(target: Target) -> list[str]:
    """What ``lock`` with ``upgrade`` would change."""
    with TemporaryDirectory() as folder:
        newest = Path(folder, "constraints.txt")
        _compile(target, newest)
        return _changes(_pins(target.constraints), _pins(newest))


def _compile(target: Target, output: Path, *options: str) -> None:
    """Resolve the requirements, with the pins that ``output`` has. Raises ``Unavailable``."""
    uv = environment.uv()
    if uv is None:
        raise Unavailable("there is no uv on PATH; to get it: pip install uv")
    command = [uv, "pip", "compile", "-", "--quiet", "--no-annotate", "--no-python-downloads", *options]
    command += ["--python-version", target.python or interpreter.current_version()]
    command += ["--custom-compile-command", f"python -m targets lock {target.name}"]
    # This checkout: what it needs is pinned, itself it is not.
    command += ["--no-emit-package", "oip-conformance", "--output-file", str(output)]
    requirements = "\n".join(environment.requirements(target))
    if subprocess.run(command, input=requirements, text=True, cwd=environment.ROOT).returncode:
        raise Unavailable(f"uv finds no packages for {target.name}")


def _pins(constraints: Path) -> dict[str, str]:
    lines = constraints.read_text("utf-8").splitlines() if constraints.exists() else []
    return dict(line.split("==") for line in lines if "==" in line)


def _changes(before: dict[str, str], after: dict[str, str]) -> list[str]:
    return [
        f"{name} {before.get(name, '(none)')} -> {after.get(name, '(none)')}"
        for name in sorted(before | after)
        if before.get(name) != after.get(name)
    ]
