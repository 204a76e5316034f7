"""PURE. What tells one vendor's API from another, for the client that speaks to them all."""

from collections.abc import Callable
from dataclasses import dataclass

from reconciler.web.auth import Credentials
from reconciler.web.exchange import Call


@dataclass(frozen=True, slots=True)
class Service:
    """An API: its `name` in sentences, the environment `variable` that holds its base URL, and an `example` of one.

    `keys` tells where its credentials come from, `token` makes the call that asks for a token. `token_variable` names
    the base URL of that call where tokens come from a host of their own.
    """

    name: str
    variable: str
    example: str
    keys: str
    token: Callable[[Credentials], Call]
    token_variable: str = ""
    token_example: str = ""
