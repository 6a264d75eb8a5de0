"""What joins a request to others, in logs: its id, and the trace that it belongs to."""

import re
from typing import Any

REQUEST_ID = "reference_server.request_id"  # in the WSGI environment: the id of an inference request
# Source: W3C Trace Context, section 3.2; later versions may have more at the end.
_TRACE = re.compile(r"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}(-.*)?")


def context(environ: dict[str, Any]) -> dict[str, str]:
    """``request_id``, ``trace_id`` and ``span_id`` of a request in its WSGI environment; "" where unknown."""
    trace = _TRACE.fullmatch(environ.get("HTTP_TRACEPARENT", ""))
    known = trace is not None and not (trace[1] == "00" and trace[4])
    return {
        "request_id": environ.get("HTTP_X_REQUEST_ID") or environ.get(REQUEST_ID) or "",
        "trace_id": trace[2] if trace is not None and known else "",
        "span_id": trace[3] if trace is not None and known else "",
    }
