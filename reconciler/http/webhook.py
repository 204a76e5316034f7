"""A webhook: a URL that is a secret as a whole, and one POST of JSON to it."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import httpx

from reconciler.errors import ProjectError
from reconciler.http.auth import UrlOrigin, origin
from reconciler.http.connections import USER_AGENT, Connections, exchange
from reconciler.http.exchange import NoResponse, RequestNotSent, Response
from reconciler.http.redaction import discreet, without
from reconciler.model.secret import Secret
from reconciler.ports import Clock

EXAMPLE: Final = "https://hooks.slack.com/..."
SECONDS: Final = 10.0
"""How long the whole of it may take: a report that is ready must not wait for a chat."""

_FAILURES: Final = {404: "there is no such webhook", 410: "the webhook was taken away", 403: "it refuses the request"}


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where to post. `where` is scheme, host and port, which is all of the URL that may be known of."""

    url: Secret
    where: UrlOrigin


def webhook(url: Secret, variable: str) -> Webhook:
    """The webhook at a URL; `variable` is what holds it.

    Raises `ProjectError`, which never repeats the URL, for what is none, and for plain http to another machine.
    """
    text = url.reveal().strip()
    try:
        httpx.URL(text)
        parts = urlsplit(text)
        return Webhook(Secret(text), origin(f"{parts.scheme}://{parts.netloc}", variable=variable, example=EXAMPLE))
    except (ValueError, httpx.InvalidURL):
        why = f"{variable} cannot be used: it is not a URL"
    except ProjectError as error:
        why = error.message
    raise ProjectError(why, hint=f"it is a whole URL, as in {EXAMPLE}; http only for loopback")


def post(hook: Webhook, body: bytes, clock: Clock) -> str | None:
    """Post a JSON body once; None when it was taken, else why not, without any part of the URL.

    It is not tried again: a message that may have arrived must not come twice.
    """
    ends = clock.monotonic() + SECONDS
    request = httpx.Request(
        "POST",
        hook.url.reveal(),
        content=body,
        headers={"User-Agent": USER_AGENT, "Content-Type": "application/json; charset=utf-8"},
        extensions={"timeout": {"connect": SECONDS, "read": SECONDS, "write": SECONDS, "pool": SECONDS}},
    )
    connections = Connections(hook.where, None)
    try:
        with connections.borrow() as connection:
            end = exchange(connection, request, lambda: clock.monotonic() >= ends)
    finally:
        connections.close()
    match end:
        case Response(status=status):
            return None if 200 <= status < 300 else f"HTTP {status}{_failure_text(status)}"
        case RequestNotSent(why=why) | NoResponse(why=why):
            return without(discreet(why), [hook.url.reveal(), request.url.path, request.url.raw_path.decode()])


def _failure_text(status: int) -> str:
    return f" ({_FAILURES[status]})" if status in _FAILURES else ""
