"""The database: its URL, tables and connections, and the translation of its errors into `StoreError`.

The URL is taken apart so strictly that no error message can hold a part of its password.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from time import monotonic
from typing import Any, Final, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.conninfo import conninfo_to_dict
from psycopg.types.json import set_json_dumps, set_json_loads
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    NullPool,
    RootTransaction,
    Table,
    create_engine,
)
from sqlalchemy import Text as Words
from sqlalchemy.dialects.postgresql import JSON
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from reconciler.errors import StoreError
from reconciler.model.address import Address
from reconciler.model.secret import Secret

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
    error = StoreError(
        "RECONCILER_STORE is not the URL of a PostgreSQL database",
        hint="postgresql://USER:PASSWORD@HOST:PORT/DATABASE; in a password, @ is written %40, / %2F and ? %3F",
    )
    if not _SHAPE.fullmatch(url):
        raise error
    try:
        parsed = conninfo_to_dict(url)
    except (psycopg.Error, ValueError):  # ValueError: percent-encoded bytes that are no text
        parsed = {}
    if not parsed or not _PORTS.fullmatch(str(parsed.get("port") or "")):
        raise error
    return {**DEFAULTS, **parsed}


def without_secrets(text: str, known: Mapping[str, Any]) -> str:
    """A driver's or a server's words on one line, with what the parameters hold of secrets taken out."""
    for name in SECRET_PARAMETERS:
        if known.get(name):
            text = text.replace(str(known[name]), "***")
    return " ".join(text.split())


SCHEMA: Final = "reconciler"
VERSION_TABLE: Final = "schema_version"
VERSIONS: Final = ("0001",)
"""Every version of the tables that this program knows, the last one being its own."""

metadata: Final = MetaData(schema=SCHEMA)

project: Final = Table(
    "project",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("publisher_id", Words, nullable=False),
    Column("api", Words, nullable=False),
    Column("run", Words),
    Column("who", JSON),
    Column("since", DateTime(timezone=True)),
    Column("backend", Integer),
    Index("project_name", "publisher_id", "api", unique=True),
)
"""Whom rows belong to. `run`, `who`, `since` and `backend` are of the last run that took the project's lock."""

