"""What is compared as JSON comes to what reading every value comes to: the same verdicts, audits and errors."""

import json
import os
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from random import Random

import orjson
import pytest
from support.builders import APP, APP_ID, BUNDLE, desired_app, desired_state, live_app
from support.settled import NOW, PUBLISHER, Case, full_case, mutate, mutate_blocks, mutate_ledger, odd_seeds, usual_case
from support.wire import Wire, app

from reconciler.api.plan import recorded_apps
from reconciler.api.worker_process import ThisProcess
from reconciler.apis.management.gateway import DtReader
from reconciler.apis.management.wire.settled import judge, question
from reconciler.diff.changes import owned_count, summed_verdicts_on, verdicts_on
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
from reconciler.model.address import Address
from reconciler.model.habits import AccountHabits, LostUpdate
from reconciler.model.ledger import IndexedLedger, LedgerEntry, entry_from_json
from reconciler.model.settled import JsonFields, SettledPlacements
from reconciler.model.state import Lifecycle, LiveState
from reconciler.model.value import canonical_json
from reconciler.plan.document import plan_text
from reconciler.plan.plan import PlanOrigin, build
from reconciler.store.ledger_file import index_ledger
from reconciler.workflow.plan import make_plan
from reconciler.workflow.selection import Selection

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


def judged(case, blocks, ledger):
    """The list as a worker finds it settled, by lines of the ledger; an error or what was read where it does not."""

    def ask(asked, raw, body):
        lines = ledger.lines_in(raw.app).encode()
        return ThisProcess({"j": judge}).ask("j", question(asked), raw.raw, lines, body)

    body = orjson.dumps(case.rows)
    reader = DtReader(OneAnswer(body, case.headers), case.publisher, ask)
    return ended(lambda: reader.placements(APP_ID, expected=False, blocks=blocks))


def compare_judged(case, app, read, options):
    """Hold what workers find out to what reading every value comes to; whether they found all of the ledger so."""
    lines = [canonical_json(line) for line in case.lines]
    text = "".join(f"{line}\n" for line in lines)
    indexed = ended(lambda: index_ledger(Path("reconciler.lock"), text).entries)
    if not isinstance(indexed, IndexedLedger) or "\ud800" in text:
        return False
    ledger = ended(lambda: {entry.address: entry for entry in map(plainly_read, map(json.loads, lines))})
    declared = recalled(app)
    rows = judged(case, declared.placements, indexed)
    desired, live = desired_state(declared), LiveState((live_app(),), {APP_ID: rows})
    if isinstance(ledger, dict) and not (isinstance(read, tuple) and read and isinstance(read[0], type)):
        assert said(declared, rows, indexed, options) == said(app, read, ledger, options)
        verdicts = summed_verdicts_on(desired, live, indexed, options)
        plan = build(verdicts, owned_count(verdicts), ORIGIN)
        plain = verdicts_on(desired_state(app), LiveState((live_app(),), {APP_ID: read}), ledger, options)
        assert plan_text(plan) == plan_text(build(plain, owned_count(plain), ORIGIN))
    assert rows == read
    compared = [] if isinstance(rows, tuple) else list(recorded_apps(live, indexed))
    checked_ledger = ended(lambda: indexed.check(compared))
    assert (checked_ledger is None) is isinstance(ledger, dict), (checked_ledger, ledger)
    if isinstance(ledger, dict):
        assert dict(indexed) == ledger
    return bool(compared)


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
    compare_judged(case, app, read, DiffOptions(NOW, habits=case.habits))
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


def test_a_case_with_every_field_is_settled():
    case = full_case()
    rows = listed(case, case.app().placements)
    assert isinstance(rows, SettledPlacements)
    assert not rows.differing


def test_a_worker_finds_that_the_ledger_says_the_same():
    random = Random(1)
    case = full_case()
    assert compare_judged(case, case.app(), listed(case, None), DiffOptions(NOW))
    for _ in range(200):
        case = usual_case(random)
        found = compare_judged(case, case.app(), listed(case, None), DiffOptions(NOW))
        assert found or not case.lines, case


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


def put(place, *keys, **values):
    """Put values into the row at a place, or into a part of it."""

    def odd(case):
        holder = case.rows[place]
        for key in keys:
            holder = holder[key]
        holder.update(values)

    return odd


