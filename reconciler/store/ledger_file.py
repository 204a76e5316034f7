"""The ledger as a file: JSON Lines, one entry a line, sorted by address, written whole and atomically.

A first line says whose account it is of; it is the same in all branches. Then one line per entry, so that two branches
that touched different resources merge in git without conflict. Files of earlier versions lack the first line.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import orjson

from reconciler.errors import StoreError, UnfitFile, WrongAccount, os_reason
from reconciler.files import disk
from reconciler.model.address import Address, address_order
from reconciler.model.habits import UNKNOWN_HABITS, AccountHabits, habits_from_json
from reconciler.model.ledger import (
    AccountId,
    IndexedLedger,
    Ledger,
    LedgerEntry,
    NewerFormatError,
    account_from_json,
    entry_from_json,
    entry_to_json,
    header_line,
    is_header,
    shared_id,
)
from reconciler.model.value import canonical_json
from reconciler.yaml.scalar import text_of

LEDGER_NAME = "reconciler.lock"


@dataclass(frozen=True, slots=True)
class LedgerFile:
    """What a ledger file holds; `account` is the one that it names, None where it names none, `habits` are its own."""

    entries: Ledger
    account: AccountId | None
    habits: AccountHabits = UNKNOWN_HABITS


def read_ledger_file(path: Path) -> LedgerFile | None:
    """A ledger file, None where there is none.

    Raises `StoreError` that names the line for one that is torn, merged wrongly or of another shape: a ledger that
    cannot be read is never taken for an empty one.
    """
    text = _read_text(path)
    return None if text is None else _parse(path, text)


def index_ledger_file(path: Path) -> LedgerFile | None:
    """The same; where its lines are plainly spelled, as an `IndexedLedger`, which raises what is wrong with them."""
    text = _read_text(path)
    return None if text is None else index_ledger(path, text)


def index_ledger(path: Path, text: str) -> LedgerFile:
    """The same of a file's text."""
    head, _, rest = text.partition("\n") if text.startswith(_HEADER) else ("", "", text)
    lines = rest.split("\n")[:-1]
    found = _PLAIN_LINE.findall(rest)
    ids = {Address(address): resource_id for address, resource_id in found}
    is_plain = len(lines) == len(found) == len(ids) == len(set(ids.values())) and "\\" not in text
    if not (is_plain and all(rest.count(key) == len(lines) for key in ('"address":', '"id":'))):
        return _parse(path, text)
    file = _parse(path, f"{head}\n") if head else LedgerFile({}, None)

    def made(address: Address, line: str) -> LedgerEntry:
        try:
            entry = entry_from_json(orjson.loads(line))
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
            entry = None
        if entry is None or (entry.address, entry.id) != (address, ids[address]):
            _parse(path, text)
            raise StoreError(f"{path.name} cannot be read", hint="restore the file from git")
        return entry

    return replace(file, entries=IndexedLedger(ids, dict(zip(ids, lines, strict=True)), made))


_HEADER: Final = '{"format":'
_PLAIN_LINE: Final = re.compile(r'^\{"address":"([^"\n]+)"(?>.*,"id":")([!#-~]{1,64})".*\}$', re.MULTILINE)
"""A line as it is written. Where no line has more than one of these keys, this is what a valid one says. The group that
is not gone back into keeps the time linear, whatever a line repeats."""


def _read_text(path: Path) -> str | None:
    try:
        text = text_of(disk.read(path.parent, path.name))
    except FileNotFoundError:
        return None
    except UnicodeDecodeError as error:
        at = error.object[: error.start].count(b"\n") + 1
        raise _broken_line_error(path, at, "the line cannot be read: it is not UTF-8 text") from error
    except (OSError, UnfitFile) as error:
        raise StoreError(f"{path.name} cannot be read: {os_reason(error)}", hint="restore the file from git") from error
    if text and not text.endswith("\n"):
        raise _broken_line_error(path, text.count("\n") + 1, "the line is cut off")
    return text


def _parse(path: Path, text: str) -> LedgerFile:
    entries: dict[Address, LedgerEntry] = {}
    lines: dict[Address, int] = {}
    account, habits = None, UNKNOWN_HABITS
    for number, line in enumerate(text.split("\n")[:-1], 1):
        raw = _parse_line(path, number, line)
        if is_header(raw):
            account, habits = _parse_account(path, number, raw), habits_from_json(raw).cautious()
            continue
        entry = _parse_entry(path, number, raw)
        if entries.get(entry.address) == entry:
            what = f"{entry.address} is there twice, on line {lines[entry.address]} as well"
            raise StoreError(
                f"{path.name}:{number}: {what}", hint="both say the same: delete one, or restore the file from git"
            )
        if entry.address in entries:
            raise _broken_line_error(
                path, number, f"{entry.address} is there twice, and says otherwise on line {lines[entry.address]}"
            )
        entries[entry.address], lines[entry.address] = entry, number
    if (shared := shared_id(entries.values())) is not None:
        raise _shared_id_error(path, lines, *shared)
    return LedgerFile(entries, account, habits)


