"""Authorization: which base URLs credentials may be sent to, tokens and their renewal, and what a service is.

`TokenSource` calls what fetches a token; everything else is pure.
"""

import math
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

from reconciler.errors import ApiError, CredentialsError, ProjectError
from reconciler.http.exchange import AnswerError, Request, decode, folded
from reconciler.model.secret import Secret
from reconciler.ports import Clock


@dataclass(frozen=True, slots=True)
class UrlOrigin:
    """Scheme, host and port, as in `https://console.fyber.com`, and whether that is this very machine."""

    url: str
    secure: bool
    loopback: bool


def origin(base_url: str, *, variable: str, example: str) -> UrlOrigin:
    """The origin that a base URL names; `variable` is what holds it, `example` shows its form.

    Raises `ProjectError` for anything that is more or less than scheme, host and port, and for plain http to
    another machine. The message never repeats the URL: what does not belong there may be a password.
    """
    try:
        return _parse_origin(base_url)
    except ValueError as error:
        raise ProjectError(
            f"{variable} cannot be used: {error}",
            hint=f"it is scheme, host and port, as in {example}; http only for loopback",
        ) from None


def token_endpoint(url: str, *, variable: str, example: str) -> tuple[UrlOrigin, str]:
    """The origin and the path of the URL that tokens are asked for at; the path is empty where it names none.

    Raises `ProjectError` as `origin` does; the path may be of letters, digits and `-._~/`.
    """
    try:
        split = _PATH.fullmatch(url.strip())
        place, path = (split[1], split[2]) if split else (url, "")
        return _parse_origin(place), "" if path == "/" else path
    except ValueError as error:
        raise ProjectError(
            f"{variable} cannot be used: {error}",
            hint=f"it is scheme, host and port, as in {example}, and the path where that is another; "
            "http only for loopback",
        ) from None


_PATH: Final = re.compile(r"([a-zA-Z]+://[^/?#]+)((?:/(?!\.{1,2}(?:/|$))[A-Za-z0-9._~-]*)*)", re.ASCII)


def is_loopback(host: str) -> bool:
    """Whether a host, in lower case and without brackets, is this very machine."""
    return host == "localhost" or (_is_address(host) and ip_address(host).is_loopback)


def _parse_origin(base_url: str) -> UrlOrigin:
    try:
        parts = urlsplit(base_url.strip())
        port = parts.port
    except ValueError:
        raise ValueError("it is not a URL") from None
    _check_parts(parts)
    host = (parts.hostname or "").lower()
    loopback = is_loopback(host)
    if parts.scheme == "http" and not loopback:
        raise ValueError("plain http would show the credentials to the network: use https")
    shown = f"[{host}]" if ":" in host else host
    return UrlOrigin(f"{parts.scheme}://{shown}{'' if port is None else f':{port}'}", parts.scheme == "https", loopback)


def _check_parts(parts: SplitResult) -> None:
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


_MARGIN: Final = 60.0
"""Seconds before its end at which a token is no longer used: longer than a call waits for an answer."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """The client id and secret of the Management API, as the console shows them."""

    client_id: Secret
    client_secret: Secret


@dataclass(frozen=True, slots=True, eq=False)
class Token:
    """A bearer token, and the monotonic second from which it is renewed.

    Compared by identity: a server may give the same text twice.
    """

    text: Secret
    renew_at: float


def renewal_time(fetched_at: float, lifetime: float) -> float:
    """The second from which a token is renewed: 60 s before its end, half-way where it lives less than two minutes."""
    return fetched_at + lifetime - min(_MARGIN, lifetime / 2)


class TokenSource:
    """Hands out the current token. Safe to share: however many workers want a new one, one of them fetches it."""

    def __init__(self, fetch: Callable[[], Token], clock: Clock) -> None:
        self._fetch = fetch
        self._clock = clock
        self._lock = threading.Lock()
        self._held: Token | None = None
        self._rounds = 0
        self._failure: ApiError | CredentialsError | None = None

    @property
    def held(self) -> Token | None:
        """The token last fetched, good or not."""
        return self._held

    def current(self) -> Token:
        """The current token, renewed where its time is over. Raises `ApiError` or `CredentialsError`."""
        held = self._held
        return held if held is not None and self._is_fresh(held) else self._renew(held)

    def replace(self, refused: Token) -> Token:
        """Another token than the one that was refused; fetched unless another worker has done so already."""
        return self._renew(refused)

    def _is_fresh(self, token: Token) -> bool:
        return self._clock.monotonic() < token.renew_at

    def _renew(self, unwanted: Token | None) -> Token:
        rounds_before = self._rounds
        with self._lock:
            held = self._held
            if held is not None and held is not unwanted and self._is_fresh(held):
                return held
            # Who waited behind a failure shares it. Refused credentials stay refused: asking again may lock them.
            failure = self._failure
            if failure is not None and (self._rounds != rounds_before or isinstance(failure, CredentialsError)):
                raise type(failure)(failure.message, hint=failure.hint)
            return self._fetch_new()

    def _fetch_new(self) -> Token:
        self._rounds += 1
        try:
            self._held = self._fetch()
        except (ApiError, CredentialsError) as failure:
            self._failure = failure
            raise
        self._failure = None
        return self._held


_USUAL_LIFETIME: Final = 3600.0
"""Seconds, as the API's page shows; taken where an answer gives none that makes sense. A 401 renews in any case."""
_LONGEST_LIFETIME: Final = 86400.0
_CODE: Final = re.compile(r"[a-z][a-z_]{2,40}", re.ASCII)
_SENDABLE: Final = re.compile(r"[\x21-\x7e]+")


def read_token(body: bytes) -> tuple[str, float]:
    """The token's text and its lifetime in seconds. Raises `AnswerError`, whose message never repeats the body."""
    answer = _object(body)
    text = answer.get("accesstoken")
    if not isinstance(text, str) or not _SENDABLE.fullmatch(text.strip()):
        raise AnswerError("the answer holds no token")
    return text.strip(), _lifetime(answer.get("expiresin"))


def error_code(body: bytes) -> str | None:
    """The OAuth error code of a refusal, as in `invalid_client`; None where there is none."""
    try:
        code = _object(body).get("error")
    except AnswerError:
        return None
    return code if isinstance(code, str) and _CODE.fullmatch(code) else None


def _object(body: bytes) -> Mapping[str, Any]:
    value = decode(body)
    if not isinstance(value, dict):
        raise AnswerError("the answer holds no token")
    return folded({key.replace("_", ""): part for key, part in value.items()})


def _lifetime(raw: Any) -> float:
    if isinstance(raw, bool):
        return _USUAL_LIFETIME
    try:
        seconds = float(raw)
    except (TypeError, ValueError, OverflowError):
        return _USUAL_LIFETIME
    return min(seconds, _LONGEST_LIFETIME) if math.isfinite(seconds) and seconds > 0 else _USUAL_LIFETIME


@dataclass(frozen=True, slots=True)
class Service:
    """An API: its `name` in sentences, the environment `variable` that holds its base URL, and an `example` of one.

    `keys` tells where its credentials come from, `token` makes the call that asks for a token. `token_variable` names
    the URL of that call where tokens come from a host of their own: it may have a path, which is then that of the call.
    `elsewhere` tells where else a token may be had, should there be none at that URL.
    """

    name: str
    variable: str
    example: str
    keys: str
    token: Callable[[Credentials], Request]
    token_variable: str = ""
    token_example: str = ""
    elsewhere: str = ""
