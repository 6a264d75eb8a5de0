"""``python -m targets``: ``run`` or ``start`` a server; ``matrix``, ``pages``; ``lock``, ``outdated``."""

import argparse
import os
import signal
import subprocess
import sys
from pathlib import Path

from targets import definition, environment, lock, results, server
from targets.definition import Target, TargetError
from targets.environment import ROOT, Unavailable
from targets.server import Server, StartError

NOT_RUN = 69
NOT_STARTED = 70
INTERRUPTED = 130


def main(arguments: list[str] | None = None, root: Path = Path(__file__).parent) -> int:
    """Run the command on the targets of ``root``.

    Returns the suite's status for ``run``; ``NOT_RUN`` (69) when the target, or what locks it, can't be had
    on this machine; ``NOT_STARTED`` (70) when its server does not come up, or ends while ``start`` waits;
    ``INTERRUPTED`` (130) after Ctrl-C. Exits with 2 on a mistake of the caller.
    """
    parser = _parser(root)
    options, suite = parser.parse_known_args(arguments)
    if options.command != "run" and suite:
        parser.error(f"{options.command} takes no {suite[0]}")
    name = getattr(options, "name", options.command)
    try:
        if options.command == "matrix":
            return _matrix(root, options.cache.resolve(), options.only)
        if options.command == "pages":
            return results.write_pages(root)
        if options.command in ("lock", "outdated"):
            return _pins(root, options)
        return _command(definition.load(name, root), options, suite)
    except TargetError as error:
        parser.error(str(error))
    except Unavailable as error:
        print(f"{name}: not run: {error}", file=sys.stderr)
        return NOT_RUN
    except StartError as error:
        print(f"{name}: not started: {error}", file=sys.stderr)
        return NOT_STARTED
    except KeyboardInterrupt:
        return INTERRUPTED


def _parser(root: Path) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m targets", description="Test real servers.", allow_abbrev=False
    )
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument(
        "--cache",
        type=Path,
        default=ROOT / ".cache" / "targets",
        metavar="DIR",
        help="where environments, models and logs are kept (default: .cache/targets)",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    helps = {"run": "test a server; other options go to the suite", "start": "start a server until Ctrl-C"}
    for command, told in helps.items():
        one = commands.add_parser(command, parents=[shared], help=told, allow_abbrev=False)
        one.add_argument("name", metavar="NAME", help=", ".join(definition.names(root)))
    every = commands.add_parser("matrix", parents=[shared], help="test all, write docs/results, then pages")
    every.add_argument("only", metavar="NAME", nargs="*", help="renew these, keep the others as they were")
    commands.add_parser("pages", help="write docs/matrix.md and docs/findings from docs/results")
    pins = {
        "lock": "write constraints.txt of each target; pins that still fit stay",
        "outdated": "say what lock --upgrade would change",
    }
    for command, told in pins.items():
        several = commands.add_parser(command, help=told, allow_abbrev=False)
        several.add_argument("only", metavar="NAME", nargs="*", help="these; else all that have requirements")
        if command == "lock":
            several.add_argument("--upgrade", action="store_true", help="renew every pin")
    return parser


def _command(target: Target, options: argparse.Namespace, suite: list[str]) -> int:
    if options.command == "run":
        return _run(target, options.cache.resolve(), suite)
    prepared = environment.prepare(target, options.cache.resolve())
    repository = environment.build_models(target, prepared)
    with server.running(target, prepared, repository) as started:
        return _wait(target, started)


def _run(target: Target, cache: Path, suite: list[str]) -> int:
    prepared = environment.prepare(target, cache)
    repository = environment.build_models(target, prepared)
    with server.running(target, prepared, repository) as started:
        print(_told(target, started), flush=True)
        return subprocess.run([*suite_command(target, started, repository), *suite], cwd=ROOT).returncode


def _matrix(root: Path, cache: Path, only: list[str]) -> int:
    """Test the targets, keep their reports as results, and make the pages; what is not renewed stays."""
    targets = [definition.load(name, root) for name in only or definition.names(root)]
    ran = False
    for target in targets:
        told = [f"--implementation={key}={value}" for key, value in target.implementation.items()]
        report = cache / f"{target.name}.report.json"
        try:
            if _run(target, cache, [f"--report-json={report}", "-q", *told]) in (0, 1):
                results.publish(target.name, report)
                ran = True
        except (Unavailable, StartError) as error:
            print(f"{target.name}: not run: {error}", file=sys.stderr)
    results.write_pages(root)
    return 0 if ran else NOT_RUN


def _pins(root: Path, options: argparse.Namespace) -> int:
    """Tell how the pins of the targets change, or would change."""
    targets = [definition.load(name, root) for name in options.only or definition.names(root)]
    for target in targets:
        if not target.requirements:
            changes = ["has no requirements"]
        elif options.command == "lock":
            changes = lock.lock(target, upgrade=options.upgrade)
        else:
            changes = lock.outdated(target)
        for change in changes or ["no change"]:
            print(f"{target.name}: {change}", flush=True)
    return 0


def _wait(target: Target, started: Server) -> int:
    """Say where the server is, and wait until Ctrl-C, or until the server ends by itself."""
    try:
        print(_told(target, started), flush=True)
        status = started.process.wait()
    except KeyboardInterrupt:
        return 0
    raise StartError(f"the server ended with status {status}; {started.log}:\n{started.tail()}")


def _told(target: Target, started: Server) -> str:
    grpc = f"gRPC: {started.grpc}, " if "grpc" in target.profiles else ""
    return f"{target.name}: {started.url} ({grpc}log: {started.log})"


def suite_command(target: Target, started: Server, repository: Path) -> list[str]:
    """The command that tests the server, with the known answers of its models and its baseline."""
    command = [sys.executable, "-m", "pytest", str(ROOT / "conformance"), f"--target={started.url}"]
    command += [f"--model={name}" for name in target.models]
    command += [f"--profile={name}" for name in target.profiles]
    if target.models:
        command.append(f"--answers={_shown(repository)}")
    if "grpc" in target.profiles:
        command.append(f"--grpc-target={started.grpc}")
    if "signature" in target.profiles:
        command.append(f"--mlmodel={_shown(repository / target.models[0] / 'model')}")
    command += ["--level=should", *target.suite]
    if target.known_failures.exists():
        command.append(f"--known-failures={_shown(target.known_failures)}")
    return command


def _shown(path: Path) -> str:
    """The path as reports may have it: from the checkout, where the suite is run."""
    return os.path.relpath(path, ROOT)


def _end(*_: object) -> None:
    """SIGTERM ends this command as Ctrl-C does, so that no server outlives it."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _end)
    sys.exit(main())
