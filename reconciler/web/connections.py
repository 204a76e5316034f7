"""The connections that workers borrow, as the environment wants them: proxies and certificates."""

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Final
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx

from reconciler.errors import ProjectError
from reconciler.web.origin import Origin
from reconciler.web.transport import DirectTransport

_PROXY_SCHEMES: Final = ("http", "https", "socks5", "socks5h")
_PROXY_FORMS: Final = "as in http://proxy.example:3128, or with a user http://NAME:PASSWORD@proxy.example:3128"
_SOCKS: Final = "name an http:// proxy in HTTPS_PROXY, or install socksio beside this program: pip install socksio"
_CERTIFICATES: Final = "name a file with the certificates to trust, or unset it to trust the usual ones"
_IDLE_SECONDS: Final = 2.0
"""How long an idle connection is used again: less than servers keep theirs, so that no write meets a closing one."""


class Connections:
    """Transports of one connection each, lent to one call at a time and made when all are out.

    httpx's pool scans its idle connections for every request, work that grows with workers x requests; it is used
    where a proxy stands between, and as pools of one, which never do. All share one TLS context, which is by far the
    dearest part. Raises `ProjectError` where the
    environment names a proxy or certificates that cannot be used; calls to this machine never go through a proxy.

    `around` is put around every transport, the usual ones too: a place to refuse requests.
    """

    def __init__(
        self,
        origin: Origin,
        transport: Callable[[], httpx.BaseTransport] | None,
        around: Callable[[httpx.BaseTransport], httpx.BaseTransport] = lambda inner: inner,
    ) -> None:
        self._origin = origin
        self._transport = transport
        self._around = around
        self._lock = threading.Lock()
        self._all: list[httpx.BaseTransport] = []
        try:
            self._tls = _tls_context(origin)
            self._proxy = None if origin.loopback else _proxy(origin)
            self._idle = [self._made()]
        except (OSError, ValueError, ImportError, httpx.InvalidURL):  # what the library says may hold a password
            raise ProjectError(
                "no connection can be set up from the environment",
                hint="check HTTPS_PROXY, ALL_PROXY, NO_PROXY, SSL_CERT_FILE and SSL_CERT_DIR",
            ) from None

    @contextmanager
    def lent(self) -> Iterator[httpx.BaseTransport]:
        """A transport that nobody else uses meanwhile."""
        with self._lock:
            connection = self._idle.pop() if self._idle else self._made()
        try:
            yield connection
        finally:
            self._idle.append(connection)

    def close(self) -> None:
        """Close every connection. To be called when no call is under way."""
        with self._lock:
            connections, self._all, self._idle = self._all, [], []
        for connection in connections:
            connection.close()

    def _made(self) -> httpx.BaseTransport:
        connection = self._around(self._usual() if self._transport is None else self._transport())
        self._all.append(connection)
        return connection

    def _usual(self) -> httpx.BaseTransport:
        if self._proxy is None:
            return DirectTransport(self._origin.url, self._tls, _IDLE_SECONDS)
        limits = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=_IDLE_SECONDS)
        return httpx.HTTPTransport(verify=self._tls, limits=limits, proxy=self._proxy, trust_env=False)


def _proxy(origin: Origin) -> str | None:
    """The proxy that the environment names for the API, as most programs read it (HTTPS_PROXY, ALL_PROXY, NO_PROXY).

    Raises `ProjectError` for what is no address of one, and for SOCKS without the library that speaks it.
    """
    there = urlsplit(origin.url)
    proxies = {} if proxy_bypass(f"{there.hostname or ''}:{there.port or 443}") else getproxies()
    variable = "HTTPS_PROXY" if proxies.get("https", "").strip() else "ALL_PROXY"
    found = proxies.get(variable.partition("_")[0].lower(), "").strip()
    if not found:
        return None
    address = found if "://" in found else f"http://{found}"
    scheme = _scheme_of_proxy(address)
    if not scheme:
        raise ProjectError(f"the proxy that {variable} names has no address that can be used", hint=_PROXY_FORMS)
    if scheme.startswith("socks") and find_spec("socksio") is None:
        raise ProjectError(
            f"the proxy that {variable} names speaks SOCKS, and the library for that is not installed", hint=_SOCKS
        )
    return address


def _scheme_of_proxy(address: str) -> str:
    """The scheme of a proxy's address; empty for one that no connection can be made to."""
    try:
        parts = urlsplit(address)
        is_whole = parts.scheme in _PROXY_SCHEMES and bool(parts.hostname) and parts.port != 0
        httpx.URL(address)
    except (ValueError, httpx.InvalidURL):
        return ""
    return parts.scheme if is_whole else ""


def _tls_context(origin: Origin) -> ssl.SSLContext:
    """For https the usual one; else one that trusts nobody, as loading the authorities takes longer than a call."""
    if not origin.secure:
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context = httpx.create_ssl_context()
    except OSError as wrong:
        why = (
            "holds no certificate in PEM form"
            if isinstance(wrong, ssl.SSLError)
            else f"cannot be read: {wrong.strerror}"
        )
        raise ProjectError(f"what SSL_CERT_FILE (or SSL_CERT_DIR) names {why}", hint=_CERTIFICATES) from None
    context.set_alpn_protocols(["http/1.1"])
    return context
