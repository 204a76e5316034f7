"""Audits on files: remembered beside the journal, without the lock and without touching what a run relies on."""

import pytest
from support.fake_clock import FakeClock

from reconciler.errors import StoreError
from reconciler.store.files import FileStore


@pytest.fixture
def store(tmp_path):
    return FileStore(tmp_path, FakeClock())


def event(day):
    return {"event": "audit", "at": f"2026-11-{day:02}T19:00:00Z", "alarms": {"android:com.a": "drift"}}


def test_audits_come_back_in_the_order_in_which_they_were_remembered(store):
    store.remember_audit(event(2))
    store.remember_audit(event(1))
    assert list(store.audits()) == [{"v": 1, **event(2)}, {"v": 1, **event(1)}]


def test_there_are_none_before_the_first(store):
    assert list(store.audits()) == []


def test_an_audit_is_remembered_while_a_run_holds_the_lock_and_is_no_part_of_its_journal(store):
    with store.run({}):
        before = list(store.events())
        store.remember_audit(event(1))
        assert list(store.events()) == before
    assert store.ledger() == {}
    assert len(list(store.audits())) == 1


def test_a_torn_line_is_passed_over(store, tmp_path):
    store.remember_audit(event(1))
    with (tmp_path / ".reconciler" / "audits.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"event": "aud')
    store.remember_audit(event(2))
    assert [each["at"][:10] for each in store.audits()] == ["2026-11-01", "2026-11-02"]


def test_a_place_that_cannot_be_written_is_said(store, tmp_path):
    (tmp_path / ".reconciler").write_text("a file", encoding="utf-8")
    with pytest.raises(StoreError):
        store.remember_audit(event(1))
