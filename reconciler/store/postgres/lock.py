"""The lock: a session's advisory lock, which ends with its connection, and the row that tells who holds it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from reconciler.errors import LockHeld, StoreError
from reconciler.report.sanitise import terminal
from reconciler.store.postgres.tables import project

CLASS: Final = 0x77667263
"""The first half of every project's lock, the second being its number: what other programs lock does not collide."""

TOLD: Final = ("user", "job", "repository", "ref")
LONGEST_TOLD: Final = 200

_MINE: Final = text(
    f"""
    SELECT count(*) FROM pg_locks
    WHERE locktype = 'advisory' AND classid = {CLASS} AND objid = :project AND objsubid = 2 AND granted
    AND pid = pg_backend_pid() AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    """  # noqa: S608 - a constant
)
_HOLDER: Final = text(
    f"""
    SELECT run, who, since FROM reconciler.project JOIN pg_locks AS held ON held.pid = backend
    WHERE id = :project AND locktype = 'advisory' AND classid = {CLASS} AND objid = id AND objsubid = 2 AND granted
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    """  # noqa: S608 - a constant
)


@dataclass(frozen=True, slots=True)
class Claim:
    """A run that wants the lock of a project: its name, who runs it, and when it began."""

    run: str
    who: Mapping[str, str]
    since: datetime


def number_of(connection: Connection, publisher_id: str, api: str) -> int | None:
    """The project's number; None where nothing was ever recorded for it."""
    named = (project.c.publisher_id == publisher_id) & (project.c.api == api)
    with connection.begin():
        return connection.scalar(select(project.c.id).where(named))


def enter(connection: Connection, publisher_id: str, api: str) -> None:
    """Give the project a number, unless another run is doing so."""
    with connection.begin():
        named = insert(project).values(publisher_id=publisher_id, api=api)
        connection.execute(named.on_conflict_do_nothing())


def take(connection: Connection, number: int, claim: Claim) -> None:
    """Take the project's lock for as long as the connection lives, or raise `LockHeld` at once."""
    with connection.begin():
        _refuse_pooler(connection, number)
        if connection.scalar(select(func.pg_try_advisory_lock(CLASS, number))):
            noted = {"run": claim.run, "who": dict(claim.who), "since": claim.since, "backend": func.pg_backend_pid()}
            connection.execute(update(project).where(project.c.id == number).values(noted))
            return
        holder = connection.execute(_HOLDER, {"project": number}).first()
    raise LockHeld(_told(holder), hint="wait for it to end; a run that was killed holds no lock")


def _refuse_pooler(connection: Connection, number: int) -> None:
    if holds(connection, number):
        raise StoreError(
            "the lock of another run is in this run's own session: a pooler shares sessions between clients",
            hint="let RECONCILER_STORE name the database itself, or a pooler in session mode",
        )


def holds(connection: Connection, number: int) -> bool:
    """Whether this very session holds the project's lock."""
    return bool(connection.scalar(_MINE, {"project": number}))


def release(connection: Connection, number: int) -> None:
    """Give the lock back now: the server is in no hurry to end the session of a connection that was closed."""
    with connection.begin():
        connection.execute(select(func.pg_advisory_unlock(CLASS, number)))


def _told(holder: Row[Any] | None) -> str:
    held = "another run holds the lock of this project"
    if holder is None:
        return held
    who = holder.who if isinstance(holder.who, dict) else {}
    facts = [f"{fact} {terminal(str(who[fact]))[:LONGEST_TOLD]}" for fact in TOLD if who.get(fact)]
    since = f"since {holder.since.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    return f"{held}: {', '.join([f'run {terminal(holder.run)}', *facts, since])}"
