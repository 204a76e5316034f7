"""The store in memory: everything recorded in order, and a failure at a chosen call."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import Any

from reconciler.errors import LockHeld, StoreError
from reconciler.model.address import Address
from reconciler.model.habits import AccountHabits, habits_of
from reconciler.model.journal import Intent, StepResult
from reconciler.model.ledger import Ledger, LedgerEntry


class FakeStore:
    """A `RunStore`, and the ledger it leaves behind.

    `events` holds intents, ends and remembered entries in the order they came. The call with number `fails_at` (from
    1) raises `StoreError`, and so does every one from number `fails_from` on.
    """

    run_id = "run-1"

    def __init__(
        self, entries: Iterable[LedgerEntry] = (), *, fails_at: int | None = None, fails_from: int | None = None
    ) -> None:
        self.entries: dict[Address, LedgerEntry] = {entry.address: entry for entry in entries}
        self.events: list[Intent | StepResult | tuple[Sequence[LedgerEntry], Sequence[Address]]] = []
        self.seen: list[Mapping[str, Any]] = []
        self._fails_at = fails_at
        self._fails_from = fails_from
        self._calls = 0
        self._held = False
        self._lock = Lock()

    @property
    def intents(self) -> list[Intent]:
        return [event for event in self.events if isinstance(event, Intent)]

    @property
    def ended(self) -> list[StepResult]:
        return [event for event in self.events if isinstance(event, StepResult)]

    def ledger(self) -> Ledger:
        with self._lock:
            return dict(self.entries)

    @contextmanager
    def run(self, who: Mapping[str, str]) -> Iterator["FakeStore"]:  # noqa: ARG002 - the port asks for it
        if self._held:
            raise LockHeld("another run holds the lock of this project")
        self._held = True
        try:
            yield self
        finally:
            self._held = False

    def intend(self, intent: Intent) -> None:
        with self._lock:
            self._count()
            self.events.append(intent)

    def end(self, ended: StepResult) -> None:
        with self._lock:
            self._count()
            self.events.append(ended)
            self._take([] if ended.entry is None else [ended.entry], ended.forget)

    def remember(self, entries: Sequence[LedgerEntry], forget: Sequence[Address]) -> None:
        with self._lock:
            self._count()
            self.events.append((entries, forget))
            self._take(entries, forget)

    def habits(self) -> AccountHabits:
        return habits_of(self.seen)

    def record_observation(self, event: Mapping[str, Any]) -> None:
        self.seen.append(event)

    def _count(self) -> None:
        self._calls += 1
        gone = self._fails_from is not None and self._calls >= self._fails_from
        if gone or self._calls == self._fails_at:
            raise StoreError("the disk is full")

    def _take(self, entries: Sequence[LedgerEntry], forget: Sequence[Address]) -> None:
        for address in forget:
            self.entries.pop(address, None)
        self.entries.update({entry.address: entry for entry in entries})
