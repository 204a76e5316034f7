"""Declared fields against live ones: which leaves differ, why, and which of them may be changed.

Equality is checked first: most resources are as declared, and cost one comparison per field. Floor tables, which change
by the thousand, are compared line by line; DeepDiff, at a millisecond each, compares the other blocks that differ.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from reconciler.diff.change import ChangeOrigin, FieldChange, WorldwideFloors, with_worldwide
from reconciler.model.address import Kind
from reconciler.model.field import FIELDS
from reconciler.model.ledger import LedgerEntry
from reconciler.model.state import AcceptedDrift, Lifecycle
from reconciler.model.value import ABSENT, WORLDWIDE, Absent, Fields, Value, floor_table, leaves


@dataclass(frozen=True, slots=True)
class AcceptedDifference:
    """A difference that is left alone because somebody accepted it."""

    change: FieldChange
    drift: AcceptedDrift


@dataclass(frozen=True, slots=True)
class Comparison:
    """What differs. `send` holds the whole new value of each field with a leaf in `changes`.

    `fixed` are differences the API cannot change, `accepted` those that were accepted and have not expired, `kept`
    those that the account made itself of what it was given before: it would do so again. `drifted` are those that live
    moved in and that are held for it.
    """

    changes: tuple[FieldChange, ...] = ()
    fixed: tuple[FieldChange, ...] = ()
    accepted: tuple[AcceptedDifference, ...] = ()
    kept: tuple[FieldChange, ...] = ()
    drifted: tuple[FieldChange, ...] = ()
    send: Fields = field(default_factory=dict)


IN_SYNC = Comparison()


def compare(
    kind: Kind, declared: Fields, live: Fields, entry: LedgerEntry | None, lifecycle: Lifecycle, today: date
) -> Comparison:
    """The declared fields of one resource against the live ones; `today` (UTC) decides which acceptances still hold."""
    if declared.items() <= live.items():
        return IN_SYNC
    differing = [name for name, value in declared.items() if live.get(name) != value]
    if not differing:
        return IN_SYNC
    changes: list[FieldChange] = []
    fixed: list[FieldChange] = []
    left_alone = _LeftAlone()
    send: dict[str, Value] = {}
    for name in sorted(differing):
        wanted, live_value = declared[name], live.get(name, ABSENT)
        if _taken_without_being_shown(name, wanted, live_value, entry):
            continue
        leaves = list(field_changes(name, live_value, wanted, entry))
        active = [change for change in leaves if not left_alone.leaves_alone(change, lifecycle, entry, today)]
        if FIELDS[kind][name].remedy is not None:
            fixed += active
        elif active:
            send[name] = with_live_leaves(wanted, [change for change in leaves if change not in active])
            changes += with_worldwide(active, send[name]) if name == "floorPrices" else active
    return Comparison(tuple(changes), tuple(fixed), tuple(left_alone.accepted), tuple(left_alone.kept), send=send)


class _LeftAlone:
    """The leaves that differ and stay as they are: ignored, kept otherwise by the account, or accepted."""

    def __init__(self) -> None:
        self.accepted: list[AcceptedDifference] = []
        self.kept: list[FieldChange] = []

    def leaves_alone(self, change: FieldChange, lifecycle: Lifecycle, entry: LedgerEntry | None, today: date) -> bool:
        """Whether a leaf stays as it is; if so it is noted here."""
        acceptance = _acceptance(change, lifecycle, today)
        if covers(change.path, lifecycle.ignore_changes):
            return True
        if _is_kept_by_account(change, entry):
            self.kept.append(change)
            return True
        if acceptance is not None:
            self.accepted.append(AcceptedDifference(change, acceptance))
            return True
        return False


def field_changes(name: str, before: Value | Absent, after: Value, entry: LedgerEntry | None) -> Iterator[FieldChange]:
    """The leaves in which two values of a field differ, in the order of their paths.

    A value that the account never shows cannot have been seen to move.
    """
    known = entry.applied.get(name, ABSENT) if entry is not None else ABSENT
    never_shown = entry is not None and name in entry.unconfirmed and (before is ABSENT or before is None)
    worldwide = (
        WorldwideFloors(*map(_worldwide_floor, (before, after, known))) if name == "floorPrices" else WorldwideFloors()
    )
    for path in _differing_paths(before, after):
        for dotted, live, wanted in leaf_pairs(".".join((name, *path)), value_at(before, path), value_at(after, path)):
            applied = known if known is ABSENT else or_none(value_at(known, tuple(dotted.split(".")[1:])))
            yield FieldChange(
                dotted, live, wanted, "pending" if never_shown else _origin(live, wanted, applied), worldwide=worldwide
            )


def _worldwide_floor(table: Value | Absent) -> Decimal | None:
    floors = None if isinstance(table, Absent) else floor_table(table)
    return None if floors is None else floors[WORLDWIDE]


def _differing_paths(before: Value | Absent, after: Value) -> list[tuple[str, ...]]:
    """Paths of mapping keys below which the values differ; lists count as one value."""
    if not (isinstance(before, Mapping) and isinstance(after, Mapping)):
        return [()]
    if all(isinstance(amount, Decimal) for table in (before, after) for amount in table.values()):
        return sorted((key,) for key in before.keys() | after.keys() if before.get(key) != after.get(key))
    from deepdiff import DeepDiff  # noqa: PLC0415 - costs 0.1 s to import, 0.3 s beside pandas; few runs need it

    tree = DeepDiff(
        before, after, view="tree", ignore_numeric_type_changes=True, number_to_string_func=lambda n, **_: n
    )
    paths = set()
    for group in tree.values():
        for item in group:
            keys = item.path(output_format="list")
            paths.add(tuple(key for key in keys if isinstance(key, str)))
    return sorted(paths)


def leaf_pairs(path: str, before: Value | Absent, after: Value | Absent) -> Iterator[tuple[str, Value, Value]]:
    """One pair for a plain value or a block; one per line for a floor table that is new or gone.

    A pair is the path, the value before and the value after.
    """
    was, wanted = or_none(before), or_none(after)
    if path == "floorPrices":
        lines_before = dict(leaves(path, was)) if was else {}
        lines_after = dict(leaves(path, wanted)) if wanted else {}
        for line in sorted(lines_before.keys() | lines_after.keys()):
            yield line, lines_before.get(line), lines_after.get(line)
    else:
        yield path, was, wanted


def value_at(value: Value | Absent, path: tuple[str, ...]) -> Value | Absent:
    """The part of a value below some keys; ABSENT where there is none."""
    for key in path:
        if not isinstance(value, Mapping):
            return ABSENT
        value = value.get(key, ABSENT)
    return value


def or_none(value: Value | Absent) -> Value:
    """The value, or None where there is none."""
    return None if isinstance(value, Absent) else value


def _origin(live: Value, wanted: Value, applied: Value | Absent) -> ChangeOrigin:
    if applied is ABSENT:
        return "unknown"
    if applied == live:
        return "pending"
    return "drift" if applied == wanted else "conflict"


def _taken_without_being_shown(name: str, wanted: Value, live_value: Value | Absent, entry: LedgerEntry | None) -> bool:
    """Whether the server once took this very value, never showed it back, and still shows nothing."""
    shows_nothing = live_value is ABSENT or live_value is None
    return (
        shows_nothing and entry is not None and name in entry.unconfirmed and entry.applied.get(name, ABSENT) == wanted
    )


def _is_kept_by_account(change: FieldChange, entry: LedgerEntry | None) -> bool:
    """Whether a live leaf is what the account kept when it was last given what the manifest still asks for."""
    if entry is None or change.field not in entry.kept:
        return False
    path = tuple(change.path.split(".")[1:])
    asked_before = or_none(value_at(entry.applied.get(change.field, ABSENT), path))
    return asked_before == change.after and or_none(value_at(entry.kept[change.field], path)) == change.before


def covers(path: str, patterns: tuple[str, ...]) -> bool:
    """Whether any of the paths is this one or holds it: `floorPrices` covers `floorPrices.US`."""
    return any(path == pattern or path.startswith(f"{pattern}.") for pattern in patterns)


def _acceptance(change: FieldChange, lifecycle: Lifecycle, today: date) -> AcceptedDrift | None:
    """The acceptance that covers a difference; a change the manifest itself makes is never held back by one."""
    if change.origin not in {"drift", "unknown"}:
        return None
    for drift in lifecycle.accept_drift:
        if covers(change.path, (drift.path,)) and (drift.until is None or today <= drift.until):
            return drift
    return None


def with_live_leaves(wanted: Value, left_alone: Sequence[FieldChange]) -> Value:
    """The wanted value with the live one kept in every leaf that is to be left alone."""
    if not left_alone or not isinstance(wanted, Mapping):
        return wanted
    kept = dict(wanted)
    for change in left_alone:
        leaf = change.path.partition(".")[2]
        if change.before is None:
            kept.pop(leaf, None)
        else:
            kept[leaf] = change.before
    return kept


def with_former_lines(fields: Fields, before: Fields) -> Fields:
    """The fields with the worldwide price for each line of floors that was there and is not named.

    That is what leaving it out means, for an account that keeps such lines.
    """
    wanted, was = (floor_table(each.get("floorPrices")) for each in (fields, before))
    if wanted is None or was is None:
        return fields
    former = {country: wanted[WORLDWIDE] for country in was if country not in wanted}
    return {**fields, "floorPrices": {**wanted, **former}} if former else fields
