"""Odd values in what is read from files are findings: no mutant of a real document ends in anything but our own errors.

The suite tries a share of the mutants, always the same ones; MUTANTS=20000 in the environment tries so many of each.
"""

import json
import os
import random
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cache

import pytest
from support.builders import (
    APP_ID,
    at,
    desired_app,
    desired_placement,
    entry,
    floors,
    ledger_of,
    live_app,
    live_placement,
    live_state,
    origin,
    reconciled,
    stale_changes,
)
from support.fake_clock import FakeClock
from support.ledgers import read_ledger
from support.mutants import mutant
from support.scene import Scene

from reconciler.api.apply import still_valid_part
from reconciler.apis.management.wire import calls
from reconciler.diff.audit import episodes, past_audits, trend
from reconciler.diff.change import Blocked, Create, Deactivate, Delete, FieldChange, HeldChange, Note, Unmanaged, Update
from reconciler.errors import PlanUnusable, ReconcilerError, StoreError
from reconciler.floors.current_floors import floor_moves, records_from_text, with_evidence
from reconciler.model.address import kind_of
from reconciler.model.journal import (
    SETTLE_AT_MOST,
    Intent,
    Result,
    StepResult,
    past_creates,
    past_runs,
    runs_of_resource,
    seconds_to_settle,
)
from reconciler.model.state import Allowances, Safety, Source
from reconciler.model.value import digest, document_json
from reconciler.plan.document import plan_from_text, plan_text, plan_to_json
from reconciler.plan.gate import Limits, gate
from reconciler.plan.plan import Plan
from reconciler.plan.revalidate import CurrentState, without
from reconciler.render.ci import plan_widget
from reconciler.render.history import HistoryDocument, history_lines
from reconciler.render.plan_html import plan_page
from reconciler.render.plan_markdown import plan_markdown
from reconciler.render.plan_overview import plan_findings
from reconciler.render.plan_text import plan_lines
from reconciler.store.files import FileStore
from reconciler.store.journal_file import JournalFile, ended_event, intent_event
from reconciler.store.ledger_file import ledger_text
from reconciler.store.seal import Cache, Seals

SHARE = 400
MANY = int(os.environ.get("MUTANTS", SHARE))
NOW = datetime(2026, 11, 21, 19, tzinfo=UTC)
SOURCE = Source("apps/a.yaml", 14)
VALUES = {
    "name": "a",
    "floorPrices": floors(US=1.2, CA=3),
    "capping": {"value": 12, "unit": "minute"},
    "pacing": None,
    "geo": {"include": False, "countries": ("BT", "SG")},
    "creativeTypes": ("display", "video"),
    "coppa": False,
}
CHANGES = (
    FieldChange("floorPrices.US", floors(US=1)["US"], floors(US=1.2)["US"], "pending", "the rest pays 1.60 USD"),
    FieldChange("geo.countries", ("BT",), ("BT", "SG"), "unknown"),
    FieldChange("capping", None, VALUES["capping"], "drift"),
)
LIVE = live_state(
    live_app(), live_placement("7", "b"), live_placement("8", "c"), live_placement("9", "d", status="inactive")
)
KNOWN = (
    entry(desired_app(), APP_ID),
    entry(at("b"), "7", applied={"floorPrices": {"US": 1}}, unconfirmed=frozenset({"name"}), protect=True),
    entry(at("d"), "9", orphaned=True, inactive_since="2026-11-01T00:00:00+00:00"),
)
PLAN = Plan(
    origin(),
    (
        Create(at("a"), SOURCE, CHANGES, VALUES, VALUES, APP_ID),
        Update(
            at("b"), "7", SOURCE, CHANGES, VALUES, VALUES, LIVE.placements[APP_ID][0].digest(), APP_ID, True, at("o")
        ),
        Deactivate(at("c"), "8", "declared absent", LIVE.placements[APP_ID][1].digest(), APP_ID, SOURCE),
        Delete(at("d"), "9", "declared absent", LIVE.placements[APP_ID][2].digest(), APP_ID, SOURCE),
        Blocked(at("e"), "fixed", "10", CHANGES, SOURCE),
    ),
    (Unmanaged(at("x"), "99"),),
    (Note(at("n"), "told"),),
    (KNOWN[1],),
    (at("gone"),),
    40,
    45,
    (
        HeldChange(
            Delete(at("f"), "11", "declared absent", "sha256:f", APP_ID, SOURCE),
            "maxDeletes",
            "it waits",
            "--max-deletes 1",
        ),
    ),
)


