"""Random histories of an account: runs under chaos, then quiet ones; and what must hold at the end of each.

A history is its seed, which draws the account's habits too (`World`). `play` raises `Broken`, which names the seed,
where something does not hold.
"""

import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

from support.builders import desired_app, desired_placement, desired_state, entry, live_app, live_placement, origin
from support.chaos import (
    KEY,
    SETTLE_SECONDS,
    ChaoticGateway,
    ChaoticStore,
    Console,
    Fate,
    Killed,
    Odds,
    World,
    some_world,
)
from support.fake_clock import START, FakeClock
from support.fake_gateway import FakeGateway

from reconciler.apply.executor import Execution
from reconciler.diff.change import Blocked, Change, Create, Deactivate, Delete, Update
from reconciler.errors import ReconcilerError
from reconciler.model.address import Address, app_address, placement_address
from reconciler.model.journal import Result, past_creates
from reconciler.model.ledger import Ledger, LedgerEntry
from reconciler.model.state import (
    DesiredApp,
    DesiredPlacement,
    DesiredState,
    LiveResource,
    LiveState,
    Safety,
    live_app_address,
)
from reconciler.plan.plan import Plan
from reconciler.store.files import FileStore
from reconciler.store.ledger_file import LEDGER_NAME, ledger_text
from reconciler.workflow.apply import ApplyRequest, carry_out_plan
from reconciler.workflow.plan import PlanningContext, make_plan, make_settled_plan
from reconciler.workflow.selection import Selection

BETWEEN_QUIET_RUNS = 300.0
"""Seconds: more than a create may stay open, and more than anything lags."""
NAMES = ("north", "Lagoon_Edge", "quartz & <co>", "blimp_of_the_whole_world", "xylo ")
BUNDLES = ("com.a", "com.Bee_hive_of_the_world")
TYPES = ("Interstitial", "Rewarded", "Banner")
LONG_AGO, LATELY = ((START - timedelta(days=days)).isoformat(timespec="seconds") for days in (30, 3))
QUIET_RUNS = 3


class Broken(AssertionError):
    """A law that did not hold."""


class Nobody:
    """A `Listener` that does not listen."""

    def planned(self, steps: int) -> None:
        pass

    def begun(self, step: object) -> None: ...

    def ended(self, result: Result) -> None:
        pass


@dataclass
class Tally:
    """What histories came to, in numbers."""

    histories: int = 0
    runs: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    calls: int = 0

    def add(self, other: "Tally") -> None:
        """Count another tally in."""
        self.histories += other.histories
        self.runs.update(other.runs)
        self.outcomes.update(other.outcomes)
        self.calls += other.calls


@dataclass
class Draft:
    """An account and its manifests in the making."""

    chance: Random
    last_id: int = 0
    live: list[LiveResource] = field(default_factory=list)
    entries: list[LedgerEntry] = field(default_factory=list)
    strangers: set[str] = field(default_factory=set)

    def id(self) -> str:
        self.last_id += 1
        return str(self.last_id)

    def likely(self, odds: float) -> bool:
        return self.chance.random() < odds


def scratch() -> Path:
    """Where stores live: in memory where the machine has such a place, as every line of a journal is synced."""
    memory = Path("/dev/shm")
    return memory if memory.is_dir() else Path(tempfile.gettempdir())


def some_fields(chance: Random) -> dict[str, Any]:
    """Fields that a placement may declare or show."""
    fields: dict[str, Any] = {"floorPrices": {"US": chance.choice([1, 2.5, 4]), "WW": chance.choice([0.01, 0.5])}}
    if chance.random() < 0.4:
        fields["capping"] = chance.choice([None, {"value": chance.randint(1, 5), "unit": "day"}])
    if chance.random() < 0.3:
        fields["status"] = chance.choice(["active", "inactive"])
    if chance.random() < 0.3:
        fields["coppa"] = chance.choice([True, False])
    return fields


