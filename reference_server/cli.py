"""The command ``reference-server start FOLDER``: the server under Gunicorn."""

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from reference_server import server_settings, settings
from reference_server.errors import RepositoryError
from reference_server.limits import DEFAULTS, Limits
from reference_server.server import Server, say
from reference_server.settings import Broken


def main(arguments: list[str] | None = None) -> None:
    """Serve until stopped. Exit status 2: wrong command or folder; 4: a model cannot be loaded."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        _complete(options)
        options.limits = Limits(**{field: getattr(options, field) for field in _LIMITS})
        settings.model_config(os.environ)
        found = settings.find(options.folder, os.environ)
        broken = [model for model in found if isinstance(model, Broken)]
        settings.refuse_broken(broken, len(found), options.skip_broken)
        server = Server(options, sorted({model.name for model in found if model not in broken}))
    except RepositoryError as error:
        parser.error(str(error))
    server.run()


def _complete(options: argparse.Namespace) -> None:
    """Fill in what the command line leaves out, from settings.json, the environment, or by default."""
    folder = options.folder or os.environ.get("MLSERVER_MODELS_DIR")
    if not folder:
        raise RepositoryError("name the FOLDER to serve, or set MLSERVER_MODELS_DIR")
    options.folder = Path(folder)
    given = server_settings.read(options.folder, os.environ)
    defaults = (("host", "127.0.0.1"), ("port", 8080), ("grpc_port", 8081), ("workers", 1))
    for name, default in defaults:
        if getattr(options, name) is None:
            value = getattr(given, name)
            setattr(options, name, default if value is None else value)
    if options.grpc_port == _NONE:
        options.grpc_port = None
    options.root_path = given.root_path
    script_name = os.environ.get("SCRIPT_NAME", "")
    try:
        os.environ["SCRIPT_NAME"] = server_settings.root_path(script_name)  # where Gunicorn reads it
    except ValueError as error:
        raise RepositoryError(f"SCRIPT_NAME: {script_name!r} {error}") from None
    if given.missed:
        say(f"settings.json: this server has nothing like {', '.join(given.missed)}, and passes it over")


_NONE = "none"
# What bounds a request: its option, what that takes, and what for.
_LIMITS = {
    "threads": ("threads", "N", "requests a process works on at once; 1 asks a model one thing at a time"),
    "waiting": ("max-waiting", "N", "requests that wait for their turn; others are answered with 503"),
    "seconds": ("request-timeout", "SECONDS", "for a request to arrive, and to wait for its turn"),
    "body": ("max-body", "BYTES", "size of a request's body"),
    "rows": ("max-rows", "N", "rows of a request"),
    "depth": ("max-depth", "N", "how deep the JSON of a request may nest"),
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="reference-server", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    start = commands.add_parser("start", help="serve a folder", formatter_class=argparse.HelpFormatter)
    add: Callable[..., Any] = start.add_argument
    count = _argument(server_settings.count)
    above_0 = _argument(_above_0)
    add(
        "folder",
        nargs="?",
        metavar="FOLDER",
        help="holds model-settings.json, several of them, or an MLflow model (default: MLSERVER_MODELS_DIR)",
    )
    add(
        "--host",
        type=_argument(server_settings.text),
        help="address to listen on (default: MLSERVER_HOST, or 127.0.0.1)",
    )
    add(
        "--port",
        type=_argument(server_settings.port),
        help="0 takes a free one (default: MLSERVER_HTTP_PORT, or 8080)",
    )
    add(
        "--grpc-port",
        type=_argument(_grpc_port),
        help="of gRPC; 0 takes a free one, none leaves it out (default: MLSERVER_GRPC_PORT, or 8081)",
    )
    add("--workers", type=above_0, help="processes (default: MLSERVER_PARALLEL_WORKERS, or 1)")
    for field, what in _LIMITS.items():
        default = getattr(DEFAULTS, field)
        add(
            f"--{what[0]}", dest=field, type=above_0, default=default, metavar=what[1],
            help=f"{what[2]} (default: {default})",
        )  # fmt: skip
    add("--invocations", metavar="NAME", help="the model behind /invocations, among several")
    add(
        "--skip-broken",
        action="store_true",
        help="serve the other models where one cannot be loaded; the server is not ready then",
    )
    add(
        "--graceful-timeout",
        type=count,
        default=30,
        metavar="SECONDS",
        help="for what was taken before SIGTERM or SIGINT (default: %(default)s)",
    )
    add(
        "--keep-alive",
        type=count,
        default=75,
        metavar="SECONDS",
        help="for which an idle connection stays open; longer than a balancer's (default: %(default)s)",
    )
    add(
        "--access-log",
        type=_argument(server_settings.text),
        metavar="FILE",
        help="a line of JSON for each request; - is standard output (default: none)",
    )
    return parser


def _argument(convert: Callable[[Any], Any]) -> Callable[[str], Any]:
    def converted(text: str) -> Any:
        try:
            return convert(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"{text!r} {error}") from None

    return converted


def _grpc_port(text: str) -> int | str:
    return text if text == _NONE else server_settings.port(text)


def _above_0(text: str) -> int:
    if server_settings.count(text) == 0:
        raise ValueError("is not a number above 0")
    return int(text)


if __name__ == "__main__":
    main()
