"""Accounts that are as declared, in the words of an answer, and all that can be odd about one."""

import json
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from random import Random
from typing import Any

from support.builders import APP, APP_ID, at, desired_app, desired_placement

from reconciler.model.address import Address
from reconciler.model.habits import AccountHabits, LostUpdate
from reconciler.model.state import AcceptedDrift, DesiredApp, DesiredPlacement, Lifecycle
from reconciler.model.value import fields_to_json, to_json
from reconciler.sandbox.account import StoredResource
from reconciler.sandbox.quirks import Quirks
from reconciler.sandbox.spelling import response_object

PUBLISHER = "3432"
NAMES = ("north", "Lagoon", "quartz 2", "žluť", "blimp")
TYPES = ("Banner", "Rewarded", "Interstitial", "MREC")
PRICES = (0, 0.01, 0.05, 1, 1.25, 2, 12.345678, 999999.99)
COUNTRIES = ("US", "CA", "NO", "SE", "GB")


@dataclass
class Case:
    """An app with its blocks, its list as JSON, the headers of that, lines of the ledger, and what is known else."""

    blocks: list[DesiredPlacement]
    rows: Any
    lines: list[dict[str, Any]]
    headers: dict[str, str] = field(default_factory=dict)
    habits: AccountHabits = field(default_factory=AccountHabits)
    publisher: str | None = PUBLISHER
    done: list[str] = field(default_factory=list)

    def app(self) -> DesiredApp:
        return desired_app(*self.blocks)


def usual_case(random: Random) -> Case:
    """An account just as declared, in one of the spellings that there are; the ledger knows all of it, or nothing."""
    blocks = [_block(random, name) for name in random.sample(NAMES, random.randint(1, 4))]
    quirks = Quirks(
        keys=random.choice(("vendor", "plain", "contrary")),
        ids=random.choice(("string", "number")),
        own_ids=random.choice(("named", "named", "id")),
        off_blocks=random.choice(("absent", "shown")),
    )
    rows = [_row(block, str(1001 + number), quirks, random) for number, block in enumerate(blocks)]
    if random.random() < 0.3:
        random.shuffle(rows)
    if random.random() < 0.5:
        for row in rows:
            row["publisherId"] = PUBLISHER
    lines = [_line(block, str(1001 + number)) for number, block in enumerate(blocks)]
    app_line = {"address": APP, "id": APP_ID, "kind": "app", "applied": fields_to_json(desired_app().fields)}
    case = Case(blocks, rows, random.choice(([], [app_line, *lines], [app_line, *lines])))
    if random.random() < 0.2:
        case.rows = {random.choice(("placements", "data", "list")): case.rows}
    return case


def full_case() -> Case:
    """An account just as declared, plainly spelled, with every field and with values that others are equal to."""
    some = {
        "coppa": False, "status": "active", "floorPrices": {"WW": 1, "US": 0, "CA": 1.25},
        "capping": {"value": 1, "unit": "hour"}, "pacing": {"value": 1, "unit": "second"}, "targetingEnabled": True,
        "geo": {"include": True, "countries": ["SE", "US"]}, "connectivity": ["WIFI"],
    }  # fmt: skip
    off = {"geo": None, "connectivity": None, "capping": None, "pacing": None, "targetingEnabled": False}
    blocks = [
        desired_placement("b", placementType="Banner", bannerRefresh=1, **some),
        desired_placement("r", placementType="Rewarded", ssrConfig={"currency": "coins", "amount": 1}, **some),
        desired_placement("s", placementType="Rewarded", **{**some, **off, "ssrConfig": None}),
        desired_placement("i", creativeTypes=["display", "video"], skipability="NonSkippable", **some),
        desired_placement("few"),
    ]
    shown = Quirks(keys="plain", off_blocks="shown")
    rows = [_row(block, str(1001 + number), shown, Random(2)) for number, block in enumerate(blocks)]
    for row in rows:
        row["publisherId"] = PUBLISHER
    rows[2]["geo"] = {"include": True, "countries": []}
    return Case(blocks, rows, [_line(block, str(1001 + number)) for number, block in enumerate(blocks)])


