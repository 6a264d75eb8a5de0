"""Text of a target, made fit for reports: a terminal, JSON, XML and TOML can all hold what is left."""

import re
from collections.abc import Callable
from typing import TypeVar, cast

T = TypeVar("T")

# Control characters (NUL ends a shell line, ESC steers a terminal) and halves of surrogate pairs, which
# no encoding writes. Line feed and tab are harmless.
_UNFIT = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def fits(text: str) -> bool:
    """Whether the text can stand as it is in a report and on a shell line."""
    return _UNFIT.search(text) is None


def clean(text: str) -> str:
    """The text with what does not fit as Python's escapes, such as ``\\x1b`` and ``\\ud83d``."""
    return _UNFIT.sub(lambda found: found[0].encode("unicode-escape").decode("ascii"), text)


def cleaned(value: T) -> T:
    """A value like one of JSON with all its texts clean."""
    return mapped(value, clean)


def mapped(value: T, change: Callable[[str], str]) -> T:
    """A value like one of JSON with all its texts changed."""
    if isinstance(value, str):
        return cast(T, change(value))
    if isinstance(value, dict):
        return cast(T, {change(key): mapped(item, change) for key, item in value.items()})
    if isinstance(value, list | tuple):
        return cast(T, type(value)(mapped(item, change) for item in value))
    return value
