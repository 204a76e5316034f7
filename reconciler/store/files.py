"""The store on files: `reconciler.lock` beside the settings, journal and lock under `.reconciler/`."""

import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from reconciler import disk
from reconciler.errors import LockHeld, StoreError, UnfitFile
from reconciler.model.address import Address
from reconciler.model.journal import FOREIGN, UNREAD
from reconciler.model.ledger import AccountId, Ledger, LedgerEntry, shared_id
from reconciler.ports import Clock
from reconciler.store.events import (
    FLUSHED,
    RUN_ENDED,
    RUN_STARTED,
    changes_ledger,
    check_event,
    replay,
)
from reconciler.store.file_run import FileRun, LedgerPlace, file_digest
from reconciler.store.journal_file import JournalFile, give_account, journal_account, read_journal, read_sealed
from reconciler.store.ledger_file import (
    LEDGER_NAME,
    LedgerFile,
    checked_account,
    read_ledger_file,
)
from reconciler.store.seal import Seals, found_key, made_key

STATE_FOLDER: Final = ".reconciler"
JOURNAL_NAME: Final = "journal.jsonl"
log = logging.getLogger("reconciler.store")


class FileStore:
    """Ledger, journal and lock of the project at `root`.

    `account` is whose they have to be: files that say otherwise raise `WrongAccount`, whatever is asked of them, and
    files that do not say are given it with the next run. Where it is None nobody asks. `key` is what the journal's
    lines are sealed with; where none is given, the one of the state folder.
    """

    def __init__(self, root: Path, clock: Clock, *, account: AccountId | None = None, key: bytes | None = None) -> None:
        self._account = account
        self._key = key
        self._root = root
        self._clock = clock
        self._ledger_path = root / LEDGER_NAME
        self._journal_path = root / STATE_FOLDER / JOURNAL_NAME
        self._audits_path = root / STATE_FOLDER / "audits.jsonl"

    def ledger(self) -> Ledger:
        """The entries of the file, brought up to what the journal says of a run that was killed."""
        written = self._ours()
        self._check_journal()
        return self._recovered(None if written is None else written.entries, self._seals())

    def events(self) -> Iterator[Mapping[str, Any]]:
        """The journal, oldest first; events that this checkout did not write say `foreign`.

        Last comes an event for each line that cannot be read.
        """
        self._check_journal()
        unread: list[int] = []
        for number, event, ours in read_sealed(self._journal_path, self._seals(), unread):
            _check(number, event)
            yield event if ours else {**event, FOREIGN: True}
        yield from ({"event": UNREAD, "line": number, FOREIGN: True} for number in unread)

    def audits(self) -> Iterator[Mapping[str, Any]]:
        """The audits of this checkout, oldest first."""
        return read_journal(self._audits_path)

    def remember_audit(self, event: Mapping[str, Any]) -> None:
        """Remember one more, in a file of its own: the journal belongs to whoever holds the lock."""
        audits = JournalFile(self._audits_path)
        try:
            audits.append({"v": 1, **event})
        finally:
            audits.close()

    def _ours(self) -> LedgerFile | None:
        found = read_ledger_file(self._ledger_path)
        if found is not None:
            checked_account(LEDGER_NAME, found.account, self._account)
        return found

    def _check_journal(self) -> AccountId | None:
        """Whose the journal says to be. Raises `WrongAccount`."""
        found = None if self._account is None else journal_account(self._journal_path)
        checked_account(f"{STATE_FOLDER}/{JOURNAL_NAME}", found, self._account)
        return found

    def _recovered(self, written: Ledger | None, seals: Seals | None) -> dict[Address, LedgerEntry]:
        """The written entries and what a killed run added; out of the whole journal where the ledger is gone.

        An empty file is what a cut-off one looks like: it is taken for a ledger that is gone, too. Only what this
        checkout has written is believed. `seals` are left behind the last line of it.
        """
        ours: list[dict[str, Any]] = []
        foreign: list[dict[str, Any]] = []
        for number, event, is_ours in read_sealed(self._journal_path, seals):
            if is_ours:
                _check(number, event)
            (ours if is_ours else foreign).append(event)
        ledger = file_digest(self._ledger_path)
        entries = dict(written or {})
        for event in _to_replay(ours, ledger) if written else ours:
            replay(entries, event)
        if (shared := shared_id(entries.values())) is not None:
            first, second = shared
            raise StoreError(
                f"{LEDGER_NAME} with what the journal adds to it has {second.kind} id {second.id} twice, "
                f"for {first.address} and {second.address}",
                hint=f"move {STATE_FOLDER}/journal.jsonl away: the ledger stands without it",
            )
        if any(changes_ledger(event) for event in (_to_replay(foreign, ledger) if written else foreign)):
            log.warning(
                "%s holds steps of a run that never ended, and this checkout did not write them: they are not taken "
                "over into the ledger",
                f"{STATE_FOLDER}/{JOURNAL_NAME}",
            )
        return entries

    def _seals(self) -> Seals | None:
        """The chain of this checkout's seals, from its beginning; None where it has never written a journal."""
        key = self._key if self._key is not None else found_key(self._root / STATE_FOLDER)
        return None if key is None else Seals(key)

    @contextmanager
    def run(self, who: Mapping[str, str]) -> Iterator["FileRun"]:
        """Hold the project's lock for a run. Raises `LockHeld` at once where another process holds it."""
        from filelock import FileLock, Timeout  # noqa: PLC0415 - who only reads takes no lock

        try:
            disk.make_folder(self._root, STATE_FOLDER)
            lock = FileLock(disk.check(self._root, f"{STATE_FOLDER}/lock"), timeout=0)
            lock.acquire()
        except Timeout as held:
            raise LockHeld("another run holds the lock of this project", hint="wait for it to end") from held
        except (OSError, UnfitFile) as wrong:
            raise StoreError(f"the lock cannot be taken: {wrong}") from wrong
        try:
            disk.remove_drafts(self._ledger_path)
            began = self._clock.monotonic()
            found = self._ours()
            took = self._clock.monotonic() - began
            says = self._check_journal()
            if self._key is None:
                made_key(self._root / STATE_FOLDER)
            seals = self._seals()
            written = found.entries if found else {}
            entries = self._recovered(None if found is None else found.entries, seals)
            account = self._account or (None if found is None else found.account)
            unsaid = bool(written) and found is not None and found.account != account
            if says is None and self._account is not None:
                give_account(self._journal_path, self._account)
            journal = JournalFile(self._journal_path, seals)
            ledger = LedgerPlace(self._ledger_path, account, is_said=not unsaid)
            run = FileRun(ledger, journal, entries, self._clock, ahead=entries != written, took=took)
            try:
                run.begin(who)
                yield run
            except BaseException:
                run.break_off()
                raise
            run.close()
        finally:
            lock.release()


def _to_replay(events: Iterable[dict[str, Any]], ledger: str | None) -> list[dict[str, Any]]:
    """Events of runs at the journal's end that never closed, if the ledger at hand is one that they wrote or met.

    A ledger that came from elsewhere (a git checkout) is newer or older than the killed run, and is left as it is.
    """
    unfinished: list[dict[str, Any]] = []
    met: set[str | None] = set()
    for event in events:
        kind = event.get("event")
        if kind == RUN_ENDED or (kind == RUN_STARTED and event.get("ledger") not in met):
            unfinished, met = [], set()
        if kind in {RUN_STARTED, FLUSHED}:
            met.add(event.get("ledger"))
        if kind != RUN_ENDED:
            unfinished.append(event)
    return unfinished if ledger in met else []


def _check(number: int, event: Mapping[str, Any]) -> None:
    try:
        check_event(event)
    except (KeyError, ValueError) as wrong:
        what = f"it has no {wrong}" if isinstance(wrong, KeyError) else str(wrong)
        raise StoreError(
            f"{STATE_FOLDER}/{JOURNAL_NAME}:{number}: the line is no event of a journal: {what}",
            hint=f"move {STATE_FOLDER}/{JOURNAL_NAME} away: the ledger stands without it",
        ) from wrong
