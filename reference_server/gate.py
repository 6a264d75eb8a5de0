"""The gate before the models: so many requests are worked on at once, and so many wait.

What needs no model, health above all, does not pass it: a probe is answered while all threads predict.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock, Semaphore

from reference_server.errors import NotNow
from reference_server.limits import Limits


class Gate:
    """As ``limits`` has it: ``threads``, ``waiting`` and ``seconds``."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._free = Semaphore(limits.threads)
        self._lock, self._waiting = Lock(), 0

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Work on one request. Raises ``NotNow`` where too many wait, or after waiting in vain."""
        if not self._free.acquire(blocking=False):
            self._wait()
        try:
            yield
        finally:
            self._free.release()

    def _wait(self) -> None:
        with self._lock:
            if self._waiting >= self._limits.waiting:
                raise NotNow(f"{self._waiting} requests wait already; ask again")
            self._waiting += 1
        try:
            if not self._free.acquire(timeout=self._limits.seconds):
                raise NotNow(f"no turn came in {self._limits.seconds} s; ask again")
        finally:
            with self._lock:
                self._waiting -= 1
