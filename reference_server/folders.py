"""Files below a folder, as MLServer finds them.

Source: MLServer 1.7.1, mlserver/repository/repository.py: ``glob("**/NAME", recursive=True)``, which follows
links and passes over hidden folders.
"""

import os
from collections.abc import Iterator
from pathlib import Path


def find(root: Path, name: str) -> list[Path]:
    """The files called ``name`` in ``root`` and below it, sorted.

    Links are followed, hidden folders (``..2026_01_01`` of a ConfigMap, ``.ipynb_checkpoints``) are not.
    Each folder is looked at once, however many links lead to it; its own path comes before a link.
    """
    return sorted(folder / name for folder in _folders(root) if os.path.lexists(folder / name))


def _folders(root: Path) -> Iterator[Path]:
    seen: set[Path] = set()
    links: list[Path] = [root]
    while links:
        waiting = [links.pop(0)]
        while waiting:
            folder = waiting.pop()
            real = folder.resolve()
            if real in seen:
                continue
            seen.add(real)
            yield folder
            below = _below(folder)
            waiting += [entry for entry in below if not entry.is_symlink()]
            links += [entry for entry in below if entry.is_symlink()]


def _below(folder: Path) -> list[Path]:
    try:
        return sorted(entry for entry in folder.iterdir() if entry.name[0] != "." and entry.is_dir())
    except OSError:  # a loop of links, or no permission
        return []
