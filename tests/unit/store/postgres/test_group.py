"""Threads that record at once share commits; none goes on before its own record is kept."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from reconciler.errors import StoreError
from reconciler.store.postgres.store import CommitQueue


class Disk:
    """Keeps groups; the first commit takes until it is let go."""

    def __init__(self, error=None):
        self.groups = []
        self.begun, self.go_on = Event(), Event()
        self._error = error

    def commit(self, records):
        first = not self.begun.is_set()
        self.begun.set()
        if first:
            assert self.go_on.wait(10)
        if self._error is not None:
            raise self._error
        self.groups.append(list(records))


def all_wait(group, number):
    while len(group._waiting) < number:
        assert not group._lost


def crowd(disk, workers):
    """A first record that is being committed, and eight more that came meanwhile."""
    group = CommitQueue(disk.commit)
    first = workers.submit(group.add, 0)
    assert disk.begun.wait(10)
    others = []
    for number in range(1, 9):
        others.append(workers.submit(group.add, number))
        all_wait(group, number)
    assert not first.done()
    disk.go_on.set()
    return group, [first, *others]


def test_those_who_come_while_another_commits_are_committed_together_in_their_order():
    disk = Disk()
    with ThreadPoolExecutor(9) as workers:
        _, added = crowd(disk, workers)
        for each in added:
            each.result(10)
    assert disk.groups == [[0], list(range(1, 9))]


def test_after_a_failure_nothing_is_tried_again_and_everybody_is_told():
    disk = Disk(StoreError("gone", hint="mend it"))
    with ThreadPoolExecutor(9) as workers:
        group, added = crowd(disk, workers)
        told = [each.exception(10) for each in added]
    assert {(str(each), each.hint) for each in told} == {("gone", "mend it")}
    disk._error = None
    with pytest.raises(StoreError, match="gone"):
        group.add(9)
    assert disk.groups == []


def test_a_commit_that_is_broken_off_lets_nobody_wait_and_nobody_go_on():
    disk = Disk(KeyboardInterrupt())
    with ThreadPoolExecutor(9) as workers:
        _, added = crowd(disk, workers)
        told = [type(each.exception(10)) for each in added]
    assert told == [KeyboardInterrupt, *[StoreError] * 8]
