"""The store on PostgreSQL: ledger and journal of one project, its lock for a run, and the run.

`PostgresRun` records steps, and `CommitQueue` commits the records of many threads together.
"""

import logging
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from threading import Condition
from typing import Any, Final, Generic, TypeVar

from sqlalchemy import ColumnElement, Connection, delete, insert, or_, select
from sqlalchemy.dialects.postgresql import insert as upsert

from reconciler.errors import StoreError
from reconciler.model.address import Address
from reconciler.model.habits import LEARNED, UPDATING, AccountHabits, habits_of
from reconciler.model.journal import Intent, StepResult
from reconciler.model.ledger import Ledger, LedgerEntry, entry_from_json, entry_to_json, shared_id
from reconciler.ports import Clock
from reconciler.store.journal_file import RUN_ENDED, RUN_STARTED, ended_event, intent_event, remembered_event
from reconciler.store.postgres.database import Database, digest, journal, ledger, transaction
from reconciler.store.postgres.lock import (
    HeldLock,
    LockClaim,
    add_project,
    hold_lock,
    is_latest_run,
    lost_lock_error,
    project_number,
    record_holder,
)
from reconciler.store.postgres.migrate import upgrade_tables, version

Record = TypeVar("Record")


@dataclass(slots=True, eq=False)
class _Ticket(Generic[Record]):
    record: Record
    committed: bool = False


class CommitQueue(Generic[Record]):
    """Commits records in the order they come. After a failure it takes no more: what was kept is unknown."""

    def __init__(self, commit: Callable[[Sequence[Record]], None]) -> None:
        self._commit = commit
        self._waiting: list[_Ticket[Record]] = []
        self._turn = Condition()
        self._busy = False
        self._lost: StoreError | None = None

    def add(self, record: Record) -> None:
        """Return when the record is committed. Raises `StoreError`."""
        ticket = _Ticket(record)
        with self._turn:
            self._waiting.append(ticket)
            while self._busy and not ticket.committed:
                self._turn.wait()
            group = self._next_group(ticket)
        if group:
            self._commit_group(group)
        if not ticket.committed and self._lost is not None:
            raise StoreError(self._lost.message, hint=self._lost.hint)

    def _next_group(self, ticket: _Ticket[Record]) -> list[_Ticket[Record]]:
        """All who wait, where it is this ticket's turn to commit for them."""
        if ticket.committed or self._lost is not None:
            return []
        group, self._waiting = self._waiting, []
        self._busy = True
        return group

    def _commit_group(self, group: Sequence[_Ticket[Record]]) -> None:
        lost: StoreError | None = StoreError("the record of the run was broken off")
        try:
            self._commit([ticket.record for ticket in group])
            lost = None
        except StoreError as error:
            lost = error
        finally:
            with self._turn:
                for ticket in group:
                    ticket.committed = lost is None
                self._lost, self._busy = lost, False
                self._turn.notify_all()


log = logging.getLogger("reconciler.store")


@dataclass(frozen=True, slots=True)
class RunSession:
    """The connection that records go over, the project's number, and its lock."""

    database: Database
    connection: Connection
    project: int
    lock: HeldLock


@dataclass(frozen=True, slots=True)
class _Record:
    """An event, and what it makes of the ledger; recorded together or not at all."""

    at: datetime
    event: Mapping[str, Any]
    entries: Sequence[LedgerEntry] = ()
    forget: Sequence[Address] = ()


class PostgresRun:
    """Implements `ports.RunStore`. The first write that fails is the last one tried: with it the lock may be gone."""

    def __init__(self, session: RunSession, run_id: str, clock: Clock) -> None:
        self._session = session
        self._clock = clock
        self._group: CommitQueue[_Record] = CommitQueue(self._commit)
        self.run_id = run_id

    def begin(self, who: Mapping[str, str]) -> None:
        """Open the run in the journal."""
        self._add({"event": RUN_STARTED, "who": dict(who)})

    def intend(self, intent: Intent) -> None:
        """Record durably, before it is sent, what is about to be written."""
        self._add(intent_event(intent))

    def end(self, ended: StepResult) -> None:
        """Record what came of a step, and bring the ledger up to it."""
        self._add(ended_event(ended), () if ended.entry is None else (ended.entry,), ended.forget)

    def remember(self, entries: Sequence[LedgerEntry], forget: Sequence[Address]) -> None:
        """Bring the ledger up to what was seen, without any step."""
        self._add(remembered_event(entries, forget), entries, forget)

    def record_observation(self, event: Mapping[str, Any]) -> None:
        """Record what was seen of the account."""
        self._add(event)

    def close(self) -> None:
        """Close the run in the journal, and give back the lock. All else is recorded already, so no error is raised."""
        try:
            self._add({"event": RUN_ENDED})
        except StoreError as error:
            log.warning("the end of the run could not be recorded: %s", error.message)
        self._session.lock.release()

    def _add(
        self, event: Mapping[str, Any], entries: Sequence[LedgerEntry] = (), forget: Sequence[Address] = ()
    ) -> None:
        at = self._clock.now()
        whole_event = {"v": 1, "run": self.run_id, "at": at.isoformat(timespec="milliseconds"), **event}
        self._group.add(_Record(at, whole_event, entries, forget))

    def _commit(self, records: Sequence[_Record]) -> None:
        connection = self._session.connection
        self._session.lock.confirm()
        with self._session.database.translated(), transaction(connection):
            if not is_latest_run(connection, self._session.project, self.run_id):
                raise lost_lock_error()
            connection.execute(insert(journal), [self._journal_row(record) for record in records])
            self._update_ledger(connection, records)

    def _update_ledger(self, connection: Connection, records: Sequence[_Record]) -> None:
        rows: dict[bytes, dict[str, Any] | None] = {}
        for record in records:
            rows |= {digest(address): None for address in record.forget}
            rows |= {digest(entry.address): self._ledger_row(entry, record.at) for entry in record.entries}
        kept = [row for row in rows.values() if row is not None]
        gone = [key for key, row in rows.items() if row is None]
        if gone:
            mine = ledger.c.project == self._session.project
            connection.execute(delete(ledger).where(mine, ledger.c.digest.in_(gone)))
        if kept:
            new = upsert(ledger)
            moved = {name: new.excluded[name] for name in ("entry", "run", "updated_at")}
            keys = [ledger.c.project, ledger.c.digest]
            connection.execute(new.on_conflict_do_update(index_elements=keys, set_=moved), kept)

    def _journal_row(self, record: _Record) -> dict[str, Any]:
        return {"project": self._session.project, "run": self.run_id, "at": record.at, "event": record.event}

    def _ledger_row(self, entry: LedgerEntry, at: datetime) -> dict[str, Any]:
        return {
            "project": self._session.project,
            "digest": digest(entry.address),
            "address": entry.address.encode("unicode_escape").decode("ascii"),
            "entry": entry_to_json(entry),
            "run": self.run_id,
            "updated_at": at,
        }


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

    def habits(self) -> AccountHabits:
        """What runs of all runners have found out of the account's updates."""
        event, action = (journal.c.event[name].as_string() for name in ("event", "action"))
        return habits_of(self._rows(or_(event == LEARNED, action.in_(UPDATING))))

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