def some_app(draft: Draft, bundle: str) -> DesiredApp:
    """An app block with placements; some of it live, some of it known, beside things that are neither."""
    chance = draft.chance
    app = desired_app(bundle=bundle, name=bundle.upper(), prune=chance.choice(["report", "deactivate", "delete"]))
    app_id = draft.id() if draft.likely(0.75) else None
    if app_id is not None:
        url = {"rewardedAdUrl": "https://example.com/a"} if draft.likely(0.5) else {}
        draft.live.append(live_app(app_id, bundle=bundle, name=bundle.upper(), **url))
        if draft.likely(0.7):
            draft.entries.append(entry(app, app_id))
    names = chance.sample(NAMES, chance.randint(1, len(NAMES)))
    blocks = [some_placement(draft, app, app_id, name) for name in names]
    if app_id is not None:
        leftovers(draft, app, app_id)
    if app_id is not None and draft.likely(0.12):
        return on_its_way_out(draft, app, app_id)
    return replace(
        app,
        placements=tuple(blocks),
        fields={**app.fields, "rewardedAdUrl": chance.choice(["https://example.com/a", "https://example.com/b"])},
    )


def on_its_way_out(draft: Draft, app: DesiredApp, app_id: str) -> DesiredApp:
    """The block as a tombstone; the app has been inactive for long enough to be deleted."""
    draft.live = [
        live_app(app_id, bundle=str(app.fields["bundle"]), status="inactive") if each.id == app_id else each
        for each in draft.live
    ]
    draft.entries = [each for each in draft.entries if each.id != app_id]
    draft.entries.append(entry(app, app_id, inactive_since=LONG_AGO))
    return replace(app, state="absent", placements=None)


def some_placement(draft: Draft, app: DesiredApp, app_id: str | None, name: str) -> DesiredPlacement:
    chance = draft.chance
    declared = {"placementType": chance.choice(TYPES), "coppa": False, **some_fields(chance)}
    gone = draft.likely(0.12)
    block = desired_placement(name, app=app.address, state="absent" if gone else "present", **declared)
    if app_id is None or draft.likely(0.35):
        if app_id is not None and draft.likely(0.1):
            draft.entries.append(entry(block, draft.id()))
        return block
    shown = declared if draft.likely(0.4) else {**declared, **some_fields(chance)}
    if gone:
        shown = {**shown, "status": chance.choice(["active", "inactive", "inactive"])}
    placement_id = draft.id()
    draft.live.append(live_placement(placement_id, name, app_id=app_id, **shown))
    if draft.likely(0.75):
        since = chance.choice([LONG_AGO, LATELY, None]) if shown.get("status") == "inactive" and gone else None
        draft.entries.append(entry(block, placement_id, inactive_since=since))
    return block


def leftovers(draft: Draft, app: DesiredApp, app_id: str) -> None:
    """What no block names: an orphan (known to the ledger) and a stranger."""
    chance = draft.chance
    if draft.likely(0.3):
        orphan = draft.id()
        status = chance.choice(["active", "inactive"])
        draft.live.append(live_placement(orphan, "waif", app_id=app_id, status=status))
        since = chance.choice([LONG_AGO, None]) if status == "inactive" else None
        block = desired_placement("waif", app=app.address)
        draft.entries.append(entry(block, orphan, orphaned=True, inactive_since=since))
    if draft.likely(0.4):
        stranger = draft.id()
        draft.live.append(live_placement(stranger, "theirs", app_id=app_id, **some_fields(chance)))
        draft.strangers.add(stranger)


