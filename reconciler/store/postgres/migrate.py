"""Bringing the tables up to the version of this program, safely for runners that begin at the same time."""

from typing import Final

from sqlalchemy import Connection, text

from reconciler.errors import StoreError
from reconciler.store.postgres.database import SCHEMA, VERSION_TABLE, VERSIONS, transaction

MIGRATION_LOCK: Final = 0x7265636F6E63696C
"""Held by a transaction that changes the tables. Any number will do that is the same in all versions of the program."""


def version(connection: Connection) -> str | None:
    """The version of the tables, None where there are none. Raises `StoreError` for one of a newer program."""
    with transaction(connection):
        return _version(connection)


def upgrade_tables(connection: Connection) -> None:
    """Make the tables, or bring older ones up to this program's version. Raises `StoreError` for newer ones."""
    if version(connection) == VERSIONS[-1]:
        return
    with transaction(connection):
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
        if _version(connection) != VERSIONS[-1]:
            _upgrade(connection)


def _version(connection: Connection) -> str | None:
    if connection.scalar(text(f"SELECT to_regclass('{SCHEMA}.{VERSION_TABLE}')")) is None:
        return None
    known: str | None = connection.scalar(text(f"SELECT version_num FROM {SCHEMA}.{VERSION_TABLE}"))  # noqa: S608 - ours
    if known is not None and known not in VERSIONS:
        raise StoreError(
            f"the store's tables are of version {known}, and this program knows them up to {VERSIONS[-1]}",
            hint="upgrade this program: a newer one has been at work in this database",
        )
    return known


def _upgrade(connection: Connection) -> None:
    from alembic.command import upgrade  # noqa: PLC0415 - 0.15 s, once in the life of a database
    from alembic.config import Config  # noqa: PLC0415

    if connection.scalar(text("SELECT to_regnamespace(:name)"), {"name": SCHEMA}) is None:
        connection.execute(text(f"CREATE SCHEMA {SCHEMA}"))
    config = Config()
    config.set_main_option("script_location", "reconciler.store.postgres:migrations")
    config.attributes["connection"] = connection
    upgrade(config, "head")
