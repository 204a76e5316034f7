"""What the machine says of connections: the proxies and the authorities that its environment names.

They are no settings of this program: other programs read the same variables, and so did libraries in the place of this.
"""

import os
import sys
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from reconciler.errors import ProjectError
from reconciler.http.auth import UrlOrigin

if TYPE_CHECKING:
    import ssl

# ruff: noqa: PLC0415 - ssl, certifi, urllib.request and httpx are slow to import, and most calls take the first two or none

_PROXY_SCHEMES: Final = ("http", "https", "socks5", "socks5h")
_PROXY_FORMS: Final = "as in http://proxy.example:3128, or with a user http://NAME:PASSWORD@proxy.example:3128"
_SOCKS: Final = "name an http:// proxy in HTTPS_PROXY, or install socksio beside this program: pip install socksio"
_CERTIFICATES: Final = "name a file with the certificates to trust, or unset it to trust the usual ones"


def proxy(origin: UrlOrigin) -> str | None:
    """The proxy that the environment names for the API, as most programs read it (HTTPS_PROXY, ALL_PROXY, NO_PROXY).

    Raises `ProjectError` for what is no address of one, and for SOCKS without the library that speaks it.
    """
    if os.name == "posix" and sys.platform != "darwin" and not any(map(_names_a_proxy, os.environ)):
        return None  # there only the environment names proxies; the library that looks is slow to import
    from importlib.util import find_spec
    from urllib.request import getproxies, proxy_bypass

    there = urlsplit(origin.url)
    proxies = {} if proxy_bypass(f"{there.hostname or ''}:{there.port or 443}") else getproxies()
    variable = "HTTPS_PROXY" if proxies.get("https", "").strip() else "ALL_PROXY"
    named = proxies.get(variable.partition("_")[0].lower(), "").strip()
    if not named:
        return None
    address = named if "://" in named else f"http://{named}"
    scheme = _scheme_of_proxy(address)
    if not scheme:
        raise ProjectError(f"the proxy that {variable} names has no address that can be used", hint=_PROXY_FORMS)
    if scheme.startswith("socks") and find_spec("socksio") is None:
        raise ProjectError(
            f"the proxy that {variable} names speaks SOCKS, and the library for that is not installed", hint=_SOCKS
        )
    return address


def _names_a_proxy(variable: str) -> bool:
    return variable.lower().endswith("_proxy")


def _scheme_of_proxy(address: str) -> str:
    """The scheme of a proxy's address; empty for one that no connection can be made to."""
    from reconciler.http.httpx_connection import url_host

    try:
        parts = urlsplit(address)
        is_whole = parts.scheme in _PROXY_SCHEMES and bool(parts.hostname) and parts.port != 0
        url_host(address)
    except ValueError:
        return ""
    return parts.scheme if is_whole else ""


def tls_context() -> "ssl.SSLContext":
    """The context for https, which trusts what SSL_CERT_FILE names, else SSL_CERT_DIR, else the authorities of certifi.

    So does httpx, which is slow to import. Plain http has none: loading the authorities takes longer than a call.
    """
    import ssl

    file, folder = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    if not file and not folder:
        from certifi import where

        file = where()
    try:
        context = ssl.create_default_context(cafile=file) if file else ssl.create_default_context(capath=folder)
    except OSError as error:
        why = (
            "holds no certificate in PEM form"
            if isinstance(error, ssl.SSLError)
            else f"cannot be read: {error.strerror}"
        )
        raise ProjectError(f"what SSL_CERT_FILE (or SSL_CERT_DIR) names {why}", hint=_CERTIFICATES) from None
    context.set_alpn_protocols(["http/1.1"])
    return context
