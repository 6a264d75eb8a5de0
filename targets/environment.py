"""The environment of a target: a venv of its own, installed once for the same requirements."""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from targets import interpreter
from targets.definition import Target

ROOT = Path(__file__).parent.parent
_MARKER = "installed.sha256"


class Unavailable(Exception):
    """The target can't be had on this machine; the message is one line and says why."""


@dataclass(frozen=True)
class Environment:
    """``cache``: the folder of this target. ``libpython``: the folder of that, if it has one."""

    cache: Path
    python: Path
    libpython: Path | None

    @property
    def bin(self) -> Path:
        return self.python.parent


def prepare(target: Target, cache: Path) -> Environment:
    """The installed environment of ``target`` below ``cache``. Raises ``Unavailable``."""
    folder = cache / target.name
    folder.mkdir(parents=True, exist_ok=True)
    (cache / ".gitignore").write_text("*\n")
    python = Path(sys.executable)
    if target.requirements:
        with _locked(folder):
            python = _installed(target, folder)
    found = interpreter.probe(python)
    if found is None:
        raise Unavailable(f"{python} does not run; remove {folder} to install it again")
    return Environment(folder, python, found.libpython)


def build_models(target: Target, environment: Environment) -> Path:
    """Build the target's fixtures with its own packages; returns the repository. Raises ``Unavailable``."""
    repository = environment.cache / "models"
    for other in repository.glob("*/"):
        if other.name not in target.models:
            shutil.rmtree(other)
    if target.models:
        build: list[Path | str] = [environment.python, "-m", "fixtures", "build", repository]
        log = environment.cache / "models.log"
        _run([*build, "--only", *target.models], log, f"the fixtures {', '.join(target.models)}")
    return repository


def requirements(target: Target) -> list[str]:
    """What is to be installed, with the checkout's own path."""
    return [requirement.format(root=ROOT) for requirement in target.requirements]


def uv() -> str | None:
    """The uv beside this interpreter, where the extra ``dev`` puts it, or on PATH."""
    return shutil.which("uv", path=os.pathsep.join([str(Path(sys.executable).parent), *os.get_exec_path()]))


def _installed(target: Target, folder: Path) -> Path:
    """The venv's interpreter, after installing when the requirements are not those of the marker."""
    venv, marker, digest = folder / "venv", folder / _MARKER, _digest(target)
    if not (marker.exists() and marker.read_text() == digest):
        base = _base(target)
        marker.unlink(missing_ok=True)
        shutil.rmtree(venv, ignore_errors=True)
        print(f"{target.name}: installing {', '.join(target.requirements)}", flush=True)
        _run([base, "-m", "venv", venv], folder / "install.log", "the virtual environment")
        _install(target, folder, venv / "bin" / "python")
        marker.write_text(digest)
    return venv / "bin" / "python"


def _install(target: Target, folder: Path, python: Path) -> None:
    wanted = requirements(target)
    constraints = ["--constraint", str(target.constraints)] if target.constraints.exists() else []
    _run([*_installer(python), *constraints, *wanted], folder / "install.log", ", ".join(wanted))
    freeze: list[Path | str] = [python, "-m", "pip", "freeze", "--exclude-editable"]
    _run(freeze, folder / "packages.txt", "the list of packages")


def _installer(python: Path) -> list[Path | str]:
    """The command that installs into the environment of ``python``: uv, which is quicker, else pip."""
    if found := uv():
        # Compiled, as by pip: a server of many modules starts in less than half the time.
        return [found, "pip", "install", "--compile-bytecode", "--python", python]
    return [python, "-m", "pip", "install", "--disable-pip-version-check"]


def _base(target: Target) -> Path:
    version = target.python or interpreter.current_version()
    found = interpreter.find(version, shared_library=target.shared_library)
    if found is None:
        library = " with its shared library" if target.shared_library else ""
        raise Unavailable(f"there is no CPython {version}{library} on PATH or beside {sys.base_prefix}")
    return found.path


def _digest(target: Target) -> str:
    constraints = target.constraints.read_text() if target.constraints.exists() else ""
    content = [target.python or interpreter.current_version(), *target.requirements, constraints]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def _run(command: Sequence[Path | str], log: Path, what: str) -> None:
    """Run ``command`` in the checkout, its output in ``log``; a failure makes the target unavailable."""
    variables = os.environ | {"UV_NO_WRAP": "1"}
    with log.open("w") as output:
        done = subprocess.run(command, cwd=ROOT, env=variables, stdout=output, stderr=subprocess.STDOUT)
    if done.returncode:
        lines = map(str.strip, log.read_text(errors="replace").splitlines())
        # uv's hints come after the error.
        told = [line for line in lines if line and not line.startswith("hint:")]
        last = told[-1] if told else f"exit status {done.returncode}"
        raise Unavailable(f"can't have {what}: {last} ({log})")


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Let one process at a time install into ``folder``."""
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
