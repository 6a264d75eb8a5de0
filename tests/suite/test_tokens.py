"""Tokens that expire: the run stops and keeps what it found, or goes on with another token."""

import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from reference_server.repository import load
from tests.faulty.rpc import INFER, Asked, RpcVariant, Status, remembered, serve
from tests.suite.conftest import Suite, Tiny, serving

ECHO, LIVE, LAST = "v2.infer.id-echo", "v2.health.live", "v2.server.metadata"
CHOSEN = [f"--requirement={name}" for name in (LIVE, ECHO, LAST)]


class Guarded(Tiny):
    """Takes a token as often as ``lasts``, forgets ids, and tells the headers that it got."""

    keep_id = False
    lasts = 22
    tokens: list[str]
    refusal: int = 401
    file: Path
    taken = 0

    def answer(self, status: int, document: Any) -> None:
        kind = type(self)
        if kind.taken >= self.lasts and len(self.tokens) > 1:
            kind.taken = 0
            del self.tokens[0]
            self.file.write_text(f"Authorization: Bearer {self.tokens[0]}\n")
        kind.taken += 1
        known = self.headers.get("Authorization") == f"Bearer {self.tokens[0]}" and self.taken <= self.lasts
        if not known:
            return super().answer(self.refusal, {"error": "no token"})
        if status == 200 and "model_name" in document:
            document |= {"parameters": {"seen": self.headers["Authorization"]}}
        return super().answer(status, document)


def _guarded(folder: Path, *tokens: str, refusal: int = 401) -> type[Guarded]:
    file = folder / "token"
    file.write_text(f"Authorization: Bearer {tokens[0]}\n")
    return type("Fresh", (Guarded,), {"tokens": [*tokens], "file": file, "refusal": refusal})


@pytest.mark.parametrize(("refusal", "more"), [(401, ()), (403, ("-n", "2"))])
def test_an_expired_token_stops_the_run(
    suite: Suite, tmp_path: Path, refusal: int, more: tuple[str, ...]
) -> None:
    known, junit = tmp_path / "known.toml", tmp_path / "junit.xml"
    with serving(_guarded(tmp_path, "s3cret-token", refusal=refusal)) as url:
        run = suite(
            "--target", url, "--model=double", *CHOSEN, "--header=Authorization: Bearer s3cret-token",
            "--write-known-failures", known, f"--junitxml={junit}", *more,
        )  # fmt: skip
    assert run.status == 10, run.output
    row = run.row(LAST)
    assert row["outcome"] == "untested"
    assert f"answers {refusal}: has the token expired? --header-command CMD" in row["reason"]
    assert "the run stopped: the target lets nothing in any longer" in run.output
    entries = tomllib.loads(known.read_text()).get("known-failure", [])
    assert {entry["requirement"] for entry in entries} <= {ECHO}
    assert "s3cret-token" not in run.output + json.dumps(run.report) + known.read_text() + junit.read_text()
    assert ElementTree.parse(junit).getroot() is not None
    if not more:
        assert run.outcome(ECHO) == "failed"
        assert run.outcome(LIVE) == "passed"
        assert [entry["requirement"] for entry in entries] == [ECHO]


def test_a_new_token_is_had_and_the_run_goes_on(suite: Suite, tmp_path: Path) -> None:
    handler = _guarded(tmp_path, "first-token", "second-token")
    with serving(handler) as url:
        asked = ("--target", url, "--model=double", *CHOSEN)
        run = suite(*asked, "--header-command", f"cat {handler.file}")
    assert run.status == 1, run.output
    assert run.outcome(LAST) == "passed"
    assert run.outcome(ECHO) == "failed"
    assert handler.tokens[0] == "second-token"
    assert "-token" not in run.output + json.dumps(run.report)
    assert '{"seen":"***"}' in json.dumps(run.report).replace("\\", "").replace(" ", "")


