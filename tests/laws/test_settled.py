"""What is compared as JSON comes to what reading every value comes to: the same verdicts, audits and errors."""

import os
from copy import deepcopy
from dataclasses import replace
from random import Random

import orjson
import pytest
from support.builders import APP_ID, BUNDLE, desired_app, desired_state, live_app
from support.settled import NOW, PUBLISHER, Case, mutate, mutate_blocks, mutate_ledger, odd_seeds, usual_case
from support.wire import Wire, app

from reconciler.apis.management.gateway import DtReader
from reconciler.diff.changes import owned_count, verdicts_on
from reconciler.diff.classes import audit_account
from reconciler.diff.context import DiffOptions, DriftRule, context_of
from reconciler.errors import ReconcilerError
from reconciler.http.exchange import CallResult, Response
from reconciler.manifest.parsed_manifest import (
    DecimalCache,
    ParsedManifest,
    parsed_manifest_from_bytes,
    parsed_manifest_to_bytes,
)
from reconciler.model import checked
from reconciler.model.ledger import LedgerEntry, entry_from_json
from reconciler.model.settled import JsonFields, SettledPlacements
from reconciler.model.state import LiveState
from reconciler.plan.document import plan_text
from reconciler.plan.plan import PlanOrigin, build
from reconciler.workflow.observe import Selection
from reconciler.workflow.plan import make_plan

SEEDS = 40
EACH = int(os.environ.get("MUTATIONS_OF_A_SEED", "60"))
ORIGIN = PlanOrigin("0", NOW.isoformat(), PUBLISHER, "https://api.example", "sha256:0")


class OneAnswer:
    """A client that always gets this answer."""

    def __init__(self, body, headers):
        self._end = Response(200, body, headers)

    def call(self, _):
        return CallResult(self._end)

    def redacted(self, text):
        return text


def recalled(app):
    """The app as it comes out of the load cache."""
    data = parsed_manifest_to_bytes(ParsedManifest((app,), (), ()))
    assert data is not None
    (found,) = parsed_manifest_from_bytes(data, app.source.file, DecimalCache()).apps
    return found


def ended(function):
    """What a function gives, or the error that it raises."""
    try:
        return function()
    except (ReconcilerError, ValueError, KeyError, TypeError) as error:
        return type(error), str(error)


def plainly_read(line):
    """A line of the ledger with all its values made."""
    entry = entry_from_json({**line, "applied": {}})
    return replace(entry, applied=checked.fields(line["applied"]))


def ledger_read(case, read):
    return ended(lambda: {entry.address: entry for entry in map(read, deepcopy(case.lines))})


def listed(case, blocks):
    body = orjson.dumps(case.rows)
    return ended(lambda: DtReader(OneAnswer(body, case.headers), case.publisher).placements(
        APP_ID, expected=False, blocks=blocks
    ))  # fmt: skip


def said(app, rows, ledger, options):
    """All that is made of an account: the verdicts, the plan's document and the audit."""
    desired, live = desired_state(app), LiveState((live_app(),), {APP_ID: rows})
    verdicts = verdicts_on(desired, live, ledger, options)
    plan = build(verdicts, owned_count(verdicts), ORIGIN)
    audit = audit_account(context_of(desired, live, ledger, options), ORIGIN.created_at, PUBLISHER, ORIGIN.api)
    return repr(verdicts), plan_text(plan), repr(audit)


def compare(case, random):
    """Whether the list was settled, after holding what is made of it to what is made of values that were all read."""
    app = case.app()
    assert recalled(app) == app
    assert repr(recalled(app)) == repr(app)
    quick_app = random.choice((recalled, lambda same: same))(app)
    read, quick = listed(case, None), listed(case, quick_app.placements)
    ledger, quick_ledger = ledger_read(case, plainly_read), ledger_read(case, entry_from_json)
    assert repr(quick_ledger) == repr(ledger)
    is_settled = isinstance(quick, SettledPlacements)
    if isinstance(ledger, dict) and not (isinstance(read, tuple) and read and isinstance(read[0], type)):
        drift = DriftRule(random.choice(("overwrite", "warn", "hold")))
        options = DiffOptions(NOW, habits=case.habits, drift=drift)
        assert said(quick_app, quick, quick_ledger, options) == said(app, read, ledger, options)
    assert quick == read
    assert repr(quick) == repr(read)
    if is_settled:
        assert list(quick.ids) == [each.id for each in read]
        by_name = {each.name: each for each in read}
        for place, block in enumerate(app.placements):
            assert quick.at(place) == by_name[block.fields["name"]]
            assert quick.found[place] == quick.at(place).id
    return is_settled


