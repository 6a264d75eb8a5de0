"""The pages of the catalogue: the requirements of each profile, the rulings, the frozen sets."""

from collections.abc import Iterator
from pathlib import Path

from spec.catalogue import PROFILES, Requirement, requirements, sets, sources, uncovered


def write(folder: Path) -> None:
    """Write the pages into ``folder``; those that are as they should be stay, so that Sphinx builds less."""
    folder.mkdir(exist_ok=True)
    pages = {profile: _profile(profile) for profile in PROFILES}
    pages |= {"rulings": _rulings(), "sets": _sets(), "sources": _sources(), "uncovered": _uncovered()}
    for name, lines in pages.items():
        file, text = folder / f"{name}.md", "\n".join(lines) + "\n"
        if not file.exists() or file.read_text("utf-8") != text:
            file.write_text(text, "utf-8")


def _profile(profile: str) -> Iterator[str]:
    yield f"# Requirements: {profile}"
    area = ""
    for one in requirements().values():
        if one.profile == profile:
            if (found := one.id.rpartition(".")[0]) != area:
                yield from ("", f"## {found}")
                area = found
            yield from _requirement(one)


def _requirement(one: Requirement) -> Iterator[str]:
    yield from ("", f"({one.id})=", f"### {one.id}", "", f"**{one.level}.** {_plain(one.asks)}", "")
    yield f"Source: {_cited(one.source)}."
    for label, text in (("Ruling", one.ruling), ("To change", one.fix), ("Not tested", one.untestable)):
        if text:
            yield from ("", f"{label}: {_plain(text)}")
    if not one.untestable:
        yield from ("", f"Tested by `conformance/{one.modules}`.")
    if one.seen:
        yield from ("", "Seen elsewhere: " + ", ".join(f"<{link}>" for link in one.seen))


def _rulings() -> Iterator[str]:
    yield from (
        "# Rulings",
        "",
        "Where sources contradict each other, or are silent, and what is asked then.",
    )
    for one in requirements().values():
        if one.ruling:
            yield from ("", f"## {one.id}: why", "", f"{{ref}}`{one.level} <{one.id}>`: {_plain(one.asks)}")
            yield from ("", f"{_plain(one.ruling)} ({_cited(one.source)})")


def _uncovered() -> Iterator[str]:
    yield from ("# What no requirement covers", "")
    yield "Normative sentences of the protocol's texts, in our words, that nothing asks of a server, or half."
    for one in uncovered():
        near = ", ".join(f"{{ref}}`{name} <{name}>`" for name in one.near)
        yield from ("", f"## {_plain(one.says)}", "", f"Source: {_cited(one.source)}.")
        yield from ("", _plain(one.why), "", f"Closest: {near}.")


def _sets() -> Iterator[str]:
    yield from (
        "# Frozen sets",
        "",
        "What a server may claim to meet. A set never changes: later requirements run, ",
    )
    yield "and do not count for it."
    for one in sets().values():
        yield from ("", f"## {one.name}", "", f"{one.title}: {len(one.requirements)} MUST requirements.", "")
        yield from (f"- {{ref}}`{name} <{name}>`" for name in one.requirements)


def _sources() -> Iterator[str]:
    yield from ("# Sources", "", "The documents that requirements cite, each pinned.", "")
    yield from (f"- [{_plain(source.title)}]({source.url})" for source in sources().values())


def _cited(source: str) -> str:
    key, _, section = source.partition(": ")
    return f"[{_plain(sources()[key].title)}]({sources()[key].url}), {_plain(section)}"


def _plain(text: str) -> str:
    """The text, in which nothing is markup."""
    return "".join(f"\\{c}" if c in "\\`*_{}[]<>#|$~@" else c for c in text)
