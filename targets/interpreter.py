"""Finds a CPython of a given minor version: on PATH, or beside the installation of this interpreter."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# Version, then the folder of the shared library, "" without one.
_PROBE = """
import json, os, sys, sysconfig
get = sysconfig.get_config_var
folders = [get("LIBDIR") or "", os.path.join(get("LIBDIR") or "", get("MULTIARCH") or "")]
library = get("INSTSONAME") or ""
found = [f for f in folders if ".so" in library and os.path.exists(os.path.join(f, library))]
print(json.dumps(["%d.%d" % sys.version_info[:2], (found + [""])[0]]))
"""


@dataclass(frozen=True)
class Interpreter:
    """``libpython``: the folder that holds it, None when the interpreter was built without."""

    path: Path
    version: str
    libpython: Path | None


def current_version() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def find(version: str, *, shared_library: bool) -> Interpreter | None:
    """A working CPython ``version`` ("3.10"), with libpython if asked for; None when there is none."""
    for path in _candidates(version):
        interpreter = probe(path)
        if interpreter and interpreter.version == version and (interpreter.libpython or not shared_library):
            return interpreter
    return None


def probe(path: Path) -> Interpreter | None:
    """What ``path`` says of itself; None when it does not run, as the shim of a version manager may not."""
    try:
        answer = subprocess.run([path, "-c", _PROBE], capture_output=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    version, library = json.loads(answer.stdout)
    return Interpreter(path, version, Path(library) if library else None)


def _candidates(version: str) -> Iterator[Path]:
    if version == current_version():
        yield Path(sys.executable)
    for folder in os.get_exec_path():
        if (path := Path(folder, f"python{version}")).exists():
            yield path
    # As pyenv and uv lay them out (versions/3.10.13), then as CI runners do (Python/3.10.13/x64).
    base = Path(sys.base_prefix)
    yield from sorted(base.parent.glob(f"*{version}*/bin/python{version}"))
    yield from sorted(base.parent.parent.glob(f"{version}*/*/bin/python{version}"))
