"""The servers that are compared, on the same model and with the same number of workers."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.server.cases import INFER, INVOCATIONS, MODEL
from targets import definition, environment, server
from targets.definition import Target

BEFORE = "before"  # another checkout of the reference server
_TARGETS = Path(server.__file__).parent
# Endpoints, and the option that sets the number of workers; Triton's model runs in one process.
_PEERS: dict[str, tuple[tuple[str, ...], str | None]] = {
    "reference": ((INFER, INVOCATIONS), "--workers"),
    "mlserver": ((INFER, INVOCATIONS), "MLSERVER_PARALLEL_WORKERS"),
    "mlflow": ((INVOCATIONS,), "--workers"),
    "kserve": ((INFER,), "--workers"),
    "triton": ((INFER,), None),
}
PEERS = [name for name in _PEERS if name != "reference"]


@dataclass(frozen=True)
class Running:
    """A server that listens. ``model``: the folder of what it serves; ``process``: its id."""

    name: str
    url: str
    grpc: str
    model: Path
    process: int
    endpoints: tuple[str, ...]


@contextmanager
def running(names: list[str], workers: int, cache: Path, before: Path | None) -> Iterator[list[Running]]:
    """The servers called ``names``, of those that can have so many workers, and that of another checkout."""
    with ExitStack() as stack:
        found = []
        for name in [*names, *([BEFORE] if before else [])]:
            endpoints, option = _PEERS["reference" if name == BEFORE else name]
            if workers > 1 and option is None:
                continue
            target = _with_workers(_target(name, before), option, workers)
            prepared = environment.prepare(target, cache)
            repository = environment.build_models(target, prepared)
            started = stack.enter_context(server.running(target, prepared, repository))
            found.append(
                Running(
                    name,
                    started.url,
                    started.grpc,
                    repository / MODEL / "model",
                    started.process.pid,
                    endpoints,
                )
            )
        yield found


def _target(name: str, before: Path | None) -> Target:
    if name != BEFORE:
        return replace(definition.load(name, _TARGETS), models=[MODEL])
    target = definition.load("reference", _TARGETS)
    return replace(target, models=[MODEL], environment={"PYTHONPATH": str(before)})


def _with_workers(target: Target, option: str | None, workers: int) -> Target:
    if option is None:
        return target
    if option.startswith("--"):
        return replace(target, command=[*target.command, option, str(workers)])
    return replace(target, environment={**target.environment, option: str(workers)})
