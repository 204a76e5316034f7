"""Audits in the database: of all runners, without the lock, and in nobody's journal."""

from unit.store.postgres.world import INT, applied, entry

EVENT = {"event": "audit", "at": "2026-11-21T19:00:00Z", "alarms": {"android:com.a\u0000\udcff": "drift"}}


def begun(store):
    with store.run({}) as run:
        run.end(applied(entry(INT, "7")))
    return store


def test_another_runner_sees_an_audit_and_the_journal_does_not(store, runner):
    before = list(begun(store).events())
    store.remember_audit(EVENT)
    other = runner()
    assert list(other.audits()) == [{"v": 1, **EVENT}]
    assert list(other.events()) == before


def test_an_audit_is_remembered_while_a_run_holds_the_lock(store, runner):
    with store.run({}) as run:
        runner().remember_audit(EVENT)
        run.end(applied(entry(INT, "7")))
    assert len(list(store.audits())) == 1
    assert store.ledger() == {INT: entry(INT, "7")}


def test_projects_do_not_see_each_others(store, runner):
    begun(store)
    begun(runner("77")).remember_audit(EVENT)
    assert list(store.audits()) == []


def test_where_nothing_was_ever_applied_nothing_is_made(store, rows):
    store.remember_audit(EVENT)
    assert list(store.audits()) == []
    assert rows("SELECT to_regclass('reconciler.journal')::text") == [(None,)]
