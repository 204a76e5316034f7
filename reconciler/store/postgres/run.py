"""A run on PostgreSQL: `PostgresRun` records steps, and `CommitQueue` commits the records of many threads together."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from threading import Condition
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection, delete, insert
from sqlalchemy.dialects.postgresql import insert as upsert

from reconciler.errors import StoreError
from reconciler.model.address import Address
from reconciler.model.journal import Intent, StepResult
from reconciler.model.ledger import LedgerEntry, entry_to_json
from reconciler.ports import Clock
from reconciler.store.journal_file import RUN_ENDED, RUN_STARTED, ended_event, intent_event, remembered_event
from reconciler.store.postgres.database import Database, digest, journal, ledger, transaction
from reconciler.store.postgres.lock import HeldLock, is_latest_run, lost_lock_error

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
