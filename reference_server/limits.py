"""How much a request may take; all of it are options of ``reference-server start``."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """``body``: bytes (413 above). ``rows`` of a request, ``depth`` of its JSON (400 above).

    ``seconds``: for its bytes to arrive (408 after), for its turn to come (503 after), and for a client that
    takes nothing of the answer. ``threads``: requests that are worked on at once; ``waiting``: others, which
    wait for their turn (503 above).
    """

    body: int = 64 * 2**20
    rows: int = 1_000_000
    depth: int = 64
    seconds: int = 60
    threads: int = 4
    waiting: int = 64


DEFAULTS = Limits()
