"""A run that holds the lock of a project: each step of it is in the journal at once, and in the ledger soon after."""

import hashlib
import logging
import math
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, Final

from reconciler.errors import StoreError
from reconciler.files import disk
from reconciler.model.address import Address
from reconciler.model.habits import UNKNOWN_HABITS, AccountHabits, habits_of
from reconciler.model.journal import Intent, StepResult
from reconciler.model.ledger import AccountId, LedgerEntry
from reconciler.ports import Clock
from reconciler.store.journal_file import (
    FLUSHED,
    RUN_ENDED,
    RUN_STARTED,
    JournalFile,
    ended_event,
    intent_event,
    remembered_event,
    update_ledger,
)
from reconciler.store.ledger_file import ledger_text, write_atomically

log = logging.getLogger("reconciler.store")

FLUSH_SECONDS: Final = 0.5
"""The ledger is written whole, so not after every step: the journal holds what a crash in between would lose."""

FLUSH_SHARE: Final = 0.05
"""The most of a run's time that writing the ledger may take: one of 20,000 entries takes half a second to write."""


@dataclass(frozen=True, slots=True)
class LedgerPlace:
    """Where a ledger is written and the account it is to name; `is_said`: it names it already, or is absent.

    `habits` are to be in it as well: what is known of the account's updates.
    """

    path: Path
    account: AccountId | None
    is_said: bool = True
    habits: AccountHabits = UNKNOWN_HABITS


class FileRun:
    """The store while a run holds the lock.

    `ahead`: the entries hold what a killed run did, and the file does not. `took`: the seconds it took to read the
    ledger, and so about what one writing of it will take.
    """

    def __init__(
        self,
        ledger: LedgerPlace,
        journal: JournalFile,
        entries: dict[Address, LedgerEntry],
        clock: Clock,
        *,
        ahead: bool,
        took: float = 0.0,
    ) -> None:
        self._ledger_path, self._account, self._is_said = ledger.path, ledger.account, ledger.is_said
        self._habits = ledger.habits
        self._journal = journal
        self._entries = entries
        self._clock = clock
        self._lock, self._flushing = Lock(), Lock()
        self._dirty = ahead
        self._flush_at = clock.monotonic() + _flush_pause(took)
        self.run_id = f"{clock.now():%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"

    def begin(self, who: Mapping[str, str]) -> None:
        """Open the run in the journal."""
        self._append({"event": RUN_STARTED, "who": dict(who), "ledger": file_digest(self._ledger_path)})

    def intend(self, intent: Intent) -> None:
        """Record durably, before it is sent, what is about to be written."""
        self._append(intent_event(intent))

    def end(self, ended: StepResult) -> None:
        """Record what came of a step, and bring the ledger up to it.

        Nobody waits for the disk here: should the power go before the next step's intent takes this along, the intent
        of this one is there, and the account tells what came of it.
        """
        try:
            self._append(ended_event(ended), at_once=False)
        finally:  # where the journal takes no more, the ledger may
            self._update([] if ended.entry is None else [ended.entry], ended.forget)

    def remember(self, entries: Sequence[LedgerEntry], forget: Sequence[Address]) -> None:
        """Bring the ledger up to what was seen, without any step."""
        self._append(remembered_event(entries, forget))
        self._update(entries, forget)

    def record_observation(self, event: Mapping[str, Any]) -> None:
        """Record what was seen of the account; what was found out of its updates goes into the ledger, too."""
        self._append(event, at_once=False)
        with self._lock:
            known, self._habits = self._habits, self._habits.joined(habits_of([event]))
            self._dirty = self._dirty or self._habits.cautious() != known.cautious()

    def close(self) -> None:
        """Write the ledger, with its account, and close the run in the journal. Raises `StoreError`."""
        self._dirty = self._dirty or not self._is_said
        self._end()

    def _end(self) -> None:
        try:
            self._flush()
            self._append({"event": RUN_ENDED, "ledger": file_digest(self._ledger_path)})
        finally:
            self._journal.close()

    def close_after_failure(self) -> None:
        """As `close`, for a run that an error has ended: what cannot be written is logged, not raised.

        A ledger that names no account is not written for that alone: it may have been found to be another's.
        """
        try:
            self._end()
        except StoreError as lost:
            log.warning("the end of the run could not be recorded: %s", lost.message)

    def _append(self, event: Mapping[str, Any], *, at_once: bool = True) -> None:
        at = self._clock.now().isoformat(timespec="milliseconds")
        self._journal.append({"v": 1, "run": self.run_id, "at": at, **event}, at_once=at_once)

    def _update(self, entries: Sequence[LedgerEntry], forget: Sequence[Address]) -> None:
        with self._lock:
            update_ledger(self._entries, entries, forget)
            self._dirty = self._dirty or bool(entries or forget)
            is_due = self._dirty and self._clock.monotonic() >= self._flush_at
            if is_due:
                self._flush_at = math.inf  # one thread writes it; the others go on
        if is_due:
            self._flush()

    def _flush(self) -> None:
        """Write the ledger as it is now. What ends meanwhile is in the journal, and in the next writing."""
        with self._flushing:
            began = self._clock.monotonic()
            with self._lock:
                if not self._dirty:
                    return
                entries, habits, self._dirty = dict(self._entries), self._habits, False
            try:
                text = ledger_text(entries, self._account, habits)
                digest = hashlib.sha256(text.encode()).hexdigest()
                try:
                    self._append({"event": FLUSHED, "ledger": digest})
                finally:  # as above
                    write_atomically(self._ledger_path, text)
            except BaseException:
                self._dirty = True
                raise
            finally:
                now = self._clock.monotonic()
                self._flush_at = now + _flush_pause(now - began)


def _flush_pause(took: float) -> float:
    """Seconds until the ledger may be written again, after writing it `took` so many."""
    return max(FLUSH_SECONDS, took / FLUSH_SHARE)


def file_digest(path: Path) -> str | None:
    """The digest of a file's bytes; None where it is not there."""
    try:
        return hashlib.sha256(disk.read(path.parent, path.name)).hexdigest()
    except OSError:
        return None
