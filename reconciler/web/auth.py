"""The token: fetched once, shared by all workers, renewed before it ends and when the server says that it did."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from reconciler.errors import ApiError, CredentialsError
from reconciler.model.secret import Secret
from reconciler.ports import Clock

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


class TokenDesk:
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
        """A token that is good as far as we know. Raises what fetching one raises."""
        held = self._held
        return held if held is not None and self._is_fresh(held) else self._renewed(held)

    def after(self, refused: Token) -> Token:
        """Another token than the one the server has refused; fetched unless some other worker already has."""
        return self._renewed(refused)

    def _is_fresh(self, token: Token) -> bool:
        return self._clock.monotonic() < token.renew_at

    def _renewed(self, unwanted: Token | None) -> Token:
        seen = self._rounds
        with self._lock:
            held = self._held
            if held is not None and held is not unwanted and self._is_fresh(held):
                return held
            # Who waited behind a failure shares it. Refused credentials stay refused: asking again may lock them.
            failure = self._failure
            if failure is not None and (self._rounds != seen or isinstance(failure, CredentialsError)):
                raise type(failure)(failure.message, hint=failure.hint)
            return self._fetched()

    def _fetched(self) -> Token:
        self._rounds += 1
        try:
            self._held = self._fetch()
        except (ApiError, CredentialsError) as failure:
            self._failure = failure
            raise
        self._failure = None
        return self._held
