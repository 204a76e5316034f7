"""The journal: its events as JSON, the ledger that they lead to, and the file, appended to durably and read back.

Threads that wait for the disk at the same time share one sync, and none waits for two (`GroupCommit`).
"""

import json
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any, Final

import orjson

from reconciler.errors import StoreError, UnfitFile, os_reason
from reconciler.files import disk
from reconciler.model import checked
from reconciler.model.address import Address
from reconciler.model.habits import UNCHECKED
from reconciler.model.journal import Intent, StepResult
from reconciler.model.ledger import AccountId, LedgerEntry, entry_from_json, entry_to_json, header_line, is_header
from reconciler.model.value import fields_to_json, line_json
from reconciler.store.ledger_file import account_in
from reconciler.store.seal import Seals, with_ownership


class _Turn:
    """One thread's wait. `leads`: whoever led before has left it to sync, for itself and for whoever waits by then."""

    __slots__ = ("error", "leads", "over")

    def __init__(self) -> None:
        self.error: OSError | None = None
        self.leads = False
        self.over = Lock()
        self.over.acquire()


class GroupCommit:
    """Calls `sync` for many threads at once, one call at a time.

    The first who comes leads. Whoever comes while a sync is under way, which may have begun too early for what they
    wrote, waits for the next one; the first of them leads that. So each thread is woken once, where threads that queue
    for a lock around the sync would be woken one after the other.
    """

    def __init__(self, sync: Callable[[], None]) -> None:
        self._sync = sync
        self._lock = Lock()
        self._is_under_way = False
        self._waiting: list[_Turn] = []

    def wait(self) -> None:
        """Return when a sync has ended that began after this was called. Raises the `OSError` that it ended with."""
        turn = _Turn()
        with self._lock:
            self._waiting.append(turn)
            is_first, self._is_under_way = not self._is_under_way, True
        # Decided under the lock: the leader may make this turn the next one's leader before the line below is reached.
        if not is_first:
            turn.over.acquire()
        if is_first or turn.leads:
            self._lead()
        if turn.error is not None:
            raise turn.error

    def _lead(self) -> None:
        with self._lock:
            group, self._waiting = self._waiting, []
        error: OSError | None = OSError("it was broken off")
        try:
            self._sync()
            error = None
        except OSError as wrong:
            error = wrong
        finally:
            with self._lock:
                heir = self._waiting[0] if self._waiting else None
                self._is_under_way = heir is not None
            if heir is not None:
                heir.leads = True
                heir.over.release()
            for turn in group:
                turn.error = error
                turn.over.release()


RUN_STARTED: Final = "run-started"
INTENT: Final = "intent"
ENDED: Final = "ended"
REMEMBERED: Final = "remembered"
FLUSHED: Final = "flushed"
RUN_ENDED: Final = "run-ended"


def intent_event(intent: Intent) -> dict[str, Any]:
    """A write about to be sent."""
    return {
        "event": INTENT,
        "address": intent.address,
        "action": intent.action,
        "id": intent.id,
        "attempt": intent.attempt,
        "before": fields_to_json(intent.before),
        "after": fields_to_json(intent.sends),
        **({"whole": True} if intent.whole else {}),
    }


def ended_event(ended: StepResult) -> dict[str, Any]:
    """What came of a step."""
    result = ended.result
    return {
        "event": ENDED,
        "address": result.address,
        "action": result.action,
        "outcome": result.outcome,
        "id": result.id,
        "attempts": result.attempts,
        "error": result.error,
        "entry": None if ended.entry is None else entry_to_json(ended.entry),
        "forget": list(ended.forget),
        **({"suspects": list(ended.suspects)} if ended.suspects else {}),
        **({"reset": list(result.reset)} if result.reset else {}),
        **({UNCHECKED: True} if result.unchecked else {}),
    }


def remembered_event(entries: Iterable[LedgerEntry], forget: Iterable[Address]) -> dict[str, Any]:
    """Ledger entries that were brought up to what was seen."""
    return {"event": REMEMBERED, "entries": [entry_to_json(entry) for entry in entries], "forget": list(forget)}


