"""How the tables come to be, and whose tables are left alone."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from unit.store.postgres.world import API, INT, applied, entry

from reconciler.errors import StoreError
from reconciler.model.secret import Secret
from reconciler.store.postgres import open_store
from reconciler.store.postgres.database import SCHEMA, VERSION_TABLE, VERSIONS, metadata

RUNNERS = 6


@pytest.fixture
def role(server, database, clock):
    """Makes roles, and opens the store as one of them."""
    made = []

    def build(name, *granted):
        server.sql(f"CREATE ROLE {name} LOGIN PASSWORD 'theirs'")
        made.append(name)
        for right in granted:
            server.sql(f"GRANT {right} TO {name}", database=database)
        return open_store(Secret(server.url(database, user=name, password="theirs")), "3432", API, clock)

    yield build
    for name in made:
        server.sql(f"DROP OWNED BY {name}", database=database)
        server.sql(f"DROP ROLE {name}")


def test_runners_that_use_a_new_database_at_the_same_time_all_find_their_tables(runner, rows):
    together = Barrier(RUNNERS)

    def first_use(number):
        store = runner(str(number))
        together.wait(10)
        with store.run({}) as run:
            run.end(applied(entry(INT)))
        return store.ledger()

    with ThreadPoolExecutor(RUNNERS) as workers:
        assert list(workers.map(first_use, range(RUNNERS))) == [{INT: entry(INT)}] * RUNNERS
    assert rows(f"SELECT version_num FROM {SCHEMA}.{VERSION_TABLE}") == [(VERSIONS[-1],)]


def test_the_tables_that_are_made_are_those_the_program_uses(store):
    with store.run({}) as run:
        options = {"include_schemas": True, "version_table": VERSION_TABLE, "version_table_schema": SCHEMA}
        context = MigrationContext.configure(run._session.connection, opts=options)
        assert compare_metadata(context, metadata) == []
        run._session.connection.rollback()


def test_the_program_knows_its_versions_in_their_order():
    config = Config()
    config.set_main_option("script_location", "reconciler.store.postgres:migrations")
    script = ScriptDirectory.from_config(config)
    assert tuple(reversed([each.revision for each in script.walk_revisions()])) == VERSIONS


def test_tables_of_a_newer_program_are_neither_read_nor_written(store, rows):
    with store.run({}) as run:
        run.end(applied(entry(INT)))
    rows(f"UPDATE {SCHEMA}.{VERSION_TABLE} SET version_num = '9999'")
    before = rows("SELECT * FROM reconciler.journal")
    for use in (store.ledger, lambda: list(store.events()), store.run({}).__enter__):
        with pytest.raises(StoreError, match="9999") as newer:
            use()
        assert "upgrade" in newer.value.hint
    assert rows("SELECT * FROM reconciler.journal") == before


def test_a_role_that_may_only_read_is_enough_to_plan(store, role):
    with store.run({}) as run:
        run.end(applied(entry(INT)))
    reader = role("reader", "USAGE ON SCHEMA reconciler", "SELECT ON ALL TABLES IN SCHEMA reconciler")
    assert reader.ledger() == {INT: entry(INT)}
    assert len(list(reader.events())) == 3
    with pytest.raises(StoreError, match="permission denied") as refused, reader.run({}):
        pass
    assert "docs/store.md" in refused.value.hint


def test_a_role_that_may_use_the_tables_and_make_none_is_enough_to_run(store, role, server, database):
    with store.run({}):
        pass
    writer = role(
        "writer", "USAGE ON SCHEMA reconciler", "SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA reconciler"
    )
    with writer.run({}) as run:
        run.end(applied(entry(INT)))
    assert store.ledger() == {INT: entry(INT)}


def test_a_role_that_may_make_no_tables_is_told_so_and_leaves_nothing_half_made(role, rows):
    stranger = role("stranger")
    assert stranger.ledger() == {}
    with pytest.raises(StoreError, match="permission denied") as refused, stranger.run({}):
        pass
    assert "docs/store.md" in refused.value.hint
    assert rows("SELECT 1 FROM pg_namespace WHERE nspname = 'reconciler'") == []


def test_a_schema_made_beforehand_is_used(role, rows):
    rows("CREATE SCHEMA reconciler")
    owner = role("made_for", "USAGE, CREATE ON SCHEMA reconciler")
    with owner.run({}) as run:
        run.end(applied(entry(INT)))
    assert owner.ledger() == {INT: entry(INT)}
