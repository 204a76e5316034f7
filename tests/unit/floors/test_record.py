from decimal import Decimal

import pytest
from support.builders import origin
from support.market_evidence import CELL, FIRST, LAST, TODAY, evidence, standing, suggested

from reconciler.diff.change import Create, Delete, FieldChange, Update
from reconciler.floors.current_floors import (
    EvidenceRecord,
    merge_records,
    records_from_text,
    records_of,
    records_text,
    with_evidence,
)
from reconciler.model.evidence import Cell, Suggestions, UnmatchedReports
from reconciler.model.state import Source
from reconciler.plan.plan import Plan

WORLD = Cell(CELL.address, "WW")
RECORDS = {CELL: EvidenceRecord(Decimal("0.42"), "because"), WORLD: EvidenceRecord(Decimal("0.1"), "well \u202e ünd")}


def suggestions():
    return Suggestions(FIRST, LAST, (suggested(evidence(), standing()),), UnmatchedReports())


def test_a_record_says_what_spoke_for_the_floor():
    record = records_of(suggestions(), [CELL], TODAY)[CELL]
    assert record.floor == suggestions().cells[0].suggested
    assert "28,000 requests, 8,400 impressions" in record.reason
    assert f"suggested on {TODAY} from {FIRST} to {LAST}" in record.reason
    assert "USD a week" in record.reason


def test_only_what_was_written_is_recorded():
    assert records_of(suggestions(), [], TODAY) == {}


def test_records_survive_their_file():
    assert records_from_text(records_text(RECORDS)) == RECORDS
    assert records_text(RECORDS) == records_text(dict(reversed(RECORDS.items())))


@pytest.mark.parametrize(
    "line", ["", "{", "[]", "null", "<<<<<<< HEAD", '{"address": "a"}', '{"address":"a","country":"US","floor":"x"}']
)
def test_a_line_that_is_none_is_passed_over(line):
    assert records_from_text(f"{line}\n{records_text(RECORDS)}") == RECORDS


def test_a_record_of_a_floor_that_is_declared_no_more_is_dropped():
    new = {WORLD: EvidenceRecord(Decimal("0.3"), "new")}
    declared = {CELL.address: {"US": Decimal("0.42"), "WW": Decimal("0.3")}}
    assert merge_records(RECORDS, new, declared) == {CELL: RECORDS[CELL], **new}
    assert merge_records(RECORDS, {}, {CELL.address: {"US": Decimal("0.43")}}) == {}


def field(after, path="floorPrices.US"):
    return FieldChange(path, Decimal("0.01"), after, "pending")


def evidence_in(change):
    (told,) = with_evidence(Plan(origin(), (change,)), RECORDS).changes
    return [each.evidence for each in told.fields]


def test_a_price_that_was_written_carries_what_spoke_for_it():
    source = Source("a.yaml", 1)
    fields = (field(Decimal("0.42")), field(Decimal("0.5")), field(Decimal("0.1"), "floorPrices.WW"), field(1, "coppa"))
    told = ["because", None, RECORDS[WORLD].reason, None]
    assert evidence_in(Update(CELL.address, "7", source, fields, {}, {}, "sha256:1")) == told
    assert evidence_in(Create(CELL.address, source, fields, {}, {}, "1")) == told


def test_a_plan_without_such_prices_stays_the_same():
    plan = Plan(origin(), (Delete(CELL.address, "7", "gone", "sha256:1"),))
    assert with_evidence(plan, RECORDS) == plan
    assert with_evidence(plan, {}) is plan
