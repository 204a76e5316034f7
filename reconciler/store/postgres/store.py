"""The store on PostgreSQL: ledger and journal of one project, and its lock for a run."""

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, insert, select

from reconciler.errors import StoreError
from reconciler.model.ledger import Ledger, LedgerEntry, entry_from_json, shared_id
from reconciler.ports import Clock
from reconciler.store.postgres.database import Database, journal, ledger, transaction
from reconciler.store.postgres.lock import LockClaim, add_project, hold_lock, project_number, record_holder
from reconciler.store.postgres.migrate import upgrade_tables, version
from reconciler.store.postgres.run import PostgresRun, RunSession

PAGE: Final = 1000
AUDITS: Final = "audit"
"""What the journal calls the run of an audit, which is none: no real run is called so."""


class PostgresStore:
    """Implements `ports.Store` for one publisher at one API. A database may hold many; none sees another's rows.

    Reading makes no tables where there are none: it finds nothing. It does bring older tables up.
    """

    def __init__(self, database: Database, publisher_id: str, api: str, clock: Clock) -> None:
        self._database = database
        self._publisher_id = publisher_id
        self._api = api
        self._clock = clock

    def ledger(self) -> Ledger:
        """All entries. Raises `StoreError` for a ledger that cannot be read; a missing one is empty."""
        with self._database.connection() as connection:
            number = self._known_number(connection)
            if number is None:
                return {}
            with transaction(connection):
                query = select(ledger.c.address, ledger.c.entry).where(ledger.c.project == number)
                rows = connection.execute(query).all()
        entries = {entry.address: entry for entry in (_parse_entry(row.address, row.entry) for row in rows)}
        if (shared := shared_id(entries.values())) is not None:
            first, second = sorted(each.address for each in shared)
            raise StoreError(
                f"the ledger in the database has {shared[0].kind} id {shared[0].id} twice, for {first} and {second}",
                hint="delete the row that is wrong; if you cannot tell, both: they are found again by name or pin",
            )
        return entries

    def events(self) -> Iterator[Mapping[str, Any]]:
        """The journal, oldest first."""
        return self._rows(journal.c.run != AUDITS)

    def audits(self) -> Iterator[Mapping[str, Any]]:
        """The audits of all runners, oldest first."""
        return self._rows(journal.c.run == AUDITS)

    def remember_audit(self, event: Mapping[str, Any]) -> None:
        """Remember one more, without the lock; nothing where nothing was ever applied for this publisher and API."""
        with self._database.connection() as connection:
            number = self._known_number(connection)
            if number is None:
                return
            row = {"project": number, "run": AUDITS, "at": self._clock.now(), "event": {"v": 1, **event}}
            with transaction(connection):
                connection.execute(insert(journal), [row])

    def _rows(self, which: ColumnElement[bool]) -> Iterator[Mapping[str, Any]]:
        with self._database.connection() as connection:
            number = self._known_number(connection)
            seen, full = 0, number is not None
            while full:
                query = select(journal.c.sequence, journal.c.event).where(
                    journal.c.project == number, journal.c.sequence > seen, which
                )
                with transaction(connection):
                    rows = connection.execute(query.order_by(journal.c.sequence).limit(PAGE)).all()
                for row in rows:
                    seen = row.sequence
                    yield row.event
                full = len(rows) == PAGE

    @contextmanager
    def run(self, who: Mapping[str, str]) -> Iterator[PostgresRun]:
        """Hold the project's lock for a run. Raises `LockHeld` at once where another run holds it."""
        began = self._clock.now()
        run_id = f"{began:%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"
        with self._database.connection() as connection:
            upgrade_tables(connection)
            number = self._number(connection)
            with hold_lock(self._database, number) as lock:
                record_holder(connection, number, lock, LockClaim(run_id, who, began))
                run = PostgresRun(RunSession(self._database, connection, number, lock), run_id, self._clock)
                try:
                    run.begin(who)
                    yield run
                finally:
                    run.close()

    def _known_number(self, connection: Connection) -> int | None:
        """The project's number, None where nothing was ever recorded for it."""
        if version(connection) is None:
            return None
        upgrade_tables(connection)
        return project_number(connection, self._publisher_id, self._api)

    def _number(self, connection: Connection) -> int:
        known = project_number(connection, self._publisher_id, self._api)
        if known is None:
            add_project(connection, self._publisher_id, self._api)
            known = project_number(connection, self._publisher_id, self._api)
        if known is None:
            raise StoreError("the store's database does not keep what was written to it")
        return known


def _parse_entry(address: str, raw: Any) -> LedgerEntry:
    try:
        return entry_from_json(raw)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise StoreError(
            f"the ledger's entry of {address} in the database is of another shape",
            hint="restore it from a backup, or delete its row: it is made again from the live account by identity",
        ) from error
