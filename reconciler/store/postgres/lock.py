"""The lock: an advisory lock of one open transaction, and the row that tells who holds it.

A transaction is what a pooler in transaction mode leaves to one client alone, so the lock means the same behind one as
on a connection to the server itself. Records are written in transactions of their own, on another connection: each of
them after the lock's own connection has answered that it holds the lock, and while the row still names the run.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Event, Thread
from typing import Any, Final

import psycopg
from sqlalchemy import Connection, select, update
from sqlalchemy.dialects.postgresql import insert

from reconciler.errors import LockHeld, StoreError
from reconciler.render.text import terminal
from reconciler.store.postgres.database import CHECK, Database, PatientConnection, project, transaction

CLASS: Final = 0x77667263
"""The first half of every project's lock, the second being its number: what other programs lock does not collide."""

SHOWN_FACTS: Final = ("user", "job", "repository", "ref")
LONGEST_FACT: Final = 200

_THE_LOCK: Final = f"""
    locktype = 'advisory' AND classid = {CLASS} AND objid = %(project)s AND objsubid = 2 AND granted
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""  # noqa: S608 - a constant
_MINE: Final = f"SELECT 1 FROM pg_locks WHERE {_THE_LOCK} AND pid = pg_backend_pid()"  # noqa: S608 - constants
_TAKE: Final = f"SELECT pg_backend_pid() WHERE pg_try_advisory_xact_lock({CLASS}, %(project)s)"
_HOLDER: Final = f"""
    SELECT run, who, since FROM reconciler.project JOIN pg_locks ON pid = backend WHERE id = %(project)s AND {_THE_LOCK}
"""  # noqa: S608 - constants


@dataclass(frozen=True, slots=True)
class LockClaim:
    """A run that wants the lock of a project: its name, who runs it, and when it began."""

    run: str
    who: Mapping[str, str]
    since: datetime


class HeldLock:
    """A project's lock, while its transaction is open. A thread asks for it at times: a silent run counts as gone."""

    def __init__(self, database: Database, connection: PatientConnection, number: int) -> None:
        self._database = database
        self._connection = connection
        self._number = number
        self.backend = _take_lock(connection, number)
        self._ended = Event()
        self._keeper = Thread(
            target=self._confirm_at_times, args=(database.idle_seconds / 4,), name="store lock", daemon=True
        )
        self._keeper.start()

    def confirm(self) -> None:
        """Ask the server. Raises `StoreError` where this connection is gone, or holds the lock no more."""
        with self._database.translated():
            if not self._connection.execute(_MINE, {"project": self._number}).fetchone():
                raise lost_lock_error()

    def release(self) -> None:
        """End the transaction, and the lock with it. Never raises: with a connection that is gone the lock is gone."""
        self._ended.set()
        self._keeper.join()
        try:
            self._connection.rollback()
        except psycopg.Error:
            self._connection.close()

    def _confirm_at_times(self, pause: float) -> None:
        while not self._ended.wait(pause):
            try:
                self.confirm()
            except StoreError:
                return  # the run finds out with its next record


def project_number(connection: Connection, publisher_id: str, api: str) -> int | None:
    """The project's number; None where nothing was ever recorded for it."""
    named = (project.c.publisher_id == publisher_id) & (project.c.api == api)
    with transaction(connection):
        return connection.scalar(select(project.c.id).where(named))


def add_project(connection: Connection, publisher_id: str, api: str) -> None:
    """Give the project a number, unless another run is doing so."""
    with transaction(connection):
        named = insert(project).values(publisher_id=publisher_id, api=api)
        connection.execute(named.on_conflict_do_nothing())


@contextmanager
def hold_lock(database: Database, number: int) -> Iterator[HeldLock]:
    """Hold the project's lock, on a connection of its own. Raises `LockHeld` at once where another run holds it."""
    with database.driver_connection() as connection:
        lock = HeldLock(database, connection, number)
        try:
            yield lock
        finally:
            lock.release()


def _take_lock(connection: PatientConnection, number: int) -> int:
    """The server's process that holds the lock from now on."""
    asked = {"project": number}
    if connection.execute(_MINE, asked).fetchone():
        raise StoreError(
            "an older version of this program left the project's lock in a session that a pooler keeps",
            hint="once no run of it is at work, let the pooler open new sessions (PgBouncer: RECONNECT)",
        )
    taken = connection.execute(_TAKE, asked).fetchone()
    if taken is None:
        message = _holder_text(connection.execute(_HOLDER, asked).fetchone())
        raise LockHeld(message, hint="wait for it to end; a run that was killed holds no lock")
    backend: int = taken[0]
    return backend


def record_holder(connection: Connection, number: int, lock: HeldLock, run: LockClaim) -> None:
    """Note who holds the lock. From then on no earlier holder can record anything, whatever connections it has."""
    noted = {"run": run.run, "who": dict(run.who), "since": run.since, "backend": lock.backend}
    with transaction(connection):
        connection.execute(update(project).where(project.c.id == number).values(noted))


def is_latest_run(connection: Connection, number: int, run: str) -> bool:
    """Whether that run was the last to take the lock. No other becomes it before this question's transaction ends."""
    named = select(project.c.id).where(project.c.id == number, project.c.run == run)
    return connection.scalar(named.with_for_update(key_share=True)) is not None


def lost_lock_error() -> StoreError:
    """The error of a run that no longer holds its lock, for no known reason."""
    return StoreError("this run does not hold its lock any more", hint=CHECK)


def _holder_text(holder: tuple[Any, ...] | None) -> str:
    taken = "another run holds the lock of this project"
    if holder is None:
        return taken
    run, named, since = holder
    who = named if isinstance(named, dict) else {}
    facts = [f"{fact} {terminal(str(who[fact]))[:LONGEST_FACT]}" for fact in SHOWN_FACTS if who.get(fact)]
    began = f"since {since.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    return f"{taken}: {', '.join([f'run {terminal(run)}', *facts, began])}"
