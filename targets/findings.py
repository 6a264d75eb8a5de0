"""What a target breaks of MUST, a page each, as its maintainer would take an issue. Pure."""

import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping

from spec.catalogue import Requirement, requirements, sources
from targets import matrix
from targets.definition import Target

# Where the pages start a server, and what the placeholders of a target are there.
PORTS = {"port": "8080", "grpc_port": "8081", "metrics_port": "8082"}
_LIBRARY = "$(venv/bin/python -c 'import sysconfig; print(sysconfig.get_config_var(\"LIBDIR\"))')"
_PLACES = {
    "python": "venv/bin/python",
    "bin": "venv/bin",
    "root": ".",
    "cache": "venv",
    "repository": "models",
}


def pages(target: Target, report: matrix.Json, told: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """A page in Markdown for each requirement of level MUST that fails, by its id.

    told: what a person found out of it, ``cause`` and ``change``.
    """
    found = [row for row in matrix.failed(report) if row["level"] == "MUST"]
    return {row["id"]: "\n".join(_page(target, report, row, told.get(row["id"], {}))) + "\n" for row in found}


def index(names: Iterable[str]) -> str:
    """The page that lists the pages."""
    told = "What servers in use break of MUST, a page each: the request, what comes, what the text asks."
    return "\n".join(["# Findings", "", told, "", "```{toctree}", ":maxdepth: 1", "", *names, "```"]) + "\n"


def start(target: Target) -> list[str]:
    """The commands that install and start the server, typed in a checkout of this project."""
    values = {
        **_PLACES,
        **PORTS,
        "library": _LIBRARY,
        "here": f"targets/{target.name}",
        "model": target.models[0],
    }
    wanted = shlex.join(requirement.format(root=".") for requirement in target.requirements)
    variables = [f'{name}="{value.format_map(values)}"' for name, value in target.environment.items()]
    return [
        f"python{target.python or 3} -m venv venv",
        f"venv/bin/pip install {wanted}",
        f"venv/bin/python -m fixtures build models --only {' '.join(target.models)}",
        " ".join([*variables, *(word.format_map(values) for word in target.command)]),
    ]


def _page(target: Target, report: matrix.Json, row: matrix.Json, note: Mapping[str, str]) -> Iterator[str]:
    one = requirements()[row["id"]]
    failure, here = row["failures"][0], _here(report)
    yield from (f"# {matrix.title(report)}: {one.id}", "")
    yield from _asked(one)
    yield from ("", "## Start it", "")
    yield f"In a checkout of this repository ({', '.join(target.requirements)}; CPython {target.python}):"
    yield from ("", *_fenced("sh", "\n".join(start(target))))
    yield from ("", "## Ask it", "", *_fenced("sh", "\n".join(map(here, failure["curl"]))))
    if "application/grpc" in failure["curl"][0]:
        yield from ("", "The message, as protobuf writes it in text:", "")
        yield from _fenced("text", "\n\n".join(failure["request"]))
    yield from ("", "## What comes", "", *_fenced("text", "\n\n".join(failure["response"]) or "No answer."))
    yield from ("", "Found:", "", *_fenced("text", here(failure["message"])))
    if "cause" in note:
        yield from ("", "## Cause", "", note["cause"])
    yield from ("", "## What mends it", "", note.get("change") or one.fix)


def _asked(one: Requirement) -> Iterator[str]:
    key, _, section = one.source.partition(": ")
    yield f"**{one.level}.** {one.asks}"
    yield from ("", f"Source: [{sources()[key].title}]({sources()[key].url}), {section}.")
    if one.ruling:
        yield from ("", f"Ruling: {one.ruling}")


def _here(report: matrix.Json) -> Callable[[str], str]:
    """Puts the addresses of the pages where a line has those of the run."""
    target = report["target"]
    addresses = {target["url"]: PORTS["port"], target.get("grpc", target["url"]): PORTS["grpc_port"]}
    ports = {address.rpartition(":")[2]: port for address, port in addresses.items()}
    pattern = re.compile(rf"(127\.0\.0\.1:|port=)({'|'.join(ports)})\b")
    return lambda line: pattern.sub(lambda found: found[1] + ports[found[2]], line)


def _fenced(language: str, text: str) -> list[str]:
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return [f"{fence}{language}", *text.splitlines(), fence]
