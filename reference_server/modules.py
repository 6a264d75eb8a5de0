"""Python modules that models bring, of which one interpreter holds one of a name.

MLflow puts the code of each model on ``sys.path`` (mlflow.utils.model_utils, ``code_paths``), and the first
module that is imported under a name answers for all: a model would answer with another's code.
"""

import hashlib
import importlib.util
import sys
from collections.abc import Iterator, Mapping
from importlib.machinery import all_suffixes
from itertools import combinations
from pathlib import Path

_NAMESPACE = "a folder of modules"
_DIFFERENT = (
    "models {} and {} bring different modules {!r}: serve each from a server of its own, or rename the module"
)
# Longest first: x.cpython-311-x86_64-linux-gnu.so is x, as x.so is.
_SUFFIXES = sorted(all_suffixes(), key=len, reverse=True)


def clash(folders: Mapping[str, list[Path]]) -> str | None:
    """What cannot be in one interpreter, in words; ``folders`` are those on ``sys.path``, by model."""
    brought = {model: [offer(folder) for folder in found] for model, found in folders.items() if found}
    for (one, here), (other, there) in combinations(brought.items(), 2):
        for name in (name for a in here for b in there for name in _differing(a, b)):
            return _DIFFERENT.format(one, other, name)
    tops = {model: _tops(offers) for model, offers in brought.items()}
    for model, names in tops.items():
        for name in sorted(names):
            wanted = name in sys.modules or any(name not in tops.get(other, ()) for other in folders)
            if wanted and _is_taken(name, folders[model]):
                return (
                    f"model {model} brings a module {name!r}, which differs from the one that this server "
                    "or another model has under that name: rename it"
                )
    return None


def imported_clash(roots: Mapping[str, Path]) -> str | None:
    """What ``clash`` cannot see: a module that one of the models has imported from a folder of its own, which
    is on ``sys.path`` no more, and of which another one has a different copy. ``roots`` are the models'."""
    if len(roots) < 2:
        return None  # there may be thousands of modules to look at
    given = {name: getattr(module, "__file__", None) for name, module in list(sys.modules.items())}
    for name, file in ((name, Path(text).resolve()) for name, text in given.items() if text):
        for model, root in roots.items():
            if not (file.is_relative_to(root) and _is_called(file, name)):
                continue
            for other, copy in ((o, r / file.relative_to(root)) for o, r in roots.items()):
                if copy.is_file() and copy.read_bytes() != file.read_bytes():
                    return _DIFFERENT.format(model, other, name)
    return None


def _is_called(file: Path, name: str) -> bool:
    """Whether ``file`` is imported as ``name`` from a folder on the path. MLflow imports scripts of models
    otherwise, under a name for each."""
    parts = [*file.parent.parts, *({file.name.partition(".")[0]} - {"__init__"})]
    return parts[-name.count(".") - 1 :] == name.split(".")


def offer(folder: Path) -> dict[str, str]:
    """What ``folder`` offers to import, by dotted name, each with a digest; a package is one piece. Other
    files beside the modules, which these may read, have names that begin with "/"."""
    return {name: _digest(paths, folder) for name, paths in _pieces(folder, "").items()}


def _differing(here: dict[str, str], there: dict[str, str]) -> list[str]:
    names = [name for name in sorted(here.keys() & there.keys()) if _is_module(name)]
    differing = [name for name in names if here[name] != there[name]]
    shared = [name for name in names if here[name] == there[name] != _NAMESPACE]
    if shared and _others(here) != _others(there):
        return [*differing, *shared]  # the same code, that may read another file beside it
    return differing


def _is_module(name: str) -> bool:
    return not name.startswith("/")


def _others(found: dict[str, str]) -> dict[str, str]:
    return {name: digest for name, digest in found.items() if not _is_module(name)}


def _tops(offers: list[dict[str, str]]) -> set[str]:
    return {module.partition(".")[0] for found in offers for module in found if _is_module(module)}


def _is_taken(name: str, folders: list[Path]) -> bool:
    """Whether a module of that name is imported or installed, and is another one than in ``folders``."""
    try:
        spec = importlib.util.find_spec(name)
    except ValueError:  # __main__
        return False
    if spec is None or (spec.origin is None and name not in sys.modules):
        return False
    if spec.submodule_search_locations:
        places = [Path(place).parent for place in spec.submodule_search_locations]
    else:
        places = [Path(spec.origin).parent] if spec.has_location and spec.origin else []
    mine = [_named(name, folder) for folder in folders]
    return not any(_named(name, place) in mine for place in places)


def _named(name: str, folder: Path) -> dict[str, str]:
    pieces = _pieces(folder, "", only=name)
    return {piece: _digest(paths, folder) for piece, paths in pieces.items() if _is_module(piece)}


def _pieces(folder: Path, prefix: str, only: str | None = None) -> dict[str, list[Path]]:
    """The files of each module, package (all its files) and other file in ``folder``, by name."""
    found: dict[str, list[Path]] = {}
    for entry in sorted(folder.iterdir()):
        module = entry.name if entry.is_dir() else _module(entry)
        if entry.name in ("__pycache__", "__main__.py") or (only is not None and module != only):
            continue
        name = f"{prefix}{module}"
        if not entry.is_dir():
            found.setdefault(name if module else f"/{prefix}{entry.name}", []).append(entry)
        elif not entry.name.isidentifier():
            found[f"/{name}"] = list(_files(entry))
        elif any(_module(file) == "__init__" for file in entry.iterdir()):
            found.setdefault(name, []).extend(_files(entry))
        else:
            below = _pieces(entry, f"{name}.")
            if any(map(_is_module, below)):
                found.setdefault(name, [])
            found |= below
    return found


def _files(package: Path) -> Iterator[Path]:
    return (f for f in sorted(package.rglob("*")) if f.is_file() and "__pycache__" not in f.parts)


def _module(file: Path) -> str:
    """The module that ``file`` is; "" for none."""
    stem = next((file.name.removesuffix(s) for s in _SUFFIXES if file.name.endswith(s)), "")
    return stem if stem.isidentifier() else ""


def _digest(files: list[Path], folder: Path) -> str:
    if not files:
        return _NAMESPACE
    digest = hashlib.sha256()
    for file in files:
        content = hashlib.sha256(file.read_bytes()).hexdigest()
        digest.update(f"{file.relative_to(folder)}\0{content}\n".encode())
    return digest.hexdigest()
