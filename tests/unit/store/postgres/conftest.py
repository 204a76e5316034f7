import pytest
from support.fake_clock import FakeClock
from support.postgres import new_database, running_server
from unit.store.postgres.world import API

from reconciler.model.secret import Secret
from reconciler.store.postgres.database import Database
from reconciler.store.postgres.store import PostgresStore


@pytest.fixture(scope="session")
def server():
    with running_server() as running:
        yield running


@pytest.fixture(scope="session")
def shared_database(server):
    with new_database(server) as name:
        yield name


@pytest.fixture
def database(server, shared_database):
    """The name of a database without our tables. To make a new one for each test would cost four times the tests."""
    yield shared_database
    server.empty(shared_database)


@pytest.fixture
def own_database(server):
    """The name of a database that a test may change the settings of."""
    with new_database(server) as name:
        yield name


@pytest.fixture
def url(server, database):
    return server.url(database)


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def runner(url, clock):
    """Opens the store in the test's database, as another runner would."""

    def build(publisher_id="3432", api=API, *, patience=40.0, idle=60.0):
        return PostgresStore(Database(Secret(url), patience, idle), publisher_id, api, clock)

    return build


@pytest.fixture
def store(runner):
    return runner()


@pytest.fixture
def rows(server, database):
    """What somebody with a psql sees."""

    def ask(statement, **values):
        return server.sql(statement, database=database, **values)

    return ask
