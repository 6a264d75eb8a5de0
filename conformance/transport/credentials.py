"""The headers of every request: those given, and those of a command, which are had anew when they expire."""

import re
import subprocess
import threading
from collections.abc import Callable, Iterable, Mapping

from conformance.transport.lost import AccessLost

_SECONDS = 60.0  # for the command
_SHORT = 8  # characters: what is shorter stands in any text
_PLAIN = {
    "host",
    "content-type",
    "accept",
    "content-encoding",
    "transfer-encoding",
    "accept-encoding",
    "connection",
    "te",
    "inference-header-content-length",
}
SECRET = "***"
# RFC 9110, 5.1 and 5.5
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_PART = re.compile(r"[^\s;,=]+=*(?=[\s;,]|$)")  # a token after its scheme, each value of a cookie


class Credentials:
    """What ``--header`` and ``--header-command`` give. Raises ValueError when the command gives no header.

    current: what both give together, where another process has had it already; the command is run later.
    """

    def __init__(
        self,
        headers: Mapping[str, str] | None = None,
        command: str = "",
        current: Mapping[str, str] | None = None,
    ) -> None:
        self._fixed = dict(headers or {})
        self._command = command
        self._secrets: set[str] = set()
        self._lock = threading.Lock()
        self.headers: Mapping[str, str] = {}
        self._take(self._read() if current is None else current)

    def _read(self) -> Mapping[str, str]:
        return {**self._fixed, **(_headers_of(self._command) if self._command else {})}

    def _take(self, headers: Mapping[str, str]) -> None:
        self.headers = headers
        self._secrets |= {
            secret
            for name, value in self.headers.items()
            if name.lower() not in _PLAIN
            for secret in (value, *_PART.findall(value))
            if len(secret) >= _SHORT
        }

    def renew(self, used: Mapping[str, str]) -> bool:
        """Whether there are other headers now than those ``used``. Raises ValueError like the constructor."""
        with self._lock:
            if self._command and self.headers == used:  # else another thread was here first
                self._take(self._read())
            return self.headers != used

    def hide(self, text: str) -> str:
        """The text without the secrets, which a server may have sent back."""
        for secret in sorted(self._secrets, key=len, reverse=True):
            text = text.replace(secret, SECRET)
        return text


def renew(
    credentials: Credentials, used: Mapping[str, str], answer: object, is_let_in: Callable[[], bool]
) -> None:
    """Get other credentials than those ``used``, with which the target ``answer``s so to all.

    Raises AccessLost when there are none that it lets in.
    """
    told = f"the target lets nothing in any longer, and answers {answer}: has the token expired?"
    try:
        renewed = credentials.renew(used)
    except ValueError as error:
        raise AccessLost(f"{told} {error}") from error
    if not renewed:
        raise AccessLost(f"{told} --header-command CMD is run for a new one")
    if not is_let_in():
        raise AccessLost(f"{told} Nor does it let in the new header of --header-command")


def redacted(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers with the values of all but the harmless ones hidden."""
    return {k: v if k.lower() in _PLAIN else SECRET for k, v in headers.items()}


def header(line: str) -> tuple[str, str]:
    """The name and the value of a header line. Raises ValueError that does not hold the line."""
    name, colon, value = line.partition(":")
    name, value = name.strip(), value.strip()
    if not colon or not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
        raise ValueError("no header: write 'Name: value'")
    return name, value


def _headers_of(command: str) -> dict[str, str]:
    """The header lines that a command prints. What it prints may be secret, and is never told."""
    try:
        done = subprocess.run(
            command, shell=True, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_SECONDS
        )
    except subprocess.TimeoutExpired:
        raise ValueError(f"--header-command: it gives no header within {_SECONDS:.0f} seconds") from None
    except UnicodeDecodeError:
        raise ValueError("--header-command: what it prints is no text") from None
    if done.returncode:
        raise ValueError(
            f"--header-command: it ends with status {done.returncode}; run it by hand to see why"
        )
    return _of_lines(filter(None, map(str.strip, done.stdout.splitlines())))


def _of_lines(lines: Iterable[str]) -> dict[str, str]:
    try:
        found = dict(map(header, lines))
    except ValueError:
        found = {}
    if not found:
        raise ValueError("--header-command: it must print a header, 'Name: value', and nothing else")
    return found