def changes_ledger(event: Mapping[str, Any]) -> bool:
    """Whether the ledger is brought up to an event."""
    return event.get("event") in (ENDED, REMEMBERED)


def check_event(event: Mapping[str, Any], known: Collection[bytes] = ()) -> None:
    """Check that an event has one of the forms above. Raises ValueError, or KeyError for what a ledger entry lacks.

    Entries whose lines, as they stand in a ledger, are among the `known` ones are not looked at.
    """
    kind = checked.text(event.get("event", ""))
    checked.text(event.get("run", ""))
    if "at" in event:
        checked.instant(event["at"])
    match kind:
        case "run-started":
            who = checked.objects(event.get("who") or {})
            checked.listed(checked.text, [*who.values()])
        case "intent":
            _check_step(event)
            checked.fields(event.get("before") or {})
            checked.fields(event.get("after") or {})
            checked.count(event.get("attempt") or 0)
        case "ended":
            _check_step(event)
            checked.optional(checked.text, event.get("outcome"))
            checked.optional(checked.text, event.get("error"))
            checked.count(event.get("attempts") or 0)
            checked.optional(lambda raw: entry_from_json(checked.objects(raw)), event.get("entry"))
        case "remembered":
            checked.listed(partial(_check_entry, known), event.get("entries", []))
        case _:
            pass
    checked.listed(checked.text, event.get("forget", []))
    checked.listed(checked.text, event.get("reset", []))
    checked.optional(checked.text, event.get("ledger"))


def _check_entry(known: Collection[bytes], raw: Any) -> None:
    entry = checked.objects(raw)
    if not known or orjson.dumps(entry, option=orjson.OPT_SORT_KEYS) not in known:
        entry_from_json(entry)


def _check_step(event: Mapping[str, Any]) -> None:
    checked.instant(event.get("at"))
    checked.text(event.get("address"))
    checked.text(event.get("action"))
    checked.optional(checked.identifier, event.get("id"))


def replay(ledger: dict[Address, LedgerEntry], event: Mapping[str, Any]) -> None:
    """Bring a ledger up to one event."""
    if not changes_ledger(event):
        return
    entries = [event["entry"]] if event.get("entry") else event.get("entries", ())
    update_ledger(ledger, map(entry_from_json, entries), map(Address, event.get("forget", ())))


def update_ledger(
    ledger: dict[Address, LedgerEntry], entries: Iterable[LedgerEntry], forget: Iterable[Address]
) -> None:
    """Drop the addresses to `forget` from a ledger, then add the entries."""
    for address in forget:
        ledger.pop(address, None)
    ledger.update((entry.address, entry) for entry in entries)


