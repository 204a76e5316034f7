import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Event, Lock
from time import sleep

import pytest

from reconciler.store.journal_file import GroupCommit


class Disk:
    """What was written, and what of it each sync took along. The first sync is held until it is let go."""

    def __init__(self):
        self.written = []
        self.synced = []
        self.began, self.go_on = Event(), Event()
        self.wrong = []
        self._lock = Lock()

    def sync(self):
        taken = len(self.written)
        self.began.set()
        assert self.go_on.wait(10)
        with self._lock:
            self.synced.append(taken)
        if self.wrong:
            raise self.wrong.pop()


def waiting(commit, many):
    """Whether so many threads wait for the next sync."""
    return len(commit._waiting) == many


def write_and_wait(commit, disk, name):
    disk.written.append(name)
    commit.wait()
    return name


def held_group(disk, commit, workers, names):
    """One thread syncs and is held, and all the others wait for the next sync."""
    first = workers.submit(write_and_wait, commit, disk, "first")
    assert disk.began.wait(10)
    others = [workers.submit(write_and_wait, commit, disk, name) for name in names]
    while not waiting(commit, len(names)):
        pass
    return first, others


def test_whoever_comes_while_a_sync_is_under_way_shares_the_next_one():
    disk = Disk()
    commit = GroupCommit(disk.sync)
    with ThreadPoolExecutor(9) as workers:
        first, others = held_group(disk, commit, workers, "abcdefgh")
        assert not any(each.done() for each in (first, *others))
        disk.go_on.set()
        assert first.result(10) == "first"
        assert [each.result(10) for each in others] == list("abcdefgh")
    assert disk.synced == [1, 9]


def test_nobody_is_told_of_a_sync_that_began_before_they_wrote():
    disk = Disk()
    disk.go_on.set()
    commit = GroupCommit(disk.sync)
    with ThreadPoolExecutor(16) as workers:

        def one(number):
            disk.written.append(number)
            position = len(disk.written)
            commit.wait()
            return max(disk.synced) >= position

        assert all(workers.map(one, range(2000)))


def test_an_error_reaches_all_who_share_the_sync_and_nobody_else():
    disk = Disk()
    commit = GroupCommit(disk.sync)
    with ThreadPoolExecutor(4) as workers:
        first, others = held_group(disk, commit, workers, "abc")
        disk.wrong = [OSError("full")]
        disk.go_on.set()
        with pytest.raises(OSError, match="full"):
            first.result(10)
        assert [each.result(10) for each in others] == list("abc")
        disk.wrong = [OSError("gone")]
        with pytest.raises(OSError, match="gone"):
            commit.wait()
    commit.wait()


def test_what_breaks_a_sync_off_leaves_nobody_waiting():
    disk = Disk()
    commit = GroupCommit(disk.sync)
    with ThreadPoolExecutor(3) as workers:
        first, others = held_group(disk, commit, workers, "ab")
        disk.wrong = [KeyboardInterrupt()]
        disk.go_on.set()
        with pytest.raises(KeyboardInterrupt):
            first.result(10)
        assert [each.result(10) for each in others] == ["a", "b"]


@pytest.fixture
def restless():
    """Threads that are switched as often as can be."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


@pytest.mark.usefixtures("restless")
def test_whoever_is_made_the_leader_before_it_has_begun_to_wait_leaves_nobody_waiting():
    for _ in range(40):
        commit = GroupCommit(partial(sleep, 0))

        def many(commit=commit):
            for _ in range(200):
                commit.wait()
            return "done"

        workers = ThreadPoolExecutor(8)
        ends = [workers.submit(many) for _ in range(8)]
        assert [each.result(10) for each in ends] == ["done"] * 8
        workers.shutdown()
