"""Which database is meant, and that nothing ever tells its password."""

import traceback

import pytest
from support.postgres import PASSWORD
from unit.store.postgres.world import API

from reconciler.errors import StoreError
from reconciler.model.secret import Secret
from reconciler.store.postgres import open_store
from reconciler.store.postgres.database import parameters

CANARY = "c4nary"


def chain(error):
    """All that an exception and those behind it could tell."""
    told = ["".join(traceback.format_exception(error)), repr(error), getattr(error, "hint", "")]
    behind = [each for each in (error.__cause__, error.__context__) if each is not None]
    return "\n".join([*told, *(chain(each) for each in behind)])


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://ada:pw@db.example.com:5433/store", {"user": "ada", "password": "pw", "host": "db.example.com",
         "port": "5433", "dbname": "store"}),
        ("postgres://ada:p%40w%2F@db/store?sslmode=verify-full&connect_timeout=3",
         {"password": "p@w/", "sslmode": "verify-full", "connect_timeout": "3"}),
        ("postgresql:///store?host=/run/postgresql", {"host": "/run/postgresql", "dbname": "store"}),
        ("postgresql://a:p:w#x@one:1,two:2/store", {"host": "one,two", "port": "1,2", "password": "p:w#x"}),
        ("postgresql://a@[::1]:5432/store", {"host": "::1"}),
    ],
)  # fmt: skip
def test_urls_are_read_as_postgresql_reads_them(url, said):
    read = parameters(url)
    assert {name: read[name] for name in said} == said


def test_what_the_url_leaves_open_keeps_the_run_from_waiting_forever():
    read = parameters("postgresql://db/store?keepalives_idle=60")
    assert read["connect_timeout"]
    assert read["tcp_user_timeout"]
    assert read["keepalives_idle"] == "60"


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://ada:a@{CANARY}@db/store",
        f"postgresql://ada:a/{CANARY}@db/store",
        f"postgresql://ada:a?{CANARY}@db/store",
        f"postgresql://ada:{CANARY}",
        f"postgresql://ada:{CANARY}/store",
        f"postgresql://ada:%{CANARY}@db/store",
        f"postgresql://ada:%zz{CANARY}@db/store",
        f"postgresql://ada:{CANARY}\udcff@db/store",
        f"postgresql://db/store?password={CANARY}%",
        f"postgresql://db/store?passwort={CANARY}",
        f"postgresql://db/store?password=@{CANARY}",
        f"postgresql://[{CANARY}",
        f"postgres:{CANARY}",
    ],
)
def test_a_url_that_is_none_is_refused_without_a_word_of_it(url, clock):
    with pytest.raises(StoreError, match="RECONCILER_STORE") as refused:
        open_store(Secret(url), "3432", API, clock)
    assert "%40" in refused.value.hint
    assert CANARY not in chain(refused.value)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("@127.0.0.1", "@nowhere.invalid"), "nowhere.invalid"),
        (("s3cret", "wr0ng"), "password authentication failed"),
        (("/test_", "/none_"), "does not exist"),
        (("postgres:", "nobody:"), "password authentication failed"),
        (("127.0.0.1:", "127.0.0.1:1,127.0.0.1:2?x="), None),
    ],
)
def test_a_database_that_cannot_be_reached_is_told_of_without_its_password(url, clock, change, told):
    changed = url.replace(*change)
    if told is None:
        changed = f"postgresql://postgres:{PASSWORD}@127.0.0.1:1,127.0.0.1:2/store"
    store = open_store(Secret(changed), "3432", API, clock)
    for use in (store.ledger, lambda: list(store.events()), store.run({}).__enter__):
        with pytest.raises(StoreError, match=told or "refused") as lost:
            use()
        assert lost.value.hint
        assert "Canary" not in chain(lost.value)


@pytest.mark.parametrize("parameter", ["password", "sslpassword"])
def test_a_server_that_says_a_secret_is_not_repeated(parameter, server, shared_database, clock):
    bare = server.url(shared_database).replace(f":{PASSWORD}@", "@")
    store = open_store(Secret(f"{bare}?{parameter}={CANARY}"), "3432", API, clock)
    said = store._database._store_error(RuntimeError(f"the password\n {CANARY} is wrong"))
    assert said.message == "the store's database failed: the password *** is wrong"


def test_neither_store_nor_run_shows_its_secrets(store, url):
    with store.run({}) as run:
        shown = [repr(each) for each in (store, store._database, run, run._session, store._database._engine)]
        connection = run._session.connection
        shown += [repr(connection), repr(connection.connection.driver_connection)]
    assert "Canary" not in "".join(shown)
