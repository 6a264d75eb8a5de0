"""The endpoint behind a path, whichever the model."""

import re
from urllib.parse import urlsplit

OTHER = "other"
_OF_MODEL = re.compile(r"/v2/models/[^/]+(/versions/[^/]+)?(/infer|/ready)?")
_KNOWN = {"/v2", "/v2/health/live", "/v2/health/ready", "/v2/repository/index", "/invocations"}


def endpoint(url: str, base: str) -> str:
    """The path below the base URL with M for the model and V for its version; "other" for any other."""
    path = urlsplit(url.removeprefix(base)).path.rstrip("/")
    found = _OF_MODEL.fullmatch(path)
    if found:
        return f"/v2/models/M{'/versions/V' if found[1] else ''}{found[2] or ''}"
    return path if path in _KNOWN else OTHER
