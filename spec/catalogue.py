"""The catalogue of requirements, the sets frozen of it, and the pinned sources that it cites."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, get_args

_ROOT = Path(__file__).parent

Level = Literal["MUST", "SHOULD", "CHARACTERISE"]
LEVELS: tuple[Level, ...] = get_args(Level)
PROFILES = ("v2", "mlflow", "content-types", "signature", "parity", "binary", "robustness", "grpc")


@dataclass(frozen=True)
class Source:
    """A document that requirements cite, pinned to one version."""

    title: str
    url: str


@dataclass(frozen=True)
class Requirement:
    """One normative statement.

    ``asks``: what is asked, in one sentence. ``source``: "KEY: section" with KEY in sources.toml.
    ``fix``: what the server's author should change. ``ruling``: why it reads so, where sources contradict
    or are silent. ``seen``: threads of servers that had it wrong. ``untestable``: why no test checks it.
    """

    id: str
    level: Level
    asks: str
    source: str
    fix: str = ""
    ruling: str = ""
    seen: tuple[str, ...] = ()
    untestable: str = ""

    @property
    def profile(self) -> str:
        """The profile is the id's first part."""
        return self.id.split(".", 1)[0]

    @property
    def modules(self) -> str:
        """The test modules that check it, as a pattern: a folder a profile, then the area."""
        profile, *area = self.id.replace("-", "_").split(".")[:-1]
        return f"{profile}/test_{''.join(area)}*.py"

    @property
    def reference(self) -> str:
        """The source as a person reads it: title, section, address."""
        key, _, section = self.source.partition(": ")
        return f"{sources()[key].title}, {section!r} <{sources()[key].url}>"


@dataclass(frozen=True)
class RequirementSet:
    """MUST requirements of a profile, frozen under a name with its date: what a server may claim to meet."""

    name: str
    title: str
    profile: str
    requirements: tuple[str, ...]


@dataclass(frozen=True)
class Uncovered:
    """A normative sentence that no requirement covers, or half: what it says, why, what comes closest."""

    source: str
    says: str
    why: str
    near: tuple[str, ...]


@cache
def uncovered() -> list[Uncovered]:
    """The normative sentences without a requirement."""
    rows = tomllib.loads((_ROOT / "uncovered.toml").read_text("utf-8"))["sentence"]
    return [Uncovered(**row | {"near": tuple(row["near"])}) for row in rows]


@cache
def sets() -> dict[str, RequirementSet]:
    """The frozen sets, by name."""
    found = {}
    for file in sorted((_ROOT / "sets").glob("*.toml")):
        row = tomllib.loads(file.read_text("utf-8"))
        found[file.stem] = RequirementSet(file.stem, row["title"], row["profile"], tuple(row["requirements"]))
    return found


@cache
def sources() -> dict[str, Source]:
    """The cited documents, by key."""
    rows = tomllib.loads((_ROOT / "sources.toml").read_text("utf-8"))
    return {key: Source(**row) for key, row in rows.items()}


@cache
def requirements() -> dict[str, Requirement]:
    """The whole catalogue, by id, in the order of the files."""
    found: dict[str, Requirement] = {}
    for file in sorted((_ROOT / "requirements").glob("*.toml")):
        for row in tomllib.loads(file.read_text("utf-8"))["requirement"]:
            requirement = Requirement(**row | {"seen": tuple(row.get("seen", ()))})
            if requirement.id in found:
                raise ValueError(f"{file.name}: requirement {requirement.id} is listed twice")
            found[requirement.id] = requirement
    return found
