"""What stands before a server answers everything alike: what that means, and what to do. Pure functions."""

import re
from collections.abc import Sequence
from urllib.parse import urljoin, urlsplit

from conformance.transport.exchange import Exchange
from conformance.transport.http import ABSENT, DOWN, GUARDED, REDIRECTS
from conformance.transport.text import clean

TOKEN = "--header 'Authorization: …'"
HOST = "--header 'Host: …'"
_ADVICE = {
    407: "that is the proxy: give its user and password in the environment, http://USER:PASSWORD@HOST",
    421: f"give the host that it expects with {HOST}",
    426: "it wants another protocol: is its URL https://…?",
    429: "it finds that too many: try again later, or from elsewhere",
    1: "is it an HTTP server?",
    2: "is it the base URL of the server, and not of a page?",
    3: "is it the base URL of the server?",
    4: f"give a token with {TOKEN}, or the host that it expects with {HOST}",
    5: "wait until what is behind it is ready, with --wait SECONDS, or read its log",
}
_SHOWN = 100  # characters of a body
# What differs in one and the same answer: the path asked, ids and times.
_VARYING = re.compile(rb"[0-9a-fA-F-]{16,}|[0-9]+")


def same_to_everything(url: str, answers: Sequence[Exchange]) -> str:
    """What answers to requests for different things at ``url`` mean, if they are one; else nothing.

    The first request is for what is nowhere. What is absent is no answer, as long as something is there.
    """
    found = [answer for answer in answers if answer.status not in ABSENT]
    if not found:
        return ""
    statuses = {answer.status for answer in found}
    first = found[0]
    if statuses <= REDIRECTS and all("location" in answer.response.headers for answer in found):
        return redirected(url, first)
    if statuses <= GUARDED | REDIRECTS:
        return f"{url} answers {first.status} to everything: give a token with {TOKEN}"
    if statuses <= DOWN or (found[0] is answers[0] and len(statuses) == 1 and alike(found)):
        advice = _ADVICE.get(first.status) or _ADVICE[first.status // 100]
        return f"{url} answers {first.status} to everything{said(first)}: {advice}"
    return ""


def redirected(url: str, answer: Exchange) -> str:
    """What a redirect at ``url`` means: another base URL, or a login page."""
    asked = urlsplit(answer.request.url)
    to = urlsplit(urljoin(answer.request.url, answer.response.headers["location"]))
    path = asked.path[len(urlsplit(url).path.rstrip("/")) :].rstrip("/")
    base = to._replace(path=to.path.rstrip("/").removesuffix(path), query="", fragment="").geturl()
    if not to.path.rstrip("/").endswith(path):
        where = clean(to._replace(query="", fragment="").geturl())
        return f"{url} redirects everything to {where}: if that is a login page, give a token with {TOKEN}"
    if base == url.rstrip("/"):
        return (
            f"{url} redirects every path to the same with a slash more or less: have its gateway pass them on"
        )
    return f"{url} redirects everything to {clean(base)}: use --target {clean(base)}"


def alike(answers: Sequence[Exchange]) -> bool:
    """Whether the bodies are one, or all pages for people."""
    bodies = {_constant(answer) for answer in answers}
    return len(bodies) == 1 or all(answer.response.media_type == "text/html" for answer in answers)


def _constant(answer: Exchange) -> bytes:
    asked = urlsplit(answer.request.url).path.encode()
    return _VARYING.sub(b"", answer.response.body.replace(asked, b""))


def said(answer: Exchange) -> str:
    """The body as a part of a line."""
    text = " ".join(clean(answer.response.body.decode("utf-8", "backslashreplace")).split())
    return f" (it says: {text[:_SHOWN]}{' …' if len(text) > _SHOWN else ''})" if text else ""