def test_a_token_that_expires_in_the_preflight(suite: Suite, tmp_path: Path) -> None:
    handler = _guarded(tmp_path, *(f"token-{i}" for i in range(100)))
    handler.lasts = 8
    with serving(handler) as url:
        command = ("--header-command", f"cat {handler.file}")
        run = suite("--target", url, "--model=double", f"--requirement={LIVE}", *command)
    assert run.status == 0, run.errors + run.output
    assert 1 < len(handler.tokens) < 100


def test_one_refused_request_is_no_expired_token(suite: Suite) -> None:
    class Strict(Tiny):
        def do_POST(self) -> None:
            if self.headers.get("Content-Encoding") == "gzip":
                self.rfile.read(int(self.headers["Content-Length"]))
                return self.answer(403, {"error": "no gzip for you"})
            return super().do_POST()

    with serving(Strict) as url:
        run = suite("--target", url, "--model=double", "--requirement=v2.infer.gzip-request", *CHOSEN)
    assert run.status != 10
    assert run.outcome(LAST) == "passed"


def test_processes_share_what_the_command_gave(suite: Suite, tiny: str, tmp_path: Path) -> None:
    used = tmp_path / "used"
    command = f"test ! -e {used} && touch {used} && echo 'X-Code: once-only'"
    asked = ("--target", tiny, "--model=double", *CHOSEN, "-n", "2", "--header-command", command)
    run = suite(*asked)
    assert run.status == 0, run.output + run.errors
    assert run.outcome(LAST) == "passed"


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("echo s3cret-token; exit 3", "it ends with status 3"),
        ("echo s3cret-token", "it must print a header, 'Name: value', and nothing else"),
        ("true", "it must print a header"),
        ("printf 'X: s3cret-token\\377'", "what it prints is no text"),
    ],
)
def test_a_command_that_gives_no_header(suite: Suite, tiny: str, command: str, told: str) -> None:
    run = suite("--target", tiny, "--model=double", "--header-command", command)
    assert run.status == 10
    assert run.errors.startswith("cannot test: --header-command: ")
    assert told in run.errors
    assert run.errors.count("\n") == 1
    assert "s3cret" not in run.errors + run.output


GRPC_ECHO = "grpc.infer.id-echo"
LASTS = 12  # calls: more than those before the first test


def _over_grpc(file: Path, tokens: list[str]) -> Callable[[Asked], Any]:
    """A gRPC server that takes each token so often, writes the next to a file, and forgets ids."""
    taken = 0

    def answer(asked: Asked) -> Any:
        nonlocal taken
        taken += 1
        if taken > LASTS and len(tokens) > 1:
            taken = 0
            del tokens[0]
            file.write_text(f"Authorization: Bearer {tokens[0]}\n")
        if asked.metadata.get("authorization") != f"Bearer {tokens[0]}" or taken > LASTS:
            raise Status("UNAUTHENTICATED", "no token")
        found = asked.answer()
        if asked.call == INFER:
            found.id = ""
        return found

    file.write_text(f"Authorization: Bearer {tokens[0]}\n")
    return answer


@pytest.mark.parametrize(("tokens", "status"), [(["first-token"], 10), (["first-token", "second-token"], 1)])
def test_over_grpc(suite: Suite, tmp_path: Path, repository: Path, tokens: list[str], status: int) -> None:
    """An expired token stops the run, and a new one lets it go on."""
    file, many = tmp_path / "token", len(tokens) > 1
    last = "grpc.service.unknown-method"
    answer = _over_grpc(file, tokens)
    variant = RpcVariant("guarded", "", frozenset(), answer)
    with serve(variant, remembered(load(repository / "wine-classifier"))) as address:
        run = suite(
            "--grpc-target", address, "--model=wine-classifier", f"--header-command=cat {file}",
            f"--requirement={GRPC_ECHO}", "--requirement=grpc.parity.metadata", f"--requirement={last}",
        )  # fmt: skip
    assert run.status == status, run.output
    assert run.outcome(GRPC_ECHO) == "failed"
    assert run.outcome(last) == ("passed" if many else "untested")
    assert "UNAUTHENTICATED" not in "".join(run.row(GRPC_ECHO)["failures"][0]["response"])
    assert ("has the token expired?" in run.row(last).get("reason", "")) != many
