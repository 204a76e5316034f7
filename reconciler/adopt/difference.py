"""A declared block against the live resource it stands for: the values that the block should have instead."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from reconciler.adopt.forms import unsayable
from reconciler.diff.change import FieldChange, Note
from reconciler.diff.compare import compare
from reconciler.diff.updates import told_value
from reconciler.manifest.sites import Block
from reconciler.model.address import Address, Kind, app_of, kind_of, placement_address
from reconciler.model.ledger import LedgerEntry
from reconciler.model.live import LiveResource
from reconciler.model.value import ABSENT, Fields, Value

_TARGETING = ("targetingEnabled", "geo", "connectivity")


@dataclass(frozen=True, slots=True)
class Difference:
    """The fields of a block that are to change, with their new values, and the leaves in which they differ.

    `address` is the block's own, `becomes` the one it has under its live name.
    """

    address: Address
    becomes: Address
    values: Fields
    changes: tuple[FieldChange, ...]


def difference(
    block: Block, live: LiveResource, entry: LedgerEntry | None, today: date, *, theirs: bool = False
) -> tuple[Difference | None, list[Note]]:
    """What has to change in a block for it to declare what is live; None where nothing has, or nothing can.

    What the account keeps instead of what it was given is taken over. Ignored fields and accepted drift count as equal.
    A field that the account does not show stays as it is. So does what the manifest changed since the last apply, which
    is told, unless `theirs` takes all that is live.
    """
    kind = kind_of(block.address)
    result = compare(kind, block.fields, live.fields, entry, block.lifecycle, today)
    own = () if theirs or entry is None else tuple(each for each in result.changes if each.origin in _OWN)
    changes = (*(each for each in result.changes if each not in own), *result.fixed, *result.kept)
    values: dict[str, Value] = {}
    notes = [Note(block.address, _left(each)) for each in own]
    for name in dict.fromkeys(change.field for change in changes):
        seen = live.fields.get(name, ABSENT)
        if seen is ABSENT:
            why = live.why_unreadable(name)
            seen_as = f"what the account shows is not readable ({why})" if why else "the account does not show it"
            notes.append(Note(block.address, f"{name} is declared, and {seen_as}: it stays as it is"))
        else:
            values[name] = _with(block.fields[name], seen, [change for change in changes if change.field == name])
    values = {**_targeting_with(values, block, live), **values}
    for name, why in _obstacles(kind, values, block.fields).items():
        notes.append(Note(block.address, f"{name} {why}: what is declared stays"))
        values.pop(name, None)
    if not values:
        return None, notes
    told = tuple(change for change in changes if change.field in values)
    return Difference(block.address, _address(block.address, values), values, told), notes


_OWN = ("pending", "conflict")
"""Where the manifest has moved since the last apply."""


def _left(change: FieldChange) -> str:
    """What is said of a value that the manifest keeps although the account has another."""
    values = f"{change.path}: declared {told_value(change.after)}, the account has {told_value(change.before)}"
    if change.origin == "conflict":
        return f"{values}; both were changed since the last apply: what is declared stays, --theirs takes what is live"
    return f"{values}; not applied yet: what is declared stays, --theirs takes what is live"


def _obstacles(kind: Kind, values: Fields, declared: Fields) -> Mapping[str, str]:
    """Why some of the values cannot be declared."""
    placement_type = values.get("placementType", declared.get("placementType"))
    known: Fields = {"placementType": placement_type} if placement_type is not None else {}
    wrong = {name: why for name, why in unsayable(kind, {**known, **values}).items() if name in values}
    identity = "is part of the address, and another in the account: look whether the pin is right"
    return {**wrong, **{name: identity for name in ("platform", "bundle") if name in values}}


def _with(declared: Value, seen: Value, changes: Iterable[FieldChange]) -> Value:
    """The declared value with the live one in every leaf that differs and is not left alone."""
    if not (isinstance(declared, Mapping) and isinstance(seen, Mapping)):
        return seen
    kept = dict(declared)
    for change in changes:
        leaf = change.path.partition(".")[2]
        if not leaf:
            return seen
        if leaf in seen:
            kept[leaf] = seen[leaf]
        else:
            kept.pop(leaf, None)
    return kept


def _targeting_with(values: Fields, block: Block, live: LiveResource) -> Fields:
    """What else a block must say of targeting that says more of it than before: the format wants all of it or none."""
    after = {**block.fields, **values}
    targets = [name for name in ("geo", "connectivity") if after.get(name) is not None]
    if not any(name in values for name in _TARGETING) or bool(targets) is bool(after.get("targetingEnabled")):
        return {}
    wanted = ("targetingEnabled",) if targets else ("geo", "connectivity")
    return {name: live.fields[name] for name in wanted if name not in block.fields and live.fields.get(name)}


def _address(address: Address, values: Fields) -> Address:
    if kind_of(address) == "app" or "name" not in values:
        return address
    return placement_address(app_of(address), str(values["name"]))