class History:
    """One account through its troubles."""

    def __init__(self, seed: object, *, parallelism: int = 1) -> None:
        self.seed = seed
        self.parallelism = parallelism
        self.chance = Random(f"history {seed}")
        self.clock = FakeClock()
        self.fate = Fate(seed, self.clock)
        self.console = Console()
        draft = Draft(self.chance)
        self.world = self.drawn_world(Random(f"world {seed}"))
        bundles = BUNDLES[: self.chance.choice([1, 1, 2])]
        apps = [some_app(draft, bundle) for bundle in bundles]
        if draft.likely(0.3):
            draft.live.append(live_app(draft.id(), bundle="com.stranger"))
            draft.strangers.add(str(draft.last_id))
        self.desired = desired_state(*apps, safety=Safety(settle_seconds=SETTLE_SECONDS))
        self.strangers = draft.strangers
        self.entries = draft.entries
        self.born = {each.id: each for each in draft.live}
        listed = [each for each in draft.live if each.kind == "app"]
        placements = {app.id: tuple(each for each in draft.live if each.app_id == app.id) for app in listed}
        self.account = FakeGateway(LiveState(tuple(listed), placements), self.world.habits, self.clock)
        self.gateway = ChaoticGateway(self.account, self.fate, self.console)
        self.tally = Tally(1)

    def drawn_world(self, chance: Random) -> World:
        """The habits of the account."""
        return some_world(chance)

    def play(self, folder: Path) -> Tally:
        """Live through it in a folder. Raises `Broken`."""
        root = folder / "s"
        root.mkdir()
        self.leave_ledger(root)
        for _ in range(self.chance.randint(1, 3)):
            root = self._chaotic_run(root)
        self._come_to_rest(root)
        self.tally.calls = self.gateway.calls
        return self.tally

    def leave_ledger(self, root: Path) -> None:
        (root / LEDGER_NAME).write_text(ledger_text({each.address: each for each in self.entries}))

    def _chaotic_run(self, root: Path) -> Path:
        chance = self.chance
        self.fate.odds = Odds(
            fault=chance.choice([0, 0.1, 0.1, 0.4]),
            omission=chance.choice([0, 0.3]),
            console=chance.choice([0, 0, 0.1]),
            death=chance.choice([0, 0.03, 0.1]),
            lost_store=chance.choice([0, 0, 0.03]),
            late=self.world.jitter,
            old_id=chance.choice([0, 0, 0.3]),
            echo=chance.choice([0, 0, 0.3]),
            late_commit=chance.choice([0, 0.3]) if self.world.latest_commit > 0 else 0,
            latest_commit=self.world.latest_commit,
        )
        try:
            plan, execution = self.run(root, recreate=chance.random() < 0.3)
        except Killed:
            self.tally.runs["killed"] += 1
            root = self.fate.died_at or root
        except ReconcilerError as ended:
            self.tally.runs["failed to plan"] += 1
            self.require("HTTP" in ended.message or "HTML" in ended.message or "disk" in ended.message, ended.message)
        else:
            self.tally.runs["ended"] += 1
            self.exact(plan, execution, quiet=False)
        self._nothing_lost()
        self._ledger_is_right(root)
        self.clock.advance(seconds=chance.choice([0, 0, 0.5, 60]))
        if chance.random() < 0.1:
            self.clock.advance(days=15)
        if chance.random() < 0.3:
            self.desired = self._moved(self.desired)
        return root

    def _come_to_rest(self, root: Path) -> None:
        for _ in range(QUIET_RUNS):
            self.clock.advance(seconds=BETWEEN_QUIET_RUNS)
            self.fate.odds = Odds(late=self.world.jitter)
            plan, execution = self.run(root, recreate=True)
            self.tally.runs["quiet"] += 1
            self.exact(plan, execution, quiet=True)
            self._nothing_lost()
            self._ledger_is_right(root)
        self.clock.advance(seconds=BETWEEN_QUIET_RUNS)
        self.fate.odds = Odds()
        plan, execution = self.run(root, recreate=True)
        left = [change for change in plan.changes if not self._may_stay(change, execution)]
        self.require(not left, f"the plan does not become empty: {left}: {execution.results}")
        self._nothing_lost()
        self._ledger_is_right(root)
        self._converged(root, {change.address for change in plan.changes})

    def run(self, root: Path, *, recreate: bool) -> tuple[Plan, Execution]:
        store = ChaoticStore(root, self.fate)
        self.console.touched.clear()
        self.gateway.deleted.clear()
        self.gateway.updated.clear()
        self.gateway.shown.clear()
        there = {each.id for each in self.everything()}
        with store.run({}) as run:
            ledger = store.ledger()
            self.gateway.known = frozenset(each.id for each in ledger.values())
            chosen = Selection(parallelism=self.parallelism, recreate=recreate)
            past = past_creates(store.events())

            def read_plan() -> tuple[Plan, LiveState]:
                made_at = origin(self.clock.now().isoformat(timespec="seconds"))
                return make_plan(self.desired, self.gateway, ledger, made_at, chosen, lambda: past)

            ground = PlanningContext(self.gateway, ledger, past)
            plan, live = make_settled_plan(read_plan, ground, SETTLE_SECONDS, self.clock, str)
            self.planned_deletes = {change.id for change in plan.changes if isinstance(change, Delete)}
            settle_seconds = past.settle_seconds(SETTLE_SECONDS)
            request = ApplyRequest(plan, live, ledger, self.gateway, run, settle_seconds)
            execution = carry_out_plan(request, self.clock, Nobody(), self.parallelism)
        self._only_ours_were_changed(plan, there)
        return plan, execution

    def _only_ours_were_changed(self, plan: Plan, there: set[str]) -> None:
        """Updates went to what the plan names, or to what was made since it began."""
        planned = {change.id for change in plan.changes if isinstance(change, Update | Deactivate)}
        strange = [each for each in self.gateway.updated if each in there and each not in planned]
        self.require(not strange, f"changed without a plan: {strange}")

    def _moved(self, desired: DesiredState) -> DesiredState:
        """The manifests after somebody's commit: other floors here and there."""
        chance = self.chance

        def moved(block: DesiredPlacement) -> DesiredPlacement:
            if chance.random() < 0.6:
                return block
            fresh = desired_placement("x", **some_fields(chance)).fields["floorPrices"]
            return replace(block, fields={**block.fields, "floorPrices": fresh})

        return replace(
            desired,
            apps=tuple(
                replace(app, placements=tuple(map(moved, app.placements or ()))) if app.placements else app
                for app in desired.apps
            ),
        )

    def require(self, holds: bool, what: str) -> None:
        if not holds:
            raise Broken(f"seed {self.seed}: {what}")

    def _nothing_lost(self) -> None:
        """No twins, nothing deleted that was not planned, strangers as they were."""
        strange = [each for each in self.gateway.deleted if each not in self.planned_deletes]
        self.require(not strange, f"deleted without a plan: {strange}")
        self.require(not self.twins(), f"twins: {self.twins()}")
        born = {each: self.born[each].fields for each in self.strangers}
        made = {each.id: each.fields for each in self.console.made}
        for stranger, fields in {**born, **made}.items():
            if stranger in self.console.gone or self._went_with_its_app(stranger):
                continue
            shown = self.account.resource(stranger)
            self.require(shown is not None, f"stranger {stranger} is gone")
            wanted = {**fields, **self.console.edits.get(stranger, {})}
            self.require(shown is not None and shown.fields == wanted, f"stranger {stranger} was changed")

    def twins(self) -> list[Address]:
        """Identities that several live resources carry, or that several were made for, whatever they are called now."""
        everything = list(self.everything())
        homes = Counter((each.app_id, each.name) for each in everything if each.kind == "placement")
        apps = Counter(live_app_address(each) for each in everything if each.kind == "app")
        meant = Counter(filter(None, (self.meant_as(each) for each in everything)))
        carried = {self._address_in(app_id, name) for (app_id, name), count in homes.items() if count > 1}
        several = {address for counts in (apps, meant) for address, count in counts.items() if count > 1}
        return sorted(several | carried)

    def meant_as(self, live: LiveResource) -> Address | None:
        """The address that a resource was made for, or that it had at first; None where its app is gone."""
        fields = self.account.sent_for.get(live.id) or self.born[live.id].fields
        if live.kind == "app":
            return app_address(str(fields["platform"]), str(fields["bundle"]))
        return self._address_in(live.app_id, str(fields["name"]))

    def _address_in(self, app_id: str | None, name: str) -> Address:
        app = self.account.resource(app_id or "")
        home = self.meant_as(app) if app is not None else None
        return placement_address(home or app_address("android", "gone"), name)

    def _went_with_its_app(self, stranger: str) -> bool:
        """Whether somebody made a placement that no list showed yet in an app that was being deleted."""
        homes = {each.app_id for each in self.console.made if each.id == stranger}
        return self.world.lags and any(self.account.resource(home or "") is None for home in homes)

    def _ledger_is_right(self, root: Path) -> None:
        """Each id stands for one address, the one that it was known by, was made for, or had when it was adopted."""
        ledger: Ledger = FileStore(root, self.clock, key=KEY).ledger()
        twice = [each for each, count in Counter(each.id for each in ledger.values()).items() if count > 1]
        self.require(not twice, f"ids that the ledger has twice: {twice}")
        known = {each.address: each.id for each in self.entries}
        for address, known_as in ledger.items():
            live = self.account.resource(known_as.id)
            if live is not None and known.get(address) != known_as.id:
                self.require(self.meant_as(live) == address, f"the ledger has {live} for {address}")

    def everything(self) -> Iterator[LiveResource]:
        state = self.account.state()
        yield from state.apps
        for placements in state.placements.values():
            yield from placements

    def exact(self, plan: Plan, execution: Execution, *, quiet: bool) -> None:
        """Each outcome is true of the account; a quiet run has no doubtful ones."""
        results = {(each.address, each.action): each for each in execution.results}
        self.require(len(results) == len(plan.changes), "not one result for each change")
        for change in plan.changes:
            if isinstance(change, Blocked):
                continue
            result = next(each for (address, _), each in results.items() if address == change.address)
            self.tally.outcomes[result.outcome] += 1
            if quiet:
                self.require(result.outcome in self._quiet_outcomes(), f"a quiet run left {result}")
            if result.id not in self.console.touched and getattr(change, "app_id", None) not in self.console.gone:
                self._true(change, result)

    def _quiet_outcomes(self) -> set[str]:
        """How steps may end where nothing fails, in this world."""
        outcomes = {"applied"}
        if self.world.lags:
            outcomes.add("unverified")
        if self.world.habits.keeps is not None:
            outcomes.add("normalised")
        if self.world.habits.echoes_normalised:
            outcomes.add("failed")  # what is echoed and not kept cannot be told from what was not done
        if self._doubtful():
            outcomes |= {"unknown", "skipped"}
        return outcomes

    def _doubtful(self) -> bool:
        """Whether there may be resources of which nobody can tell what they were made for."""
        return self.world.habits.keeps is not None or self.world.habits.old_ids != "none" or self.gateway.old_ids > 0

    def _true(self, change: Change, result: Result) -> None:
        live = self.account.resource(result.id) if result.id is not None else None
        done = _is_done(change, live)
        if result.outcome == "applied":
            self.require(done, f"{result} is not so: {live}")
        if result.outcome == "failed" and not self.world.lags:  # a run that was killed may have done it before
            self.require(not done, f"{result} was done: {live}")
        if result.outcome in {"failed", "unknown", "unverified", "normalised"}:
            self.require(result.outcome == "normalised" or bool(result.error), f"{result} does not say why")
        if result.outcome == "normalised":
            self.require(live is not None and self.world.habits.keeps is not None, f"{result} without a cause")
            kept = dict(getattr(result, "kept", None) or {})
            assert live is not None
            told = {path: _value_at(live.fields, path) for path in kept}
            self.require(bool(kept) and told == kept, f"{result} is not what is kept: {live}")
        if result.outcome == "failed" and isinstance(change, Create) and result.id is None:
            made = [each.id for each in self.everything() if each.id in self.account.sent_for]
            meant = [each for each in made if self._meant_as_live(each) == change.address]
            self.require(not meant, f"{result} was made: {meant}")

    def _meant_as_live(self, resource_id: str) -> Address | None:
        live = self.account.resource(resource_id)
        return None if live is None else self.meant_as(live)

    def _may_stay(self, change: Change, execution: Execution) -> bool:
        if isinstance(change, Blocked) and any(
            why in change.reason for why in ("suspected", "are not ours", "may have made")
        ):
            return True
        result = next(each for each in execution.results if each.address == change.address)
        told = bool(result.error) or result.outcome == "normalised"
        if self.world.habits.echoes_normalised and result.outcome == "failed":
            return True
        return self._doubtful() and told and result.outcome in {"blocked", "unknown", "normalised", "skipped"}

    def _converged(self, root: Path, left: set[Address]) -> None:
        """Live is as declared, field by field, and the ledger knows every id; but for the addresses that are left."""
        ledger = FileStore(root, self.clock, key=KEY).ledger()
        there = {self.meant_as(each): each for each in self.everything()}
        for app in self.desired.apps:
            home = there.get(app.address)
            if app.state == "absent":
                self.require(home is None or home.fields["status"] == "inactive", f"{app.address} is active")
                continue
            if app.address in left:
                continue
            self.require(home is not None, f"{app.address} is not there")
            assert home is not None
            self._as_declared(app, home, ledger)
            for block in app.placements or ():
                live = there.get(block.address)
                if block.state == "absent":
                    self.require(live is None or live.fields["status"] == "inactive", f"{block.address} is active")
                elif block.address not in left:
                    self.require(live is not None, f"{block.address} is not there")
                    assert live is not None
                    self._as_declared(block, live, ledger)

    def _as_declared(self, block: DesiredApp | DesiredPlacement, live: LiveResource, ledger: Ledger) -> None:
        if isinstance(block, DesiredPlacement) and live.fields["placementType"] != block.fields["placementType"]:
            return
        keeps = self.world.habits.keeps
        kept = block.fields if keeps is None else keeps(live.kind, block.fields)
        known = ledger.get(block.address)
        self.require(known is not None and known.id == live.id, f"the ledger has {known} for {live.id}")
        assert known is not None
        differ = {name for name in block.fields if live.fields.get(name) not in (block.fields[name], kept[name])}
        # What the console sets between a write and the reading after it is told as what the account keeps.
        edited = self.console.edits.get(live.id, {}).keys() & known.kept.keys()
        differ -= {name for name in edited if known.kept[name] == live.fields.get(name)}
        self.require(not differ, f"{block.address} differs in {sorted(differ)}: {live.fields}")
        if live.id in self.born:
            touched = self.console.edits.get(live.id, {})
            before = {**self.born[live.id].fields, **touched}
            moved = {name for name, value in before.items() if name not in block.fields and live.fields[name] != value}
            self.require(not moved, f"undeclared fields of {block.address} moved: {sorted(moved)}")


def _value_at(fields: Any, path: str) -> Any:
    """The value at a dotted path, None where there is none."""
    if path in fields:
        return fields[path]
    head, _, rest = path.partition(".")
    return _value_at(fields[head], rest) if rest and isinstance(fields.get(head), dict) else None


def _is_done(change: Change, live: LiveResource | None) -> bool:
    match change:
        case Delete():
            return live is None
        case Deactivate():
            return live is not None and live.fields.get("status") == "inactive"
        case Create() | Update():
            sent = {name: value for name, value in change.send.items() if (change.app_id, name) != (None, "name")}
            return live is not None and all(live.fields.get(name) == value for name, value in sent.items())
        case Blocked():
            return False


def play(seed: object, *, parallelism: int = 1) -> Tally:
    """One history from beginning to end. Raises `Broken`."""
    return played(History(seed, parallelism=parallelism))


def played(history: History) -> Tally:
    """Live through a history in a folder of its own. Raises `Broken`, whatever went wrong."""
    with tempfile.TemporaryDirectory(dir=scratch(), prefix="history-") as folder:
        try:
            return history.play(Path(folder))
        except Broken:
            raise
        except Exception as bug:
            raise Broken(f"seed {history.seed}: {type(bug).__name__}: {bug}") from bug
