import os
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event

import pytest

from reconciler.errors import StoreError
from reconciler.store.journal_file import JournalFile, read_journal, read_sealed
from reconciler.store.seal import Seals


@pytest.fixture
def path(tmp_path):
    return tmp_path / ".reconciler" / "journal.jsonl"


def events(path):
    return list(read_journal(path))


def write(path, *told):
    journal = JournalFile(path)
    for event in told:
        journal.append(event)
    journal.close()


def test_a_journal_that_is_not_there_holds_nothing(path):
    assert events(path) == []


def test_events_are_read_in_the_order_they_were_written_run_after_run(path):
    write(path, {"n": 1}, {"n": 2, "name": "a\u2028b\nc"})
    write(path, {"n": 3})
    assert events(path) == [{"n": 1}, {"n": 2, "name": "a\u2028b\nc"}, {"n": 3}]


@pytest.mark.parametrize("torn", [b'{"n": 2, "na', b"\xff\xfe\x00", b"{", b"7", b"[1]"])
def test_a_torn_last_line_is_passed_over_and_does_not_swallow_the_next_event(path, torn):
    write(path, {"n": 1})
    with path.open("ab") as file:
        file.write(torn)
    assert events(path) == [{"n": 1}]
    write(path, {"n": 3})
    assert events(path) == [{"n": 1}, {"n": 3}]


def test_an_event_is_in_the_file_when_append_returns(path):
    journal = JournalFile(path)
    journal.append({"n": 1})
    assert events(path) == [{"n": 1}]
    journal.close()


def test_threads_that_write_at_once_share_a_sync_and_lose_nothing(path, monkeypatch):
    syncs = []
    first_syncs, go_on = Event(), Event()
    really_sync = os.fsync

    def slow_sync(descriptor):
        syncs.append(descriptor)
        if len(syncs) == 1:
            first_syncs.set()
            go_on.wait(10)
        really_sync(descriptor)

    journal = JournalFile(path)
    monkeypatch.setattr("reconciler.store.journal_file.os.fsync", slow_sync)
    together = Barrier(9)

    def late(number):
        together.wait(10)
        journal.append({"n": number})

    with ThreadPoolExecutor(9) as workers:
        early = workers.submit(journal.append, {"n": 0})
        first_syncs.wait(10)
        others = [workers.submit(late, number) for number in range(1, 9)]
        together.wait(10)
        while len(events(path)) < 9:
            assert not early.done()
        go_on.set()
        for each in [early, *others]:
            each.result(10)
    journal.close()
    assert sorted(event["n"] for event in events(path)) == list(range(9))
    assert len(syncs) <= 3


def test_a_disk_that_takes_no_more_is_an_error_of_the_store(path):
    journal = JournalFile(path)
    journal.close()
    with pytest.raises(StoreError) as refused:
        journal.append({"n": 1})
    assert refused.value.message == "the journal cannot be written: Bad file descriptor"


def test_a_journal_that_cannot_be_opened_or_read_is_an_error_of_the_store(path):
    path.mkdir(parents=True)
    with pytest.raises(StoreError, match="cannot be opened"):
        JournalFile(path)
    with pytest.raises(StoreError, match="cannot be read"):
        events(path)


def test_an_event_that_need_not_be_on_disk_at_once_is_in_the_file_and_goes_along_with_the_next_sync(path, monkeypatch):
    syncs = []
    really_sync = os.fsync

    def counted(descriptor):
        syncs.append(len(events(path)))
        really_sync(descriptor)

    journal = JournalFile(path)
    monkeypatch.setattr("reconciler.store.journal_file.os.fsync", counted)
    journal.append({"n": 1}, at_once=False)
    assert (events(path), syncs) == ([{"n": 1}], [])
    journal.append({"n": 2})
    assert syncs == [2]
    journal.append({"n": 3}, at_once=False)
    journal.close()
    assert syncs == [2, 3]


@pytest.mark.parametrize("cut", [1, 5, 60])
def test_a_full_disk_that_cut_a_line_breaks_no_chain_of_seals(path, monkeypatch, cut):
    journal = JournalFile(path, Seals(b"key"))
    journal.append({"n": 1})
    really_write = os.write

    def short_of_room(descriptor, data):
        if descriptor != journal._descriptor:
            return really_write(descriptor, data)
        monkeypatch.setattr("reconciler.store.journal_file.os.write", full)
        return really_write(descriptor, data[:-cut])

    def full(descriptor, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("reconciler.store.journal_file.os.write", short_of_room)
    with pytest.raises(StoreError):
        journal.append({"n": 2})
    monkeypatch.setattr("reconciler.store.journal_file.os.write", really_write)
    journal.append({"n": 3})
    journal.append({"n": 4})
    journal.close()
    ours = [event["n"] for _, event, is_ours in read_sealed(path, Seals(b"key")) if is_ours]
    assert ours == ([1, 2, 3, 4] if cut == 1 else [1, 3, 4])
