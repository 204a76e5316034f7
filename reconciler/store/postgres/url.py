"""Which database: the URL taken apart, so strictly that no error message can hold a part of its password."""

import re
from collections.abc import Mapping
from typing import Any, Final

import psycopg
from psycopg.conninfo import conninfo_to_dict

from reconciler.errors import StoreError

DEFAULTS: Final[Mapping[str, Any]] = {
    "application_name": "reconciler",
    "client_encoding": "utf8",
    "connect_timeout": 10,
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
"""What a URL leaves open, in seconds (`tcp_user_timeout`: milliseconds). A server that is gone is noticed in 30 s."""

SECRET_PARAMETERS: Final = ("password", "sslpassword")

_PORTS: Final = re.compile(r"[\d,]*")
_SHAPE: Final = re.compile(r"postgres(ql)?://([^@/?]*@)?[^@]*")


def parameters(url: str) -> dict[str, Any]:
    """The connection's parameters. Raises `StoreError`, which says nothing of the URL itself.

    An `@`, `/` or `?` that a password holds as it is would make its rest a host, a port or a database, which errors
    name; such a URL is refused before anybody reads it that way.
    """
    wrong = StoreError(
        "RECONCILER_STORE is not the URL of a PostgreSQL database",
        hint="postgresql://USER:PASSWORD@HOST:PORT/DATABASE; in a password, @ is written %40, / %2F and ? %3F",
    )
    if not _SHAPE.fullmatch(url):
        raise wrong
    try:
        said = conninfo_to_dict(url)
    except (psycopg.Error, ValueError):  # ValueError: percent-encoded bytes that are no text
        said = {}
    if not said or not _PORTS.fullmatch(str(said.get("port") or "")):
        raise wrong
    return {**DEFAULTS, **said}


def without_secrets(text: str, told: Mapping[str, Any]) -> str:
    """A driver's or a server's words on one line, with what the parameters hold of secrets taken out."""
    for name in SECRET_PARAMETERS:
        if told.get(name):
            text = text.replace(str(told[name]), "***")
    return " ".join(text.split())
