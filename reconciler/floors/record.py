"""Records of the evidence for each floor that was written: kept beside the ledger, shown in the plan of a pull request.

The file is JSON Lines, one cell a line, in the order of addresses and countries, so that branches merge line by line.
"""

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Final, TypeAlias

from reconciler.diff.change import Blocked, Change, Create, FieldChange, Update
from reconciler.model.address import Address, address_order
from reconciler.model.checked import text as text_of
from reconciler.model.evidence import Cell, Suggestion, Suggestions
from reconciler.model.floors import Floors
from reconciler.model.value import canonical_json, to_json
from reconciler.plan.plan import Plan

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
