"""Behind a real PgBouncer: what a run may count on is the same, whichever session its transactions are given."""

import signal
from concurrent.futures import ThreadPoolExecutor

import pytest
from support.pgbouncer import running_pooler
from unit.store.postgres.world import API, APP, INT, REWARD, applied, entry, holder, intent, neighbours

from reconciler.errors import LockHeld, StoreError
from reconciler.model.address import Address
from reconciler.model.secret import Secret
from reconciler.store.postgres.database import Database
from reconciler.store.postgres.lock import CLASS, HeldLock
from reconciler.store.postgres.store import PostgresStore

MODES = ("transaction", "session")
LOCKS = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"


@pytest.fixture(params=MODES)
def mode(request):
    return request.param


@pytest.fixture
def port(server, mode, database):
    with running_pooler(server, mode) as number:
        yield number


@pytest.fixture
def pooled_url(server, port, database):
    return server.url(database).replace(f":{server.port}/", f":{port}/")


@pytest.fixture
def pooled(pooled_url, clock):
    """Opens the store through the pooler, as another runner would."""

    def build(publisher_id="3432", *, idle=60.0):
        return PostgresStore(Database(Secret(pooled_url), idle=idle), publisher_id, API, clock)

    return build


def test_many_steps_side_by_side_are_recorded_and_no_neighbour_finds_a_setting_of_ours(pooled, pooled_url):
    store = pooled()

    def step(number):
        address = Address(f"android:com.a/{number}")
        run.intend(intent(address))
        run.end(applied(entry(address, str(number))))

    with store.run({}) as run, neighbours(pooled_url, 2) as answers, ThreadPoolExecutor(8) as workers:
        list(workers.map(step, range(200)))
    assert {known.id for known in store.ledger().values()} == {str(number) for number in range(200)}
    assert len(list(store.events())) == 402
    assert set(answers) == {"0"}


def test_runs_exclude_each_other_and_those_that_come_over_no_pooler(pooled, runner, rows):
    with pooled().run({"user": "ada"}) as run:
        for other in (pooled(), runner()):
            with pytest.raises(LockHeld, match="user ada"), other.run({}):
                pass
        run.end(applied(entry(INT)))
    assert rows(LOCKS) == [(0,)]
    with runner().run({"user": "bob"}), pytest.raises(LockHeld, match="user bob"), pooled().run({}):
        pass
    with pooled().run({}), pooled("77").run({}):
        assert rows(LOCKS) == [(2,)]
    assert rows(LOCKS) == [(0,)]


def test_the_lock_of_a_killed_process_is_free_and_what_it_recorded_stands(pooled, pooled_url, rows):
    with holder(pooled_url) as (process, run_id):
        assert rows(LOCKS) == [(1,)]
        process.send_signal(signal.SIGKILL)
        process.wait(10)
        while rows(LOCKS) != [(0,)]:
            continue
    with pooled().run({}) as run:
        run.end(applied(entry(INT)))
    assert [event["event"] for event in pooled().events() if event["run"] == run_id] == ["run-started"]


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="no process can be made to hang here")
def test_the_lock_of_a_machine_that_the_pooler_does_not_know_to_be_gone_is_free_after_a_while(pooled, pooled_url, rows):
    with holder(pooled_url, idle=1) as (process, _):
        process.send_signal(signal.SIGSTOP)
        while rows(LOCKS) != [(0,)]:
            continue
        with pooled().run({}) as run:
            run.end(applied(entry(INT)))
    assert set(pooled().ledger()) == {INT}


@pytest.mark.parametrize("which", ["the lock's", "all"])
def test_a_run_whose_session_is_ended_records_nothing_more(pooled, rows, which):
    store = pooled()
    backends = {
        "the lock's": "SELECT pg_terminate_backend((SELECT backend FROM reconciler.project), 10000)",
        "all": "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()",
    }
    with store.run({}) as run:
        run.end(applied(entry(INT)))
        rows(backends[which])
        for _ in range(2):
            with pytest.raises(StoreError) as lost:
                run.intend(intent(REWARD))
            assert lost.value.hint
        with pooled().run({}) as next_run:
            next_run.end(applied(entry(APP)))
    assert set(store.ledger()) == {INT, APP}
    assert "intent" not in {event["event"] for event in store.events()}


