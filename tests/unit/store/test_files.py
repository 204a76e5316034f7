"""The store on files: what a run leaves behind, what a killed one leaves, and who may run."""

import json
import signal
import subprocess
import sys
from itertools import count

import pytest
from support.fake_clock import FakeClock

from reconciler.errors import LockHeld, StoreError
from reconciler.model.address import Address
from reconciler.model.ledger import LedgerEntry
from reconciler.model.outcome import Ended, Intent, Result
from reconciler.store.files import FLUSH_SECONDS, FLUSH_SHARE, FileStore
from reconciler.store.ledger_file import ledger_text, read_ledger

APP = Address("android:com.a")
INT, REWARD = Address("android:com.a/int"), Address("android:com.a/reward")


def entry(address, resource_id="1", **applied):
    return LedgerEntry(address, resource_id, applied or {"status": "active"})


def applied(known, *forget):
    return Ended(Result(known.address, "create", "applied", known.id, 1), known, forget)


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def store(tmp_path, clock):
    return FileStore(tmp_path, clock)


def written(root):
    return read_ledger(root / "reconciler.lock")


def journal(root):
    return [json.loads(line) for line in (root / ".reconciler/journal.jsonl").read_text().splitlines()]


def killed(store, root, *ended):
    """A run that recorded these ends, and was killed before it could write the ledger."""
    ledger = root / "reconciler.lock"
    before = ledger.read_bytes() if ledger.exists() else None
    with store.run({}) as run:
        for each in ended:
            run.end(each)
    lines = (root / ".reconciler/journal.jsonl").read_text().splitlines(keepends=True)
    while json.loads(lines[-1])["event"] in {"flushed", "run-ended"}:
        lines.pop()
    (root / ".reconciler/journal.jsonl").write_text("".join(lines))
    if before is None:
        ledger.unlink(missing_ok=True)
    else:
        ledger.write_bytes(before)


def test_a_run_leaves_the_ledger_and_tells_the_journal_who_did_what_and_what_came_of_it(store, tmp_path):
    with store.run({"user": "ada"}) as run:
        run.intend(Intent(INT, "create", None, 1, {"name": "int"}, {}))
        run.end(applied(entry(INT, "7")))
        run.remember([entry(APP)], [])
    assert written(tmp_path) == {APP: entry(APP), INT: entry(INT, "7")}
    told = journal(tmp_path)
    assert [event["event"] for event in told] == [
        "run-started", "intent", "ended", "remembered", "flushed", "run-ended",
    ]  # fmt: skip
    assert {event["run"] for event in told} == {run.run_id}
    assert told[0]["who"] == {"user": "ada"}
    assert told[1] | {"after": {"name": "int"}, "before": {}, "attempt": 1} == told[1]
    assert told[2] | {"outcome": "applied", "id": "7", "address": INT} == told[2]


def test_an_intent_is_on_disk_before_the_call_it_speaks_of(store, tmp_path):
    with store.run({}) as run:
        run.intend(Intent(INT, "create", None, 1, {}, {}))
        assert journal(tmp_path)[-1]["event"] == "intent"


def test_a_run_that_changes_nothing_writes_no_ledger(store, tmp_path):
    with store.run({}) as run:
        run.end(Ended(Result(INT, "create", "failed")))
    assert not (tmp_path / "reconciler.lock").exists()


def test_the_ledger_is_written_while_a_long_run_goes_on(store, tmp_path, clock):
    with store.run({}) as run:
        run.end(applied(entry(INT)))
        assert written(tmp_path) is None
        clock.advance(seconds=FLUSH_SECONDS)
        run.end(applied(entry(REWARD, "2")))
        assert set(written(tmp_path)) == {INT, REWARD}


class SlowClock(FakeClock):
    """A clock on which everything that asks for the time twice takes a second in between."""

    def monotonic(self):
        self.advance(seconds=1)
        return super().monotonic()


def test_a_ledger_that_is_slow_to_write_is_written_so_rarely_that_it_takes_a_small_share_of_the_run(tmp_path):
    store = FileStore(tmp_path, SlowClock())
    with store.run({}) as run:
        for number in range(200):
            run.end(applied(entry(INT, str(number))))
    flushes = sum(event["event"] == "flushed" for event in journal(tmp_path))
    assert 2 <= flushes <= 2 + 200 * FLUSH_SHARE
    assert written(tmp_path) == {INT: entry(INT, "199")}


def test_what_is_forgotten_leaves_the_ledger(store, tmp_path):
    with store.run({}) as run:
        run.remember([entry(INT), entry(REWARD, "2")], [])
        run.end(applied(entry(INT), REWARD))
    assert set(written(tmp_path)) == {INT}


def test_a_killed_run_is_replayed_from_the_journal(store, tmp_path):
    killed(store, tmp_path, applied(entry(INT, "7")))
    assert store.ledger() == {INT: entry(INT, "7")}


def test_what_a_killed_run_did_is_in_the_ledger_file_after_the_next_run_whatever_that_one_does(store, tmp_path):
    with store.run({}) as run:
        run.end(applied(entry(APP)))
    killed(store, tmp_path, applied(entry(INT, "7")))
    with store.run({}):
        pass
    assert written(tmp_path) == {APP: entry(APP), INT: entry(INT, "7")}
    assert store.ledger() == written(tmp_path)


