"""The way to the target: TLS with certificates on both sides, and the proxy that the environment names."""

import shlex
import socket
import ssl
import time
from dataclasses import dataclass
from functools import cached_property, lru_cache
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

import urllib3
from urllib3.util import parse_url

_CONNECT_SECONDS = 5.0
_RETURN_SECONDS = 10.0  # how long a dead target may take to come back


@dataclass(frozen=True)
class Route:
    """How one base URL is reached.

    timeout: seconds for one request. ca_cert: what to trust instead of the system's own. cert, key: for a
    server that demands a certificate of its client. proxy: the URL of an HTTP proxy; empty without one.
    """

    url: str
    timeout: float = 30.0
    ca_cert: Path | None = None
    cert: Path | None = None
    key: Path | None = None
    proxy: str = ""

    @cached_property
    def context(self) -> ssl.SSLContext:
        """What TLS needs. Raises ValueError for files that are no certificates."""
        try:
            context = ssl.create_default_context(cafile=self.ca_cert)
        except ssl.SSLError as error:
            raise ValueError(f"--ca-cert {self.ca_cert} holds no certificates in PEM") from error
        if self.cert:
            try:
                context.load_cert_chain(self.cert, self.key, password="")  # else OpenSSL asks for one
            except ssl.SSLError as error:
                told = "is no certificate in PEM with its private key, without a password"
                raise ValueError(f"--cert {self.cert} {told}; a key in another file is --key FILE") from error
        return context

    def pool(self) -> urllib3.HTTPConnectionPool:
        """Connections for many requests, none open yet."""
        own: dict[str, Any] = {
            "maxsize": 32,
            "timeout": urllib3.Timeout(self.timeout),
            "ssl_context": self.context if self._needs_tls else None,
        }
        manager = (
            urllib3.ProxyManager(self.named_proxy, proxy_headers=self.proxy_headers, **own)
            if self.proxy
            else urllib3.PoolManager(**own)
        )
        return manager.connection_from_url(self.url)

    def target(self, url: str) -> str:
        """What the request line has of a URL: all of it for a proxy that reads along."""
        return _target(url, whole=bool(self.proxy) and not self.encrypted)

    @property
    def encrypted(self) -> bool:
        """Whether the target speaks TLS; a proxy then passes on what it can't read."""
        return urlsplit(self.url).scheme == "https"

    @property
    def _needs_tls(self) -> bool:
        """Whether something on the way speaks TLS, or files for it were given, which may be no such files."""
        return self.encrypted or self.proxy.startswith("https") or bool(self.ca_cert or self.cert)

    @property
    def named_proxy(self) -> str:
        """The proxy without the credentials in its URL; empty without one."""
        parts = urlsplit(self.proxy)
        return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()

    @property
    def proxy_headers(self) -> dict[str, str]:
        """The credentials for the proxy."""
        parts = urlsplit(self.proxy)
        if parts.username is None:
            return {}
        return urllib3.make_headers(
            proxy_basic_auth=f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        )

    def connection(self) -> HTTPConnection:
        """One connection, not yet open. To a proxy without TLS the whole URL is to be sent."""
        host, port = _address(urlsplit(self.proxy or self.url))
        if not self.encrypted:
            return HTTPConnection(host, port, timeout=self.timeout)
        connection = HTTPSConnection(host, port, timeout=self.timeout, context=self.context)
        if self.proxy:
            connection.set_tunnel(*_address(urlsplit(self.url)), self.proxy_headers)
        return connection

    def comes_back(self) -> bool:
        """Whether the target takes connections again, some seconds after it took none."""
        deadline = time.monotonic() + _RETURN_SECONDS
        while time.monotonic() < deadline:
            time.sleep(0.2)
            if self.accepts():
                return True
        return False

    def accepts(self) -> bool:
        """Whether the target takes connections; without TLS, whether its proxy does."""
        host, port = _address(urlsplit(self.proxy or self.url))
        try:
            if self.proxy and self.encrypted:
                tunnel = HTTPConnection(host, port, timeout=_CONNECT_SECONDS)
                tunnel.set_tunnel(*_address(urlsplit(self.url)), self.proxy_headers)
                tunnel.connect()
                tunnel.close()
            else:
                socket.create_connection((host, port), _CONNECT_SECONDS).close()
        except (OSError, HTTPException):
            return False
        return True

    @cached_property
    def curl(self) -> tuple[str, ...]:
        """The options with which curl takes the same way; the credentials for a proxy are left out."""
        files = {"--cacert": self.ca_cert, "--cert": self.cert, "--key": self.key}
        options = [f"{name} {shlex.quote(str(file))}" for name, file in files.items() if file]
        if self.proxy:
            options.append(f"-x {self.named_proxy}")
            options += ["-U '***'"] if self.proxy_headers else []
        elif _named(self.url):
            options.append("--noproxy '*'")
        return tuple(options)


@lru_cache  # a run asks for the same few over and over
def _target(url: str, whole: bool) -> str:
    parts = parse_url(url)
    return parts._replace(fragment=None).url if whole else parts.request_uri


def proxy_for(url: str) -> str:
    """The proxy that HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY name for ``url``; empty for none.

    This machine itself is never asked by way of a proxy. Raises ValueError for a proxy that can't be used.
    """
    host = urlsplit(url).hostname or ""
    proxy = _named(url)
    if not proxy or _is_here(host) or proxy_bypass(urlsplit(url).netloc):
        return ""
    proxy = proxy if "://" in proxy else f"http://{proxy}"
    if urlsplit(proxy).scheme != "http":
        scheme = urlsplit(proxy).scheme
        raise ValueError(
            f"a {scheme}:// proxy can't be used, only http://: change the environment, or NO_PROXY"
        )
    return proxy


def _named(url: str) -> str:
    proxies = getproxies()
    return proxies.get(urlsplit(url).scheme) or proxies.get("all", "")


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _address(parts: SplitResult) -> tuple[str, int]:
    return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