@pytest.mark.parametrize("seed", range(SEEDS))
def test_any_odd_account_comes_to_the_same_whether_its_values_are_read_or_not(seed):
    random = Random(seed)
    settled = 0
    for number in range(EACH):
        case = usual_case(random)
        for _ in range(random.choice((1, 1, 1, 2, 3))):
            mutate(case, random)
        try:
            settled += compare(case, random)
        except BaseException as error:
            error.add_note(f"seed {seed}, number {number}: {case}")
            raise
    assert settled >= EACH // 10, "most of what is odd in one way leaves a list that can be compared"


def test_the_usual_spellings_are_compared_and_nothing_of_them_is_read():
    random = Random(1)
    for _ in range(200):
        case = usual_case(random)
        app = recalled(case.app())
        rows = listed(case, app.placements)
        assert isinstance(rows, SettledPlacements), case
        assert not rows.differing, case
        ledger = ledger_read(case, entry_from_json)
        verdicts = verdicts_on(desired_state(app), LiveState((live_app(),), {APP_ID: rows}), ledger, DiffOptions(NOW))
        assert rows._made is None
        assert app.placements._made is None
        assert all(type(each.applied) is JsonFields for each in ledger.values() if isinstance(each, LedgerEntry))
        assert all(each.applied._made is None for each in ledger.values() if each.kind == "placement")
        assert len(verdicts) == (len(case.blocks) + 1) * (1 if ledger else 2)


class ReadsEveryValue:
    """A reader that compares nothing with blocks."""

    def __init__(self, reader):
        self.apps, self.find, self._placements = reader.apps, reader.find, reader.placements

    def placements(self, app_id, *, expected, blocks=None):
        del blocks
        return self._placements(app_id, expected=expected)


QUIRKS = [
    {},
    {"list_shape": "lone-object"},
    {"list_shape": "named", "ids": "number"},
    {"list_shape": "data", "own_ids": "id"},
    {"keys": "contrary", "off_blocks": "shown"},
    {"booleans": "text"},
    {"booleans": "empty-false", "keys": "plain"},
    {"names": "lower"},
    {"names": "cut16"},
    {"prices": 0.05, "drops": ("US",)},
    {"adds": {"GB": 1}, "hidden": ("coppa", "skipability")},
    {"empty_list": "null", "off_blocks": "shown"},
]


def planned(wire, case: Case, declared, read, *, compared):
    """The plan's document, or the error that making it ends with."""
    ledger = ledger_read(case, read)
    if not isinstance(ledger, dict):
        return ledger
    with wire.gateway() as gateway:
        reader = gateway if compared else ReadsEveryValue(gateway)
        selection = Selection(parallelism=1, habits=case.habits, only=("*/n*",) if len(case.blocks) % 3 == 0 else ())
        return ended(lambda: plan_text(make_plan(declared, reader, ledger, ORIGIN, selection)[0]))


@pytest.mark.parametrize("quirks", QUIRKS, ids=str)
def test_plans_of_odd_accounts_are_the_same_to_the_byte(quirks):
    random = Random(str(quirks))
    with Wire.running(**quirks) as wire:
        for _ in range(int(os.environ.get("ACCOUNTS_OF_A_QUIRK", "12"))):
            case = usual_case(random)
            wire.holds(app(APP_ID, BUNDLE), app("200", "com.other"), *odd_seeds(case, random))
            for _ in range(random.choice((0, 0, 1, 2))):
                random.choice((mutate_blocks, mutate_ledger))(case, random)
            case.lines = [line for line in case.lines if line["address"] != "android:com.other/x"]
            others = desired_app(bundle="com.other"), desired_app(bundle="com.third", managed=False)
            cold, warm = (desired_state(make(case.app()), *others) for make in (lambda same: same, recalled))
            read = planned(wire, case, cold, plainly_read, compared=False)
            assert planned(wire, case, warm, entry_from_json, compared=True) == read, case
            assert planned(wire, case, cold, entry_from_json, compared=True) == read, case
