"""The database: connections that do not wait forever, and every foreign exception translated into `StoreError`."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any, Final, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.types.json import set_json_dumps, set_json_loads
from sqlalchemy import Connection, NullPool, create_engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from reconciler.errors import StoreError
from reconciler.model.secret import Secret
from reconciler.store.postgres.url import parameters, without_secrets

PATIENCE_SECONDS: Final = 40.0
"""How long one exchange may take. Above the server's own limit for a statement, so that its account comes first."""

_SETTINGS: Final = """
SELECT set_config(wanted.name, wanted.value, false)
FROM pg_settings AS known JOIN (VALUES
    ('statement_timeout', '30s'), ('lock_timeout', '30s'),
    ('synchronous_commit', 'on'),
    ('idle_session_timeout', '0'),
    ('tcp_keepalives_idle', '30'), ('tcp_keepalives_interval', '10'), ('tcp_keepalives_count', '3'),
    ('tcp_user_timeout', '60s')
) AS wanted (name, value) ON wanted.name = known.name
"""
"""What is recorded is on disk when it is said to be; the lock of a machine that has vanished is free a minute later."""

_HINTS: Final = {
    "25006": "RECONCILER_STORE has to name a server that takes writes",
    "42501": "docs/store.md says what the role has to be permitted",
}
_CHECK: Final = "check that the database is up and that RECONCILER_STORE names it; then run the command again"

Outcome = TypeVar("Outcome")


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
                    raise psycopg.OperationalError(f"the server did not answer within {self.patience:g} s")
                wanted = exchange.send(ready)
        except StopIteration as end:
            outcome: Outcome = end.value
            return outcome


class Database:
    """One PostgreSQL database. Raises `StoreError` for a URL that is none; connects only when asked to."""

    def __init__(self, url: Secret, patience: float = PATIENCE_SECONDS) -> None:
        self._parameters = parameters(url.reveal())
        self._patience = patience
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
    def translated(self) -> Iterator[None]:
        """Turn what goes wrong with the database into `StoreError`."""
        try:
            yield
        except (SQLAlchemyError, psycopg.Error) as wrong:
            raise self._told(wrong) from None

    def _open(self) -> PatientConnection:
        connection = PatientConnection.connect(**self._parameters)
        connection.patience = self._patience
        set_json_loads(
            json.loads, connection
        )  # other libraries set the driver's own for the whole process: Ibis 10 does
        set_json_dumps(_json, connection)
        connection.execute(_SETTINGS)
        connection.commit()
        return connection

    def _told(self, wrong: Exception) -> StoreError:
        cause = wrong.orig if isinstance(wrong, DBAPIError) else wrong
        state, said = "", str(cause)
        if isinstance(cause, psycopg.Error):
            state, said = cause.sqlstate or "", cause.diag.message_primary or said
        text = without_secrets(said, self._parameters)
        return StoreError(f"the store's database failed: {text}", hint=_HINTS.get(state, _CHECK))


def _json(document: Any) -> str:
    """ASCII alone, and so the same in a database of any encoding, whatever a name on the network holds."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"))
