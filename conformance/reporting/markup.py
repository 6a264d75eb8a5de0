"""Tables in Markdown, in which what a server said is no markup."""

from collections.abc import Iterator, Sequence


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """The lines of a table."""
    yield _line(head)
    yield _line(["---"] * len(head))
    yield from (_line([cell(text) for text in row]) for row in rows)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def cell(text: str) -> str:
    """The text as Markdown shows it, on one line."""
    escaped = "".join(f"\\{c}" if c in "\\|*_[]<>#`~" else c for c in text)
    return " ".join(escaped.split())