ledger: Final = Table(
    "ledger",
    metadata,
    Column("project", ForeignKey(project.c.id), primary_key=True),
    Column("digest", LargeBinary, primary_key=True),
    Column("address", Words, nullable=False),
    Column("entry", JSON, nullable=False),
    Column("run", Words, nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
)
"""An entry for each owned resource. `entry` is what counts; `address`, `run` and `updated_at` are for people."""

journal: Final = Table(
    "journal",
    metadata,
    Column("project", ForeignKey(project.c.id), primary_key=True),
    Column("sequence", BigInteger, Identity(), primary_key=True),
    Column("run", Words, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("event", JSON, nullable=False),
)
"""What was done, in the order of `sequence`. Rows are only ever added."""


def digest(address: Address) -> bytes:
    """The key of an address: a name may be longer than an index takes, and hold what a text column does not."""
    return hashlib.sha256(address.encode("utf-8", "surrogatepass")).digest()


PATIENCE_SECONDS: Final = 40.0
"""How long one exchange may take. Above the server's own limit for a statement, so that its account comes first."""

IDLE_SECONDS: Final = 60.0
"""How long the server keeps the lock of a run that says nothing, whose machine has vanished behind a pooler."""

_SETTINGS: Final = """
SELECT set_config('statement_timeout', '30s', true), set_config('lock_timeout', '30s', true),
    set_config('synchronous_commit', 'on', true)
"""
"""What is recorded is on disk when it is said to be. For one transaction: a pooler lends the session on."""

_LASTING: Final = """
SELECT set_config(wanted.name, wanted.value, true)
FROM pg_settings AS known JOIN (VALUES
    ('statement_timeout', '30s'), ('transaction_timeout', '0'), ('idle_in_transaction_session_timeout', %(idle)s),
    ('tcp_keepalives_idle', '30'), ('tcp_keepalives_interval', '10'), ('tcp_keepalives_count', '3'),
    ('tcp_user_timeout', '60s')
) AS wanted (name, value) ON wanted.name = known.name
"""
"""For a transaction that stays open: it ends a minute after its machine has vanished, and not before."""

_HINTS: Final = {
    "25006": "RECONCILER_STORE has to name a server that takes writes",
    "42501": "docs/store.md says what the role has to be permitted",
}
CHECK: Final = "check that the database is up and that RECONCILER_STORE names it; then run the command again"
_TWO_SESSIONS: Final = "behind a pooler, a run needs two of its sessions at once: its pool may be too small, or in use"
_POOLERS_WORDS: Final = {
    "statement pooling": "a pooler has to be in session or transaction mode: this one takes no transactions",
    "query_wait_timeout": _TWO_SESSIONS,
    "idle transaction timeout": "the pooler's idle_transaction_timeout has to be longer than 15 seconds, or 0",
    "transaction timeout": "the pooler's transaction_timeout has to be longer than an apply takes, or 0",
    "unsupported startup parameter": "leave it out of RECONCILER_STORE, or tell the pooler to ignore it",
}
"""What PgBouncer says where it does not suit a run, and what to do about it."""

Outcome = TypeVar("Outcome")


class NoAnswer(psycopg.OperationalError):
    """The server did not answer within the time allowed."""


class PatientConnection(psycopg.Connection[Any]):
    """A connection that gives up, for good, on a server that does not answer in time.

    Keepalives do not notice a process that hangs while its machine is well, and the server's own limits hang with it.
    """

    patience: float = PATIENCE_SECONDS

    def wait(self, gen: PQGen[Outcome], *args: Any, **kwargs: Any) -> Outcome:
        """As the driver does, within the patience."""
        return super().wait(self._within(gen), *args, **kwargs)

    def _within(self, exchange: PQGen[Outcome]) -> PQGen[Outcome]:
        ends = monotonic() + self.patience
        try:
            wanted = next(exchange)
            while True:
                ready = yield wanted
                if not ready and monotonic() > ends:
                    self.pgconn.finish()
                    raise NoAnswer(f"the server did not answer within {self.patience:g} s")
                wanted = exchange.send(ready)
        except StopIteration as end:
            outcome: Outcome = end.value
            return outcome


class Database:
    """One PostgreSQL database. Raises `StoreError` for a URL that is none; connects only when asked to."""

    def __init__(self, url: Secret, patience: float = PATIENCE_SECONDS, idle: float = IDLE_SECONDS) -> None:
        self._parameters = parameters(url.reveal())
        self._patience = patience
        self.idle_seconds = idle
        self._engine = create_engine(
            "postgresql+psycopg://",
            creator=self._open,
            poolclass=NullPool,
            isolation_level="READ COMMITTED",
            hide_parameters=True,
            use_native_hstore=False,
        )

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """A connection of its own, closed at the end. Raises `StoreError` for whatever goes wrong with the database."""
        with self.translated(), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def driver_connection(self) -> Iterator[PatientConnection]:
        """One for a transaction that stays open, for as long as it is not idle too long; rolled back at the end."""
        with self.translated(), closing(self._open()) as connection:
            connection.execute(_LASTING, {"idle": f"{self.idle_seconds * 1000:.0f}ms"})
            yield connection

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Turn what goes wrong with the database into `StoreError`."""
        try:
            yield
        except (SQLAlchemyError, psycopg.Error) as error:
            raise self._store_error(error) from None

    def _open(self) -> PatientConnection:
        # A prepared statement belongs to a session, and a pooler may lend another one to the next transaction.
        connection = PatientConnection.connect(**self._parameters, prepare_threshold=None)
        connection.patience = self._patience
        set_json_loads(
            json.loads, connection
        )  # other libraries set the driver's own for the whole process: Ibis 10 does
        set_json_dumps(_json, connection)
        return connection

    def _store_error(self, error: Exception) -> StoreError:
        cause = error.orig if isinstance(error, DBAPIError) else error
        state, message = "", str(cause)
        if isinstance(cause, psycopg.Error):
            state, message = cause.sqlstate or "", cause.diag.message_primary or message
        text = without_secrets(message, self._parameters)
        hint = next((hint for words, hint in _POOLERS_WORDS.items() if words in text), _HINTS.get(state, CHECK))
        if isinstance(cause, NoAnswer):
            hint = f"{CHECK}; {_TWO_SESSIONS}"
        return StoreError(f"the store's database failed: {text}", hint=hint)


@contextmanager
def transaction(connection: Connection) -> Iterator[None]:
    """A transaction, with this program's settings. A connection that was closed while it was idle is opened anew."""
    try:
        transaction = _begin(connection)
    except DBAPIError as error:
        if not error.connection_invalidated or isinstance(error.orig, NoAnswer):
            raise
        transaction = _begin(connection)
    with transaction:
        yield


def _begin(connection: Connection) -> RootTransaction:
    transaction = connection.begin()
    try:
        connection.exec_driver_sql(_SETTINGS)
    except DBAPIError:
        transaction.close()
        raise
    return transaction


def _json(document: Any) -> str:
    """ASCII alone, and so the same in a database of any encoding, whatever a name on the network holds."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"))