def chances(name):
    return [random.Random(f"{name} {number}") for number in range(MANY)]


def told_well(refused, place):
    """An error with its place, in a few words, and with what to do about it."""
    assert place in refused.message
    assert len(refused.message) < 500
    assert refused.hint


def signed(text, chance):
    """Mostly with a digest that is right: a document of another program's making, not one edited by hand."""
    try:
        document = json.loads(text)
        if isinstance(document, dict) and chance.random() < 0.9:
            document.pop("digest", None)
            return json.dumps({**document, "digest": digest(document)})
    except (ValueError, RecursionError):
        pass
    return text


def used(plan):
    """All that is done with a saved plan: it is shown in every way, held to limits, and carried out."""
    within, exceeded = gate(plan, Limits(Safety(), Allowances(max_deletes=9)))
    for lines in (plan_lines(plan, exceeded), plan_findings(plan, exceeded)):
        list(lines)
    for text in (plan_markdown(plan, exceeded), plan_page(plan, exceeded), document_json(plan_to_json(plan))):
        text.encode()
    plan_widget(plan)
    assert plan_from_text(plan_text(plan)) == plan
    for change in within.changes:
        if isinstance(change, Create | Update):
            calls.create(kind_of(change.address), change.send, change.app_id or "1")
    Scene(LIVE, *KNOWN).carry_out(without(within, stale_changes(within, LIVE)))
    part, _ = still_valid_part(plan, within, CurrentState(LIVE, ledger_of(*KNOWN), PLAN), skip_stale=True)
    Scene(LIVE, *KNOWN).carry_out(part)


def test_no_mutant_of_a_plan_gives_a_traceback():
    body = {key: value for key, value in plan_to_json(PLAN).items() if key != "digest"}
    taken = 0
    for chance in chances("plan"):
        text = signed(mutant(body, chance), chance)
        try:
            plan = plan_from_text(text)
        except PlanUnusable as refused:
            told_well(refused, "plan")
            continue
        taken += 1
        with suppress(ReconcilerError):
            used(plan)
    assert 0.02 * MANY < taken < 0.6 * MANY, taken


@cache
def ledger_lines():
    return [json.loads(line) for line in ledger_text(ledger_of(*KNOWN)).splitlines()]


def test_no_mutant_of_a_ledger_gives_a_traceback(tmp_path):
    path = tmp_path / "reconciler.lock"
    for chance in chances("ledger"):
        lines = [json.dumps(line) for line in ledger_lines()]
        at_line = chance.randrange(len(lines))
        lines[at_line] = mutant(ledger_lines()[at_line], chance)
        path.write_text("\n".join(lines) + "\n", encoding="utf-8", errors="surrogatepass")
        try:
            ledger = read_ledger(path)
        except StoreError as refused:
            told_well(refused, "reconciler.lock")
            continue
        with suppress(ReconcilerError):
            blocks = [
                desired_app(desired_placement("b", floorPrices={"US": 2}), desired_placement("d", state="absent"))
            ]
            reconciled(blocks, LIVE, ledger)
            ledger_text(ledger).encode()


def journal_events():
    wanted = Intent(at("b"), "update", "7", 1, {"floorPrices": floors(US=2)}, {"floorPrices": floors(US=1)})
    done = Result(at("b"), "update", "applied", "7", 1)
    about = {"v": 1, "run": "20261121T190000Z-0badcafe", "at": "2026-11-21T19:00:00.000+00:00"}
    told = (
        {"event": "run-started", "who": {"user": "ada"}, "ledger": None},
        intent_event(wanted),
        ended_event(StepResult(done, KNOWN[1], (at("gone"),))),
        intent_event(replace(wanted, action="create", id=None)),
        {"event": "remembered", "entries": [ledger_lines()[2]], "forget": []},
        {"event": "flushed", "ledger": "0" * 64},
    )
    return [{**about, **event} for event in told]


def test_no_mutant_of_a_journal_gives_a_traceback(tmp_path):
    path = tmp_path / ".reconciler" / "journal.jsonl"
    path.parent.mkdir()
    for chance in chances("journal"):
        lines = [json.dumps(event) for event in journal_events()]
        at_line = chance.randrange(len(lines))
        lines[at_line] = mutant(journal_events()[at_line], chance)
        path.write_text("\n".join(lines) + "\n", encoding="utf-8", errors="surrogatepass")
        try:
            events = list(FileStore(tmp_path, FakeClock()).events())
        except StoreError as refused:
            told_well(refused, f"journal.jsonl:{at_line + 1}: ")
            continue
        shown(events)