def _block(random: Random, name: str) -> DesiredPlacement:
    kind = random.choice(TYPES)
    some: dict[str, Callable[[], Any]] = {
        "coppa": lambda: random.random() < 0.5,
        "status": lambda: random.choice(("active", "inactive")),
        "floorPrices": lambda: {
            country: random.choice(PRICES) for country in random.sample(COUNTRIES, random.randint(0, 4))
        },
        "capping": lambda: random.choice((None, {"value": random.randint(0, 3), "unit": "hour"})),
        "pacing": lambda: random.choice((None, {"value": 1, "unit": "second"})),
        "targetingEnabled": lambda: random.random() < 0.5,
        "geo": lambda: random.choice((
            None, {"include": random.random() < 0.5, "countries": random.sample(COUNTRIES, random.randint(1, 3))},
        )),
        "connectivity": lambda: random.choice((None, ["WIFI"], ["Cellular", "WIFI"])),
    }  # fmt: skip
    if kind == "Banner":
        some["bannerRefresh"] = lambda: random.choice((0, 1, 45))
    if kind == "Rewarded":
        some["ssrConfig"] = lambda: random.choice((None, {"currency": "coins", "amount": 10}))
    if kind == "Interstitial":
        some["creativeTypes"] = lambda: random.choice((["video"], ["display", "video"]))
        some["skipability"] = lambda: random.choice(("NonSkippable", "Skippable"))
    few = random.random() < 0.3
    declared = {key: make() for key, make in some.items() if random.random() < (0.4 if few else 0.9)}
    lifecycle = Lifecycle(protect=random.random() < 0.1)
    return desired_placement(name, placementType=kind, lifecycle=lifecycle, **declared)


def _row(block: DesiredPlacement, resource_id: str, quirks: Quirks, random: Random) -> dict[str, Any]:
    fields: dict[str, Any] = {"status": "active", "coppa": False, "floorPrices": {"WW": 0.01}}
    if random.random() < 0.3:
        fields |= {"capping": {"value": 2, "unit": "day"}, "geo": {"include": True, "countries": ["SE", "NO"]}}
        fields |= {"connectivity": ["WIFI", "Cellular"], "targetingEnabled": True}
    fields |= {name: to_json(value) for name, value in block.fields.items()}
    row = response_object(StoredResource("placement", resource_id, fields, APP_ID), quirks)
    if "rewardedConfig" in row and random.random() < 0.3:
        reward = row.pop("rewardedConfig")
        is_on = reward["rewardingType"] == "server"
        row["ssrConfig"] = {"currency": reward["currency"]["currency"], "amount": reward["amount"], "enabled": is_on}
    return json.loads(json.dumps(row))


def _line(block: DesiredPlacement, resource_id: str) -> dict[str, Any]:
    line = {"address": block.address, "id": resource_id, "kind": "placement", "applied": fields_to_json(block.fields)}
    return {**line, "protect": True} if block.lifecycle.protect else line


ODD = (
    None, True, False, 0, 1, 1.0, 0.0, -1, 2, 45.0, 10**18, 1e300, 0.1 + 0.2, 1.2500000000000002, 0.0100000001,
    "", " ", "true", "false", "TRUE", "0", "1", "null", "NaN", "active", "inactive", "Server", "client", "USD", "EUR",
    [], {}, [None], [{}], [[]], ["WIFI"], ["video", 5], ["US", "US"], ["us"], [True], {"country": "US", "price": 1},
    {"enabled": False}, {"enabled": "false"}, {"value": 1, "unit": "hour", "Value": 2}, {"currency": {}, "amount": 1},
    {"currency": {"currency": "a", "Currency": "b"}, "amount": 1}, "x" * 70, "ü", "a b",
)  # fmt: skip
KEYS = (
    "id", "ID", "placement_id", "placementId", "PlacementId", "appId", "app_id", "publisherId", "name", "Name",
    "createTypes", "creativeTypes", "ssrConfig", "rewardedConfig", "status", "error", "total", "nextPage", "currency",
    "enabled", "Enabled", "price", "country", "value", "unit", "include", "countries", "coppa", "geo", "capping",
    "bannerRefresh", "skipability", "floorPrices", "connectivity", "targetingEnabled", "rewardingType", "amount",
)  # fmt: skip


