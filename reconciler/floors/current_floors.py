"""Floors in force, now and on past days by the journal, and records of the evidence for those that were written.

Days are UTC. Records are kept beside the ledger and shown in the plan of a pull request. Their file is JSON Lines, one
cell a line, in the order of addresses and countries, so that branches merge line by line.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Final, TypeAlias

from reconciler.diff.change import Blocked, Change, Create, FieldChange, Update
from reconciler.model.address import Address, address_order
from reconciler.model.checked import instant
from reconciler.model.checked import text as text_of
from reconciler.model.evidence import Cell, Suggestion, Suggestions
from reconciler.model.field import fields_from_json
from reconciler.model.journal import PastRun, PastStep
from reconciler.model.value import WORLDWIDE, Floors, canonical_json, complete, effective, floor_table, to_json
from reconciler.plan.plan import Plan

_UNDONE = frozenset({"failed", "skipped", "blocked"})


@dataclass(frozen=True, slots=True)
class FloorMove:
    """A floor table that was replaced by another on a day; `before` is None for a placement that was created then."""

    day: date
    address: Address
    before: Floors | None
    after: Floors


def floor_moves(runs: Iterable[PastRun], owners: Mapping[str, Address]) -> tuple[FloorMove, ...]:
    """The floor changes that the journal records, oldest first.

    `owners` maps an id to its present address, so that a renamed placement keeps its past. A step of unknown outcome
    counts as one that changed the floor.
    """
    result = [move for run in runs for step in run.steps if (move := _move_of_step(step, owners)) is not None]
    return tuple(sorted(result, key=lambda move: move.day))


def _move_of_step(step: PastStep, owners: Mapping[str, Address]) -> FloorMove | None:
    if step.outcome in _UNDONE or "floorPrices" not in step.after:
        return None
    after, before = _floors_of_fields(step.after), _floors_of_fields(step.before) if step.action != "create" else None
    address = owners.get(step.id, step.address) if step.id is not None else step.address
    return FloorMove(instant(step.at).date(), address, before, after)


def _floors_of_fields(fields: Mapping[str, object]) -> Floors:
    values = fields_from_json({"floorPrices": fields.get("floorPrices") or {}})
    return floor_table(values["floorPrices"]) or complete({})


def last_changes(past: Iterable[FloorMove], cells: Iterable[Cell]) -> dict[Cell, date]:
    """The day of each cell's last change; cells that never changed are left out.

    The floor that a placement was created with is no change.
    """
    by_address = _moves_by_address(past)
    last_days = {}
    for cell in cells:
        later_moves = [move for move in by_address.get(cell.address, ()) if move.before is not None]
        days = [move.day for move in later_moves if _changes_floor(move, cell.country)]
        if days:
            last_days[cell] = days[-1]
    return last_days


def floor_days(
    past: Iterable[FloorMove], now: Mapping[Address, Floors], cells: Iterable[Cell], first: date, last: date
) -> dict[Cell, dict[date, float | None]]:
    """The floor in force (USD) by cell and day; None on days on which it changed or is not known.

    `now` holds the tables in force. Where a floor differs from the one after its last recorded change, it was changed
    elsewhere at an unknown time: it is not known from that last change on.
    """
    by_address = _moves_by_address(past)
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    return {
        cell: {day: _floor_on(day, by_address.get(cell.address, []), cell.country, now[cell.address]) for day in days}
        for cell in cells
        if cell.address in now
    }


def _floor_on(day: date, past: list[FloorMove], country: str, now: Floors) -> float | None:
    changes = [move for move in past if _changes_floor(move, country)]
    if any(move.day == day for move in changes):
        return None
    earlier = [move for move in changes if move.day < day]
    if len(earlier) < len(changes):
        table = changes[len(earlier)].before
        return None if table is None else float(effective(table, country))
    floor = effective(now, country)
    last_floor = effective(earlier[-1].after, country) if earlier else floor
    return float(floor) if last_floor == floor else None


def _changes_floor(move: FloorMove, country: str) -> bool:
    return move.before is None or effective(move.before, country) != effective(move.after, country)


def _moves_by_address(past: Iterable[FloorMove]) -> dict[Address, list[FloorMove]]:
    by_address: dict[Address, list[FloorMove]] = {}
    for move in past:
        by_address.setdefault(move.address, []).append(move)
    return by_address


def tables_on(day: date, past: Iterable[FloorMove], now: Mapping[Address, Floors]) -> Iterator[tuple[Address, Floors]]:
    """The tables in force at the end of a day; placements that were created later are left out."""
    by_address = _moves_by_address(past)
    for address, table in now.items():
        later = [move for move in by_address.get(address, []) if move.day > day]
        if not later:
            yield address, table
        elif later[0].before is not None:
            yield address, later[0].before


@dataclass(frozen=True, slots=True)
class CurrentFloor:
    """One cell with a declared floor. Prices are USD per thousand impressions.

    `current` is the floor in force, `worldwide` that of countries without a line; `own_line` says whether the country
    has one. `dearer` and `cheaper` are the floors of the next tiers of the waterfall in this country, None at its ends;
    for `WW` the nearest of all countries that it stands for. `changed` is the day of its last change in the journal;
    `pending` says that the manifest has another floor than the account was last given.
    """

    current: Decimal
    worldwide: Decimal
    own_line: bool = True
    dearer: Decimal | None = None
    cheaper: Decimal | None = None
    changed: date | None = None
    pending: bool = False


def current_floors_of(
    tables: Mapping[Address, Floors],
    waterfalls: Iterable[Sequence[Address]] = (),
    changed: Mapping[Cell, date] | None = None,
) -> dict[Cell, CurrentFloor]:
    """The current floor of each line of the tables. A waterfall names its placements, the dearest first."""
    complete_tables = {address: complete(floors) for address, floors in tables.items()}
    tiers = [
        pair for waterfall in waterfalls for pair in pairwise(tier for tier in waterfall if tier in complete_tables)
    ]
    above = {cheap: complete_tables[dear] for dear, cheap in tiers}
    below = {dear: complete_tables[cheap] for dear, cheap in tiers}
    days = changed or {}
    return {
        Cell(address, country): CurrentFloor(
            current=floor,
            worldwide=floors[WORLDWIDE],
            dearer=min(_neighbour_floors(floors, country, above.get(address)), default=None),
            cheaper=max(_neighbour_floors(floors, country, below.get(address)), default=None),
            changed=days.get(Cell(address, country)),
        )
        for address, floors in complete_tables.items()
        for country, floor in floors.items()
    }


def _neighbour_floors(floors: Floors, country: str, neighbour: Floors | None) -> Iterator[Decimal]:
    """The neighbour's floors in all countries of this line; for `WW` also those of lines that only it has."""
    if neighbour is None:
        return
    yield effective(neighbour, country)
    if country == WORLDWIDE:
        yield from (floor for other, floor in neighbour.items() if other not in floors)


