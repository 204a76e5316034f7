"""The ledger as a file: JSON Lines, one entry a line, sorted by address, written whole and atomically.

One line per entry and no header, so that two branches that touched different resources merge in git without conflict.
"""

from contextlib import suppress
from pathlib import Path

import orjson

from reconciler import disk
from reconciler.errors import StoreError, UnfitFile
from reconciler.manifest.text import text_of
from reconciler.model.address import address_order
from reconciler.model.ledger import Ledger, LedgerEntry, entry_from_json, entry_to_json, shared_id
from reconciler.model.value import canonical_json

LEDGER_NAME = "reconciler.lock"


def read_ledger(path: Path) -> Ledger | None:
    """The entries of a ledger file, None where there is no file.

    Raises `StoreError` that names the line for one that is torn, merged wrongly or of another shape: a ledger that
    cannot be read is never taken for an empty one.
    """
    try:
        text = text_of(disk.read(path.parent, path.name))
    except FileNotFoundError:
        return None
    except UnicodeDecodeError as wrong:
        at = wrong.object[: wrong.start].count(b"\n") + 1
        raise _broken(path, at, "the line cannot be read: it is not UTF-8 text") from wrong
    except (OSError, UnfitFile) as wrong:
        raise StoreError(f"{path.name} cannot be read: {wrong}", hint="restore the file from git") from wrong
    if text and not text.endswith("\n"):
        raise _broken(path, text.count("\n") + 1, "the line is cut off")
    entries = {}
    for number, line in enumerate(text.split("\n")[:-1], 1):
        entry = _entry(path, number, line)
        if entry.address in entries:
            raise _broken(path, number, f"{entry.address} is there twice")
        entries[entry.address] = entry
    if (shared := shared_id(entries.values())) is not None:
        raise _twice(path, text, *shared)
    return entries


def _entry(path: Path, number: int, line: str) -> LedgerEntry:
    if line.startswith(("<<<<<<<", "=======", ">>>>>>>")):
        raise _broken(path, number, "a git merge conflict is left in it")
    try:
        return entry_from_json(orjson.loads(line))
    except KeyError as wrong:
        raise _broken(path, number, f"the line is not a ledger entry: it has no {wrong}") from wrong
    except (ValueError, TypeError, AttributeError, RecursionError) as wrong:
        why = "" if isinstance(wrong, orjson.JSONDecodeError | TypeError | AttributeError) else f": {wrong}"
        raise _broken(path, number, f"the line is not a ledger entry{why}") from wrong


def _twice(path: Path, text: str, first: LedgerEntry, second: LedgerEntry) -> StoreError:
    """Two addresses of one resource: whichever of them is acted on, it may be the other's."""
    addresses = [_entry(path, number, line).address for number, line in enumerate(text.split("\n")[:-1], 1)]
    lines = [addresses.index(entry.address) + 1 for entry in (first, second)]
    what = f"{second.kind} id {second.id} is there twice, for {first.address} (line {lines[0]}) and {second.address}"
    hint = "delete the line that is wrong; if you cannot tell, both: they are found again by name, or by their pins"
    return StoreError(f"{path.name}:{lines[1]}: {what}", hint=hint)


def _broken(path: Path, line: int, what: str) -> StoreError:
    hint = "restore the file from git, or delete it: it is made again from the live account by identity"
    return StoreError(f"{path.name}:{line}: {what}", hint=hint)


def ledger_text(ledger: Ledger) -> str:
    """The file's text for these entries."""
    ordered = sorted(ledger, key=address_order)
    return "".join(canonical_json(entry_to_json(ledger[address])) + "\n" for address in ordered)


def write_atomically(path: Path, text: str) -> None:
    """Replace a file so that a reader, or a crash, meets the old text or the new one and nothing between."""
    try:
        disk.write(path.parent, path.name, text.encode())
    except (OSError, UnfitFile) as wrong:
        raise StoreError(f"{path.name} cannot be written: {wrong}") from wrong


def remove_leftovers(path: Path) -> None:
    """Remove what processes that were killed while they wrote this file have left beside it."""
    for scratch in path.parent.glob(f".{path.name}.*.tmp"):
        with suppress(OSError):
            scratch.unlink()