def test_runs_killed_one_after_another_are_replayed_in_their_order(store, tmp_path):
    killed(store, tmp_path, applied(entry(INT, "7")), applied(entry(APP)))
    killed(store, tmp_path, applied(entry(INT, "8")))
    assert store.ledger() == {APP: entry(APP), INT: entry(INT, "8")}


def test_a_run_killed_after_a_flush_is_replayed_too(store, clock):
    run = store.run({})
    held = run.__enter__()
    clock.advance(seconds=FLUSH_SECONDS)
    held.end(applied(entry(INT, "7")))
    held.end(applied(entry(REWARD, "8")))
    assert store.ledger() == {INT: entry(INT, "7"), REWARD: entry(REWARD, "8")}
    run.__exit__(None, None, None)


def test_a_ledger_from_elsewhere_is_left_as_it_is(store, tmp_path):
    with store.run({}) as run:
        run.end(applied(entry(APP)))
    killed(store, tmp_path, applied(entry(INT, "7")))
    newer = {APP: entry(APP, "1", status="inactive")}
    (tmp_path / "reconciler.lock").write_text(ledger_text(newer))
    assert store.ledger() == newer


def test_a_killed_run_stays_left_alone_when_another_is_killed_on_the_ledger_from_elsewhere(store, tmp_path):
    with store.run({}) as run:
        run.end(applied(entry(APP)))
    killed(store, tmp_path, applied(entry(INT, "7")))
    (tmp_path / "reconciler.lock").write_text(ledger_text({APP: entry(APP, "1", status="inactive")}))
    killed(store, tmp_path, applied(entry(REWARD, "9")))
    assert set(store.ledger()) == {APP, REWARD}


def test_a_lost_ledger_is_rebuilt_from_the_whole_journal_and_written_again(store, tmp_path):
    for number, known in zip(count(), (entry(APP), entry(INT, "7")), strict=False):
        with store.run({}) as run:
            run.end(applied(known))
        assert len(written(tmp_path)) == number + 1
    (tmp_path / "reconciler.lock").unlink()
    assert store.ledger() == {APP: entry(APP), INT: entry(INT, "7")}
    with store.run({}):
        pass
    assert set(written(tmp_path)) == {APP, INT}


@pytest.mark.parametrize(
    "line",
    ['{"event":"ended","entry":{"id":"1"}}', '{"event":"ended","entry":3}', '{"event":"ended","forget":7}',
     '{"event":"remembered","entries":[{"address":"a","id":"1","applied":[]}]}'],
)  # fmt: skip
def test_a_journal_line_of_another_shape_is_an_error_of_the_store(store, tmp_path, line):
    killed(store, tmp_path)
    with (tmp_path / ".reconciler/journal.jsonl").open("a") as file:
        file.write(line + "\n")
    with pytest.raises(StoreError, match="journal"):
        store.ledger()


def test_a_broken_ledger_stops_a_run_before_it_begins_and_leaves_no_lock(store, tmp_path):
    (tmp_path / "reconciler.lock").write_text("{")
    for _ in range(2):
        with pytest.raises(StoreError, match="cut off"), store.run({}):
            pass


def test_a_store_that_cannot_be_made_is_an_error_of_the_store(tmp_path, clock):
    (tmp_path / ".reconciler").write_text("not a folder")
    with pytest.raises(StoreError), FileStore(tmp_path, clock).run({}):
        pass


HOLDER = """
import sys
from pathlib import Path
from reconciler.cli.clock import SystemClock
from reconciler.store.files import FileStore
with FileStore(Path(sys.argv[1]), SystemClock()).run({}):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that holds the lock."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout.readline() == b"held\n"
        yield process
        process.kill()


def test_a_second_process_does_not_get_the_lock(store, holder, tmp_path):
    before = journal(tmp_path)
    with pytest.raises(LockHeld) as held, store.run({}):
        pass
    assert held.value.hint
    assert journal(tmp_path) == before


def test_reading_the_ledger_needs_no_lock(store, holder):
    assert store.ledger() == {}


def test_the_lock_of_a_killed_process_is_free(store, holder):
    holder.send_signal(signal.SIGKILL)
    holder.wait(10)
    with store.run({}) as run:
        run.end(applied(entry(INT)))
    assert store.ledger() == {INT: entry(INT)}


def test_a_second_run_in_the_same_process_does_not_get_the_lock_either(store):
    with store.run({}), pytest.raises(LockHeld), store.run({}):
        pass


def test_a_ledger_that_the_journal_would_give_one_id_twice_is_refused(store, tmp_path):
    with store.run({}) as run:
        run.end(applied(entry(INT, "7")))
    killed(store, tmp_path, applied(entry(REWARD, "7")))
    with pytest.raises(StoreError, match=f"placement id 7 twice, for {INT} and {REWARD}") as refused:
        store.ledger()
    assert "journal.jsonl" in refused.value.hint


def test_an_entry_that_moves_in_the_journal_is_there_once(store, tmp_path):
    with store.run({}) as run:
        run.end(applied(entry(INT, "7")))
    killed(store, tmp_path, applied(entry(REWARD, "7"), INT))
    assert store.ledger() == {REWARD: entry(REWARD, "7")}
