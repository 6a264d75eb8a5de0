"""What ``oip-conformance`` does beside testing: show reports, compare them, explain requirements."""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from conformance.reporting import claims, compare, document, page
from spec.catalogue import LEVELS, PROFILES, Requirement, requirements, sets

_DONE, _DIFFERENT, _WRONG = 0, 1, 10


def _report(options: argparse.Namespace) -> int:
    return _put(page.page(document.load(options.report)), options.output)


def _compare(options: argparse.Namespace) -> int:
    if len(options.reports) < 2:
        raise ValueError("give two reports or more")
    found = compare.compare([document.load(file) for file in options.reports])
    made = {"text": compare.text, "markdown": compare.markdown, "html": page.compared}[options.format](found)
    _put(made, options.output)
    return _DIFFERENT if found.new_failures else _DONE


def _replay(options: argparse.Namespace) -> int:
    """Ask again what failed, and say of each whether it is as it was."""
    before = document.load(options.report)
    failed = {row["id"]: row for row in before["requirements"] if row["outcome"] == "failed"}
    wanted = [options.id] if options.id else list(failed)
    for name in wanted:
        if name not in failed:
            raise ValueError(f"{options.report}: {name} did not fail in that run")
    if not wanted:
        print(f"nothing failed in {options.report}")
        return _DONE
    after = {row["id"]: row for row in _asked_again(before, wanted, options.more)["requirements"]}
    for name in wanted:
        print(f"{_now(failed[name], after[name]):<10} {name}")
    return _DIFFERENT if any(after[name]["outcome"] == "failed" for name in wanted) else _DONE


def _now(before: document.Document, after: document.Document) -> str:
    if after["outcome"] != "failed":
        return "FIXED" if after["outcome"] == "passed" else "not asked"
    told = [[failure["message"] for failure in row["failures"]] for row in (before, after)]
    return "the same" if told[0] == told[1] else "otherwise"