RECORD_NAME: Final = "reconciler.evidence"
"""The file's name in the project; committed to git."""

_FLOORS: Final = "floorPrices."


@dataclass(frozen=True, slots=True)
class EvidenceRecord:
    """A floor in USD that was written, and the evidence for it, in words."""

    floor: Decimal
    reason: str


EvidenceRecords: TypeAlias = Mapping[Cell, EvidenceRecord]


def records_of(suggestions: Suggestions, cells: Iterable[Cell], today: date) -> EvidenceRecords:
    """A record for each of the given cells, whose suggestions were written today."""
    chosen = set(cells)
    window = f"suggested on {today} from {suggestions.first} to {suggestions.last}"
    return {
        suggestion.cell: EvidenceRecord(suggestion.suggested, f"{window}: {_evidence_text(suggestion)}")
        for suggestion in suggestions.cells
        if suggestion.cell in chosen
    }


def _evidence_text(suggestion: Suggestion) -> str:
    parts = []
    if suggestion.evidence is not None:
        requests, impressions = suggestion.evidence.requests, suggestion.evidence.impressions
        ecpm = 1000 * suggestion.evidence.revenue / impressions if impressions else 0.0
        parts.append(f"{requests:,} requests, {impressions:,} impressions at {ecpm:.2f} USD eCPM")
    if suggestion.opportunity_cost is not None:
        cost = suggestion.opportunity_cost
        parts.append(f"the rest of the waterfall pays {cost.estimate:.2f} ({cost.low:.2f} to {cost.high:.2f}) USD")
    if suggestion.change is not None:
        change = suggestion.change
        parts.append(f"expected {change.estimate:+.2f} ({change.low:+.2f} to {change.high:+.2f}) USD a week")
    return "; ".join(parts)


def merge_records(
    records: EvidenceRecords, new: EvidenceRecords, declared: Mapping[Address, Floors]
) -> EvidenceRecords:
    """`records` with the new ones in their place; those whose floor is no longer the declared one are dropped."""
    kept = {
        cell: record
        for cell, record in records.items()
        if declared.get(cell.address, {}).get(cell.country) == record.floor
    }
    return {**kept, **new}


def records_text(records: EvidenceRecords) -> str:
    """The text of the file, one line a record."""
    ordered = sorted(records, key=lambda cell: (address_order(cell.address), cell.country))
    return "".join(canonical_json(_record_to_json(cell, records[cell])) + "\n" for cell in ordered)


def _record_to_json(cell: Cell, record: EvidenceRecord) -> dict[str, object]:
    return {
        "address": cell.address,
        "country": cell.country,
        "floor": to_json(record.floor),
        "said": record.reason,
    }


def records_from_text(text: str) -> EvidenceRecords:
    """The records of a file. Malformed lines are ignored: a plan is complete without them."""
    records = {}
    for line in text.splitlines():
        with suppress(ValueError, KeyError, TypeError, ArithmeticError, RecursionError):
            raw = json.loads(line, parse_float=Decimal, parse_int=Decimal)
            cell = Cell(Address(text_of(raw["address"])), text_of(raw["country"]))
            floor = Decimal(raw["floor"])
            if floor.is_finite():
                records[cell] = EvidenceRecord(floor, text_of(raw["said"]))
    return records


def with_evidence(plan: Plan, records: EvidenceRecords) -> Plan:
    """The plan with the evidence for the new floor at each change of a floor."""
    return (
        replace(plan, changes=tuple(_change_with_evidence(change, records) for change in plan.changes))
        if records
        else plan
    )


def _change_with_evidence(change: Change, records: EvidenceRecords) -> Change:
    match change:
        case Create() | Update() | Blocked():
            fields = tuple(_field_with_evidence(field, change.address, records) for field in change.fields)
            return change if fields == change.fields else replace(change, fields=fields)
        case _:
            return change


def _field_with_evidence(field: FieldChange, address: Address, records: EvidenceRecords) -> FieldChange:
    if not field.path.startswith(_FLOORS):
        return field
    record = records.get(Cell(address, field.path.removeprefix(_FLOORS)))
    return replace(field, evidence=record.reason) if record is not None and record.floor == field.after else field
