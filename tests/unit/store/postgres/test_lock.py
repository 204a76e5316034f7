"""Who may run, whom the others are told of, and what becomes of a run that loses its database or its lock."""

import os
import signal
from time import monotonic

import pytest
from unit.store.postgres.world import API, APP, INT, REWARD, applied, entry, holder, intent

from reconciler.errors import LockHeld, StoreError
from reconciler.model.secret import Secret
from reconciler.store.postgres import open_store
from reconciler.store.postgres.lock import CLASS, HeldLock

BACKEND = "SELECT backend FROM reconciler.project"


@pytest.fixture
def when_free(rows):
    """Returns once no session holds an advisory lock in the test's database."""

    def wait(seconds=10):
        ends = monotonic() + seconds
        held = "SELECT 1 FROM pg_locks JOIN pg_database AS d ON d.oid = database WHERE datname = current_database()"
        while rows(f"{held} AND locktype = 'advisory'"):
            assert monotonic() < ends, "the lock is still held"

    return wait


def test_of_two_processes_one_works_and_the_other_is_told_who_does(store, url):
    with holder(url) as (process, run_id):
        with pytest.raises(LockHeld) as held, store.run({}):
            pass
        assert f"run {run_id}, user ada, job ci/17, since 20" in held.value.message
        assert held.value.hint
        process.communicate("")
    with store.run({}) as run:
        assert run.run_id != run_id


def test_a_run_that_is_turned_away_leaves_no_trace(store, runner):
    with store.run({"user": "ada"}):
        before = list(store.events())
        with pytest.raises(LockHeld, match="ada"), runner().run({"user": "bob"}):
            pass
        with pytest.raises(LockHeld, match="ada"), runner().run({"user": "bob"}):
            pass
        assert list(store.events()) == before


def test_reading_needs_no_lock(store, runner):
    with store.run({}) as run:
        run.end(applied(entry(INT)))
        assert runner().ledger() == {INT: entry(INT)}


def test_runs_follow_one_another_without_a_pause(store, runner):
    for _ in range(20):
        with runner().run({}):
            pass
    assert len(list(store.events())) == 40


def test_a_run_that_is_closed_has_given_back_its_lock_before_its_connection_is_gone(store, runner):
    with store.run({}) as run:
        run.close()
        with runner().run({}) as next_run:
            next_run.end(applied(entry(INT)))
    assert store.ledger() == {INT: entry(INT)}


def test_the_lock_of_a_killed_process_is_free_and_what_it_recorded_stands(store, url, when_free):
    with holder(url) as (process, run_id):
        process.send_signal(signal.SIGKILL)
        process.wait(10)
        when_free()
        with store.run({}) as run:
            run.end(applied(entry(INT)))
    told = [(event["run"] == run_id, event["event"]) for event in store.events()]
    assert told == [(True, "run-started"), (False, "run-started"), (False, "ended"), (False, "run-ended")]


def test_what_a_holder_calls_itself_cannot_steer_a_terminal(store, runner):
    with (
        store.run({"user": "\x1b[2Jada\u202e", "job": "x" * 5000}),
        pytest.raises(LockHeld) as held,
        runner().run({}),
    ):
        pass
    assert "user \\x1b[2Jada\\u202e, job x" in held.value.message
    assert len(held.value.message) < 500


def test_a_run_whose_connection_is_cut_records_nothing_more_and_stops_before_its_next_write(store, rows, runner):
    with store.run({}) as run:
        run.end(applied(entry(INT)))
        rows(f"SELECT pg_terminate_backend(({BACKEND}), 10000)")
        for _ in range(2):
            with pytest.raises(StoreError, match="terminating connection") as lost:
                run.intend(intent(REWARD))
            assert lost.value.hint
        with runner().run({}) as next_run:
            with pytest.raises(StoreError):
                run.end(applied(entry(REWARD, "2")))
            next_run.end(applied(entry(APP)))
    assert set(store.ledger()) == {INT, APP}
    assert "intent" not in {event["event"] for event in store.events()}