def check_account(name: str, named: AccountId | None, ours: AccountId | None) -> None:
    """Raise `WrongAccount` where a file names another account than ours; one that names none passes."""
    if named is None or ours is None or named == ours:
        return
    raise WrongAccount(
        f"{name} belongs to {named}, and this run is for {ours}",
        hint="correct publisherId or DT_MANAGEMENT_URL if they are wrong; else give each account a project folder of "
        f"its own, without this {LEDGER_NAME} and .reconciler/: what is live is found again by its identity",
    )


def account_in(name: str, data: bytes) -> AccountId | None:
    """The account that a ledger or journal names in its first line; None where it names none. Raises `StoreError`."""
    try:
        raw = orjson.loads(data.partition(b"\n")[0])
    except orjson.JSONDecodeError:
        return None
    return _parse_account(Path(name), 1, raw) if is_header(raw) else None


def _parse_account(path: Path, number: int, raw: Mapping[str, Any]) -> AccountId:
    if number > 1:
        hint = "keep the one that is the first line of the file, and delete this one: a merge has put it here"
        raise StoreError(f"{path.name}:{number}: a second line that says whose account it is", hint=hint)
    try:
        return account_from_json(raw)
    except NewerFormatError as newer:
        hint = "upgrade this program: a newer one has been at work"
        raise StoreError(f"{path.name}:1: {newer}", hint=hint) from newer
    except (KeyError, ValueError) as error:
        what = f"it has no {error}" if isinstance(error, KeyError) else str(error)
        hint = "restore the line, or delete it: without it the file is taken for this project's own"
        raise StoreError(
            f"{path.name}:1: the line that says whose account it is is damaged: {what}", hint=hint
        ) from error


def _parse_line(path: Path, number: int, line: str) -> Any:
    if line.startswith(("<<<<<<<", "|||||||", "=======", ">>>>>>>")):
        raise _broken_line_error(path, number, "a git merge conflict is left in it")
    if not line.strip("\r \t"):
        hint = "delete the line, or restore the file from git"
        raise StoreError(f"{path.name}:{number}: the line is not a ledger entry: it is empty", hint=hint)
    if number == 1 and line.startswith("version https://git-lfs"):
        hint = "`git lfs pull` fetches the file; a ledger is better kept in git itself, where its lines merge"
        raise StoreError(f"{path.name}:1: this is a pointer of Git LFS and not the file itself", hint=hint)
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise _broken_line_error(path, number, "the line is not a ledger entry") from error


def _parse_entry(path: Path, number: int, raw: Any) -> LedgerEntry:
    try:
        return entry_from_json(raw)
    except KeyError as error:
        raise _broken_line_error(path, number, f"the line is not a ledger entry: it has no {error}") from error
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        why = "" if isinstance(error, TypeError | AttributeError) else f": {error}"
        raise _broken_line_error(path, number, f"the line is not a ledger entry{why}") from error


def _shared_id_error(path: Path, lines: Mapping[Address, int], first: LedgerEntry, second: LedgerEntry) -> StoreError:
    """Two addresses of one resource: whichever of them is acted on, it may be the other's."""
    at = lines[first.address]
    what = f"{second.kind} id {second.id} is there twice, for {first.address} (line {at}) and {second.address}"
    hint = "delete the line that is wrong; if you cannot tell, both: they are found again by name, or by their pins"
    return StoreError(f"{path.name}:{lines[second.address]}: {what}", hint=hint)


def _broken_line_error(path: Path, line: int, what: str) -> StoreError:
    hint = "restore the file from git, or delete it: it is made again from the live account by identity"
    return StoreError(f"{path.name}:{line}: {what}", hint=hint)


def ledger_text(ledger: Ledger, account: AccountId | None = None, habits: AccountHabits = UNKNOWN_HABITS) -> str:
    """The file's text for these entries, of an account if it is known whose they are."""
    head = "" if account is None else header_line(account, habits) + "\n"
    ordered = sorted(ledger, key=address_order)
    return head + "".join(canonical_json(entry_to_json(ledger[address])) + "\n" for address in ordered)


def write_atomically(path: Path, text: str) -> None:
    """Replace a file so that a reader, or a crash, finds either the old text or the new. Raises `StoreError`."""
    try:
        disk.write(path.parent, path.name, text.encode())
    except (OSError, UnfitFile) as error:
        raise StoreError(f"{path.name} cannot be written: {os_reason(error)}") from error
