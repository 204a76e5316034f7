"""PURE. Which base URLs credentials may be sent to."""

from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from reconciler.errors import ProjectError


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host and port, as in `https://console.fyber.com`, and whether that is this very machine."""

    url: str
    secure: bool
    loopback: bool


def origin(base_url: str, *, variable: str, example: str) -> Origin:
    """The origin that a base URL names; `variable` is what holds it, `example` shows its form.

    Raises `ProjectError` for anything that is more or less than scheme, host and port, and for plain http to
    another machine. The message never repeats the URL: what does not belong there may be a password.
    """
    try:
        return _origin(base_url)
    except ValueError as wrong:
        raise ProjectError(
            f"{variable} cannot be used: {wrong}",
            hint=f"it is scheme, host and port, as in {example}; http only for loopback",
        ) from None


def is_loopback(host: str) -> bool:
    """Whether a host, in lower case and without brackets, is this very machine."""
    return host == "localhost" or (_is_address(host) and ip_address(host).is_loopback)


def _origin(base_url: str) -> Origin:
    try:
        parts = urlsplit(base_url.strip())
        port = parts.port
    except ValueError:
        raise ValueError("it is not a URL") from None
    _check(parts)
    host = (parts.hostname or "").lower()
    loopback = is_loopback(host)
    if parts.scheme == "http" and not loopback:
        raise ValueError("plain http would show the credentials to the network: use https")
    shown = f"[{host}]" if ":" in host else host
    return Origin(f"{parts.scheme}://{shown}{'' if port is None else f':{port}'}", parts.scheme == "https", loopback)


def _check(parts: SplitResult) -> None:
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("it must begin with https:// and name a host")
    if "@" in parts.netloc:
        raise ValueError("it holds a user name or password")
    if parts.path not in {"", "/"} or parts.query or parts.fragment:
        raise ValueError("it holds more than scheme, host and port; the paths are fixed")
    if not _is_host(parts.hostname):
        raise ValueError("its host is not a host name")


def _is_host(host: str) -> bool:
    if ":" in host:
        return _is_address(host)
    try:
        ascii_host = host.encode("idna").decode("ascii")
    except UnicodeError:
        return False
    return all(sign.isalnum() or sign in "-._" for sign in ascii_host)


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
