"""What a server is made of, seen from outside."""

import psutil


def workers(process: int) -> set[int]:
    """The ids of the children of the process with this id."""
    return {child.pid for child in psutil.Process(process).children()}


def memory(process: int) -> float:
    """MiB of the process with this id and its descendants, what several share counted once (PSS)."""
    found = psutil.Process(process)
    return float(sum(one.memory_full_info().pss for one in (found, *found.children(recursive=True))) / 2**20)