def test_a_server_that_stops_stops_the_run_and_keeps_what_was_recorded(store, server):
    with store.run({}) as run:
        run.intend(intent(INT))
        server.stop()
        try:
            with pytest.raises(StoreError):
                run.end(applied(entry(INT)))
            with pytest.raises(StoreError, match="refused"):
                store.ledger()
        finally:
            server.start()
        with pytest.raises(StoreError):
            run.intend(intent(REWARD))
    assert store.ledger() == {}
    assert [event["event"] for event in store.events()] == ["run-started", "intent"]


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="no process can be made to hang here")
def test_a_server_that_hangs_does_not_hang_the_run(runner, rows, store):
    with runner(patience=1).run({}) as run:
        [(backend,)] = rows(BACKEND)
        os.kill(backend, signal.SIGSTOP)
        try:
            with pytest.raises(StoreError, match="did not answer within 1 s"):
                run.intend(intent(INT))
            before = monotonic()
            with pytest.raises(StoreError):
                run.end(applied(entry(INT)))
            assert monotonic() - before < 0.5
        finally:
            os.kill(backend, signal.SIGCONT)
    assert store.ledger() == {}


def test_a_run_that_has_lost_its_lock_but_not_its_connection_stops_too(store):
    with store.run({}) as run:
        run._session.lock._connection.rollback()
        with pytest.raises(StoreError, match="does not hold its lock"):
            run.intend(intent(INT))
    assert store.ledger() == {}


def test_a_run_records_nothing_once_another_has_taken_the_lock_even_if_the_server_says_it_has_it(store, rows):
    with store.run({}) as run:
        rows("UPDATE reconciler.project SET run = 'another'")
        with pytest.raises(StoreError, match="does not hold its lock"):
            run.end(applied(entry(INT)))
    assert store.ledger() == {}


def test_a_lock_that_an_older_version_left_in_a_session_is_not_taken_for_a_free_one(store):
    with store.run({}) as run:
        number = run._session.project
    with store._database.driver_connection() as connection:
        connection.execute(f"SELECT pg_advisory_lock({CLASS}, {number})")
        with pytest.raises(StoreError, match="pooler"):
            HeldLock(store._database, connection, number)
        with pytest.raises(LockHeld), store.run({}):
            pass


def test_a_run_keeps_its_lock_for_longer_than_the_server_waits_for_a_silent_one(runner, rows):
    long_held = f"SELECT now() - xact_start > '2 s' FROM pg_stat_activity WHERE pid = ({BACKEND})"
    with runner(idle=0.4).run({}) as run:
        while rows(long_held) == [(False,)]:
            continue
        run.end(applied(entry(INT)))
    assert set(runner().ledger()) == {INT}


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="no process can be made to hang here")
def test_the_lock_of_a_process_that_hangs_is_free_after_a_while_and_the_process_records_nothing_more(
    url, store, when_free
):
    with holder(url, idle=1) as (process, run_id):
        process.send_signal(signal.SIGSTOP)
        try:
            when_free()
            with store.run({}) as run:
                run.end(applied(entry(INT)))
        finally:
            process.send_signal(signal.SIGCONT)
        assert process.communicate("record something")[0].startswith("StoreError")
    assert {event["event"] for event in store.events() if event["run"] == run_id} == {"run-started"}


def test_a_connection_that_was_closed_while_nothing_was_recorded_is_opened_again(server, own_database, clock):
    server.sql(f"ALTER DATABASE {own_database} SET idle_session_timeout = '100ms'")
    store = open_store(Secret(server.url(own_database)), "3432", API, clock)
    others = "SELECT count(*) FROM pg_stat_activity WHERE datname = %(name)s"
    with store.run({}) as run:
        ends = monotonic() + 10
        while server.sql(others, name=own_database) != [(1,)]:
            assert monotonic() < ends, "the connection for records is still open"
        run.end(applied(entry(INT)))
    assert set(store.ledger()) == {INT}
