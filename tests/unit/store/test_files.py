"""The store on files: what a run leaves behind, what a killed one leaves, and who may run."""

import json
import signal
import subprocess
import sys
from itertools import count

import pytest
from support.fake_clock import FakeClock
from support.ledgers import read_ledger

from reconciler.errors import LockHeld, StoreError
from reconciler.model.address import Address
from reconciler.model.journal import Intent, Result, StepResult
from reconciler.model.ledger import LedgerEntry
from reconciler.store.files import FileStore
from reconciler.store.journal_file import JournalFile, read_sealed
from reconciler.store.ledger_file import ledger_text
from reconciler.store.run import FLUSH_SECONDS, FLUSH_SHARE
from reconciler.store.seal import KEY_NAME, Seals, make_key

APP = Address("android:com.a")
INT, REWARD = Address("android:com.a/int"), Address("android:com.a/reward")


def entry(address, resource_id="1", **applied):
    return LedgerEntry(address, resource_id, applied or {"status": "active"})


def applied(known, *forget):
    return StepResult(Result(known.address, "create", "applied", known.id, 1), known, forget)


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


def told_by_us(root, *events):
    """Put further lines into the journal, sealed as a run of this checkout seals them."""
    path = root / ".reconciler/journal.jsonl"
    seals = Seals(make_key(path.parent))
    list(read_sealed(path, seals))
    file = JournalFile(path, seals)
    for event in events:
        file.append(json.loads(event))
    file.close()


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
        run.end(StepResult(Result(INT, "create", "failed")))
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
    told_by_us(tmp_path, line)
    with pytest.raises(StoreError, match="journal"):
        store.ledger()


def brought(root, elsewhere):
    """The journal of another checkout in the place of this one's, as a commit or a copy brings it."""
    (root / ".reconciler").mkdir(exist_ok=True)
    for name in ("journal.jsonl", KEY_NAME):
        (root / ".reconciler" / name).write_bytes((elsewhere / ".reconciler" / name).read_bytes())


@pytest.fixture
def elsewhere(tmp_path, clock):
    """A checkout of the same project, in which a run was killed after it had made a resource."""
    root = tmp_path / "elsewhere"
    root.mkdir()
    other = FileStore(root, clock)
    with other.run({}) as run:
        run.end(applied(entry(APP)))
    killed(other, root, applied(entry(APP, "666")))
    return root


@pytest.fixture
def here(tmp_path, elsewhere):
    root = tmp_path / "here"
    root.mkdir()
    (root / "reconciler.lock").write_bytes((elsewhere / "reconciler.lock").read_bytes())
    return root


def test_a_journal_that_came_with_a_commit_does_not_override_the_ledger_and_that_is_told(
    here, elsewhere, clock, caplog
):
    assert FileStore(elsewhere, clock).ledger()[APP].id == "666"
    brought(here, elsewhere)
    assert FileStore(here, clock).ledger() == {APP: entry(APP)}
    assert "did not write them" in caplog.text
    with FileStore(here, clock).run({}):
        pass
    assert written(here) == {APP: entry(APP)}


def test_a_lost_ledger_is_not_rebuilt_from_a_journal_that_came_with_a_commit(here, elsewhere, clock, caplog):
    brought(here, elsewhere)
    (here / "reconciler.lock").unlink()
    assert FileStore(here, clock).ledger() == {}
    assert "did not write them" in caplog.text


def test_a_journal_from_elsewhere_behind_or_before_our_own_takes_nothing_from_it(here, elsewhere, clock):
    store = FileStore(here, clock)
    killed(store, here, applied(entry(INT, "7")))
    path = here / ".reconciler/journal.jsonl"
    ours, theirs = path.read_bytes(), (elsewhere / ".reconciler/journal.jsonl").read_bytes()
    for together in (ours + theirs, theirs + ours, theirs + ours + theirs):
        path.write_bytes(together)
        assert store.ledger() == {APP: entry(APP), INT: entry(INT, "7")}
    killed(store, here, applied(entry(REWARD, "8")))
    assert set(store.ledger()) == {APP, INT, REWARD}


def test_events_from_elsewhere_are_still_there_to_be_shown_and_say_what_they_are(here, elsewhere, clock):
    brought(here, elsewhere)
    with FileStore(here, clock).run({}):
        pass
    events = list(FileStore(here, clock).events())
    assert [event.get("foreign", False) for event in events] == [True] * (len(events) - 2) + [False, False]
    assert all("seal" not in event for event in events)


def test_lines_without_a_seal_as_earlier_versions_wrote_them_are_shown_and_not_replayed(store, tmp_path):
    killed(store, tmp_path, applied(entry(INT, "7")))
    path = tmp_path / ".reconciler/journal.jsonl"
    plain = [{key: value for key, value in event.items() if key != "seal"} for event in journal(tmp_path)]
    path.write_text("".join(json.dumps(event) + "\n" for event in plain))
    assert store.ledger() == {}
    assert [event["event"] for event in store.events()] == [event["event"] for event in plain]


@pytest.mark.parametrize("touch", ["dropped", "swapped", "changed", "twice"])
def test_a_line_of_ours_that_was_dropped_swapped_changed_or_repeated_ends_what_is_believed(store, tmp_path, touch):
    killed(store, tmp_path, applied(entry(APP)), applied(entry(INT, "7")), applied(entry(REWARD, "8")))
    path = tmp_path / ".reconciler/journal.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    match touch:
        case "dropped":
            lines[1:2] = []
        case "swapped":
            lines[1], lines[2] = lines[2], lines[1]
        case "changed":
            lines[1] = lines[1].replace(b'"id":"1"', b'"id":"2"')
        case _:
            lines.insert(3, lines[1])
    path.write_bytes(b"".join(lines))
    believed = {"dropped": [], "swapped": [APP], "changed": [], "twice": [APP, INT, REWARD]}
    assert list(store.ledger()) == believed[touch]


def test_a_key_that_is_lost_leaves_the_ledger_alone_and_the_next_run_begins_a_chain_of_its_own(store, tmp_path):
    with store.run({}) as run:
        run.end(applied(entry(APP)))
    killed(store, tmp_path, applied(entry(INT, "7")))
    (tmp_path / ".reconciler" / KEY_NAME).unlink()
    assert store.ledger() == {APP: entry(APP)}
    killed(store, tmp_path, applied(entry(REWARD, "8")))
    assert store.ledger() == {APP: entry(APP), REWARD: entry(REWARD, "8")}


@pytest.mark.parametrize("kind", ["link", "folder"])
def test_what_is_no_file_is_no_key_and_nothing_is_written_through_it(store, tmp_path, kind):
    (tmp_path / ".reconciler").mkdir()
    aim = tmp_path / "aim"
    key = tmp_path / ".reconciler" / KEY_NAME
    key.symlink_to(aim) if kind == "link" else key.mkdir()
    killed(store, tmp_path, applied(entry(INT, "7")))
    assert store.ledger() == {}
    assert not aim.exists()


def test_a_line_that_was_torn_at_its_very_end_breaks_no_chain(store, tmp_path):
    killed(store, tmp_path, applied(entry(APP)), applied(entry(INT, "7")))
    path = tmp_path / ".reconciler/journal.jsonl"
    path.write_bytes(path.read_bytes().removesuffix(b"\n"))
    killed(store, tmp_path, applied(entry(REWARD, "8")))
    assert set(store.ledger()) == {APP, INT, REWARD}


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
from reconciler.api.environment import SystemClock
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