def test_a_pooler_that_is_gone_stops_the_run_before_its_next_write(server, mode, database, clock):
    with running_pooler(server, mode) as port:
        url = server.url(database).replace(f":{server.port}/", f":{port}/")
        opened = PostgresStore(Database(Secret(url)), "3432", API, clock).run({})
        run = opened.__enter__()
    try:
        with pytest.raises(StoreError):
            run.intend(intent(INT))
    finally:
        opened.__exit__(None, None, None)


def test_a_server_that_ends_idle_transactions_does_not_end_the_one_that_holds_the_lock(
    server, own_database, mode, clock
):
    server.sql(f"ALTER DATABASE {own_database} SET idle_in_transaction_session_timeout = '1s'")
    with running_pooler(server, mode) as port:
        url = server.url(own_database).replace(f":{server.port}/", f":{port}/")
        store = PostgresStore(Database(Secret(url)), "3432", API, clock)
        with store.run({}) as run:
            server.sql("SELECT pg_sleep(2.5)")
            run.end(applied(entry(INT)))
        assert set(store.ledger()) == {INT}


def test_reading_and_audits_go_through_as_well(pooled):
    store = pooled()
    assert store.ledger() == {}
    with store.run({}) as run:
        run.end(applied(entry(INT)))
    store.remember_audit({"event": "audit"})
    assert [event["event"] for event in store.audits()] == ["audit"]


def test_a_pooler_of_statements_is_refused_before_anything_is_recorded(server, database, clock, rows):
    with running_pooler(server, "statement") as port:
        url = server.url(database).replace(f":{server.port}/", f":{port}/")
        store = PostgresStore(Database(Secret(url)), "3432", API, clock)
        for use in (store.ledger, store.run({}).__enter__):
            with pytest.raises(StoreError) as refused:
                use()
            assert "session or transaction mode" in refused.value.hint
    assert rows("SELECT 1 FROM pg_namespace WHERE nspname = 'reconciler'") == []


def test_a_lock_left_in_a_session_of_the_pooler_is_told_of_and_gone_with_that_session(server, database, clock, rows):
    with running_pooler(server, "transaction", size=1) as port:
        url = server.url(database).replace(f":{server.port}/", f":{port}/")
        pooled = Database(Secret(url))
        with pooled.connection() as connection:
            connection.exec_driver_sql(f"SELECT pg_advisory_lock({CLASS}, 1)")
            connection.commit()
        with pooled.driver_connection() as connection, pytest.raises(StoreError, match="pooler") as refused:
            HeldLock(pooled, connection, 1)
        assert "RECONNECT" in refused.value.hint


def test_a_pool_of_one_session_is_too_small_and_said_to_be(server, mode, database, clock, rows):
    with running_pooler(server, mode, size=1) as port:
        url = server.url(database).replace(f":{server.port}/", f":{port}/")
        store = PostgresStore(Database(Secret(url), 2.0), "3432", API, clock)
        with pytest.raises(StoreError) as stuck:
            store.run({}).__enter__()
    assert "needs two of its sessions at once" in stuck.value.hint
    assert rows(LOCKS) == [(0,)]


@pytest.mark.parametrize(
    "unfit",
    [
        ({"idle_transaction_timeout": 1}, "", "idle_transaction_timeout has to be longer than 15 seconds"),
        ({"query_wait_timeout": 1, "default_pool_size": 1}, "", "needs two of its sessions at once"),
        ({}, "?options=-cgeqo%3Doff", "leave it out of RECONCILER_STORE"),
    ],
)
def test_a_pooler_that_does_not_suit_is_told_with_what_to_change(server, database, clock, rows, unfit):
    limits, options, hint = unfit

    def record_without_lock():
        with store.run({}) as run:
            while rows(LOCKS) != [(0,)]:
                continue
            run.intend(intent(INT))

    with running_pooler(server, "transaction", **limits) as port:
        url = server.url(database).replace(f":{server.port}/", f":{port}/") + options
        store = PostgresStore(Database(Secret(url)), "3432", API, clock)
        with pytest.raises(StoreError) as refused:
            record_without_lock()
    assert hint in refused.value.hint
