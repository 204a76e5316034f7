"""A run of the store on files: each step is in the journal at once, and in the ledger soon after."""

import hashlib
import logging
import math
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, Final

from reconciler import disk
from reconciler.errors import StoreError
from reconciler.model.address import Address
from reconciler.model.ledger import AccountId, LedgerEntry
from reconciler.model.outcome import Intent, StepResult
from reconciler.ports import Clock
from reconciler.store.events import (
    FLUSHED,
    RUN_ENDED,
    RUN_STARTED,
    bring_up,
    ended_event,
    intent_event,
    remembered_event,
)
from reconciler.store.journal_file import JournalFile
from reconciler.store.ledger_file import ledger_text, write_atomically

log = logging.getLogger("reconciler.store")

FLUSH_SECONDS: Final = 0.5
"""The ledger is written whole, so not after every step: the journal holds what a crash in between would lose."""

FLUSH_SHARE: Final = 0.05
"""The most of a run's time that writing the ledger may take: one of 20,000 entries takes half a second to write."""


@dataclass(frozen=True, slots=True)
class LedgerPlace:
    """Where a ledger is written, and whose it is to say that it is; `is_said`: it says so already, or is not there."""

    path: Path
    account: AccountId | None
    is_said: bool = True


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
        self._journal = journal
        self._entries = entries
        self._clock = clock
        self._lock, self._flushing = Lock(), Lock()
        self._dirty = ahead
        self._flush_at = clock.monotonic() + _rest_after(took)
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
            self._take([] if ended.entry is None else [ended.entry], ended.forget)

    def remember(self, entries: Sequence[LedgerEntry], forget: Sequence[Address]) -> None:
        """Bring the ledger up to what was seen, without any step."""
        self._append(remembered_event(entries, forget))
        self._take(entries, forget)

    def observed(self, event: Mapping[str, Any]) -> None:
        """Record what was seen of the account."""
        self._append(event, at_once=False)

    def close(self) -> None:
        """Write the ledger, which now says whose it is, and close the run in the journal."""
        self._dirty = self._dirty or not self._is_said
        self._end()

    def _end(self) -> None:
        try:
            self._flush()
            self._append({"event": RUN_ENDED, "ledger": file_digest(self._ledger_path)})
        finally:
            self._journal.close()

    def break_off(self) -> None:
        """As `close`, for a run that something else has ended: what cannot be written is told, not raised.

        A ledger that does not say whose it is is not written for that alone: it may have been found to be another's.
        """
        try:
            self._end()
        except StoreError as lost:
            log.warning("the end of the run could not be recorded: %s", lost.message)

    def _append(self, event: Mapping[str, Any], *, at_once: bool = True) -> None:
        at = self._clock.now().isoformat(timespec="milliseconds")
        self._journal.append({"v": 1, "run": self.run_id, "at": at, **event}, at_once=at_once)

    def _take(self, entries: Sequence[LedgerEntry], forget: Sequence[Address]) -> None:
        with self._lock:
            bring_up(self._entries, entries, forget)
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
                entries, self._dirty = dict(self._entries), False
            try:
                text = ledger_text(entries, self._account)
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
                self._flush_at = now + _rest_after(now - began)


def _rest_after(took: float) -> float:
    """Seconds in which the ledger is not written again, after it took so many."""
    return max(FLUSH_SECONDS, took / FLUSH_SHARE)


def file_digest(path: Path) -> str | None:
    """The digest of a file's bytes; None where it is not there."""
    try:
        return hashlib.sha256(disk.read(path.parent, path.name)).hexdigest()
    except OSError:
        return None