def taken(place, name, **values):
    """Take a key out of the row at a place, and put others."""

    def odd(case):
        del case.rows[place][name]
        case.rows[place].update(values)

    return odd


def line(place, **values):
    """Put values into a line of the ledger."""
    return lambda case: case.lines[place].update(values)


def applied(place, **values):
    """Put values into what a line of the ledger says was applied."""
    return lambda case: case.lines[place]["applied"].update(values)


REWARD = {"currency": "coins", "amount": 1}
ODD = {
    "another app by its other name": taken(0, "appId", app_id="999"),
    "the app by its other name": taken(0, "appId", app_id=APP_ID),
    "another app": put(0, appId="999"),
    "an app that is a boolean": put(0, appId=True),
    "another publisher": put(0, publisherId="9"),
    "an id in two spellings": put(0, PlacementId="5"),
    "an id with a zero before it": put(0, placementId="0"),
    "an id of zeros": put(0, placementId="000"),
    "an id of other digits": put(0, placementId="١٢"),
    "a long id": put(0, placementId="9" * 65),
    "an id that stands for none": put(0, placementId="null"),
    "an id with blanks": put(0, placementId=" 1001 "),
    "a name twice": put(0, name="r"),
    "an id twice": put(0, placementId="1002"),
    "a name that is a list": put(0, name=[]),
    "a field in two spellings": put(0, Coppa=True),
    "a field under two names": put(3, createTypes=["video"]),
    "a reward under two names": put(1, ssrConfig=REWARD | {"amount": 2}),
    "a field that is not there": taken(0, "coppa"),
    "a switch that is not there": taken(0, "targetingEnabled"),
    "a switch off that is not there": taken(2, "targetingEnabled"),
    "an undeclared block with a key in two spellings": put(4, capping={"value": 1, "unit": "day", "Value": 2}),
    "undeclared floors that are none": put(4, floorPrices=[{"country": 1, "price": []}]),
    "undeclared words that cannot be sorted": put(4, creativeTypes=["video", 5]),
    "undeclared words in a list": put(4, creativeTypes=[["video"]]),
    "a flag that is a number": put(0, coppa=0),
    "a flag that is a float": put(0, targetingEnabled=1.0),
    "a count that is a boolean": put(0, bannerRefresh=True),
    "a count that is a float": put(0, bannerRefresh=1.0),
    "a word in other case": put(0, status="Active"),
    "words twice": put(3, creativeTypes=["display", "video", "video"]),
    "words in another order": put(3, creativeTypes=["video", "display"]),
    "fewer words": put(3, creativeTypes=["display"]),
    "countries twice": put(0, "geo", countries=["SE", "US", "US"]),
    "a geo that includes by a number": put(0, "geo", include=1),
    "a geo with a key in two spellings": put(0, "geo", Countries=["NO"]),
    "a geo off with a key in two spellings": put(2, "geo", Countries=["NO"]),
    "a price that is a boolean": put(0, "floorPrices", 0, price=True),
    "a price with a currency": put(0, "floorPrices", 0, currency="EUR"),
    "a line twice": lambda case: case.rows[0]["floorPrices"].append(case.rows[0]["floorPrices"][0]),
    "a line more": lambda case: case.rows[0]["floorPrices"].append({"country": "NO", "price": 1}),
    "two prices for a country": lambda case: case.rows[0]["floorPrices"].insert(0, {"country": "US", "price": 9}),
    "no line": put(0, floorPrices=[]),
    "floors that are a table": put(0, floorPrices={"WW": 1, "US": 0, "CA": 1.25}),
    "a limit that is off": put(0, "capping", enabled=False),
    "a limit that is on by a number": put(0, "capping", enabled=1),
    "a limit that is off by a text": put(0, "capping", enabled="false"),
    "a limit by a boolean": put(0, "capping", value=True),
    "a limit by another unit": put(0, "capping", unit="day"),
    "a limit with a key in two spellings": put(0, "capping", Value=5),
    "a limit that is on": put(2, capping={"value": 1, "unit": "day", "enabled": True}),
    "a limit off with a key in two spellings": put(2, "capping", Enabled=True),
    "a reward that is off": taken(1, "rewardedConfig", ssrConfig=REWARD | {"enabled": False}),
    "a reward that is on by a number": taken(1, "rewardedConfig", ssrConfig=REWARD | {"enabled": 1}),
    "a reward that is on": taken(2, "rewardedConfig", ssrConfig=REWARD | {"enabled": True}),
    "a reward with a key in two spellings": taken(1, "rewardedConfig", ssrConfig=REWARD | {"Amount": 2}),
    "a reward by the client": put(1, "rewardedConfig", rewardingType="client"),
    "a reward by the server": put(2, rewardedConfig=REWARD | {"rewardingType": "server"}),
    "a reward by the server in two spellings": put(1, "rewardedConfig", RewardingType="client"),
    "no reward in two spellings": put(2, "rewardedConfig", RewardingType="server"),
    "a reward by a boolean": put(1, "rewardedConfig", amount=True),
    "a reward in another currency": put(1, "rewardedConfig", "currency", currency="gems"),
    "a reward in a currency in two spellings": put(1, "rewardedConfig", "currency", Currency="gems"),
    "fewer rows": lambda case: case.rows.pop(),
    "another pin": lambda case: case.blocks.__setitem__(0, replace(case.blocks[0], pin="1002")),
    "a tombstone": lambda case: case.blocks.__setitem__(0, replace(case.blocks[0], state="absent")),
    "a rename": lambda case: case.blocks.__setitem__(0, replace(case.blocks[0], renamed_from="r")),
    "protection": lambda case: case.blocks.__setitem__(0, replace(case.blocks[0], lifecycle=Lifecycle(protect=True))),
    "another id in the ledger": line(0, id="1900"),
    "an entry of a former name": line(0, address=f"{APP}/former"),
    "an entry more": lambda case: case.lines.append({**case.lines[0], "address": f"{APP}/more", "id": "1900"}),
    "what was never shown": line(0, unconfirmed=["coppa"]),
    "what is kept": line(0, kept={"status": "inactive"}),
    "an orphan": line(0, orphaned=True),
    "a quarantine": line(0, inactiveSince="2026-01-01T00:00:00+00:00"),
    "a protected entry": line(0, protect=True),
    "another value applied": applied(0, coppa=True),
    "a number applied for a flag": applied(0, coppa=0),
    "a boolean applied for a count": applied(0, bannerRefresh=True),
    "a boolean applied for a price": applied(0, floorPrices={"WW": True, "US": 0, "CA": 1.25}),
    "a boolean applied for a limit": applied(0, capping={"value": True, "unit": "hour"}),
    "a boolean applied for a reward": applied(1, ssrConfig={"currency": "coins", "amount": True}),
    "a number applied for a geo": applied(0, geo={"include": 1, "countries": ["SE", "US"]}),
    "half a geo applied": applied(0, geo={"include": True}),
    "countries applied that are none": applied(0, geo={"include": True, "countries": ["SE", 1]}),
    "too large a number applied": applied(0, bannerRefresh=2**60),
    "floors applied that are off": applied(0, floorPrices=None),
    "flags applied that are off": applied(0, coppa=None),
    "a geo applied with a key more": applied(0, geo={"include": True, "countries": ["SE", "US"], "more": 1}),
    "a reward applied with a key more": applied(1, ssrConfig=REWARD | {"more": 1}),
    "a limit applied with a key more": applied(0, capping={"value": 1, "unit": "hour", "more": 1}),
    "a price below all applied": applied(0, floorPrices={"WW": float("-inf")}),
    "infinite prices applied": applied(0, floorPrices={"WW": float("inf")}),
    "prices applied that hide one": applied(0, floorPrices={"WW": float("inf"), "US": float("-inf")}),
    "half a character applied": applied(0, floorPrices={"WW": 1, "\ud800": 1}),
    "a reset": lambda case: setattr(
        case,
        "habits",
        AccountHabits(lost={("placement", "1001"): (LostUpdate("r", Address(f"{APP}/b"), {"skipability": "x"}),)}),
    ),
}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
@pytest.mark.parametrize("known", [True, False], ids=["owned", "unowned"])
def test_what_is_odd_in_one_way_comes_to_the_same(odd, known):
    case = full_case()
    odd(case)
    case.lines = case.lines if known else []
    compare(case, Random(1))
    compare(case, Random(5))


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