class JournalFile:
    """Appends events durably. Threads that write at the same time share one fsync.

    With `seals`, each line goes on the chain behind the last line of ours that the file holds.
    """

    def __init__(self, path: Path, seals: Seals | None = None) -> None:
        self._seals = seals
        self._write_lock = Lock()
        self._torn = self._is_owed = False
        self._disk = GroupCommit(self._sync)
        try:
            disk.make_folder(path.parents[1], path.parent.name)
            self._descriptor = disk.open_descriptor(*_root_and_name(path), os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
            _end_torn_line(self._descriptor)
            disk.sync_folder(path.parent)
        except (OSError, UnfitFile) as error:
            raise StoreError(f"the journal cannot be opened: {os_reason(error)}") from error

    def append(self, event: Mapping[str, Any], *, at_once: bool = True) -> None:
        """Write one event, and return when it is on disk. Raises `StoreError`.

        Not `at_once`: the file holds it, so that a killed process loses nothing, and the disk gets it with the next
        event that is not to wait, or by `close`.
        """
        line = line_json(event)
        try:
            with self._write_lock:
                # A full disk may have cut the line before: this one must not run into it.
                started, self._torn = self._torn, True
                line = line if self._seals is None else self._seals.seal(line)
                _write_all(self._descriptor, b"\n" + line if started else line)
                self._torn = False
                if self._seals is not None:
                    self._seals.advance(line)
                self._is_owed = not at_once  # a sync takes along all that was written before it
            if at_once:
                self._disk.wait()
        except OSError as error:
            raise StoreError(f"the journal cannot be written: {os_reason(error)}") from error

    def _sync(self) -> None:
        os.fsync(self._descriptor)

    def close(self) -> None:
        """Close the file. Nothing can be appended after that: the descriptor may be another file's by then."""
        with suppress(OSError):
            if self._is_owed:
                self._disk.wait()
        with self._write_lock:
            descriptor, self._descriptor = self._descriptor, -1
        with suppress(OSError):  # what was to be on disk has been synced
            os.close(descriptor)


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def _root_and_name(path: Path) -> tuple[Path, str]:
    """The project's root and the name below it of a file in the folder of its state, which may be no link either."""
    return path.parents[1], f"{path.parent.name}/{path.name}"


def _end_torn_line(descriptor: int) -> None:
    """Close a last line that a crash tore, so that the next event does not run into it."""
    if os.fstat(descriptor).st_size:
        os.lseek(descriptor, -1, os.SEEK_END)
        if os.read(descriptor, 1) != b"\n":
            _write_all(descriptor, b"\n")


def journal_account(path: Path) -> AccountId | None:
    """The account that a journal names in its first line; None without a name or a journal. Raises `StoreError`."""
    try:
        with os.fdopen(disk.open_descriptor(*_root_and_name(path)), "rb") as file:
            return account_in(_root_and_name(path)[1], file.readline(_LONGEST_HEADER))
    except FileNotFoundError:
        return None
    except (OSError, UnfitFile) as error:
        raise StoreError(f"the journal cannot be read: {os_reason(error)}") from error


_LONGEST_HEADER = 4096


def write_account(path: Path, account: AccountId) -> None:
    """Put the line that names the account before the lines of a journal, which may be absent.

    A journal that is too large to be read as a whole gets no such line. The caller holds the
    project's lock. Raises `StoreError`.
    """
    root, name = _root_and_name(path)
    head = header_line(account).encode("utf-8", "backslashreplace") + b"\n"
    try:
        disk.make_folder(root, path.parent.name)
        try:
            lines = disk.read(root, name)
        except FileNotFoundError:
            lines = b""
        disk.write(root, name, head + lines)
    except (OSError, UnfitFile) as error:
        if isinstance(error, UnfitFile) and error.finding.code == disk.TOO_LARGE:
            return
        raise StoreError(f"the journal cannot be written: {os_reason(error)}") from error


def read_journal(path: Path) -> Iterator[dict[str, Any]]:
    """The events of a journal, oldest first. A line that a crash tore is passed over: it was never relied on."""
    return (event for _, event, _ in read_sealed(path, None))


def read_sealed(
    path: Path, seals: Seals | None, unread: list[int] | None = None
) -> Iterator[tuple[int, dict[str, Any], bool]]:
    """The events of a journal, each with its line number, from 1, and whether this checkout wrote it.

    `seals` is the beginning of the chain of this checkout's seals; None: it wrote none.

    The lines that were passed over are added to `unread`.
    """
    try:
        with os.fdopen(disk.open_descriptor(*_root_and_name(path)), "rb") as file:
            for number, (line, ours) in enumerate(with_ownership(file, seals), 1):
                event = _parse_event(line, ours=ours)
                if isinstance(event, dict) and not is_header(event):
                    event.pop("seal", None)
                    yield number, event, ours
                elif not isinstance(event, dict) and unread is not None:
                    unread.append(number)
    except FileNotFoundError:
        return
    except (OSError, UnfitFile) as error:
        raise StoreError(f"the journal cannot be read: {os_reason(error)}") from error


def _parse_event(line: bytes, *, ours: bool) -> Any:
    """The JSON of a line, None where it has none. What this program has written orjson reads alike, and faster."""
    if ours:
        with suppress(ValueError):
            return orjson.loads(line)
    try:
        return json.loads(line.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None
