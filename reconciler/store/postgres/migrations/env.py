"""Alembic's way in: on the connection, and in the transaction, that the caller holds."""

from alembic import context

from reconciler.store.postgres.database import SCHEMA, VERSION_TABLE

context.configure(
    connection=context.config.attributes["connection"], version_table=VERSION_TABLE, version_table_schema=SCHEMA
)
context.run_migrations()
