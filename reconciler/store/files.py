"""The store on files: the ledger, journal and lock of a project."""

import hashlib
import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import orjson

from reconciler.errors import LockHeld, ReconcilerError, StoreError, UnfitFile, os_reason
from reconciler.files import disk
from reconciler.model.address import Address
from reconciler.model.habits import (
    FOREIGN,
    UNKNOWN_HABITS,
    AccountHabits,
    habits_from_json,
    habits_of,
    habits_to_json,
)
from reconciler.model.journal import UNREAD
from reconciler.model.ledger import AccountId, IndexedLedger, Ledger, LedgerEntry, shared_id
from reconciler.ports import Clock
from reconciler.store.journal_file import (
    FLUSHED,
    RUN_ENDED,
    RUN_STARTED,
    JournalFile,
    changes_ledger,
    check_event,
    journal_account,
    read_journal,
    read_sealed,
    replay,
    write_account,
)
from reconciler.store.ledger_file import (
    LEDGER_NAME,
    LedgerFile,
    check_account,
    index_ledger_file,
    read_ledger_file,
)
from reconciler.store.run import FileRun, LedgerPlace, file_digest
from reconciler.store.seal import Seals, make_key, read_key

log = logging.getLogger("reconciler.store")

STATE_FOLDER: Final = ".reconciler"
JOURNAL_NAME: Final = "journal.jsonl"


@dataclass(frozen=True, slots=True)
class _Additions:
    """What a journal says of the account's updates, events to be replayed, and whether there are such of others."""

    habits: AccountHabits
    events: list[dict[str, Any]]
    is_foreign: bool


