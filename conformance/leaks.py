"""What an error tells of the server's inside."""

import re

_INSIDE = re.compile(
    r"Traceback \(most recent call last\)"
    r"|site-packages"
    r'|File \\?"[^"]+\\?", line \d+'
    r"|[\w/\\.-]+\.(?:py|java|go|rs|cc|cpp)(?::\d+|\(\d+\))"
    r"|(?<![\w.:/])/(?:home|usr|opt|tmp|var|root|srv|app|mnt|etc|Users)/[\w.-]+"
)


def leak(body: bytes) -> str:
    """The first traceback, source file or path in the body of an error; empty when there is none."""
    found = _INSIDE.search(body.decode("utf-8", "replace"))
    return found.group() if found else ""
