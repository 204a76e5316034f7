"""The journal as a file: JSON Lines, only ever appended to, on disk before the call it speaks of is made."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import Any

from reconciler import disk
from reconciler.errors import StoreError, UnfitFile
from reconciler.model.ledger import AccountId, header_line, is_header
from reconciler.model.value import line_json
from reconciler.store.group_commit import GroupCommit
from reconciler.store.ledger_file import account_in
from reconciler.store.seal import Seals, told_apart


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
            self._descriptor = disk.opened(*_in_state(path), os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
            _end_torn_line(self._descriptor)
            disk.sync_folder(path.parent)
        except (OSError, UnfitFile) as wrong:
            raise StoreError(f"the journal cannot be opened: {wrong}") from wrong

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
                line = line if self._seals is None else self._seals.put(line)
                _write_all(self._descriptor, b"\n" + line if started else line)
                self._torn = False
                if self._seals is not None:
                    self._seals.wrote(line)
                self._is_owed = not at_once  # a sync takes along all that was written before it
            if at_once:
                self._disk.wait()
        except OSError as wrong:
            raise StoreError(f"the journal cannot be written: {wrong}") from wrong

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


def _in_state(path: Path) -> tuple[Path, str]:
    """The project's root and the name below it of a file in the folder of its state, which may be no link either."""
    return path.parents[1], f"{path.parent.name}/{path.name}"


def _end_torn_line(descriptor: int) -> None:
    """Close a last line that a crash tore, so that the next event does not run into it."""
    if os.fstat(descriptor).st_size:
        os.lseek(descriptor, -1, os.SEEK_END)
        if os.read(descriptor, 1) != b"\n":
            _write_all(descriptor, b"\n")


def journal_account(path: Path) -> AccountId | None:
    """Whose a journal says to be; None where it does not say, or is not there. Raises `StoreError`."""
    try:
        with os.fdopen(disk.opened(*_in_state(path)), "rb") as file:
            return account_in(_in_state(path)[1], file.readline(_LONGEST_HEADER))
    except FileNotFoundError:
        return None
    except (OSError, UnfitFile) as wrong:
        raise StoreError(f"the journal cannot be read: {wrong}") from wrong


_LONGEST_HEADER = 4096


def give_account(path: Path, account: AccountId) -> None:
    """Put the line that says whose a journal is in front of its lines, which stay as they are; it may not be there yet.

    One that is too large to be read as a whole stays without. The caller holds the project's lock. Raises `StoreError`.
    """
    root, name = _in_state(path)
    head = header_line(account).encode("utf-8", "backslashreplace") + b"\n"
    try:
        disk.make_folder(root, path.parent.name)
        try:
            lines = disk.read(root, name)
        except FileNotFoundError:
            lines = b""
        disk.write(root, name, head + lines)
    except (OSError, UnfitFile) as wrong:
        if isinstance(wrong, UnfitFile) and wrong.finding.code == disk.TOO_LARGE:
            return
        raise StoreError(f"the journal cannot be written: {wrong}") from wrong


def read_journal(path: Path) -> Iterator[dict[str, Any]]:
    """The events of a journal, oldest first. A line that a crash tore is passed over: it was never relied on."""
    return (event for _, event, _ in read_sealed(path, None))


def read_sealed(
    path: Path, seals: Seals | None, unread: list[int] | None = None
) -> Iterator[tuple[int, dict[str, Any], bool]]:
    """The same, each with its line, from 1, and whether this checkout wrote it: `seals` is the chain's beginning.

    The lines that were passed over are added to `unread`.
    """
    try:
        with os.fdopen(disk.opened(*_in_state(path)), "rb") as file:
            for number, (line, ours) in enumerate(told_apart(file, seals), 1):
                try:
                    event = json.loads(line.decode("utf-8", "replace"))
                except (ValueError, RecursionError):
                    event = None
                if isinstance(event, dict) and not is_header(event):
                    event.pop("seal", None)
                    yield number, event, ours
                elif not isinstance(event, dict) and unread is not None:
                    unread.append(number)
    except FileNotFoundError:
        return
    except (OSError, UnfitFile) as wrong:
        raise StoreError(f"the journal cannot be read: {wrong}") from wrong
