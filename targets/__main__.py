"""``python -m targets run NAME [suite options]`` and ``python -m targets start NAME``."""

import argparse
import signal
import subprocess
import sys
from pathlib import Path

from targets import definition, environment, server
from targets.definition import Target, TargetError
from targets.environment import ROOT, Unavailable
from targets.server import Server, StartError

NOT_RUN = 69
NOT_STARTED = 70
INTERRUPTED = 130


def main(arguments: list[str] | None = None, root: Path = Path(__file__).parent) -> int:
    """Run the command on the targets of ``root``.

    Returns the suite's status for ``run``; ``NOT_RUN`` (69) when the target can't be had on this machine;
    ``NOT_STARTED`` (70) when its server does not come up, or ends while ``start`` waits; ``INTERRUPTED``
    (130) after Ctrl-C. Exits with 2 on a mistake of the caller.
    """
    parser = _parser(root)
    options, suite = parser.parse_known_args(arguments)
    if options.command == "start" and suite:
        parser.error(f"start takes no {suite[0]}")
    try:
        return _command(definition.load(options.name, root), options, suite)
    except TargetError as error:
        parser.error(str(error))
    except Unavailable as error:
        print(f"{options.name}: not run: {error}", file=sys.stderr)
        return NOT_RUN
    except StartError as error:
        print(f"{options.name}: not started: {error}", file=sys.stderr)
        return NOT_STARTED
    except KeyboardInterrupt:
        return INTERRUPTED


def _parser(root: Path) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m targets", description="Test real servers.", allow_abbrev=False
    )
    parser.add_argument("command", choices=("run", "start"), help="test it, or start it until Ctrl-C")
    parser.add_argument("name", metavar="NAME", help=", ".join(definition.names(root)))
    parser.add_argument(
        "--cache",
        type=Path,
        default=ROOT / ".cache" / "targets",
        metavar="DIR",
        help="where environments, models and logs are kept (default: .cache/targets)",
    )
    parser.epilog = "Other options of run go to the suite."
    return parser


def _command(target: Target, options: argparse.Namespace, suite: list[str]) -> int:
    prepared = environment.prepare(target, options.cache.resolve())
    repository = environment.build_models(target, prepared)
    with server.running(target, prepared, repository) as started:
        print(f"{target.name}: {started.url} (log: {started.log})", flush=True)
        if options.command == "start":
            return _wait(started)
        return subprocess.run([*suite_command(target, started, repository), *suite], cwd=ROOT).returncode


def _wait(started: Server) -> int:
    """Until Ctrl-C, or until the server ends by itself."""
    try:
        status = started.process.wait()
    except KeyboardInterrupt:
        return 0
    raise StartError(f"the server ended with status {status}; {started.log}:\n{started.tail()}")


def suite_command(target: Target, started: Server, repository: Path) -> list[str]:
    """The command that tests the server, with the known answers of its models and its baseline."""
    command = [sys.executable, "-m", "pytest", str(ROOT / "conformance"), f"--target={started.url}"]
    command += [f"--model={name}" for name in target.models]
    command += [f"--profile={name}" for name in target.profiles]
    command.append(f"--answers={repository}")
    if "signature" in target.profiles:
        command.append(f"--mlmodel={repository / target.models[0] / 'model'}")
    if target.known_failures.exists():
        command.append(f"--known-failures={target.known_failures}")
    return command


def _end(*_: object) -> None:
    """SIGTERM ends this command as Ctrl-C does, so that no server outlives it."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _end)
    sys.exit(main())
