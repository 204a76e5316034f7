"""Worlds to hold the laws against: manifests, an account that differs from them, a ledger that knows some of it.

Each world says which block each live resource stands for, by how it was made and not by asking the program.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from support.builders import (
    desired_app,
    desired_placement,
    desired_state,
    entry,
    ledger_of,
    live_app,
    live_placement,
    live_state,
)
from support.fake_clock import START
from support.fake_gateway import Habits

from reconciler.model.address import Address, app_address, placement_address
from reconciler.model.ledger import Ledger, LedgerEntry
from reconciler.model.state import DesiredApp, DesiredPlacement, DesiredState, Lifecycle, LiveResource, LiveState

TYPES = ("Banner", "Rewarded", "Interstitial", "MREC")
NAMES = ("north", "lagoon", "quartz", "blimp")
STRANGERS = ("their_north", "umbrella")
ORPHANS = ("north2", "xylophone")
LONG_AGO = (START - timedelta(days=30)).isoformat(timespec="seconds")
LATELY = (START - timedelta(days=3)).isoformat(timespec="seconds")


@dataclass(frozen=True, slots=True)
class World:
    """`stands_for`: live id -> the block it belongs to. `strangers` are not ours. `may_go` may be deleted."""

    desired: DesiredState
    live: LiveState
    ledger: Ledger
    stands_for: Mapping[str, DesiredApp | DesiredPlacement]
    strangers: frozenset[str]
    may_be_deactivated: frozenset[str]
    may_go: frozenset[str]


@dataclass
class Draft:
    """A world in the making."""

    number: int = 0
    apps: list[DesiredApp] = field(default_factory=list)
    live: list[LiveResource] = field(default_factory=list)
    entries: list[LedgerEntry] = field(default_factory=list)
    stands_for: dict[str, DesiredApp | DesiredPlacement] = field(default_factory=dict)
    strangers: set[str] = field(default_factory=set)
    may_be_deactivated: set[str] = field(default_factory=set)
    may_go: set[str] = field(default_factory=set)

    def next_id(self) -> str:
        self.number += 1
        return str(self.number)


prices = st.sampled_from([0.01, 0.5, 1.2, 1.25, 3, 12])
floors = st.dictionaries(st.sampled_from(["WW", "US", "CA", "NO"]), prices, max_size=3)
frequencies = st.one_of(
    st.none(), st.fixed_dictionaries({"value": st.integers(1, 3), "unit": st.sampled_from(["hour", "day"])})
)
countries = st.lists(st.sampled_from(["BT", "SG", "SE"]), min_size=1, max_size=3, unique=True)
ANY_TYPE: dict[str, st.SearchStrategy[Any]] = {
    "coppa": st.booleans(),
    "status": st.sampled_from(["active", "inactive"]),
    "floorPrices": floors,
    "capping": frequencies,
    "pacing": frequencies,
    "targetingEnabled": st.booleans(),
    "geo": st.one_of(st.none(), st.fixed_dictionaries({"include": st.booleans(), "countries": countries})),
    "connectivity": st.one_of(st.none(), st.just(["WIFI"]), st.just(["WIFI", "Cellular"])),
}
OF_TYPE: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "Banner": {"bannerRefresh": st.integers(20, 60)},
    "Rewarded": {
        "ssrConfig": st.one_of(
            st.none(), st.fixed_dictionaries({"currency": st.just("coins"), "amount": st.sampled_from([1, 2, 2.5])})
        )
    },
    "Interstitial": {
        "creativeTypes": st.sampled_from([["video"], ["video", "display"]]),
        "skipability": st.sampled_from(["NonSkippable", "Skippable"]),
    },
    "MREC": {},
}
some_fields = {kind: st.fixed_dictionaries({}, optional={**ANY_TYPE, **own}) for kind, own in OF_TYPE.items()}
all_fields = {kind: st.fixed_dictionaries({**ANY_TYPE, **own}) for kind, own in OF_TYPE.items()}
app_fields = st.fixed_dictionaries(
    {},
    optional={
        "status": st.sampled_from(["active", "inactive"]),
        "rewardedAdUrl": st.sampled_from(["https://example.com/a", "https://example.com/b"]),
    },
)
lifecycles = st.one_of(
    st.just(Lifecycle()),
    st.just(Lifecycle()),
    st.builds(
        Lifecycle,
        st.lists(st.sampled_from(["status", "floorPrices.US", "capping", "capping.value"]), max_size=2).map(tuple),
        st.booleans(),
        st.just(()),
        st.booleans(),
    ),
)
WIDE = {code: code + 0xFEE0 for code in range(ord("a"), ord("z") + 1)}
ALIKE = {
    "upper": str.upper,
    "blank": "{} ".format,
    "unseen": "{}\u200b".format,
    "wide": lambda name: name.translate(WIDE),
}
alike = st.sampled_from(sorted(ALIKE)).map(ALIKE.__getitem__)
"""Ways to write a name that make another one of it, which looks like it."""
habits = st.builds(
    Habits,
    never_returned=st.sets(
        st.sampled_from(["floorPrices", "skipability", "capping", "ssrConfig", "creativeTypes", "coppa"]), max_size=2
    ).map(frozenset),
    store_name=st.sampled_from([str, str.upper]),
    silent=st.booleans(),
)


@st.composite
def worlds(draw: st.DrawFn, *, renamed: bool = True) -> World:
    """A world. `renamed`: some placements were renamed in the console, which only a ledger can tell."""
    draft = Draft()
    for bundle in draw(st.sampled_from([["com.a"], ["com.a", "com.b"]])):
        _add_app(draw, draft, bundle, renamed=renamed)
    if draw(st.booleans()):
        stranger = live_app(draft.next_id(), bundle="com.stranger")
        draft.live += [stranger, live_placement(draft.next_id(), "north", app_id=stranger.id)]
        draft.strangers |= {each.id for each in draft.live[-2:]}
    return World(
        desired_state(*draft.apps),
        live_state(*draft.live),
        ledger_of(*draft.entries),
        draft.stands_for,
        frozenset(draft.strangers),
        frozenset(draft.may_be_deactivated),
        frozenset(draft.may_go),
    )


def _add_app(draw: st.DrawFn, draft: Draft, bundle: str, *, renamed: bool) -> None:
    address = app_address("android", bundle)
    fields, exists = draw(app_fields), draw(st.integers(0, 3)) > 0
    app_id = draft.next_id() if exists else ""
    blocks = [
        _placement(draw, draft, address, app_id, name, renamed=renamed)
        for name in draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=4, unique=True))
    ]
    prune = draw(st.sampled_from(["report", "deactivate", "delete"]))
    lifecycle = Lifecycle(distinct=draw(st.booleans()))
    app = desired_app(*blocks, bundle=bundle, prune=prune, name=bundle, lifecycle=lifecycle, **fields)
    draft.apps.append(app)
    if not exists:
        if draw(st.booleans()):
            draft.live.append(live_app(draft.next_id(), bundle=bundle.upper(), name="another"))
            draft.strangers.add(draft.live[-1].id)
        return
    seen = {"rewardedAdUrl": "https://example.com/a", **(fields if draw(st.booleans()) else draw(app_fields))}
    draft.live.append(live_app(app_id, bundle=bundle, **{"name": bundle, **seen}))
    draft.stands_for[app_id] = app
    if draw(st.booleans()):
        draft.entries.append(entry(app, app_id))
    for name in draw(st.lists(st.sampled_from(STRANGERS), max_size=2, unique=True)):
        draft.live.append(_live(draw, draft.next_id(), name, app_id))
        draft.strangers.add(draft.live[-1].id)
    for name in draw(st.lists(st.sampled_from(ORPHANS), max_size=1)):
        _add_orphan(draw, draft, placement_address(address, name), app_id, prune)


def _live(draw: st.DrawFn, placement_id: str, name: str, app_id: str, **fields: Any) -> LiveResource:
    kind = fields.get("placementType") or draw(st.sampled_from(TYPES))
    drawn = draw(all_fields[kind])
    return live_placement(placement_id, name, app_id=app_id, **{**drawn, "placementType": kind, **fields})


def _placement(
    draw: st.DrawFn, draft: Draft, app: Address, app_id: str, name: str, *, renamed: bool
) -> DesiredPlacement:
    kind = draw(st.sampled_from(TYPES))
    fields = {"placementType": kind, **draw(some_fields[kind])}
    state = draw(st.sampled_from(["present", "present", "present", "absent"]))
    block = desired_placement(name, app=app, state=state, lifecycle=draw(lifecycles), **fields)
    fates = [
        "new",
        "same",
        "other",
        "other",
        "other type",
        "former name",
        "twin",
        "alike",
        *(["renamed"] if renamed else []),
    ]
    fate = draw(st.sampled_from(fates))
    if not app_id or fate == "new":
        return block
    if fate == "twin":
        block = replace(block, state="present")  # a tombstone goes on to the other twin once the first is gone
    if fate == "former name":
        block = replace(block, renamed_from=f"{name}_formerly")
    _add_live_placement(draw, draft, block, app_id, fate, ledger_tells=renamed)
    return block


def _add_live_placement(
    draw: st.DrawFn, draft: Draft, block: DesiredPlacement, app_id: str, fate: str, *, ledger_tells: bool
) -> None:
    """`ledger_tells` off: no twin that a ledger knows is one that nobody would take for it without the ledger."""
    kind, name = str(block.fields["placementType"]), str(block.fields["name"])
    kind = draw(st.sampled_from(TYPES)) if fate == "other type" else kind
    shown = {**block.fields} if fate == "same" else {}
    shown = {key: value for key, value in shown.items() if key not in {"name", "placementType"}}
    live_name = {"renamed": f"{name}_by_console", "former name": f"{name}_formerly"}.get(fate, name)
    live_name = draw(alike)(name) if fate == "alike" else live_name
    live = _live(draw, draft.next_id(), live_name, app_id, **{**shown, "placementType": kind})
    draft.live.append(live)
    known = fate == "renamed" or draw(st.booleans())
    if fate == "twin":
        asleep = {"status": "inactive"} if not ledger_tells and live.fields["status"] == "inactive" else {}
        draft.live.append(_live(draw, draft.next_id(), name, app_id, **asleep))
        both = [live, draft.live[-1]]
        active = [each for each in both if each.fields["status"] == "active"]
        if not known:
            draft.strangers |= {each.id for each in both if active != [each]}
            draft.stands_for.update({each.id: block for each in active if active == [each]})
            return
        draft.strangers.add(draft.live[-1].id)
    if fate == "alike" and not known:
        draft.strangers.add(live.id)
        return
    draft.stands_for[live.id] = block
    since = draw(st.sampled_from([None, LATELY, LONG_AGO])) if block.state == "absent" and known else None
    protect = block.lifecycle.protect
    if known:
        applied = draw(st.sampled_from([dict(block.fields), {"name": name}, {**live.fields, "name": name}]))
        address = block.address.replace(name, live_name) if fate == "former name" else block.address
        draft.entries.append(entry(Address(address), live.id, applied=applied, protect=protect, inactive_since=since))
    if block.state == "absent" and not protect:
        draft.may_be_deactivated.add(live.id)
        if since == LONG_AGO and live.fields["status"] == "inactive":
            draft.may_go.add(live.id)


def _add_orphan(draw: st.DrawFn, draft: Draft, address: Address, app_id: str, prune: str) -> None:
    live = _live(draw, draft.next_id(), address.partition("/")[2], app_id)
    since, protect = draw(st.sampled_from([None, LATELY, LONG_AGO])), draw(st.booleans())
    orphaned = draw(st.booleans())
    draft.live.append(live)
    draft.entries.append(
        entry(address, live.id, applied=live.fields, protect=protect, orphaned=orphaned, inactive_since=since)
    )
    if prune != "report" and not protect:
        draft.may_be_deactivated.add(live.id)
        if prune == "delete" and since == LONG_AGO and live.fields["status"] == "inactive":
            draft.may_go.add(live.id)