def shown(events):
    """All that is made of a journal: its history, what is left open, and which floors were in force."""
    runs = past_runs(events)
    list(history_lines(runs))
    json.dumps(HistoryDocument.write(runs)).encode()
    list(runs_of_resource(runs, at("b")))
    past = past_creates(events)
    assert 0 <= seconds_to_settle(past.unclear, past, NOW, 30) <= 3 * SETTLE_AT_MOST
    floor_moves(runs, {"7": at("b")})


def test_no_mutant_of_a_journal_of_our_own_gives_a_traceback_when_it_is_replayed(tmp_path):
    path = tmp_path / ".reconciler" / "journal.jsonl"
    for chance in chances("replayed"):
        file = JournalFile(path, Seals(b"key"))
        with suppress(ValueError, RecursionError, StoreError, UnicodeError):
            for event in journal_events():
                told = json.loads(mutant(event, chance)) if chance.random() < 0.3 else event
                file.append(told if isinstance(told, dict) else {"event": told}, at_once=False)
        file.close()
        with suppress(StoreError):
            ledger_text(FileStore(tmp_path, FakeClock(), key=b"key").ledger()).encode()
        path.unlink()


def test_no_mutant_of_what_speaks_for_floors_gives_a_traceback():
    line = {"address": at("b"), "country": "US", "floor": 1.2, "said": "suggested on 2026-11-20"}
    for chance in chances("evidence"):
        plan = with_evidence(PLAN, records_from_text(mutant(line, chance) + "\n" + json.dumps(line)))
        document_json(plan_to_json(plan)).encode()


def test_no_mutant_of_remembered_audits_gives_a_traceback():
    made = origin()
    event = {"v": 1, "event": "audit", "at": "2026-11-20T10:00:00Z", "publisherId": made.publisher_id, "api": made.api}
    event["alarms"] = {at("b"): "drifted", at("c"): "missing"}
    for chance in chances("audits"):
        with suppress(ValueError, RecursionError):
            raw = json.loads(mutant(event, chance))
            past = past_audits([each for each in (raw, event) if isinstance(each, dict)], made.publisher_id, made.api)
            assert trend(past, date(2026, 11, 1)).since
            [each.seconds(NOW) for each in episodes(past)]


def test_no_mutant_of_the_cache_of_loads_is_recalled_or_gives_a_traceback(tmp_path):
    cache_of_loads = Cache(tmp_path / "cache", build="a")
    cache_of_loads.put(b"key", b'{"a": [1, 2, 3]}')
    cache_of_loads.save()
    path = tmp_path / "cache" / "manifests"
    whole = path.read_bytes()
    for chance in chances("cache"):
        changed = bytearray(whole)
        for _ in range(chance.randint(1, 4)):
            changed[chance.randrange(len(changed))] = chance.randrange(256)
        path.write_bytes(bytes(changed[: chance.randrange(len(changed) + 1)] if chance.random() < 0.2 else changed))
        assert Cache(tmp_path / "cache", build="a").get(b"key") in {None, b'{"a": [1, 2, 3]}'}


@pytest.mark.parametrize("text", ["[" * 100_000, '{"format": "reconciler.plan/1", "x": ' + "[" * 900 + "]" * 900 + "}"])
def test_a_plan_nested_without_end_is_refused(text):
    with pytest.raises(PlanUnusable):
        plan_from_text(text)


@pytest.mark.parametrize(
    "resource_id", ["1" * 70_000, "", " 7", "7 8", "\u0661", "7\n", "\x00", True, 1.5, None, -1, []]
)
def test_an_absurd_id_is_refused_wherever_it_stands(tmp_path, resource_id):
    body = {key: value for key, value in plan_to_json(PLAN).items() if key != "digest"}
    body["changes"][1]["id"] = resource_id
    with pytest.raises(PlanUnusable, match=r"changes\[1\]"):
        plan_from_text(json.dumps({**body, "digest": digest(body)}))
    (tmp_path / "reconciler.lock").write_text(json.dumps({**ledger_lines()[0], "id": resource_id}) + "\n")
    with pytest.raises(StoreError, match=r"reconciler\.lock:1: "):
        read_ledger(tmp_path / "reconciler.lock")