class FileStore:
    """Ledger, journal and lock of the project at `root`.

    `account` is the one they have to belong to: every method raises `WrongAccount` for files that name another, and the
    next run adds it to files that name none. None: it is not checked. `key` is what the journal's
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
        self._habits: AccountHabits | None = None
        self._indexed: LedgerFile | None = None
        self._is_quiet: Callable[[], bytes | None] = lambda: None

    def read_ahead(self, is_quiet: Callable[[], bytes | None]) -> IndexedLedger | None:
        """Read the file by its lines, for the next call of `ledger`; None where it has to be read whole.

        `is_quiet` gives what `quiet_journal` said in another process. Nothing is raised that `ledger` would raise.
        """
        try:
            self._indexed = index_ledger_file(self._ledger_path)
        except ReconcilerError:
            return None
        self._is_quiet = is_quiet
        entries = None if self._indexed is None else self._indexed.entries
        return entries if isinstance(entries, IndexedLedger) else None

    def quiet_journal(self) -> bytes | None:
        """The habits, as JSON, of a journal that adds nothing to a ledger that is there; None for any other.

        Raises what is wrong with it.
        """
        try:
            data = disk.read(self._ledger_path.parent, self._ledger_path.name)
        except (OSError, UnfitFile):
            return None
        known = frozenset(data.split(b"\n"))
        added = self._additions(self._seals(), hashlib.sha256(data).hexdigest, known)
        written = habits_to_json(added.habits)
        is_quiet = not (added.is_foreign or any(map(changes_ledger, added.events)))
        return orjson.dumps(written) if is_quiet and habits_from_json(written) == added.habits else None

    def ledger(self) -> Ledger:
        """The entries of the file, brought up to what the journal says of a run that was killed.

        After `read_ahead` it may be an `IndexedLedger`.
        """
        written, self._indexed = self._indexed, None
        if written is not None and isinstance(written.entries, IndexedLedger):
            said = self._is_quiet() if written.entries else None
            with suppress(ReconcilerError):  # it is raised below, unless something comes before it
                check_account(LEDGER_NAME, written.account, self._account)
                self._check_journal()
                if said is not None:
                    self._habits = written.habits.joined(habits_from_json(orjson.loads(said)))
                    return written.entries
        written = self._read_ledger()
        self._check_journal()
        return self._recover(written, self._seals())

    def events(self) -> Iterator[Mapping[str, Any]]:
        """The journal, oldest first; events that this checkout did not write say `foreign`.

        Last comes an event for each line that cannot be read.
        """
        self._check_journal()
        unread: list[int] = []
        for number, event, ours in read_sealed(self._journal_path, self._seals(), unread):
            _check_event(number, event)
            yield event if ours else {**event, FOREIGN: True}
        yield from ({"event": UNREAD, "line": number, FOREIGN: True} for number in unread)

    def habits(self) -> AccountHabits:
        """What the ledger and the journal say of the account's updates, as they were last read."""
        if self._habits is None:
            self.ledger()
        return self._habits or UNKNOWN_HABITS

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

    def _read_ledger(self) -> LedgerFile | None:
        ledger_file = read_ledger_file(self._ledger_path)
        if ledger_file is not None:
            check_account(LEDGER_NAME, ledger_file.account, self._account)
        return ledger_file

    def _check_journal(self) -> AccountId | None:
        """The account that the journal names. Raises `WrongAccount`."""
        account = None if self._account is None else journal_account(self._journal_path)
        check_account(f"{STATE_FOLDER}/{JOURNAL_NAME}", account, self._account)
        return account

    def _recover(self, file: LedgerFile | None, seals: Seals | None) -> dict[Address, LedgerEntry]:
        """The written entries and what a killed run added; out of the whole journal where the ledger is gone.

        An empty file is what a cut-off one looks like: it is taken for a ledger that is gone, too. Only what this
        checkout has written is believed. `seals` are left behind the last line of it.
        """
        written = None if file is None else file.entries
        added = self._additions(seals, partial(file_digest, self._ledger_path) if written else None)
        self._habits = (UNKNOWN_HABITS if file is None else file.habits).joined(added.habits)
        entries = dict(written or {})
        for event in added.events:
            replay(entries, event)
        if (shared := shared_id(entries.values())) is not None:
            first, second = shared
            raise StoreError(
                f"{LEDGER_NAME} with what the journal adds to it has {second.kind} id {second.id} twice, "
                f"for {first.address} and {second.address}",
                hint=f"move {STATE_FOLDER}/journal.jsonl away: the ledger stands without it",
            )
        if added.is_foreign:
            log.warning(
                "%s holds steps of a run that never ended, and this checkout did not write them: they are not taken "
                "over into the ledger",
                f"{STATE_FOLDER}/{JOURNAL_NAME}",
            )
        return entries

    def _additions(
        self,
        seals: Seals | None,
        ledger_digest: Callable[[], str | None] | None,
        known: Collection[bytes] = (),
    ) -> "_Additions":
        """What the journal adds to a ledger of this digest; to none that is there where that is None.

        Of ledger entries with a `known` line the form is not looked at: whoever reads the ledger looks at that.
        """
        ours: list[dict[str, Any]] = []
        foreign: list[dict[str, Any]] = []
        for number, event, is_ours in read_sealed(self._journal_path, seals):
            if is_ours:
                _check_event(number, event, known)
            (ours if is_ours else foreign).append(event)
        habits = habits_of(ours).joined(habits_of(foreign).cautious())
        if ledger_digest is not None and (ours or foreign):
            digest = ledger_digest()
            ours, foreign = _unfinished_events(ours, digest), _unfinished_events(foreign, digest)
        return _Additions(habits, ours, is_foreign=any(map(changes_ledger, foreign)))

    def _seals(self) -> Seals | None:
        """The chain of this checkout's seals, from its beginning; None where it has never written a journal."""
        key = self._key if self._key is not None else read_key(self._root / STATE_FOLDER)
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
        except (OSError, UnfitFile) as error:
            raise StoreError(f"the lock cannot be taken: {os_reason(error)}") from error
        try:
            disk.remove_drafts(self._ledger_path)
            began = self._clock.monotonic()
            ledger_file = self._read_ledger()
            took = self._clock.monotonic() - began
            says = self._check_journal()
            if self._key is None:
                make_key(self._root / STATE_FOLDER)
            seals = self._seals()
            written = ledger_file.entries if ledger_file else {}
            entries = self._recover(ledger_file, seals)
            habits = self.habits()
            account = self._account or (None if ledger_file is None else ledger_file.account)
            unsaid = bool(written) and ledger_file is not None and ledger_file.account != account
            unsaid = unsaid or (ledger_file is not None and ledger_file.habits != habits.cautious())
            if says is None and self._account is not None:
                write_account(self._journal_path, self._account)
            journal = JournalFile(self._journal_path, seals)
            ledger = LedgerPlace(self._ledger_path, account, is_said=not unsaid, habits=habits)
            run = FileRun(ledger, journal, entries, self._clock, ahead=entries != written, took=took)
            try:
                run.begin(who)
                yield run
            except BaseException:
                run.close_after_failure()
                raise
            run.close()
        finally:
            lock.release()


def _unfinished_events(events: Iterable[dict[str, Any]], ledger: str | None) -> list[dict[str, Any]]:
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


def _check_event(number: int, event: Mapping[str, Any], known: Collection[bytes] = ()) -> None:
    try:
        check_event(event, known)
    except (KeyError, ValueError) as error:
        what = f"it has no {error}" if isinstance(error, KeyError) else str(error)
        raise StoreError(
            f"{STATE_FOLDER}/{JOURNAL_NAME}:{number}: the line is no event of a journal: {what}",
            hint=f"move {STATE_FOLDER}/{JOURNAL_NAME} away: the ledger stands without it",
        ) from error