def _nodes(value: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) in a JSON value."""
    found = []
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in list(pairs):
        found.append((value, key))
        found += _nodes(part)
    return found


def _near(value: Any, random: Random) -> Any:
    """A value that is nearly the same, and perhaps equal."""
    near: list[Any] = [str(value), [value], value]
    if isinstance(value, bool):
        near += [not value, int(value), float(value), str(value).lower()]
    elif isinstance(value, int | float):
        near += [value + 1, -value, float(value), int(value), value * 1.0000001, value + 1e-9, bool(value), f" {value}"]
    elif isinstance(value, str):
        near += [value.upper(), value.lower(), f" {value}", f"{value} ", value + "x", value.swapcase(), [*value]]
        near += [int(value), float(value)] if value.isdigit() else []
    elif isinstance(value, list):
        near += [value[::-1], value * 2, [*value, *value[:1]], value[1:], [*value, None], tuple(map(str, value))]
        near += [{"list": value}, dict.fromkeys(map(str, value))]
    elif isinstance(value, dict):
        near += [{key.upper(): part for key, part in value.items()}, {**value, "more": 1}, list(value.items())]
        near += [dict(reversed(value.items())), {key: part for key, part in value.items() if random.random() < 0.7}]
    return deepcopy(random.choice(near))


def _mutate_json(value: Any, random: Random) -> str:
    """Change one place of a JSON value."""
    nodes = _nodes(value)
    if not nodes:
        return "nothing"
    holder, key = random.choice(nodes)
    kind = random.choice(("odd", "near", "near", "drop", "case", "double", "put", "rename"))
    if kind == "odd":
        holder[key] = deepcopy(random.choice(ODD))
    elif kind == "near":
        holder[key] = _near(holder[key], random)
    elif kind == "drop":
        del holder[key]
    elif isinstance(holder, list):
        holder.insert(key, _near(holder[key], random))
    elif kind == "case":
        spelled = random.choice((key.upper(), key.lower(), key.capitalize(), f"{key} "))
        holder[spelled] = holder.pop(key)
    elif kind == "double":
        other = holder[key] if random.random() < 0.5 else _near(holder[key], random)
        holder[random.choice((key.upper(), key.lower(), key.capitalize()))] = deepcopy(other)
    elif kind == "put":
        holder[random.choice(KEYS)] = deepcopy(random.choice((*ODD, holder[key])))
    else:
        holder[random.choice(KEYS)] = holder.pop(key)
    return f"{kind} {key}"


def _mutate_list(case: Case, random: Random) -> str:  # noqa: C901 - a branch for each kind
    """Change a list as a whole."""
    rows = case.rows if isinstance(case.rows, list) else next(iter(case.rows.values()), None) if case.rows else None
    if not isinstance(rows, list) or not rows:
        return "nothing"
    row = random.choice(rows)
    kind = random.choice(
        ("repeat", "twin", "drop", "more", "swap", "copy", "copy", "wrap", "wrap", "lone", "beside", "headers")
    )
    if kind == "repeat":
        rows.append(deepcopy(row))
    elif kind == "twin" and isinstance(row, dict):
        rows.append({**deepcopy(row), "placementId": random.choice(("1900", 1900, "1001"))})
    elif kind == "drop":
        rows.remove(row)
    elif kind == "more" and isinstance(row, dict):
        named = random.choice(("other", "", None, 7, row.get("name")))
        rows.append({**deepcopy(row), "placementId": "1900", "name": named})
    elif kind in {"swap", "copy"}:
        key = random.choice(("placementId", "name", "name", "id"))
        other = random.choice(rows)
        if isinstance(row, dict) and isinstance(other, dict) and key in row and key in other:
            row[key], other[key] = other[key], row[key] if kind == "swap" else other[key]
    elif kind == "wrap":
        case.rows = {random.choice(("placements", "data", "list", "Placements", "items")): case.rows}
    elif kind == "lone":
        case.rows = row
    elif kind == "beside":
        if isinstance(case.rows, list):
            case.rows = {"placements": case.rows}
        key = random.choice(("total", "nextPage", "appId", "error", "status", "pageSize", "data", "name"))
        case.rows[key] = random.choice((len(rows), len(rows) + 1, APP_ID, "200", "ok", None, True, [], "x"))
    else:
        case.headers = random.choice((
            {"Link": '<https://x>; rel="next"'}, {"X-Total-Count": str(len(rows))}, {"X-Total-Count": "99"},
        ))  # fmt: skip
    return kind


def mutate_blocks(case: Case, random: Random) -> str:  # noqa: C901 - a branch for each kind
    """Change what is declared."""
    place = random.randrange(len(case.blocks))
    block = case.blocks[place]
    kind = random.choice(("pin", "pin", "former", "absent", "lifecycle", "drop", "more", "field", "undeclare", "name"))
    changed: DesiredPlacement | None = block
    if kind == "pin":
        changed = replace(block, pin=random.choice((str(1001 + place), "1001", "1900")))
    elif kind == "former":
        changed = replace(block, renamed_from=random.choice(("old", *NAMES)))
    elif kind == "absent":
        changed = replace(block, state="absent")
    elif kind == "lifecycle":
        accepted = AcceptedDrift("status", "so it is", random.choice((None, date(2020, 1, 1), date(2030, 1, 1))))
        changed = replace(
            block,
            lifecycle=random.choice((
                Lifecycle(protect=True), Lifecycle(("coppa", "floorPrices.US", "name", "placementType")),
                Lifecycle(accept_drift=(accepted,)), Lifecycle(distinct=True),
            )),
        )  # fmt: skip
    elif kind == "drop":
        changed = None if len(case.blocks) > 1 else block
    elif kind == "more":
        case.blocks.append(desired_placement("north2"))
    elif kind == "field":
        fields = {**_block(random, "x").fields, "name": block.fields["name"]}
        changed = replace(block, fields={**block.fields, **fields})
    elif kind == "undeclare":
        gone = random.choice(list(block.fields))
        if gone not in {"name", "placementType"}:
            changed = replace(block, fields={key: value for key, value in block.fields.items() if key != gone})
    else:
        named = random.choice((*NAMES, str(block.fields["name"]).upper()))
        if at(named) not in {each.address for each in case.blocks}:
            changed = replace(block, address=at(named), fields={**block.fields, "name": named})
    case.blocks[place : place + 1] = [] if changed is None else [changed]
    return f"block {kind}"


def mutate_ledger(case: Case, random: Random) -> str:  # noqa: C901 - a branch for each kind
    """Change what is known from before."""
    kind = random.choice(("drop", "id", "json", "json", "flag", "moved", "more", "lost", "merge", "publisher", "app"))
    line = random.choice(case.lines) if case.lines else None
    if kind == "lost":
        update = LostUpdate("r", at("north"), {"status": "inactive", "coppa": True}, random.choice(((), ("status",))))
        case.habits = AccountHabits({"placement": "replaces"}, lost={("placement", "1001"): (update,)})
    elif kind == "merge":
        case.habits = AccountHabits(random.choice(({}, {"placement": "replaces"})), floors_merge=True)
    elif kind == "publisher":
        case.publisher = random.choice((None, "9"))
    elif kind == "more":
        address = random.choice((at("gone"), at("north"), at("x", Address("android:com.other"))))
        applied = {"name": "gone", "placementType": "MREC"}
        if address not in {each["address"] for each in case.lines}:
            case.lines.append({"address": address, "id": random.choice(("1001", "1900")), "applied": applied})
    elif line is None:
        return "nothing"
    elif kind == "drop":
        case.lines.remove(line)
    elif kind == "app":
        case.lines[:] = [each for each in case.lines if each is not line and each.get("kind") != "app"] or case.lines
    elif kind == "id":
        line["id"] = random.choice(("1001", "1002", "1900"))
    elif kind == "json":
        _mutate_json(line["applied"], random)
    elif kind == "flag":
        key, value = random.choice((
            ("protect", True), ("orphaned", True), ("inactiveSince", "2026-01-01T00:00:00+00:00"),
            ("unconfirmed", ["status", "geo"]), ("kept", {"status": "active"}), ("kept", {"floorPrices": {"WW": 3}}),
            ("protect", 1), ("unconfirmed", []),
        ))  # fmt: skip
        line[key] = value
    else:
        line["address"] = at("former")
    return f"ledger {kind}"


def mutate(case: Case, random: Random) -> None:
    """Make a case odd in one way; `done` says which."""
    kind = random.random()
    if kind < 0.55:
        case.done.append(_mutate_json(case.rows, random))
    elif kind < 0.7:
        case.done.append(_mutate_list(case, random))
    elif kind < 0.85:
        case.done.append(mutate_blocks(case, random))
    else:
        case.done.append(mutate_ledger(case, random))


def odd_seeds(case: Case, random: Random) -> list[dict[str, Any]]:
    """The placements of a case for the sandbox to hold, mostly as declared: some are gone, changed or somebody's."""
    seeds = []
    for number, block in enumerate(case.blocks):
        fields = {"status": "active", "coppa": False, **fields_to_json(block.fields)}
        if random.random() < 0.2:
            fields |= random.choice((
                {"status": "inactive"}, {"coppa": True}, {"floorPrices": {"WW": 2, "US": 3}}, {"name": "renamed"},
                {"capping": {"value": 9, "unit": "day"}}, {"connectivity": ["WIFI"], "targetingEnabled": True},
            ))  # fmt: skip
        if fields.get("geo") is None and fields.get("connectivity") is None:
            fields["targetingEnabled"] = False
        if random.random() > 0.1:
            seeds.append({"kind": "placement", "id": str(1001 + number), "appId": APP_ID, "fields": fields})
    if random.random() < 0.2:
        fields = {"name": random.choice((*NAMES, "stranger")), "placementType": "MREC", "status": "active"}
        seeds.append({"kind": "placement", "id": "1900", "appId": random.choice((APP_ID, "200")), "fields": fields})
    return seeds


NOW = datetime(2026, 6, 1, tzinfo=UTC)
