"""Who may run, whom the others are told of, and what becomes of a run that loses its database or its lock."""

import os
import signal
from time import monotonic

import pytest
from support.fake_clock import START
from unit.store.postgres.world import APP, INT, REWARD, applied, entry, holder, intent

from reconciler.errors import LockHeld, StoreError
from reconciler.store.postgres.lock import Claim, take

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
        run._session.connection.exec_driver_sql("SELECT pg_advisory_unlock_all()")
        run._session.connection.commit()
        with pytest.raises(StoreError, match="does not hold its lock"):
            run.intend(intent(INT))


def test_a_session_that_a_pooler_lends_to_two_runs_is_not_taken_for_a_free_lock(store):
    with store.run({}) as run, pytest.raises(StoreError, match="pooler"):
        take(run._session.connection, run._session.project, Claim("another", {}, START))