def _asked_again(before: document.Document, wanted: Sequence[str], more: Sequence[str]) -> document.Document:
    """The report of a run that asks for some requirements, with the options of the run before and more."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "report.json"
        arguments = [*_given(before), *more, f"--report-json={file}"]
        arguments += [f"--requirement={name}" for name in wanted]
        command = [sys.executable, "-m", "conformance", "-q", *arguments]
        done = subprocess.run(command, capture_output=True, text=True)
        if not file.exists():
            raise ValueError(f"it can't be asked again: {(done.stderr or done.stdout).strip()[-2000:]}")
        return document.load(file)


def _given(before: document.Document) -> Iterator[str]:
    """The options of a run, as its report has them. Secrets are in no report."""
    target, options = before["target"], before["options"]
    if target["url"] != target.get("grpc"):
        yield f"--target={target['url']}"
    if "grpc" in target:
        scheme, _, address = target["grpc"].partition("://")
        yield f"--grpc-target={'grpcs' if scheme == 'https' else 'grpc'}://{address}"
    for name in ("model_version", "max_examples", "seed", "timeout", "sample", "answers", "mlmodel"):
        if options.get(name):
            yield f"--{name.replace('_', '-')}={options[name]}"
    yield from (f"--model={name}" for name in target["models"])
    yield from ["--not-row-wise"] * bool(options.get("not_row_wise"))


def _badge(options: argparse.Namespace) -> int:
    found = {claim.set.name: claim for claim in claims.claims(document.load(options.report)["requirements"])}
    claim = found[options.set]
    made = page.badge(claim) if options.format == "svg" else json.dumps(claims.shield(claim), indent=2)
    return _put(made, options.output)


def _check(options: argparse.Namespace) -> int:
    for file in options.reports:
        found = document.load(file)
        missing = [key for key in ("name", "version", "url") if key not in found.get("implementation", {})]
        if missing:
            raise ValueError(f"{file} does not say whose it is: --implementation {missing[0]}=…")
        if found.get("sets") != claims.told(found["requirements"]):
            raise ValueError(
                f"{file}: its sets are not those of its requirements, by this version of the suite"
            )
        states = ", ".join(f"{name} {row['state']}" for name, row in found["sets"].items())
        told = found["implementation"]
        print(f"{file}: {told['name']} {told['version']}: {states}")
    return _DONE


def _put(made: str, output: Path | None) -> int:
    if output:
        output.write_text(f"{made}\n", "utf-8")
    else:
        print(made)
    return _DONE


def _list(options: argparse.Namespace) -> int:
    for requirement in requirements().values():
        chosen = not options.profile or requirement.profile in options.profile
        if chosen and (not options.level or requirement.level.lower() in options.level):
            print(f"{requirement.id:<45} {requirement.level:<13} {requirement.asks}")
    return _DONE


def _explain(options: argparse.Namespace) -> int:
    found = requirements().get(options.id)
    if found is None:
        raise ValueError(f"there is no requirement {options.id}: oip-conformance list shows all")
    print("\n".join(_explained(found)))
    return _DONE


def _explained(found: Requirement) -> list[str]:
    told = {
        "Source": found.reference,
        "Ruling": found.ruling,
        "To change": found.fix,
        "Not tested": found.untestable,
        "Tested by": "" if found.untestable else f"conformance/{found.modules}",
        "Seen elsewhere": ", ".join(found.seen),
    }
    lines = [f"{label}: {text}" for label, text in told.items() if text]
    return [f"{found.id} ({found.level})", found.asks, *lines]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="oip-conformance", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, run: Callable[[argparse.Namespace], int], told: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=told, description=told)
        command.set_defaults(run=run)
        return command

    report = add("report", _report, "make a page of a report")
    report.add_argument("report", type=Path, help="what --report-json wrote")
    report.add_argument("-o", "--output", type=Path, help="the file of the page (default: standard output)")
    compared = add(
        "compare", _compare, "compare two runs, or several servers; status 1: there are new failures"
    )
    compared.add_argument(
        "reports", type=Path, nargs="+", help="what --report-json wrote, the older run first"
    )
    compared.add_argument("--format", choices=("text", "markdown", "html"), default="text")
    compared.add_argument("-o", "--output", type=Path, help="a file (default: standard output)")
    replay = add("replay", _replay, "ask again what failed; status 1: some of it still fails")
    replay.add_argument("report", type=Path, help="what --report-json wrote")
    replay.add_argument("id", nargs="?", help="of one requirement (default: all that failed)")
    replay.add_argument(
        "more", nargs="*", metavar="-- OPTION", help="more options of the run, such as --header"
    )
    badge = add("badge", _badge, "say in a badge whether a server meets a frozen set of requirements")
    badge.add_argument("report", type=Path, help="what --report-json wrote")
    badge.add_argument("--set", choices=tuple(sets()), required=True)
    badge.add_argument("--format", choices=("svg", "json"), default="svg", help="json: for shields.io")
    badge.add_argument("-o", "--output", type=Path, help="a file (default: standard output)")
    checked = add(
        "check", _check, "check reports that are to be published: whose they are, and what they claim"
    )
    checked.add_argument("reports", type=Path, nargs="+", help="what --report-json wrote")
    listed = add("list", _list, "list the requirements")
    listed.add_argument("--profile", action="append", choices=PROFILES)
    listed.add_argument("--level", action="append", choices=[level.lower() for level in LEVELS])
    explain = add("explain", _explain, "say what a requirement asks, why, and how it is tested")
    explain.add_argument("id", help="of the requirement, such as v2.infer.id-echo")
    return parser


NAMES = ("report", "compare", "replay", "badge", "check", "list", "explain")


def main(arguments: Sequence[str]) -> int:
    """Run one command. Exit status 10: it can't be done as asked, and one line says why."""
    options = _parser().parse_args(arguments)
    try:
        status: int = options.run(options)
    except (ValueError, OSError) as error:
        print(f"oip-conformance: {error}", file=sys.stderr)
        return _WRONG
    return status
